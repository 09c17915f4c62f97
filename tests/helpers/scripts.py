# SPDX-License-Identifier: MIT
"""Scripts that are no part of the package: those of the checkout as modules, and others as run."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def checkout_script(path):
    """Return a script of the checkout, such as ``tools/write_learned.py``, as a module."""
    file = CHECKOUT / path
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    return module


def output_of(script, **variables):
    """Run a script in its folder, in a process of its own; return what it prints."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.run(
        [sys.executable, script.name],
        capture_output=True,
        text=True,
        check=False,
        cwd=script.parent,
        env=environment | variables,
    )
    assert not process.returncode, process.stderr
    return process.stdout
