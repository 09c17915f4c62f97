# SPDX-License-Identifier: MIT
"""Fixtures of all tests: separate folders, one thread, and the command line as a function."""

from __future__ import annotations

import functools
import itertools
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import typer
from dead_workers import pytest_handlecrashitem as pytest_handlecrashitem
from hypothesis import settings

from ganbench import paths, registry

# A busy machine is not a failure: examples may take long, and are the same in every run.
settings.register_profile("ganbench", deadline=None, derandomize=True)
settings.load_profile("ganbench")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell has it in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)

STORE = paths.weights().absolute()
"""Where this machine keeps weights, read before tests get their own folders."""

GPU = {name: getattr(torch.cuda, name) for name in ("is_available", "device_count")}
VISIBLE = os.environ.get("CUDA_VISIBLE_DEVICES")
"""What this machine shows of its GPUs, read before they are hidden."""

TESTS = itertools.count()
"""Numbers of tests, whose folders differ."""

command_of = functools.cache(typer.main.get_command)
"""Make the command of an application once; typer makes it anew in each call."""


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory):
    """Return a cache for the whole session, so that slow files are parsed only once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session", autouse=True)
def isolated_session(tmp_path_factory, shared_cache):
    """Keep fixtures of a module or of the session, too, out of the user's folders.

    They run before ``isolated``.
    """
    place = tmp_path_factory.mktemp("session")
    with pytest.MonkeyPatch.context() as monkeypatch:
        _keep_out(monkeypatch, shared_cache, place)
        yield


@pytest.fixture(autouse=True)
def isolated(isolated_session, monkeypatch, tmp_path_factory, shared_cache, request):
    """Keep tests out of the user's folders, away from the network, and off the other cores.

    Only tests marked ``cuda`` see a GPU: what the others expect is what a CPU computes.
    """
    if "tmp_path" in request.fixturenames:
        place = request.getfixturevalue("tmp_path")
    else:  # to make a folder takes longer the more there are
        place = tmp_path_factory.getbasetemp() / f"of-test-{next(TESTS)}"
    _keep_out(monkeypatch, shared_cache, place)
    if request.node.get_closest_marker("cuda"):
        _show_gpu(monkeypatch)


def _keep_out(monkeypatch, cache, place):
    """Set what keeps code in separate folders, on one core, and without a GPU."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # for the processes that a test starts
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setenv("GANBENCH_CACHE", str(cache))
    monkeypatch.setenv("GANBENCH_RUNS", str(place / "runs"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "xdg"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for name in ("GANBENCH_WEIGHTS", "COLUMNS", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    torch.set_num_threads(1)


def _show_gpu(monkeypatch):
    """Let code see the GPU, as it was before the tests began."""
    for name, function in GPU.items():
        monkeypatch.setattr(torch.cuda, name, function)
    if VISIBLE is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", VISIBLE)


@pytest.fixture
def float64():
    """Compute in double precision."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def weights(monkeypatch):
    """Let a test use weights from this machine's store, ``weights("inception")``, or skip it."""

    def need(*names):
        for name in names:
            if not (STORE / f"{name}.safetensors").is_file():
                pytest.skip(f"needs the weights of {name}: ganbench weights fetch {name}")
        monkeypatch.setenv("GANBENCH_WEIGHTS", str(STORE))
        return STORE

    return need


@dataclass(frozen=True)
class Outcome:
    """The exit code of a command, and the text that it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self):
        """The JSON document on stdout; any other text there is an error."""
        return json.loads(self.out)


@pytest.fixture
def cli(monkeypatch, capsys):
    """Run ``ganbench WORDS`` in this process."""
    from ganbench.cli import main

    monkeypatch.setattr(typer.main, "get_command", command_of)

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
def quick_choices(monkeypatch):
    """Choose how a run is computed by a few milliseconds of each way."""
    monkeypatch.setattr("ganbench.speed.autotune.ROUNDS", 1)
    monkeypatch.setattr("ganbench.speed.autotune.SECONDS", 0.01)


@pytest.fixture
def train(tmp_path):
    """Return a function that trains a GAN for a moment, and returns the run."""
    import ganbench

    def call(model="vanilla", data="ring8", **arguments):
        settings = {"kimg": 0.3, "batch_size": 20, **arguments.pop("settings", {})}
        quiet = {"out": tmp_path, "samples": 64, "progress": False, "threads": 1}
        return ganbench.run(model, data, settings=settings, **{**quiet, **arguments})

    return call


@pytest.fixture
def session():
    """Forget what a test adds to the registries."""
    before = {kind: dict(entries._added) for kind, entries in registry.KINDS.items()}
    yield
    for kind, entries in registry.KINDS.items():
        entries._added.clear()
        entries._added.update(before[kind])


@pytest.fixture
def start(tmp_path):
    """Start Python in a separate process, which is killed if it outlives the test."""
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
"""A model whose generator ignores its latents."""

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
    """Always draws the same example."""
    return GAN(
        generator=lambda latent_dim: Constant(data.shape),
        discriminator=lambda shape: MLP(shape, [4], (1,)),
        loss=non_saturating,
        recipe=Recipe(kimg=0.2, batch_size=20, latent_dim=2),
    )
'''


@pytest.fixture
def constant_model(tmp_path):
    """Return a file with a model that collapses."""
    path = tmp_path / "constant.py"
    path.write_text(CONSTANT)
    return path
