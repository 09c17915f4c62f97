# SPDX-License-Identifier: MIT
"""Engines: each gives the numbers of plain torch, says what it lacks, and leaves no trace."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from weakref import ref

import pytest
import torch
from fake_card import fake_card
from torch import nn

import ganbench
from ganbench.errors import ConfigError, MissingDataError
from ganbench.runtime.inference import INFERENCE_ENGINES, Compute, forward_of, padded


class Small(nn.Module):
    """Two outputs, as of a network that classifies."""

    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(3, 8, 3, stride=2)
        self.head = nn.Linear(8, 5)

    def forward(self, images):
        features = self.body(images).relu().mean(dim=(2, 3))
        return features, self.head(features)


@pytest.fixture
def module():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Small().eval().requires_grad_(False)


def inputs(count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3, 12, 9, generator=generator)


NEEDS = {
    "torch": pytest.mark.skipif(False, reason=""),
    "openvino": pytest.mark.skipif(
        find_spec("openvino") is None, reason='needs OpenVINO: pip install "ganbench[openvino]"'
    ),
}


@pytest.mark.parametrize(
    "engine", [pytest.param(name, marks=marks) for name, marks in NEEDS.items()]
)
def test_an_engine_gives_the_modules_numbers_for_any_number_of_rows(module, engine):
    check_numbers(module, Compute(engine=engine, batch_size=4))


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler: g++")
def test_torch_compile_gives_the_modules_numbers():
    # In a process of its own: torch's compiler imports setuptools, which refuses to be loaded
    # after anything that another test may have imported distutils with.
    program = (
        "import runpy, sys; from ganbench.runtime.inference import Compute\n"
        "here = runpy.run_path(sys.argv[1])\n"
        "module = here['Small']().eval().requires_grad_(False)\n"
        "here['check_numbers'](module, Compute(engine='compile', batch_size=4))"
    )
    home = str(Path(ganbench.__file__).resolve().parents[1])
    subprocess.run(
        [sys.executable, "-c", program, __file__],
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([home, *sys.path])},
    )


def test_every_engine_is_tested():
    assert {*NEEDS, "compile"} == set(INFERENCE_ENGINES)


def check_numbers(module, compute):
    """Compare an engine with the module itself."""
    forward = forward_of(module, inputs(4), compute)
    for count in (4, 1, 7):
        batch = inputs(count, seed=count)
        features, logits = forward(batch)
        expected_features, expected_logits = module(batch)
        assert torch.allclose(features, expected_features, rtol=1e-5, atol=1e-6)
        assert torch.allclose(logits, expected_logits, rtol=1e-5, atol=1e-6)
        assert not features.is_inference()


def test_one_output_becomes_a_tuple(module):
    (output,) = forward_of(module.body, inputs(2), Compute())(inputs(2))
    assert torch.allclose(output, module.body(inputs(2)), atol=1e-6)


def test_bf16_is_near_and_not_equal(module):
    batch = inputs(3)
    exact = forward_of(module, batch, Compute())(batch)[0]
    rough = forward_of(module, batch, Compute(precision="bf16"))(batch)[0].float()
    deviation = (rough - exact).norm() / exact.norm()
    assert 1e-5 < deviation < 2e-2


@NEEDS["openvino"]
def test_openvino_computes_in_bf16_where_asked(module):
    batch = inputs(3)
    exact = forward_of(module, batch, Compute())(batch)[0]
    rough = forward_of(module, batch, Compute(engine="openvino", precision="bf16"))(batch)[0]
    assert (rough - exact).norm() / exact.norm() < 2e-2


def test_networks_that_share_a_module_share_what_was_made(module):
    first = forward_of(module, inputs(2), Compute())
    assert forward_of(module, inputs(5), Compute()) is first
    assert forward_of(module, inputs(2), Compute(precision="bf16")) is not first


def test_tf32_is_off_inside_and_as_it_was_outside():
    seen = []

    class Watching(nn.Module):
        def forward(self, values):
            seen.append(
                (
                    torch.backends.cuda.matmul.allow_tf32,
                    torch.backends.cudnn.allow_tf32,
                    torch.backends.cudnn.deterministic,
                    torch.backends.cudnn.benchmark,
                )
            )
            return values

    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    try:
        forward_of(Watching(), inputs(1), Compute())(inputs(1))
        after = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before
    assert seen == [(False, False, True, False)]
    assert after == (True, True)


def test_padding_fills_the_last_piece_and_drops_it_again():
    seen = []

    def forward(rows):
        seen.append(len(rows))
        return rows * 2, rows.sum(dim=1)

    batch = torch.arange(14.0).view(7, 2)
    doubled, sums = padded(forward, 3)(batch)
    assert seen == [3, 3, 3]
    assert torch.equal(doubled, batch * 2)
    assert torch.equal(sums, batch.sum(dim=1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"engine": "openvno"}, "Unknown engine 'openvno'. Did you mean 'openvino'?"),
        ({"precision": "fp16"}, "Unknown precision 'fp16'. Did you mean"),
        ({"batch_size": 0}, "at least one image"),
        ({"engine": "openvino", "device": "cuda"}, "computes on the CPU, not on cuda"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message.replace("?", r"\?")) as caught:
        Compute(**settings)
    assert caught.value.exit_code == 2


def test_a_compiler_that_fails_is_no_traceback(module, monkeypatch):
    def broken(*arguments, **settings):
        def call(values):
            raise torch._dynamo.exc.TorchDynamoException("no C++ compiler\nmore")

        return call

    monkeypatch.setattr(torch, "compile", broken)
    with pytest.raises(ConfigError, match=r"no C\+\+ compiler$"):
        forward_of(module, inputs(2), Compute(engine="compile"))


def test_openvino_that_is_missing_is_said_with_the_command(module, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingDataError, match="not installed") as caught:
        forward_of(module, inputs(2), Compute(engine="openvino"))
    assert caught.value.hint == 'pip install "ganbench[openvino]"'
    assert caught.value.exit_code == 4


@NEEDS["openvino"]
def test_openvino_runs_without_its_telemetry():
    # In a process of its own: another test's imports cannot be undone.
    program = (
        "from ganbench.runtime.inference import import_openvino; import_openvino(); "
        "from openvino.tools.ovc import telemetry_utils; print(telemetry_utils.tm.__name__)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "openvino.tools.ovc.telemetry_stub"


def test_a_module_is_moved_only_where_another_engine_has_moved_it(module, monkeypatch):
    batch = inputs(2)
    expected = forward_of(module, batch, Compute())(batch)[0]
    with fake_card(monkeypatch) as card:
        there = batch.to("cuda")
        forward = forward_of(module, there, Compute(device="cuda"))
        card.forget()
        moves, move = [], nn.Module.to
        monkeypatch.setattr(
            nn.Module, "to", lambda *given, **more: moves.append(given) or move(*given, **more)
        )
        assert torch.equal(forward(there)[0].held, expected)
        assert (moves, card.log) == ([], [])
        move(module, "cpu")
        assert torch.equal(forward(there)[0].held, expected)
        assert len(moves) == 1


def test_a_module_goes_with_the_functions_that_were_made_of_it():
    module = Small().eval()
    images = torch.zeros(2, 3, 9, 9)
    assert forward_of(module, images, Compute()) is forward_of(module, images, Compute())
    gone = ref(module)
    del module
    gc.collect()
    assert gone() is None


def unpickled(module):
    return pickle.loads(pickle.dumps(module))  # noqa: S301 - written on this very line


@pytest.mark.parametrize("copied", [copy.deepcopy, unpickled])
def test_a_copy_of_a_module_is_computed_by_itself(module, copied):
    images = torch.ones(2, 3, 9, 9)
    before = forward_of(module, images, Compute())(images)[1]
    other = copied(module)
    other.head = nn.Linear(8, 5)
    after = forward_of(other, images, Compute())(images)[1]
    assert torch.allclose(after, other(images)[1], atol=1e-5)
    assert torch.equal(forward_of(module, images, Compute())(images)[1], before)
