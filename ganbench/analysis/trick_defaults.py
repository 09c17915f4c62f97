# SPDX-License-Identifier: MIT
"""The default parameters of the bundled tricks, and which recorded parameters depart from them.

A label names only the parameters in which runs differ. Next to the claim of a paper, a weight that
all runs share is as much worth knowing. The defaults are read from the text of the tricks' files:
to import them would load torch.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ganbench.records.json_values import as_mapping
from ganbench.records.labels import short

_FOLDER = Path(__file__).parents[1] / "tricks"


@functools.cache
def trick_defaults() -> Mapping[str, Mapping[str, Any]]:
    """Return the defaults of each bundled trick, by trick and parameter.

    A default that is no plain value is left out.
    """
    return {
        name: dict(_fields(node))
        for path in sorted(_FOLDER.glob("*.py"))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and (name := _registered(node))
    }


def _registered(node: ast.ClassDef) -> str:
    """Return the name under which a class is registered; empty if it is not."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "register":
            return str(ast.literal_eval(decorator.args[0])) if decorator.args else ""
    return ""


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, Any]]:
    for statement in node.body:
        if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)):
            continue
        if statement.value is None or "ClassVar" in ast.unparse(statement.annotation):
            continue
        try:
            yield statement.target.id, ast.literal_eval(statement.value)
        except ValueError:
            continue


def with_parameters(label: str, name: str, config: Mapping[str, Any]) -> str:
    """Return the label of a trick with every recorded parameter that is not its default.

    Of a trick that is not bundled, no default is known, so that it has all its parameters.

    >>> config = {"tricks": [{"name": "r1", "parameters": {"weight": 0.1, "every": 1}}]}
    >>> with_parameters("r1", "r1", config), with_parameters("r1(every=1)", "r1", config)
    ('r1(weight=0.1)', 'r1(every=1, weight=0.1)')

    Args:
        label: the trick as labels write it, with the parameters in which runs differ.
        name: the name of the trick.
        config: the configuration of a run with the trick.
    """
    defaults = trick_defaults().get(name, {})
    tricks = config.get("tricks")
    recorded: Mapping[str, Any] = {}
    for trick in map(as_mapping, tricks if isinstance(tricks, list | tuple) else ()):
        if trick.get("name") == name:
            recorded = as_mapping(trick.get("parameters"))
    told = [part for part in label[len(name) :].strip("()").split(", ") if part]
    names = {part.partition("=")[0] for part in told}
    told += [
        f"{key}={short(value)}"
        for key, value in recorded.items()
        if key not in names and not (key in defaults and defaults[key] == value)
    ]
    return f"{name}({', '.join(told)})" if told else label
