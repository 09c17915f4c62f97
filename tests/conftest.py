# SPDX-License-Identifier: MIT
"""What all tests share: folders of their own, one thread, and the command line as a function."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from ganbench import paths

# A busy machine is no mistake: examples may take their time, and are the same in every run.
settings.register_profile("ganbench", deadline=None, derandomize=True)
settings.load_profile("ganbench")

STORE = paths.weights().absolute()
"""Where the machine keeps weights, read before tests are given folders of their own."""


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory):
    """One cache for the session, so that what takes seconds to parse is parsed once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def isolated(monkeypatch, tmp_path, shared_cache):
    """Keep tests out of the user's folders, away from the network, and off the other cores."""
    monkeypatch.setenv("GANBENCH_CACHE", str(shared_cache))
    monkeypatch.setenv("GANBENCH_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for name in ("GANBENCH_WEIGHTS", "COLUMNS", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    torch.set_num_threads(1)


@pytest.fixture
def weights(monkeypatch):
    """Let a test use the weights of the machine's store: ``weights("inception")``, or skip."""

    def need(*names):
        store = STORE
        for name in names:
            if not (store / f"{name}.safetensors").is_file():
                pytest.skip(f"needs the weights of {name}: ganbench weights fetch {name}")
        monkeypatch.setenv("GANBENCH_WEIGHTS", str(store))
        return store

    return need


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self):
        """The one JSON document on stdout: anything beside it is an error."""
        return json.loads(self.out)


@pytest.fixture
def cli(monkeypatch, capsys):
    """Run ``ganbench WORDS`` in this process."""
    from ganbench.cli import main

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["ganbench", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Outcome(ended.value.code, captured.out, captured.err)

    return call


@pytest.fixture
def start(tmp_path):
    """Start Python in a process of its own; it is killed if it outlives the test."""
    started = []
    # Where ganbench is installed from its wheel, the checkout must not be found before it.
    import ganbench

    home = str(Path(ganbench.__file__).resolve().parents[1])

    def begin(*words, **settings):
        environment = {**os.environ, "PYTHONPATH": home}
        environment.pop("PYTHONUNBUFFERED", None)  # output is buffered, as it is for a user
        process = subprocess.Popen(
            [sys.executable, *map(str, words)],
            text=True,
            env=environment,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": tmp_path, **settings},
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()


CONSTANT = '''
"""A model whose generator ignores its latent."""

import torch
from torch import nn

from ganbench import GAN, MLP, Recipe, adam, register
from ganbench.losses import non_saturating


class Constant(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.value = nn.Parameter(torch.zeros(shape))

    def forward(self, latents):
        return self.value.expand(len(latents), *self.value.shape)


@register
def constant(data):
    """Draws one and the same example."""
    return GAN(
        generator=lambda latent_dim: Constant(data.shape),
        discriminator=lambda shape: MLP(shape, [4], (1,)),
        loss=non_saturating,
        recipe=Recipe(kimg=0.2, batch_size=20, latent_dim=2),
    )
'''


@pytest.fixture
def constant_model(tmp_path):
    """A file with a model that collapses."""
    path = tmp_path / "constant.py"
    path.write_text(CONSTANT)
    return path
