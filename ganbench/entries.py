# SPDX-License-Identifier: MIT
"""The entries that a source file registers, read from its text, so that listing imports nothing.

Objects that this process has defined, in a script or a notebook, are described from themselves.
An entry's module is imported only by ``import_module_of``, once the entry is wanted.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint
from itertools import zip_longest
from pathlib import Path
from types import ModuleType
from typing import Literal, TypeGuard

from ganbench.errors import GanbenchError, InputError, suggest
from ganbench.paths import expand
from ganbench.siblings import load_file, place_in, without_private_names

Form = Literal["function", "class", "value"]
"""How an entry is written in Python: a function or class below ``@register``, or a value in
``name = register(value)``."""

FILE_MODULE = "ganbench_file_"
"""The start of the name of a module that is loaded from a file outside any package."""

_PAPER = re.compile(r"^Paper:\s*(.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """Where an entry is defined and how it describes itself, known before it is imported."""

    name: str
    module: str
    attribute: str
    """The entry's name in its module."""
    path: Path | None
    line: int
    summary: str
    """The first line of its docstring."""
    paper: str
    """The paper that its docstring names, or the empty string."""
    form: Form = "function"
    documentation: str = field(repr=False, default="")
    methods: frozenset[str] = frozenset()
    """The methods that its class defines itself."""

    @property
    def origin(self) -> str:
        """``path:line``, or ``module:attribute`` where no source file is known."""
        return f"{self.path}:{self.line}" if self.path else f"{self.module}:{self.attribute}"


def canonical(name: str) -> str:
    """Return a name in its canonical spelling: lower case with dashes, such as ``wgan-gp``."""
    return name.strip().lower().replace("_", "-")


def described(
    name: str,
    module: str,
    attribute: str,
    *,
    form: Form,
    own: str,
    shared: str = "",
    path: Path | None = None,
    line: int = 0,
) -> Entry:
    """Return an entry whose summary and paper are read from docstrings.

    Args:
        name: The name that the entry is registered under, in any spelling.
        module: The module that defines it.
        attribute: Its name in that module.
        form: Whether it is a function, a class or a value.
        own: Its own docstring.
        shared: The docstring of its module, which is added where ``own`` names no paper.
        path: The source file, if there is one.
        line: The line of that file on which it is defined.
    """
    documentation = (own if _PAPER.search(own) else f"{own}\n\n{shared}").strip()
    paper = _PAPER.search(documentation)
    return Entry(
        name=canonical(name),
        module=module,
        attribute=attribute,
        path=path,
        line=line,
        summary=documentation.split("\n", 1)[0],
        paper=paper[1] if paper else "",
        form=form,
        documentation=documentation,
    )


def scan(path: Path, module: str) -> Iterator[Entry]:
    """Yield the entries that a source file registers, without importing it.

    Raises:
        InputError: The file is not valid Python.
    """
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    except (SyntaxError, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"{path} is not valid Python: {error}.") from error
    shared = ast.get_docstring(tree) or ""
    for node, following in zip_longest(tree.body, tree.body[1:]):
        registered = _definition(node) or _assignment(node, following)
        if registered is not None:
            name, attribute, form, own = registered
            entry = described(
                name,
                module,
                attribute,
                form=form,
                own=own,
                shared=shared,
                path=path,
                line=node.lineno,
            )
            yield replace(entry, methods=_methods(node))


def _methods(node: ast.stmt) -> frozenset[str]:
    """Return the names of the methods of a class, none for anything else."""
    body = node.body if isinstance(node, ast.ClassDef) else []
    return frozenset(item.name for item in body if isinstance(item, ast.FunctionDef))


def _definition(node: ast.stmt) -> tuple[str, str, Form, str] | None:
    """Return name, attribute, form and docstring of a function or class under ``@register``."""
    if not isinstance(node, ast.FunctionDef | ast.ClassDef):
        return None
    form: Form = "class" if isinstance(node, ast.ClassDef) else "function"
    for decorator in node.decorator_list:
        if _names_register(decorator):
            return node.name, node.name, form, ast.get_docstring(node) or ""
        if _is_register(decorator):
            name = _text(decorator.args[0]) if decorator.args else node.name
            if name is not None:
                return name, node.name, form, ast.get_docstring(node) or ""
    return None


def _assignment(node: ast.stmt, following: ast.stmt | None) -> tuple[str, str, Form, str] | None:
    """Return the same for ``name = register(value)`` and the docstring literal below it."""
    if not (isinstance(node, ast.Assign) and _is_register(node.value) and node.value.args):
        return None
    (target, *further_targets) = node.targets
    if further_targets or not isinstance(target, ast.Name):
        return None
    own = _text(following.value) if isinstance(following, ast.Expr) else None
    return target.id, target.id, "value", inspect.cleandoc(own or "")


def _is_register(node: ast.expr) -> TypeGuard[ast.Call]:
    """Tell whether an expression calls ``register`` or ``ganbench.register``."""
    return isinstance(node, ast.Call) and _names_register(node.func)


def _names_register(node: ast.expr) -> bool:
    """Tell whether an expression is the name ``register``, or ``ganbench.register``."""
    if isinstance(node, ast.Attribute):
        return node.attr == "register" and ast.unparse(node.value) == "ganbench"
    return isinstance(node, ast.Name) and node.id == "register"


