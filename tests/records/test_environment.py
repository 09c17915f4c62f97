# SPDX-License-Identifier: MIT
"""The record of the machine: complete, stable, and silent about whose machine it is."""

from __future__ import annotations

import getpass
import json
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from ganbench.records.environment import checkout, describe_environment, environment_id, lasting

FACTS = {"gpu": "Example GPU", "cuda": "12.4", "library": "/opt/somewhere/lib/libcuda.so"}


def test_what_is_recorded_is_so() -> None:
    described = describe_environment(threads=3, device="cuda", torch_facts=FACTS)
    assert described["python"] == platform.python_version()
    assert described["packages"]["numpy"] == version("numpy")
    assert described["packages"]["torch"] == version("torch")
    assert (described["threads"], described["device"]) == (3, "cuda")
    assert described["torch"]["gpu"] == "Example GPU"
    assert 1 <= described["usable_cores"] <= described["cores"]
    assert json.loads(json.dumps(described)) == described


def test_nothing_tells_host_user_or_place() -> None:
    described = json.dumps(describe_environment(threads=1, device="cpu", torch_facts=FACTS))
    names = {platform.node(), str(Path.home()), str(Path.cwd()), sys.prefix, "/opt/somewhere"}
    if getpass.getuser() not in {"root", "python", "user"}:  # words that a version may hold
        names.add(getpass.getuser())
    for name in names:
        assert len(name) < 3 or name not in described, name


def test_the_id_follows_what_matters_and_nothing_else() -> None:
    cards = [describe_environment(threads=1, device=f"cuda:{n}", torch_facts={}) for n in (0, 1)]
    assert environment_id(cards[0]) == environment_id(cards[1])
    assert cards[0]["device"] == "cuda"
    described = describe_environment(threads=1, device="cpu", torch_facts={})
    assert environment_id(described) == environment_id(json.loads(json.dumps(described)))
    moved = {**described, "kernel": "99.9", "checkout": {"commit": "f" * 40, "dirty": True}}
    assert environment_id(moved) == environment_id(described)
    assert lasting(moved) == lasting(described)
    for key, value in {"threads": 2, "device": "cuda", "processor": "another"}.items():
        assert environment_id({**described, key: value}) != environment_id(described)
    newer = {**described, "packages": {**described["packages"], "torch": "99.0"}}
    assert environment_id(newer) != environment_id(described)


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=someone", "-c", "user.email=someone@example.org"]
    done = subprocess.run(
        ["git", *identity, "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_checkout_is_named_by_commit_and_state(tmp_path: Path) -> None:
    package = tmp_path / "ganbench"
    package.mkdir()
    try:
        git(tmp_path, "init", "--quiet")
    except FileNotFoundError:
        pytest.skip("needs Debian's package git")
    assert checkout(package) == {"commit": None, "dirty": False}
    (package / "module.py").write_text("one = 1\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert checkout(package) == {"commit": commit, "dirty": False}
    (package / "module.py").write_text("one = 2\n")
    assert checkout(package) == {"commit": commit, "dirty": True}
    # Installed below another project's repository, its commit would say nothing of ganbench.
    inside = tmp_path / "venv" / "lib" / "ganbench"
    inside.mkdir(parents=True)
    assert checkout(inside) is None


def test_records_load_no_torch() -> None:
    command = (
        "import sys, ganbench.records.load, ganbench.records.environment;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", command], check=False).returncode == 0
