# SPDX-License-Identifier: MIT
"""The rules of the house: imports run one way, modules stay small, start-up loads no torch."""

import ast
import functools
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganbench import registry

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted([*ROOT.glob("ganbench/**/*.py"), *ROOT.glob("zoo/*.py")])

# A module may import what has a lower rank, and what belongs to its own unit.
RANKS = {
    "errors": -1,
    "moving": 0,
    "paths": 0,
    "progress": 0,
    "run_logger": 0,
    "typed_values": 0,
    "siblings": 0,
    "entries": 1,
    "registry": 2,
    "config": 1,
    "runtime": 2,
    "records": 2,
    "user_code": 2,
    "health": 3,
    "papers": 3,
    "streams": 3,
    "source_digest": 3,
    "trick_class": 3,
    "weights": 3,
    "gan": 4,
    "images_per_update": 4,
    "trick": 4,
    "turn": 4,
    "state": 4,
    "step": 4,
    "losses": 5,
    "trick_config": 5,
    "model_parameters": 5,
    "nn": 5,
    "kinds": 5,
    "data": 6,
    "backbone": 6,
    "backbones": 7,
    "tricks": 7,
    "datasets": 7,
    "samples": 7,
    "listings": 7,
    "evaluation": 8,
    "training": 8,
    "sampling": 8,
    "networks": 9,
    "metrics": 9,
    "loggers": 9,
    "export": 9,
    "speed": 9,
    "analysis": 9,
    "report": 10,
    "harness": 11,
    "citations": 12,
    "lab": 12,
    "cli": 13,
    "api": 14,
}
CONTRACT = {"gan", "images_per_update", "trick", "turn", "state", "step"}
CATALOGUES = ("backbones", "datasets", "loggers", "metrics", "networks", "tricks")
"""Folders that hold entries only, each in a file of its own or of its family."""
MAY_NAME_A_CATALOGUE = {"__init__", *CATALOGUES}
"""What may import an entry by statement: all others find it by name, through the registry."""
WITHOUT_TORCH = {
    "analysis",
    "config",
    "entries",
    "errors",
    "health",
    "moving",
    "papers",
    "paths",
    "progress",
    "records",
    "registry",
    "report",
    "run_logger",
    "siblings",
    "source_digest",
    "trick_class",
    "user_code",
}
MAY_USE = {
    "analysis": {"analysis", "config", "errors", "records"},
    "health": {"config", "errors", "health", "records"},
    "report": {"analysis", "config", "errors", "health", "records", "report"},
    "zoo": {"", "backbone", "errors", "gan", "losses", "nn", "trick", "tricks"},
}
CEILING = 400


@functools.cache
def text_of(path: Path) -> str:
    return path.read_text()


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path))


