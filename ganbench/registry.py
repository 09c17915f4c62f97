# SPDX-License-Identifier: MIT
"""What can be named: models, tricks, datasets, metrics, losses.

A registry finds its entries by reading source files, without importing them: a package's own
modules, the entry points of installed packages, and any ``file.py`` that the user names. So a
listing needs no torch, and one broken file does not hide the others.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar, overload

from ganbench.errors import ConfigError, GanbenchError, InputError, UnknownNameError, suggest

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

_MARK = "__ganbench_name__"
_FILE_MODULE = "ganbench_file_"
FILE = "__ganbench_file__"
"""The attribute that keeps how the user named the file from which an entry was loaded."""
_PAPER = re.compile(r"^Paper:\s*(.+?)\s*$", re.MULTILINE)


@overload
def register(target: F, /) -> F: ...
@overload
def register(target: str, /) -> Callable[[F], F]: ...
def register(target: Any, /) -> Any:
    """Mark a function or class as an entry: ``@register``, or ``@register("its-name")``.

    The mark changes nothing else: no global table is touched, so importing a file has no effect
    on what other code can see. Without a name, ``wgan_gp`` becomes ``wgan-gp``.
    """
    if isinstance(target, str):

        def mark(entry: F) -> F:
            setattr(entry, _MARK, canonical(target))
            return entry

        return mark
    setattr(target, _MARK, canonical(target.__name__))
    return target


def canonical(name: str) -> str:
    """Return the one spelling of a name: lower case, dashes (``WGAN_GP`` is ``wgan-gp``)."""
    return name.strip().lower().replace("_", "-")


def name_of(entry: object) -> str:
    """Return the name under which a marked function, class or instance is registered."""
    return str(getattr(entry, _MARK))


@dataclass(frozen=True)
class Entry:
    """Where a registered thing is and what it says of itself, known before it is imported."""

    name: str
    module: str
    attribute: str
    path: Path | None
    line: int
    summary: str
    paper: str
    documentation: str = field(repr=False, default="")

    @property
    def origin(self) -> str:
        """``path:line``, or ``module:attribute`` where no source file is known."""
        return f"{self.path}:{self.line}" if self.path else f"{self.module}:{self.attribute}"


class Registry(Generic[T]):
    """Named entries of one kind, found in a package, in entry points and in files."""

    def __init__(self, kind: str, package: str, group: str) -> None:
        self.kind = kind
        self.package = package
        self.group = group
        self.problems: list[str] = []
        """What was wrong with sources that could not be read, once ``entries`` has looked."""
        self._entries: dict[str, Entry] | None = None
        self._loaded: dict[str, T] = {}

    def entries(self) -> dict[str, Entry]:
        """Return every entry by name, in alphabetical order.

        Raises:
            ConfigError: two entries carry one name; the message names both origins.
        """
        if self._entries is None:
            self.problems.clear()
            found: dict[str, Entry] = {}
            for entry in (*self._scan_package(), *self._scan_entry_points()):
                if entry.name in found:
                    raise ConfigError(
                        f"Two {self.kind}s are called '{entry.name}': "
                        f"{found[entry.name].origin} and {entry.origin}.",
                        "Rename one of them in its @register.",
                    )
                found[entry.name] = entry
            self._entries = dict(sorted(found.items()))
        return self._entries

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
        key = entry.origin
        if key not in self._loaded:
            module = _import(entry)
            value = getattr(module, entry.attribute, None)
            if value is None:
                raise GanbenchError(f"{entry.origin} no longer defines {entry.attribute}.")
            if not hasattr(value, _MARK):
                setattr(value, _MARK, entry.name)
            if is_file_name(name):
                setattr(value, FILE, name)
            self._loaded[key] = value
        return self._loaded[key]

    def _scan_package(self) -> Iterator[Entry]:
        spec = importlib.util.find_spec(self.package)
        for location in (spec.submodule_search_locations or ()) if spec else ():
            for path in sorted(Path(location).glob("*.py")):
                if not path.name.startswith("_"):
                    yield from self._readable(partial(_scanned, path, self.package))

    def _scan_entry_points(self) -> Iterator[Entry]:
        for point in entry_points(group=self.group):
            yield from self._readable(partial(_entry_of_point, point))

    def _readable(self, look: Callable[[], list[Entry]]) -> list[Entry]:
        """Return what is found in a source; one that is broken does not hide the others."""
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
        found = list(scan(path.resolve(), f"{_FILE_MODULE}{path.stem}"))
        if wanted:
            found = [entry for entry in found if entry.name == canonical(wanted)]
        if len(found) == 1:
            return found[0]
        if not found:
            raise InputError(
                f"{path} registers no {self.kind}{f' {wanted!r}' if wanted else ''}.",
                "Put @register (from ganbench import register) above its function.",
            )
        listed = ", ".join(entry.name for entry in found)
        raise InputError(
            f"{path} registers several {self.kind}s: {listed}.",
            f"Name one: {path}:{found[0].name}.",
        )


def is_file_name(name: str) -> bool:
    """Tell whether a name means a Python file: ``./mygan.py`` or ``mygan.py:variant``."""
    return name.endswith(".py") or ".py:" in name


def scan(path: Path, module: str) -> Iterator[Entry]:
    """Yield the entries that a source file marks with ``@register``, without importing it.

    Raises:
        InputError: the file is not valid Python.
    """
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid Python: {error}.") from error
    module_documentation = ast.get_docstring(tree) or ""
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        for decorator in node.decorator_list:
            name = _registered_name(decorator, node.name)
            if name is None:
                continue
            own = ast.get_docstring(node) or ""
            documentation = own if _PAPER.search(own) else f"{own}\n\n{module_documentation}"
            documentation = documentation.strip()
            paper = _PAPER.search(documentation)
            yield Entry(
                name=canonical(name),
                module=module,
                attribute=node.name,
                path=path,
                line=node.lineno,
                summary=documentation.split("\n", 1)[0],
                paper=paper.group(1) if paper else "",
                documentation=documentation,
            )


def _registered_name(decorator: ast.expr, default: str) -> str | None:
    """Return the name that a decorator registers, or None if it is another decorator."""
    if isinstance(decorator, ast.Name) and decorator.id == "register":
        return default
    if (
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Name)
        and decorator.func.id == "register"
        and decorator.args
        and isinstance(decorator.args[0], ast.Constant)
    ):
        return str(decorator.args[0].value)
    return None


def _scanned(path: Path, package: str) -> list[Entry]:
    return list(scan(path, f"{package}.{path.stem}"))


def _entry_of_point(point: EntryPoint) -> list[Entry]:
    """Describe an entry point by its source where that can be found without importing it."""
    module, _, attribute = point.value.partition(":")
    try:
        spec = importlib.util.find_spec(module)  # this imports the packages around it
    except Exception as error:
        raise InputError(f"The entry point {point.value} cannot be found: {error}.") from error
    if spec and spec.origin and spec.origin.endswith(".py"):
        for entry in scan(Path(spec.origin), module):
            if entry.attribute == attribute:
                return [replace(entry, name=canonical(point.name))]
    name = canonical(point.name)
    return [Entry(name, module, attribute, None, 0, f"from {point.value}", "")]


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


models: Registry[Any] = Registry("model", "ganbench.zoo", "ganbench.models")
tricks: Registry[Any] = Registry("trick", "ganbench.tricks", "ganbench.tricks")
datasets: Registry[Any] = Registry("dataset", "ganbench.datasets", "ganbench.datasets")
metrics: Registry[Any] = Registry("metric", "ganbench.metrics", "ganbench.metrics")
networks: Registry[Any] = Registry("feature network", "ganbench.networks", "ganbench.networks")
