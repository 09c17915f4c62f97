# SPDX-License-Identifier: MIT
"""What the built wheel holds: the zoo, the data files, and only ganbench at the top level."""

from importlib.metadata import distribution
from pathlib import Path

import pytest

import ganbench

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = {str(path) for path in distribution("ganbench").files or []}
INSTALLED = Path(ganbench.__file__).resolve().parent != ROOT / "ganbench"

pytestmark = pytest.mark.skipif(
    not INSTALLED, reason="needs ganbench installed from its wheel, as tox does"
)


def test_the_wheel_ships_the_zoo_inside_ganbench():
    zoo = {Path(name).name for name in SHIPPED if name.startswith("ganbench/zoo/")}
    assert {path.name for path in ROOT.glob("zoo/*.py")} <= zoo
    assert {path.name for path in ROOT.glob("zoo/*.toml")} <= zoo


def test_the_wheel_ships_the_pretrained_generators_with_their_cards():
    files = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("zoo/pretrained/*/*")}
    assert files
    assert {f"ganbench/{name}" for name in files} <= SHIPPED


@pytest.mark.parametrize("folder", ["weights/bundled", "report/templates", "harness/suites"])
def test_the_wheel_ships_data_files(folder):
    data_files = {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "ganbench" / folder).iterdir()
    }
    assert data_files
    assert data_files <= SHIPPED


def test_the_wheel_says_that_it_is_typed_and_under_which_license():
    assert "ganbench/py.typed" in SHIPPED
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in SHIPPED)


def test_only_ganbench_is_at_the_top_level():
    top_level = {name.split("/")[0] for name in SHIPPED if not name.startswith("..")}
    assert {name for name in top_level if not name.endswith(".dist-info")} == {"ganbench"}


def test_the_registry_lists_every_zoo_file():
    from ganbench import registry

    modules = {entry.module.rsplit(".", 1)[-1] for entry in registry.models.entries().values()}
    assert modules == {path.stem for path in ROOT.glob("zoo/*.py")} - {"__init__"}
