# SPDX-License-Identifier: MIT
"""The names that ``ganbench`` exports, and the examples in the docstrings of every module."""

import ast
import doctest
import importlib
from pathlib import Path

import pytest

import ganbench
from ganbench import registry

PACKAGE = Path(ganbench.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if ">>> " in path.read_text())


def test_every_public_name_resolves_at_its_home():
    assert set(ganbench.__all__) == {*ganbench._HOMES, "__version__"}
    assert dir(ganbench) == sorted(ganbench.__all__)
    for name, home in ganbench._HOMES.items():
        module = importlib.import_module(f"ganbench.{home}")
        assert getattr(ganbench, name) is getattr(module, name)


def test_type_checkers_see_the_names_that_there_are():
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {node.names[0].asname: node.module for node in block.body}
    assert seen == {name: f"ganbench.{home}" for name, home in ganbench._HOMES.items()}


def test_every_trick_is_public():
    classes = {registry.tricks.get(name).__name__ for name in registry.tricks.names()}
    assert classes <= set(ganbench.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'gan_bench'"):
        _ = ganbench.gan_bench
    from ganbench import losses  # a submodule, which is found by Python itself

    assert losses.non_saturating.name == "non-saturating"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_examples_in_docstrings_hold(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    name = ".".join(["ganbench", *(part for part in parts if part != "__init__")])
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted
    assert not result.failed


def test_there_are_examples_to_hold():
    assert {"config.py", "nn/convolutional.py", "cli/output.py"} <= {
        path.relative_to(PACKAGE).as_posix() for path in MODULES
    }