def unit_of(path: Path) -> str:
    """The first part of a module's place below ganbench; 'zoo' for the zoo."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return "zoo" if parts[0] == "zoo" else parts[1]


@functools.cache
def imports_of(path: Path) -> list[tuple[int, str]]:
    """Every imported module by line; ``from a import b`` counts as ``a.b`` as well as ``a``."""
    found = []
    for node in ast.walk(tree_of(path)):
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


JSON_GATE = "ganbench/records/json_values.py"
WRITES_JSON = {
    "ganbench/config.py": "writes what is hashed, below the records",
    "ganbench/evaluation/reference_statistics.py": "writes what is hashed",
    "ganbench/report": "writes literals of scripts, which a browser reads",
}
"""Where something else than a record is written as JSON, and why."""


def test_records_are_written_and_read_through_one_gate():
    for path in MODULES:
        place, text = str(path.relative_to(ROOT)), text_of(path)
        if place == JSON_GATE:
            continue
        assert not re.search(r"json\.loads?\(|\bfrom_json\b", text), f"{place} reads JSON"
        if not place.startswith(tuple(WRITES_JSON)):
            assert "json" not in {name for _, name in imports_of(path)}, f"{place} writes JSON"


def test_the_tree_has_modules_and_every_unit_has_a_rank():
    units = {unit_of(path) for path in MODULES} - {"zoo", "__init__", "__main__"}
    assert units == set(RANKS)


def may_import(unit: str, other: str) -> bool:
    """Tell whether the modules of a unit may import those of another."""
    if other not in MAY_USE.get(unit, RANKS):
        return False
    if unit == "zoo":
        return True
    if other in CATALOGUES and unit not in MAY_NAME_A_CATALOGUE:
        return False
    return other == unit or {unit, other} <= CONTRACT or RANKS[other] < RANKS[unit]


def test_imports_point_one_way():
    wrong = [
        f"{path}:{line}: {unit_of(path)} must not import {other}"
        for path in MODULES
        if unit_of(path) not in {"__init__", "__main__"}
        for line, other in ganbench_units(path)
        if not may_import(unit_of(path), other)
    ]
    assert not wrong


@pytest.mark.parametrize("folder", CATALOGUES)
def test_catalogue_folders_hold_only_registered_entries(folder):
    for path in sorted((ROOT / "ganbench" / folder).iterdir()):
        if path.name not in {"__init__.py", "__pycache__"}:
            assert path.suffix == ".py", f"{path} is no entry"
            assert list(registry.scan(path, "any")), f"{path} registers nothing"


def public_names(path: Path) -> Iterator[str]:
    """Every class, function and value that a module defines for others, type variables aside."""
    for node in tree_of(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            variable = (
                isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "TypeVar"
            )
            names = [] if variable else [ast.unparse(target) for target in node.targets]
        elif isinstance(node, ast.AnnAssign):
            names = [ast.unparse(node.target)]
        else:
            names = []
        yield from (name for name in names if not name.startswith("_"))


def test_no_public_name_is_defined_twice():
    """The verbs of the command line are alike by design: each is a ``command``."""
    homes: dict[str, set[str]] = {}
    for path in MODULES:
        if unit_of(path) != "zoo":
            for name in public_names(path):
                homes.setdefault(name, set()).add(path.relative_to(ROOT).as_posix())
    verbs = {"command", "EXAMPLES"}
    assert not {name: files for name, files in homes.items() if len(files) > 1}.keys() - verbs


def test_no_file_name_stands_for_two_things():
    """Verbs of the command line, and entries of catalogues, are named after what they are of."""
    homes: dict[str, list[str]] = {}
    for path in MODULES:
        if unit_of(path) not in {"cli", "zoo", *CATALOGUES} and path.stem != "__init__":
            homes.setdefault(path.stem, []).append(path.relative_to(ROOT).as_posix())
    assert not {stem: files for stem, files in homes.items() if len(files) > 1}


def test_only_the_registry_loads_the_zoo_and_plain_units_load_no_torch():
    wrong = [
        f"{path}:{line} imports {name}"
        for path in MODULES
        for line, name in imports_of(path)
        if name.startswith(("ganbench.zoo", "zoo"))
        or (unit_of(path) in WITHOUT_TORCH and name.split(".")[0] in {"torch", "torchvision"})
    ]
    assert not wrong


def too_long(path: Path) -> Iterator[str]:
    """Yield the functions of a module that are too long."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or 0) - node.lineno
            signature = node.body[0].lineno - node.lineno
            if length - signature > 60:
                yield f"{path}:{node.lineno}: {node.name} is too long"


def test_modules_and_functions_stay_small_and_carry_their_licence():
    licence = "# SPDX-License-Identifier: MIT\n"
    assert not [path for path in MODULES if not text_of(path).startswith(licence)]
    assert not [path for path in MODULES if text_of(path).count("\n") > CEILING]
    assert not [told for path in MODULES for told in too_long(path)]


def test_the_step_fits_on_one_screen_and_knows_no_trick():
    text = (ROOT / "ganbench/step.py").read_text()
    code = [line for line in text.splitlines() if line.strip() and not line.startswith(("#", '"'))]
    assert len(code) <= 60
    tricks = {path.stem for path in ROOT.glob("ganbench/tricks/*.py")} - {"__init__"}
    for path in ("step.py", "training/trainer.py", "state.py", "turn.py"):
        words = {
            node.id if isinstance(node, ast.Name) else node.attr
            for node in ast.walk(tree_of(ROOT / "ganbench" / path))
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


ANALYSIS = {path.stem for path in ROOT.glob("ganbench/analysis/*.py")} - {"__init__"}


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


HEAVY = {"torch", "torchvision", "scipy", "sklearn", "altair", "pandas", "mlxtend"}


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("import ganbench", set()),
        ("import ganbench.cli", set()),
        ("from ganbench import registry; registry.models.entries(); registry.tricks.entries()", ()),
        ("import ganbench.records.load, ganbench.config", set()),
        ("from ganbench.papers import bibtex, credits; credits.credits_of(['dcgan'], {})", set()),
        ("from ganbench.analysis import " + ", ".join(sorted(ANALYSIS)), {"scipy"}),
        ("import ganbench.report.write", {"scipy", "altair", "pandas"}),
    ],
)
def test_start_up_loads_nothing_heavy(statement, allowed):
    loaded = modules_after(statement)
    assert "ganbench" in loaded
    assert not (loaded & HEAVY) - set(allowed)


def test_a_run_loads_neither_compilers_nor_statistics():
    """Each of them takes a fifth of a second or more, in every process that trains."""
    loaded = modules_after(
        "import sys, ganbench.harness.run\n"
        "slow = {'torch._dynamo', 'triton', 'scipy.stats', 'sympy'}\n"
        "sys.modules |= {'slow_' + name.split('.')[0]: None for name in slow & set(sys.modules)}"
    )
    assert not [name for name in loaded if name.startswith("slow_")]


def test_the_zoo_refuses_another_name():
    result = subprocess.run(
        [sys.executable, "-c", "import zoo"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert result.returncode == 1
    assert "ganbench.zoo" in result.stderr
