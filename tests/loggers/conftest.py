# SPDX-License-Identifier: MIT
"""A run that every logger hears of, that is killed in the middle, and that is resumed."""

import os
import subprocess
import sys
from pathlib import Path

import logged_runs
import pytest
from logged_runs import options, planned

import ganbench
from ganbench.harness.run import Run

NAMES = ("tensorboard", "wandb", "mlflow")
KILLED = """
import os, sys
from pathlib import Path

import torch

sys.path.insert(0, sys.argv[2])
torch.set_num_threads(1)
from logged_runs import options, planned
from ganbench.harness.run import Run
from ganbench.progress import Progress


class Killer(Progress):
    ticks = 0

    def tick(self, row, share, seconds_left):
        self.ticks += 1
        if self.ticks == 7:
            os._exit(9)  # a row that no checkpoint covers is recorded, and perhaps logged


Run(planned(), options(Path(sys.argv[1]), tuple(sys.argv[3:])), Killer()).execute()
"""


@pytest.fixture(scope="session")
def logged(tmp_path_factory):
    """Return the folder of a run that was killed at its seventh tick, and resumed."""
    for name in NAMES:
        pytest.importorskip(name, reason=f"needs {name}: pip install 'ganbench[{name}]'")
    out = tmp_path_factory.mktemp("logged")
    home = str(Path(ganbench.__file__).resolve().parents[1])
    words = [
        sys.executable,
        "-P",
        "-c",
        KILLED,
        str(out),
        str(Path(logged_runs.__file__).parent),
        *NAMES,
    ]
    environment = {**os.environ, "PYTHONPATH": home, "GANBENCH_CACHE": str(out / "cache")}
    killed = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert killed.returncode == 9, killed.stderr
    run = Run(planned(), options(out, NAMES))
    assert len(run.folder.stats()) == 7
    run.execute()
    assert len(run.folder.stats()) == 10
    return run.folder
