# SPDX-License-Identifier: MIT
"""What the built wheel holds: every zoo file, and nothing at the top level but ganbench."""

from importlib.metadata import distribution
from pathlib import Path

import pytest

import ganbench

ROOT = Path(__file__).resolve().parents[1]
FILES = [str(path) for path in distribution("ganbench").files or []]
INSTALLED = Path(ganbench.__file__).resolve().parent != ROOT / "ganbench"

pytestmark = pytest.mark.skipif(
    not INSTALLED, reason="needs ganbench installed from its wheel, as tox does"
)


def test_the_wheel_ships_the_zoo_inside_ganbench():
    shipped = {Path(name).name for name in FILES if name.startswith("ganbench/zoo/")}
    assert {path.name for path in ROOT.glob("zoo/*.py")} <= shipped
    assert {path.name for path in ROOT.glob("zoo/*.toml")} <= shipped


def test_the_wheel_ships_data_files():
    wanted = [*ROOT.glob("ganbench/weights/bundled/*"), *ROOT.glob("ganbench/report/templates/*")]
    assert wanted
    assert {str(path.relative_to(ROOT)) for path in wanted} <= set(FILES)
    assert "ganbench/py.typed" in FILES


def test_nothing_else_lies_at_the_top_level():
    tops = {name.split("/")[0] for name in FILES if not name.startswith("..")}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"ganbench"}


def test_the_registry_lists_every_zoo_file():
    from ganbench import registry

    modules = {entry.module.rsplit(".", 1)[-1] for entry in registry.models.entries().values()}
    assert modules == {path.stem for path in ROOT.glob("zoo/*.py")} - {"__init__"}
