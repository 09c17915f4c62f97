# SPDX-License-Identifier: MIT
"""What a source file registers, read from its text, so that nothing is imported to list it.

What this process has defined itself, in a script or a notebook, is described as an object.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint
from itertools import zip_longest
from pathlib import Path
from typing import Literal, TypeGuard

from ganbench.errors import InputError

Form = Literal["function", "class", "value"]
"""What a registered thing is in Python: ``@register`` above a function or class, or
``name = register(value)``."""

_PAPER = re.compile(r"^Paper:\s*(.+?)\s*$", re.MULTILINE)


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
    form: Form = "function"
    documentation: str = field(repr=False, default="")

    @property
    def origin(self) -> str:
        """``path:line``, or ``module:attribute`` where no source file is known."""
        return f"{self.path}:{self.line}" if self.path else f"{self.module}:{self.attribute}"


def canonical(name: str) -> str:
    """Return the one spelling of a name: lower case, dashes (``WGAN_GP`` is ``wgan-gp``)."""
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
    """Return an entry whose summary and paper are read from documentation.

    Args:
        name: What it is registered as, in any spelling.
        module: The module that defines it.
        attribute: Its name in that module.
        form: Whether it is a function, a class or a value.
        own: Its own docstring.
        shared: The docstring of its module, which counts where the own one names no paper.
        path: The source file, if there is one.
        line: Where in that file it is defined.
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
        InputError: the file is not valid Python.
    """
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"{path} is not valid Python: {error}.") from error
    shared = ast.get_docstring(tree) or ""
    for node, following in zip_longest(tree.body, tree.body[1:]):
        registered = _definition(node) or _assignment(node, following)
        if registered is not None:
            name, attribute, form, own = registered
            yield described(
                name,
                module,
                attribute,
                form=form,
                own=own,
                shared=shared,
                path=path,
                line=node.lineno,
            )


def _definition(node: ast.stmt) -> tuple[str, str, Form, str] | None:
    """Return name, attribute, form and docstring of a function or class under ``@register``."""
    if not isinstance(node, ast.FunctionDef | ast.ClassDef):
        return None
    form: Form = "class" if isinstance(node, ast.ClassDef) else "function"
    for decorator in node.decorator_list:
        if _names_register(decorator):
            return node.name, node.name, form, ast.get_docstring(node) or ""
        if _is_register(decorator):
            given = _text(decorator.args[0]) if decorator.args else node.name
            if given is not None:
                return given, node.name, form, ast.get_docstring(node) or ""
    return None


def _assignment(node: ast.stmt, following: ast.stmt | None) -> tuple[str, str, Form, str] | None:
    """Return the same of ``name = register(value)``, with the docstring literal below it."""
    if not (isinstance(node, ast.Assign) and _is_register(node.value) and node.value.args):
        return None
    (target, *others) = node.targets
    if others or not isinstance(target, ast.Name):
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
    """Return a literal text, or None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return None


def entry_of(name: str, value: object) -> Entry:
    """Describe an object that this process has defined; its source file may be a notebook's."""
    form: Form = "value"
    if isinstance(value, type) or inspect.isfunction(value):
        form = "class" if isinstance(value, type) else "function"
    attribute = getattr(value, "__qualname__", name)
    module = str(getattr(value, "__module__", "__main__"))
    return described(name, module, attribute, form=form, own=inspect.getdoc(value) or "")


def entry_of_point(point: EntryPoint, form: Form) -> list[Entry]:
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
    return [described(point.name, module, attribute, form=form, own=f"from {point.value}")]


def derives_from(base: str) -> Callable[[object], bool]:
    """Tell classes by the name of a base class, so that it need not be imported."""

    def check(entry: object) -> bool:
        kinds = inspect.getmro(entry) if isinstance(entry, type) else ()
        return base in {f"{kind.__module__}.{kind.__qualname__}" for kind in kinds}

    return check


def function_of(*first: str) -> Callable[[object], bool]:
    """Tell functions by the name of their first parameter; ``*`` stands for any but ``root``."""

    def check(entry: object) -> bool:
        if not inspect.isfunction(entry):
            return False
        parameters = [*inspect.signature(entry).parameters, ""]
        return parameters[0] in first or ("*" in first and parameters[0] not in {"", "root"})

    return check
