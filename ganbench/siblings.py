# SPDX-License-Identifier: MIT
"""A user's file with its siblings: the modules in its own folder that it imports.

A file finds its siblings wherever an import stands, also inside a function, and nothing is put
on ``sys.path``. A folder is a private package in ``sys.modules``, so that files of two folders may
each have their own ``helper.py``. Only ``importlib.import_module("helper")`` does not see them.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import os
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from traceback import extract_tb
from types import CodeType, ModuleType
from typing import Any

_PACKAGE = "ganbench_folder_"
_NEVER_SIBLINGS = {*sys.stdlib_module_names, "ganbench"}


def sibling_file(folder: Path, *parts: str) -> Path | None:
    """Return the file of a module or package in a folder, such as ``helper.py``.

    Args:
        folder: The folder of the file that imports the module.
        parts: The dotted name of the module: ``"mypackage", "layers"``.
    """
    if not parts or parts[0] in _NEVER_SIBLINGS or _holds_installed_packages(folder):
        return None
    for end in (Path("__init__.py"), None):
        path = folder.joinpath(*parts)
        path = path / end if end else path.with_name(f"{path.name}.py")
        if path.is_file():
            return path
    return None


def _holds_installed_packages(folder: Path) -> bool:
    """Tell whether a folder holds installed packages, which are nobody's siblings."""
    return str(folder) in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}


def sibling_files(path: Path, folder: Path | None = None) -> list[Path]:
    """Return the siblings that a file imports, directly or through each other, sorted.

    The imports are read from the sources, so that the files are known before any is imported.

    Args:
        path: The file.
        folder: The folder in which imports are looked up; None for that of the file. For a file
            inside a package, it is the folder that holds the package.
    """
    files: set[Path] = set()
    waiting = [path]
    while waiting:
        current = waiting.pop()
        if current not in files:
            files.add(current)
            waiting += _imported_siblings(current, folder or path.parent, path.stem)
    return sorted(files - {path})


def _imported_siblings(current: Path, folder: Path, own: str) -> Iterator[Path]:
    """Yield the files in a folder that one of its files imports.

    Args:
        current: The file whose imports are read.
        folder: The folder.
        own: The name of the file with which the search began.
    """
    try:
        tree = ast.parse(current.read_bytes(), filename=str(current))
    except (SyntaxError, ValueError):  # whoever imports the file is told
        return
    is_first = current == folder / f"{own}.py"
    for node in ast.walk(tree):
        for parts in _imported_names(node, current.relative_to(folder).parent.parts):
            if is_first and parts[0] == own:
                continue  # a file called like a library means the library
            for length in range(1, len(parts) + 1):
                path = sibling_file(folder, *parts[:length])
                if path is not None:
                    yield path
                if path is not None and parts[length:] == ["*"]:
                    yield from folder.joinpath(*parts[:length]).glob("*.py")


def _imported_names(node: ast.AST, package: Sequence[str]) -> Iterator[list[str]]:
    """Yield the dotted names, in parts, that a statement imports in a package of the folder."""
    if isinstance(node, ast.Import):
        yield from (alias.name.split(".") for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        start = list(package[: len(package) - node.level + 1]) if node.level else []
        module = node.module.split(".") if node.module else []
        yield from ([*start, *module, alias.name] for alias in node.names)


def file_digest(path: Path, folder: Path | None = None) -> str:
    """Return the hexadecimal SHA-256 of a file and of the siblings that it imports.

    Args:
        path: The file.
        folder: The folder in which imports are looked up; None for that of the file.
    """
    content = hashlib.sha256(path.read_bytes())
    for sibling in sibling_files(path, folder):
        name = sibling.relative_to(folder or path.parent).as_posix()
        content.update(os.fsencode(f"\0{name}\0") + sibling.read_bytes())
    return content.hexdigest()


def load_file(path: Path) -> ModuleType:
    """Execute a user's file, and return it as a module; siblings that have changed, too."""
    package = _package_of(path.parent)
    name = f"{package}_{path.stem.replace('.', '_')}"
    spec = spec_from_file_location(name, path, loader=_Loader(name, str(path)))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up while it is executed
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def place_in(error: BaseException, file: str) -> str | None:
    """Return ``path:line`` of the innermost line of a file or its siblings that raised an error.

    Args:
        error: The error.
        file: The file, which may be a notebook's cell; None is returned if no line is there.
    """
    path = Path(file)
    files = {file, *map(str, sibling_files(path) if path.is_file() else ())}
    for frame in reversed(extract_tb(error.__traceback__)):
        if frame.filename in files:
            return f"{frame.filename}:{frame.lineno}"
    return None


def without_private_names(text: str, folder: Path) -> str:
    """Return a message in which the siblings in a folder have the names that the user wrote."""
    return text.replace(f"{_private_name(folder)}.", "").replace(f"{_private_name(folder)}_", "")


def _private_name(folder: Path) -> str:
    """Return the name of the package that stands for a folder."""
    return _PACKAGE + hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]


def _package_of(folder: Path) -> str:
    """Return the name of a folder's package, whose modules are as they are on disk now."""
    if _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)
    name = _private_name(folder)
    if name not in sys.modules:
        sys.modules[name] = ModuleType(name)
        sys.modules[name].__path__ = [str(folder)]
    loaded = {key: module for key, module in sys.modules.items() if key.startswith(f"{name}.")}
    if any(_has_changed(module) for module in loaded.values()):
        for key in loaded:
            del sys.modules[key]
    return name


def _has_changed(module: ModuleType) -> bool:
    """Tell whether a sibling's file is no longer what was executed."""
    loader = module.__loader__
    if not isinstance(loader, _Loader):
        return False  # a folder without __init__.py inside a package
    path = Path(loader.path)
    return not path.is_file() or path.read_bytes() != loader.source


class _Loader(SourceFileLoader):
    """Loads a file whose imports find its siblings.

    It always compiles the source. Bytecode is out of date where a file changed twice in a second,
    and what is executed must be what is hashed.
    """

    source = b""

    def get_code(self, fullname: str) -> CodeType:
        """Compile the source."""
        self.source = self.get_data(self.path)
        code: CodeType = self.source_to_code(self.source, self.path)
        return code

    def exec_module(self, module: ModuleType) -> None:
        """Execute the module with an ``import`` statement of its own."""
        package, _, inner = module.__name__.partition(".")
        if inner:
            folder, own = Path(sys.modules[package].__path__[0]), ""
        else:
            folder, own = Path(self.path).parent, Path(self.path).stem
        statement = _import_statement(folder, own)
        vars(module)["__builtins__"] = {**vars(builtins), "__import__": statement}
        super().exec_module(module)


class _Finder:
    """Finds the modules in the packages that stand for folders."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a module of such a package is."""
        if not name.startswith(_PACKAGE) or path is None:
            return None
        finders = (FileFinder(folder, (_Loader, SOURCE_SUFFIXES)) for folder in path)
        return next(filter(None, (finder.find_spec(name) for finder in finders)), None)


def _import_statement(folder: Path, own: str) -> Callable[..., Any]:
    """Return what ``import`` does in the modules of a folder.

    Args:
        folder: The folder whose modules come first.
        own: The name of the file itself: a file called like a library means the library.
    """
    package = _private_name(folder)

    def import_module(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> Any:
        top = name.partition(".")[0]
        if level or top == own or sibling_file(folder, top) is None:
            return __import__(name, globals, locals, fromlist, level)
        module = __import__(f"{package}.{name}", globals, locals, fromlist, 0)
        return module if fromlist else sys.modules[f"{package}.{top}"]

    return import_module
