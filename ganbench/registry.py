# SPDX-License-Identifier: MIT
"""Registries of what has a name: models, tricks, losses, datasets, metrics, networks, loggers.

A registry finds its entries by reading source files, without importing them: ganbench's own
modules, the entry points of installed packages, and any ``file.py`` that the user names. A listing
therefore needs no torch, and a broken file does not hide the others. What a notebook or a script
registers is found in its namespace; an object that is passed as an argument is added by ``add``.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatch
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar, overload

from ganbench.entries import (
    Entry,
    Form,
    canonical,
    derives_from,
    entry_in_file,
    entry_of,
    entry_of_point,
    function_of,
    import_module_of,
    is_backbone,
    is_model,
    scan,
)
from ganbench.errors import ConfigError, GanbenchError, InputError, UnknownNameError, suggest
from ganbench.siblings import file_digest

__all__ = [
    "FILE",
    "KINDS",
    "Entry",
    "Registry",
    "backbones",
    "canonical",
    "datasets",
    "forget_changed_files",
    "is_file_name",
    "loggers",
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
FILE = "__ganbench_file__"
"""The attribute that holds the user's name for the file that an entry was loaded from."""


@overload
def register(target: str, /) -> Callable[[T], T]: ...
@overload
def register() -> Callable[[T], T]: ...
@overload
def register(target: T, /) -> T: ...
def register(target: Any = None, /) -> Any:
    """Register a function or class: ``@register``, ``@register()`` or ``@register("its-name")``.

    A value that has a name, such as a loss, is registered by
    ``my_loss = register(additive("my-loss", ...))``, with its docstring on the line below.

    Registering only marks the object: no global table is touched, so importing a file has no
    effect on what other code can see. Without a name, ``wgan_gp`` becomes ``wgan-gp``.

    Raises:
        ConfigError: A value has no name.
    """
    if target is None or isinstance(target, str):
        return lambda entry: _marked(entry, _own_name(entry) if target is None else target)
    return _marked(target, _own_name(target))


def _own_name(entry: object) -> str:
    """Return the name that a function, class or named value has in itself."""
    name = getattr(entry, "__name__", None) or getattr(entry, "name", None)
    if not isinstance(name, str):
        raise ConfigError(
            f"An object of type {type(entry).__name__} cannot be registered: it has no name.",
            "Register a function, a class, or a loss.",
        )
    return name


def _marked(entry: T, name: str) -> T:
    """Return an entry after its registered name has been attached to it."""
    _set(entry, _MARK, canonical(name))
    return entry


def _set(entry: object, attribute: str, value: str) -> None:
    """Set an attribute of any object, even of a frozen dataclass."""
    plain = isinstance(entry, type) or inspect.isfunction(entry)
    (setattr if plain else object.__setattr__)(entry, attribute, value)


def name_of(entry: object) -> str:
    """Return the name that a function, class or instance is registered under.

    Raises:
        ConfigError: It is not registered.
    """
    name = getattr(entry, _MARK, None)
    if name is None:
        kind = entry if isinstance(entry, type) or inspect.isfunction(entry) else type(entry)
        raise ConfigError(
            f"{kind.__name__} in {inspect.getfile(kind)} is not registered, so it has no name.",
            "Put @register (from ganbench import register) above it.",
        )
    return str(name)


