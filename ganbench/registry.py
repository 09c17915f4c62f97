# SPDX-License-Identifier: MIT
"""What can be named: models, tricks, losses, datasets, metrics, feature networks.

A registry finds its entries by reading source files, without importing them: a package's own
modules, the entry points of installed packages, and any ``file.py`` that the user names. So a
listing needs no torch, and a broken file does not hide the others. What a notebook or a script
registers is found in its namespace, and what is handed over as an object is added by ``add``.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar, overload

from ganbench.entries import (
    Entry,
    Form,
    canonical,
    derives_from,
    entry_of,
    entry_of_point,
    function_of,
    scan,
)
from ganbench.errors import ConfigError, GanbenchError, InputError, UnknownNameError, suggest

__all__ = [
    "FILE",
    "KINDS",
    "Entry",
    "Registry",
    "canonical",
    "datasets",
    "is_file_name",
    "losses",
    "metrics",
    "models",
    "name_of",
    "networks",
    "register",
    "scan",
    "tricks",
]

T = TypeVar("T")

_MARK = "__ganbench_name__"
_FILE_MODULE = "ganbench_file_"
FILE = "__ganbench_file__"
"""The attribute that keeps how the user named the file from which an entry was loaded."""


@overload
def register(target: str, /) -> Callable[[T], T]: ...
@overload
def register() -> Callable[[T], T]: ...
@overload
def register(target: T, /) -> T: ...
def register(target: Any = None, /) -> Any:
    """Register a function or class: ``@register``, ``@register()`` or ``@register("its-name")``.

    A value that has a name, such as a loss, is registered by
    ``my_loss = register(additive("my-loss", ...))``, with its docstring in the line below.

    The mark changes nothing else: no global table is touched, so importing a file has no effect
    on what other code can see. Without a name, ``wgan_gp`` becomes ``wgan-gp``.
    """
    if target is None or isinstance(target, str):
        return lambda entry: _marked(entry, _own_name(entry) if target is None else target)
    return _marked(target, _own_name(target))


def _own_name(entry: object) -> str:
    """Return what a function, class or named value calls itself."""
    name = getattr(entry, "__name__", None) or getattr(entry, "name", None)
    if not isinstance(name, str):
        raise ConfigError(
            f"A {type(entry).__name__} cannot be registered: it has no name.",
            "Register a function, a class, or a loss.",
        )
    return name


def _marked(entry: T, name: str) -> T:
    _set(entry, _MARK, canonical(name))
    return entry


def _set(entry: object, attribute: str, value: str) -> None:
    """Set an attribute, also of a frozen dataclass."""
    plain = isinstance(entry, type) or inspect.isfunction(entry)
    (setattr if plain else object.__setattr__)(entry, attribute, value)


def name_of(entry: object) -> str:
    """Return the name under which a marked function, class or instance is registered."""
    return str(getattr(entry, _MARK))


class Registry(Generic[T]):
    """Named entries of one kind, found in a package, in entry points, files and the session.

    Args:
        kind: What an entry is, in messages: ``model``.
        package: The package, or the single module, that holds ganbench's own entries.
        group: The group of entry points by which other packages add theirs.
        forms: Which forms an entry may have: of a file's definitions the others are passed over.
        fits: Whether an object of a notebook or script is an entry of this kind.
    """

    def __init__(
        self,
        kind: str,
        package: str,
        group: str,
        *,
        forms: tuple[Form, ...] = ("function", "class", "value"),
        fits: Callable[[object], bool] = lambda entry: True,
    ) -> None:
        self.kind = kind
        self.package = package
        self.group = group
        self.problems: list[str] = []
        """What was wrong with sources that could not be read, once ``entries`` has looked."""
        self._forms = forms
        self._fits = fits
        self._installed: dict[str, Entry] | None = None
        self._loaded: dict[str, T] = {}
        self._added: dict[str, T] = {}

    def entries(self) -> dict[str, Entry]:
        """Return every entry by name, in alphabetical order.

        Raises:
            ConfigError: two entries carry one name; the message names both origins.
        """
        if self._installed is None:
            self.problems.clear()
            installed: dict[str, Entry] = {}
            for entry in (*self._scan_package(), *self._scan_entry_points()):
                self._insert(installed, entry)
            self._installed = dict(sorted(installed.items()))
        session = self._session()
        if not session:
            return self._installed
        together = dict(self._installed)
        for name, value in session.items():
            self._insert(together, entry_of(name, value))
        return dict(sorted(together.items()))

    def names(self, pattern: str = "*") -> list[str]:
        """Return the names that match a glob."""
        return [name for name in self.entries() if fnmatch(name, canonical(pattern))]

    def entry(self, name: str) -> Entry:
        """Return the entry called ``name``, or the one in a file named as ``path.py[:name]``.

        Raises:
            UnknownNameError: no such name; the message suggests the nearest.
            InputError: the file does not exist or holds no single entry.
        """
        if is_file_name(name):
            return self._entry_in_file(name)
        entries = self.entries()
        key = canonical(name)
        if key not in entries:
            sentences = [f"Unknown {self.kind} '{name}'.", suggest(key, entries), *self.problems]
            raise UnknownNameError(
                " ".join(filter(None, sentences)),
                f"There are: {', '.join(entries)}." if entries else "",
            )
        return entries[key]

    def get(self, name: str) -> T:
        """Import and return what is registered as ``name`` (errors as in ``entry``)."""
        entry = self.entry(name)
        if not is_file_name(name) and (value := self._session().get(entry.name)) is not None:
            return value
        key = entry.origin
        if key not in self._loaded:
            value = getattr(_import(entry), entry.attribute, None)
            if value is None:
                raise GanbenchError(f"{entry.origin} no longer defines {entry.attribute}.")
            if not hasattr(value, _MARK):
                _set(value, _MARK, entry.name)
            if entry.form == "value" and canonical(_own_name(value)) != entry.name:
                raise ConfigError(
                    f"{entry.origin}: the {self.kind} {entry.attribute} calls itself "
                    f"'{_own_name(value)}'.",
                    f"Call it '{entry.name}', as its variable.",
                )
            if is_file_name(name):
                _set(value, FILE, name)
            self._loaded[key] = value
        return self._loaded[key]

    def add(self, value: T) -> str:
        """Take an object in for this session, and return the name that it goes by.

        An object that is registered already keeps its name; another one of that name that was
        added before gives way, as a notebook's cell is often executed again.

        Raises:
            ConfigError: it is no such thing, has no name, or takes the name of another entry.
        """
        if not self._fits(value):
            raise ConfigError(f"{value!r} is no {self.kind}.")
        if _MARK not in vars(value):
            _marked(value, _own_name(value))
        name = name_of(value)
        self._added.pop(name, None)
        if name not in self.entries():
            self._added[name] = value
        elif self.get(name) is not value:
            raise ConfigError(
                f"A {self.kind} called '{name}' exists: {self.entry(name).origin}.",
                'Give yours another name: @register("my-name").',
            )
        return name

    def is_own(self, entry: Entry) -> bool:
        """Tell whether an entry is one of those that are part of ganbench."""
        return entry.module == self.package or entry.module.startswith(f"{self.package}.")

    def _insert(self, entries: dict[str, Entry], entry: Entry) -> None:
        if entry.form not in self._forms:
            return
        if entry.name in entries:
            raise ConfigError(
                f"Two {self.kind}s are called '{entry.name}': "
                f"{entries[entry.name].origin} and {entry.origin}.",
                "Rename one of them in its @register.",
            )
        entries[entry.name] = entry

    def _session(self) -> dict[str, T]:
        """Return what this process has defined itself, in its script or notebook, by name."""
        script = vars(sys.modules["__main__"]).values() if "__main__" in sys.modules else ()
        own = {
            name_of(value): value
            for value in list(script)
            if getattr(value, "__module__", None) == "__main__"
            and _MARK in getattr(value, "__dict__", {})
            and self._fits(value)
        }
        return {**self._added, **own}

    def _scan_package(self) -> Iterator[Entry]:
        spec = importlib.util.find_spec(self.package)
        if spec is None:
            return
        if spec.submodule_search_locations is None and spec.origin:
            yield from self._readable(partial(_scanned, Path(spec.origin), self.package))
        for location in spec.submodule_search_locations or ():
            for path in sorted(Path(location).glob("*.py")):
                if not path.name.startswith("_"):
                    module = f"{self.package}.{path.stem}"
                    yield from self._readable(partial(_scanned, path, module))

    def _scan_entry_points(self) -> Iterator[Entry]:
        for point in entry_points(group=self.group):
            yield from self._readable(partial(entry_of_point, point, self._forms[0]))

    def _readable(self, look: Callable[[], list[Entry]]) -> list[Entry]:
        """Return the entries of a source; one that is broken does not hide the others."""
        try:
            return look()
        except InputError as error:
            self.problems.append(error.message)
            return []

    def _entry_in_file(self, name: str) -> Entry:
        path_text, separator, wanted = name.partition(".py:")
        path = Path(path_text + ".py" if separator else name).expanduser()
        if not path.is_file():
            raise InputError(f"There is no file {path} to read a {self.kind} from.")
        entries = [
            entry
            for entry in scan(path.resolve(), f"{_FILE_MODULE}{path.stem}")
            if entry.form in self._forms and (not wanted or entry.name == canonical(wanted))
        ]
        if len(entries) == 1:
            return entries[0]
        if not entries:
            raise InputError(
                f"{path} registers no {self.kind}{f' {wanted!r}' if wanted else ''}.",
                "Put @register (from ganbench import register) above its function.",
            )
        listed = ", ".join(entry.name for entry in entries)
        raise InputError(
            f"{path} registers several {self.kind}s: {listed}.",
            f"Name one: {path}:{entries[0].name}.",
        )


def is_file_name(name: str) -> bool:
    """Tell whether a name means a Python file: ``./mygan.py`` or ``mygan.py:variant``."""
    return name.endswith(".py") or ".py:" in name


def _scanned(path: Path, module: str) -> list[Entry]:
    return list(scan(path, module))


def _import(entry: Entry) -> ModuleType:
    """Import the module of an entry; a file outside any package is loaded from its path."""
    try:
        if not entry.module.startswith(_FILE_MODULE):
            return importlib.import_module(entry.module)
        assert entry.path is not None
        return _execute(entry.module, entry.path)
    except GanbenchError:
        raise
    except Exception as error:
        where = entry.path or entry.module
        raise InputError(f"{where} cannot be imported: {error}.") from error


def _execute(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up while it is executed
    spec.loader.exec_module(module)
    return module


models: Registry[Any] = Registry(
    "model", "ganbench.zoo", "ganbench.models", forms=("function",), fits=function_of("*")
)
tricks: Registry[Any] = Registry(
    "trick",
    "ganbench.tricks",
    "ganbench.tricks",
    forms=("class",),
    fits=derives_from("ganbench.trick.Trick"),
)
losses: Registry[Any] = Registry(
    "loss",
    "ganbench.losses",
    "ganbench.losses",
    forms=("value",),
    fits=lambda entry: type(entry).__name__ == "Loss",
)
datasets: Registry[Any] = Registry(
    "dataset",
    "ganbench.datasets",
    "ganbench.datasets",
    forms=("function", "class"),
    fits=function_of("root"),
)
metrics: Registry[Any] = Registry(
    "metric",
    "ganbench.metrics",
    "ganbench.metrics",
    forms=("class",),
    fits=derives_from("ganbench.evaluation.metric.Metric"),
)
networks: Registry[Any] = Registry(
    "feature network",
    "ganbench.networks",
    "ganbench.networks",
    forms=("function",),
    fits=function_of(""),
)
KINDS: dict[str, Registry[Any]] = {
    "models": models,
    "tricks": tricks,
    "losses": losses,
    "datasets": datasets,
    "metrics": metrics,
    "networks": networks,
}
"""Every registry by the plural that ``ganbench ls`` takes."""
