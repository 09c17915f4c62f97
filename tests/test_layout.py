# SPDX-License-Identifier: MIT
"""The rules of the house: imports run one way, modules stay small, start-up loads no torch."""

import ast
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted([*ROOT.glob("ganbench/**/*.py"), *ROOT.glob("zoo/*.py")])

# A module may import what has a lower rank, and what belongs to its own unit.
RANKS = {
    "allocator": 0,
    "errors": 0,
    "stats": 0,
    "paths": 1,
    "registry": 1,
    "group": 1,
    "config": 2,
    "records": 3,
    "gan": 4,
    "trick": 4,
    "passes": 4,
    "state": 4,
    "step": 4,
    "losses": 5,
    "nn": 5,
    "tricks": 5,
    "data": 5,
    "features": 6,
    "inputs": 6,
    "metrics": 7,
    "training": 7,
    "sampling": 7,
    "harness": 8,
    "report": 8,
    "cli": 9,
}
CONTRACT = {"gan", "trick", "passes", "state", "step"}
WITHOUT_TORCH = {"allocator", "errors", "stats", "paths", "registry", "config", "records", "report"}
REPORT_MAY_USE = {"errors", "config", "stats", "records", "report"}
ZOO_MAY_USE = {"", "errors", "losses", "nn", "tricks"}
CEILING = 400


def unit_of(path: Path) -> str:
    """The first part of a module's place below ganbench; 'zoo' for the zoo."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return "zoo" if parts[0] == "zoo" else parts[1]


def imports_of(path: Path) -> list[tuple[int, str]]:
    """Every imported module by line; ``from a import b`` counts as ``a.b`` as well as ``a``."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.append((node.lineno, node.module))
            if node.module == "ganbench":
                found += [(node.lineno, f"ganbench.{alias.name}") for alias in node.names]
    return found


def ganbench_units(path: Path) -> list[tuple[int, str]]:
    """The units of ganbench that a module imports, by line."""
    return [
        (line, name.split(".")[1])
        for line, name in imports_of(path)
        if name.startswith("ganbench.") and name.split(".")[1] in RANKS
    ]


def test_the_tree_has_modules_and_every_unit_has_a_rank():
    units = {unit_of(path) for path in MODULES} - {"zoo", "__init__", "__main__"}
    assert units == set(RANKS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path):
    unit = unit_of(path)
    if unit in {"__init__", "__main__"}:
        return
    for line, other in ganbench_units(path):
        if unit == "zoo":
            assert other in ZOO_MAY_USE, f"{path}:{line}: the zoo imports ganbench.{other}"
        elif other != unit and not {unit, other} <= CONTRACT:
            assert RANKS[other] < RANKS[unit], f"{path}:{line}: {unit} must not import {other}"
        if unit == "report":
            assert other in REPORT_MAY_USE, f"{path}:{line}: report must not import {other}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_registry_loads_the_zoo_and_plain_units_load_no_torch(path):
    for line, name in imports_of(path):
        assert not name.startswith(("ganbench.zoo", "zoo")), f"{path}:{line} imports the zoo"
        if unit_of(path) in WITHOUT_TORCH:
            top = name.split(".")[0]
            assert top not in {"torch", "torchvision"}, f"{path}:{line} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_stay_small_and_carry_their_licence(path):
    text = path.read_text()
    assert text.startswith("# SPDX-License-Identifier: MIT\n")
    assert text.count("\n") <= CEILING
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or 0) - node.lineno
            signature = node.body[0].lineno - node.lineno
            assert length - signature <= 60, f"{path}:{node.lineno}: {node.name} is too long"


def test_the_step_fits_on_one_screen_and_knows_no_trick():
    text = (ROOT / "ganbench/step.py").read_text()
    code = [line for line in text.splitlines() if line.strip() and not line.startswith(("#", '"'))]
    assert len(code) <= 60
    tricks = {path.stem for path in ROOT.glob("ganbench/tricks/*.py")} - {"__init__"}
    for path in ("step.py", "training/trainer.py", "state.py", "passes.py"):
        words = {
            node.id if isinstance(node, ast.Name) else node.attr
            for node in ast.walk(ast.parse((ROOT / "ganbench" / path).read_text()))
            if isinstance(node, ast.Name | ast.Attribute)
        }
        assert not words & tricks, f"{path} knows {words & tricks}"


def test_the_packages_list_is_the_tree():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {path.parent for path in ROOT.glob("ganbench/**/__init__.py")}
    expected = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    assert set(settings["packages"]) == expected | {"ganbench.zoo"}
    assert settings["package-dir"] == {"ganbench.zoo": "zoo"}
    assert not list(ROOT.glob("tests/**/__init__.py")), "tests must not be a package"


def modules_after(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after a statement."""
    program = f"{statement}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    environment = {**os.environ, "PYTHONPATH": ""}
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
        env=environment,
    )
    return set(result.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import ganbench",
        "import ganbench.cli",
        "from ganbench import registry; registry.models.entries(); registry.tricks.entries()",
        "import ganbench.records.run_folder, ganbench.analysis.stats, ganbench.config",
    ],
)
def test_start_up_loads_no_torch(statement):
    heavy = {"torch", "torchvision", "scipy", "sklearn", "altair", "pandas", "mlxtend"}
    loaded = modules_after(statement)
    assert "ganbench" in loaded
    assert not loaded & (heavy - ({"scipy"} if "stats" in statement else set()))


def test_the_zoo_refuses_another_name():
    result = subprocess.run(
        [sys.executable, "-c", "import zoo"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert result.returncode == 1
    assert "ganbench.zoo" in result.stderr