def _text(node: ast.expr) -> str | None:
    """Return the text of a string literal, or None for any other expression."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return None


def entry_in_file(name: str, kind: str, forms: tuple[Form, ...]) -> Entry:
    """Return the entry in a file that is named as ``path.py[:name]``.

    Args:
        name: The file, and the name of the entry if the file registers several.
        kind: The kind of entry, as messages call it: ``model``.
        forms: The forms that entries of this kind have.

    Raises:
        InputError: The file does not exist, or does not hold exactly one such entry.
    """
    path_text, separator, entry_name = name.partition(".py:")
    file = path_text + ".py" if separator else name
    path = expand(file)
    if not path.is_file():
        raise InputError(f"There is no file {path} to read a {kind} from.")
    registered = list(scan(path.resolve(), f"{FILE_MODULE}{path.stem}"))
    fitting = [entry for entry in registered if entry.form in forms]
    named = [entry for entry in fitting if not entry_name or entry.name == canonical(entry_name)]
    if len(named) == 1:
        return named[0]
    if named:
        listed = ", ".join(entry.name for entry in named)
        raise InputError(
            f"{path} registers several {kind}s: {listed}.", f"Choose one: {file}:{named[0].name}."
        )
    message = f"{path} registers no {kind}{f' {entry_name!r}' if entry_name else ''}."
    wanted = " or a ".join(forms)
    if others := [entry for entry in registered if canonical(entry_name) in {"", entry.name}]:
        message += (
            f" {others[0].attribute} (line {others[0].line}) is a {others[0].form}, "
            f"and a {kind} is a {wanted}."
        )
    elif fitting:
        names = [entry.name for entry in fitting]
        message = f"{message} {suggest(canonical(entry_name), names)}".strip()
        raise InputError(message, f"It registers: {', '.join(names)}.")
    where = "around" if "value" in forms else "above"
    raise InputError(
        message, f"Put @register (from ganbench import register) {where} its {wanted}."
    )


def entry_of(name: str, value: object) -> Entry:
    """Describe an object that this process has defined, perhaps in a notebook."""
    form: Form = "value"
    if isinstance(value, type) or inspect.isfunction(value):
        form = "class" if isinstance(value, type) else "function"
    attribute = getattr(value, "__qualname__", name)
    module = str(getattr(value, "__module__", "__main__"))
    return described(name, module, attribute, form=form, own=inspect.getdoc(value) or "")


def entry_of_point(point: EntryPoint, form: Form) -> list[Entry]:
    """Describe an entry point, from its source file where that is found without importing it.

    Args:
        point: The entry point of an installed package.
        form: The form that is assumed where the source file is not found.

    Raises:
        InputError: The package cannot be imported, or its source is not valid Python.
    """
    module, _, attribute = point.value.partition(":")
    try:
        spec = importlib.util.find_spec(module)  # this imports the packages around it
    except Exception as error:
        raise InputError(f"The entry point {point.value} cannot be found: {error}.") from error
    if spec and spec.origin and spec.origin.endswith(".py"):
        for entry in scan(Path(spec.origin), module):
            if entry.attribute == attribute:
                return [replace(entry, name=canonical(point.name))]
    return [described(point.name, module, attribute, form=form, own=f"from {point.value}")]


def import_module_of(entry: Entry) -> ModuleType:
    """Import the module of an entry; a file outside any package is loaded from its path.

    Such a file may import its siblings, the modules in its own folder.

    Raises:
        InputError: The module cannot be imported.
    """
    try:
        if not entry.module.startswith(FILE_MODULE):
            return importlib.import_module(entry.module)
        assert entry.path is not None
        return load_file(entry.path)
    except GanbenchError:
        raise
    except (Exception, SystemExit) as error:
        raise InputError(*_import_problem(entry, error)) from error


def _import_problem(entry: Entry, error: BaseException) -> tuple[str, str]:
    """Return a sentence on an error in the import of an entry's module, and a hint."""
    if not (entry.path and entry.module.startswith(FILE_MODULE)):
        return f"{entry.path or entry.module} cannot be imported: {error}.", ""
    place = place_in(error, str(entry.path)) or entry.path
    folder = entry.path.parent
    message = without_private_names(str(error), folder).rstrip(".")
    if not isinstance(error, ImportError | SyntaxError):
        message = f"{type(error).__name__}: {message}" if message else type(error).__name__
    hint = ""
    if isinstance(error, ModuleNotFoundError) and error.name and (folder / error.name).is_dir():
        hint = f"Put a file __init__.py into {folder / error.name}, so that it is a package."
    return f"{place} cannot be imported: {message}.", hint


def derives_from(base: str) -> Callable[[object], bool]:
    """Return a test for subclasses of a class that is given by name, so that it is not imported."""

    def check(entry: object) -> bool:
        bases = inspect.getmro(entry) if isinstance(entry, type) else ()
        return base in {f"{cls.__module__}.{cls.__qualname__}" for cls in bases}

    return check


def function_of(*first: str) -> Callable[[object], bool]:
    """Return a test for functions whose first parameter has one of these names.

    The empty string stands for no parameter, ``*`` for any name except ``root``.
    """

    def check(entry: object) -> bool:
        if not inspect.isfunction(entry):
            return False
        parameters = [*inspect.signature(entry).parameters, ""]
        return parameters[0] in first or ("*" in first and parameters[0] not in {"", "root"})

    return check


def is_backbone(entry: object) -> bool:
    """Tell whether an object is a function that is annotated to return a ``Backbone``."""
    if not inspect.isfunction(entry):
        return False
    annotation = inspect.signature(entry).return_annotation
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return str(name).rpartition(".")[2] == "Backbone"


def is_model(entry: object) -> bool:
    """Tell whether an object is a function of data that makes no backbone."""
    return function_of("*")(entry) and not is_backbone(entry)