class Registry(Generic[T]):
    """Named entries of one kind, found in a package, in entry points, in files and in the session.

    Args:
        kind: The kind of entry, as messages call it: ``model``.
        package: The package, or the single module, that holds ganbench's own entries.
        group: The group of entry points through which other packages add entries.
        forms: The forms that an entry may have; definitions of other forms are skipped.
        fits: Tells whether an object of a notebook or script is an entry of this kind.
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
        """One sentence for each source that ``entries`` could not read."""
        self._forms = forms
        self._fits = fits
        self._installed: dict[str, Entry] | None = None
        self._loaded: dict[str, T] = {}
        self._digests: dict[str, tuple[Path, str]] = {}
        self._added: dict[str, T] = {}

    def entries(self) -> dict[str, Entry]:
        """Return every entry by name, in alphabetical order.

        Raises:
            ConfigError: Two entries have the same name; the message names both origins.
        """
        if self._installed is None:
            self.problems.clear()
            installed: dict[str, Entry] = {}
            for entry in (*self._scan_package(), *self._scan_entry_points()):
                self._insert(installed, entry)
            self._installed = dict(sorted(installed.items()))
        session = self.session()
        if not session:
            return self._installed
        entries = dict(self._installed)
        for name, value in session.items():
            self._insert(entries, entry_of(name, value))
        return dict(sorted(entries.items()))

    def names(self, pattern: str = "*") -> list[str]:
        """Return the names that match a glob pattern."""
        return [name for name in self.entries() if fnmatch(name, canonical(pattern))]

    def entry(self, name: str) -> Entry:
        """Return the entry called ``name``, or the one in a file named as ``path.py[:name]``.

        Raises:
            UnknownNameError: No entry has that name; the message suggests the nearest.
            InputError: The file does not exist, or does not hold exactly one such entry.
        """
        if is_file_name(name):
            return entry_in_file(name, self.kind, self._forms)
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
        """Import and return the object that is registered as ``name``.

        Raises:
            UnknownNameError: No entry has that name; the message suggests the nearest.
            InputError: The source file does not exist, cannot be imported, or does not hold
                exactly one such entry.
            ConfigError: A value and its variable have different names, or a function is given for
                a class, or a class for a function.
        """
        entry = self.entry(name)
        if not is_file_name(name) and (value := self.session().get(entry.name)) is not None:
            return value
        if entry.origin not in self._loaded:
            before = file_digest(entry.path) if is_file_name(name) and entry.path else ""
            value = self._load(entry)
            if entry.path and before:
                _set(value, FILE, name)
                self._digests[entry.origin] = entry.path, before
            self._loaded[entry.origin] = value
        return self._loaded[entry.origin]

    def forget_changed_files(self) -> None:
        """Forget what was loaded from files that have changed, so that it is loaded again."""
        for origin, (path, before) in list(self._digests.items()):
            if not path.is_file() or file_digest(path) != before:
                del self._digests[origin], self._loaded[origin]

    def _load(self, entry: Entry) -> T:
        """Import the object of an entry, and mark it with the entry's name if it has no mark."""
        value: T | None = getattr(import_module_of(entry), entry.attribute, None)
        if value is None:
            raise GanbenchError(f"{entry.origin} no longer defines {entry.attribute}.")
        form = "class" if isinstance(value, type) else "function"
        if form not in self._forms and (form == "class" or inspect.isfunction(value)):
            raise ConfigError(
                f"{entry.origin}: {entry.attribute} is a {form}, "
                f"and a {self.kind} is a {' or a '.join(self._forms)}."
            )
        if not hasattr(value, _MARK):
            _set(value, _MARK, entry.name)
        if entry.form == "value" and canonical(_own_name(value)) != entry.name:
            raise ConfigError(
                f"{entry.origin}: the {self.kind} {entry.attribute} is named '{_own_name(value)}'.",
                f"Name it '{entry.name}', like its variable.",
            )
        return value

    def add(self, value: T) -> str:
        """Add an object for this session, and return the name of its entry.

        An object that is registered already keeps its name. It replaces an object of the same
        name that was added before, because a notebook's cell is often run again.

        Raises:
            ConfigError: The object is not of this kind, has no name, or has the name of another
                entry.
        """
        if not self._fits(value):
            raise ConfigError(f"{value!r} is not a {self.kind}.")
        if _MARK not in vars(value):
            _marked(value, _own_name(value))
        name = name_of(value)
        self._added.pop(name, None)
        if name not in self.entries():
            self._added[name] = value
        elif self.get(name) is not value:
            raise ConfigError(
                f"A {self.kind} called '{name}' exists already: {self.entry(name).origin}.",
                'Give yours another name: @register("my-name").',
            )
        return name

    def is_own(self, entry: Entry) -> bool:
        """Tell whether an entry is part of ganbench."""
        return entry.module == self.package or entry.module.startswith(f"{self.package}.")

    def _insert(self, entries: dict[str, Entry], entry: Entry) -> None:
        """Add an entry, if it has a form of this registry, under a name that must be free."""
        if entry.form not in self._forms:
            return
        if entry.name in entries:
            raise ConfigError(
                f"Two {self.kind}s are called '{entry.name}': "
                f"{entries[entry.name].origin} and {entry.origin}.",
                "Rename one of them in its @register.",
            )
        entries[entry.name] = entry

    def session(self) -> dict[str, T]:
        """Return the objects that this process has defined or added, by name."""
        namespace = vars(sys.modules["__main__"]).values() if "__main__" in sys.modules else ()
        registered = {
            name_of(value): value
            for value in list(namespace)
            if getattr(value, "__module__", None) == "__main__"
            and _MARK in getattr(value, "__dict__", {})
            and self._fits(value)
        }
        return {**self._added, **registered}

    def _scan_package(self) -> Iterator[Entry]:
        spec = importlib.util.find_spec(self.package)
        if spec is None:
            return
        if spec.submodule_search_locations is None and spec.origin:
            yield from self._readable(partial(scan, Path(spec.origin), self.package))
        for location in spec.submodule_search_locations or ():
            for path in sorted(Path(location).glob("*.py")):
                if not path.name.startswith("_"):
                    module = f"{self.package}.{path.stem}"
                    yield from self._readable(partial(scan, path, module))

    def _scan_entry_points(self) -> Iterator[Entry]:
        for point in entry_points(group=self.group):
            yield from self._readable(partial(entry_of_point, point, self._forms[0]))

    def _readable(self, read: Callable[[], Iterable[Entry]]) -> list[Entry]:
        """Return the entries of a source; a broken source does not hide the others."""
        try:
            return list(read())
        except InputError as error:
            self.problems.append(error.message)
            return []


def is_file_name(name: str) -> bool:
    """Tell whether a name stands for a Python file: ``./mygan.py`` or ``mygan.py:variant``."""
    return name.endswith(".py") or ".py:" in name


def forget_changed_files() -> None:
    """Forget what was loaded from users' files that have changed since.

    A run that is planned next has the code whose hash it records.
    """
    for entries in KINDS.values():
        entries.forget_changed_files()


models: Registry[Any] = Registry(
    "model", "ganbench.zoo", "ganbench.models", forms=("function",), fits=is_model
)
tricks: Registry[Any] = Registry(
    "trick",
    "ganbench.tricks",
    "ganbench.tricks",
    forms=("class",),
    fits=derives_from("ganbench.trick.Trick"),
)
backbones: Registry[Any] = Registry(
    "backbone", "ganbench.backbones", "ganbench.backbones", forms=("function",), fits=is_backbone
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
is_logger = derives_from("ganbench.run_logger.RunLogger")
loggers: Registry[Any] = Registry(
    "logger", "ganbench.loggers", "ganbench.loggers", forms=("class",), fits=is_logger
)
KINDS: dict[str, Registry[Any]] = {
    "models": models,
    "tricks": tricks,
    "losses": losses,
    "backbones": backbones,
    "datasets": datasets,
    "metrics": metrics,
    "networks": networks,
    "loggers": loggers,
}
"""Every registry, by the plural that ``ganbench ls`` takes."""
