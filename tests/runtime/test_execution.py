# SPDX-License-Identifier: MIT
"""How a step is computed: what was set comes back, and the gradients are the same to rounding."""

import functools

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from ganbench.data import open_dataset
from ganbench.harness.plan import plan
from ganbench.runtime.execution import USUAL, Execution, arithmetic
from ganbench.speed.meter import Meter
from ganbench.step import gradients

CPU = torch.device("cpu")


def meter(model="dcgan", dataset="mnist5k", execution=USUAL, tricks=(), **settings):
    settings = {"recipe.batch_size": 16, **settings}
    config = plan(model, dataset, tricks=tricks, settings=settings).config
    return Meter(config, open_dataset(dataset).load("train"), CPU, execution)


def both_gradients(measured):
    """The gradients of both players at the start, as one vector each."""
    batch = measured.next_batch()
    by_role = {}
    with arithmetic(measured.state.precision):
        for role in ("discriminator", "generator"):
            gradients(measured.state, role, batch)
            parts = [weight.grad.flatten().clone() for weight in measured.state.parameters(role)]
            by_role[role] = torch.cat(parts)
    return by_role


def distance(vector, other):
    return float((vector - other).norm() / other.norm())


WAYS = {
    "contiguous": ({}, Execution(memory_format="contiguous"), 5e-3),
    # Processors that multiply bfloat16 round the factors to it in both precisions.
    "medium": ({"precision": "medium"}, USUAL, 0.15),
    "bf16": ({"precision": "bf16"}, USUAL, 0.15),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("model", "tricks"),
    [("vanilla", ()), ("dcgan", ()), ("wgan-gp", ()), ("dcgan", ("spectral-norm", "r1"))],
)
def test_every_way_gives_the_same_gradient_to_rounding(model, tricks, way):
    settings, execution, bound = WAYS[way]
    usual = both_gradients(meter(model, tricks=tricks))
    other = both_gradients(meter(model, tricks=tricks, execution=execution, **settings))
    for role, gradient in usual.items():
        assert distance(other[role], gradient) < bound


def test_compiled_networks_give_the_same_gradient_to_rounding(monkeypatch):
    """The graphs that torch makes are run as they are: no C++ compiler is needed."""
    compiling = functools.partialmethod(nn.Module.compile, backend="aot_eager")
    monkeypatch.setattr(nn.Module, "compile", compiling)
    usual = both_gradients(meter("vanilla", "ring8"))
    compiled = meter("vanilla", "ring8", Execution(compile=True))
    assert compiled.state.generator._compiled_call_impl is not None
    for role, gradient in both_gradients(compiled).items():
        assert distance(gradient, usual[role]) < 1e-5


def test_only_what_is_unusual_is_recorded():
    assert USUAL.record() == {}
    assert Execution(compile=True).record() == {"compile": True}
    assert Execution("contiguous").record() == {"memory_format": "contiguous"}


@pytest.mark.parametrize(
    ("precision", "multiplies"), [("fp32", "highest"), ("medium", "medium"), ("bf16", "highest")]
)
def test_arithmetic_is_set_for_the_step_and_restored(precision, multiplies):
    tiny = torch.full((4,), 1e-40)
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    with arithmetic(precision):
        assert torch.get_float32_matmul_precision() == multiplies
        assert torch.backends.cudnn.allow_tf32 is (precision == "medium")
        assert (tiny * 1.0 == 0).all()
    assert (torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32) == before
    assert (tiny * 1.0 > 0).all()


DENORMALS = """
import sys
import torch
from ganbench.runtime.execution import arithmetic

torch.set_num_threads(1)
tiny, zeros = torch.full((1 << 20,), 1e-39), torch.empty(1 << 20)
torch.set_num_threads(2)
if sys.argv[1] == "before":
    zeros.fill_(0.0)
for _ in range(2):
    with arithmetic("fp32"):
        kept = tiny * 1.0 != 0
    print(kept[0].item(), kept[-1].item(), (tiny * 1.0 != 0).all().item())
"""


@pytest.mark.parametrize("threads_start", ["before", "by themselves"])
def test_small_numbers_count_as_zero_in_the_calling_thread_alone(start, threads_start):
    """Whether or not anything was computed in parallel before; the caller takes the first part."""
    process = start("-c", DENORMALS, threads_start)
    out, err = process.communicate(timeout=100)
    assert not process.returncode, err
    assert out.splitlines() == ["False True True"] * 2


class Rounded(TorchDispatchMode):
    """Counts how often tensors of each shape are rounded to bfloat16."""

    def __init__(self):
        super().__init__()
        self.shapes = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func._overloadpacket is torch.ops.aten._to_copy and (kwargs or {}).get("dtype") is (
            torch.bfloat16
        ):
            self.shapes.append(tuple(args[0].shape))
        return func(*args, **(kwargs or {}))


def test_a_turn_rounds_each_weight_once():
    rounding = meter("vanilla", precision="bf16")
    batch = rounding.next_batch()
    weights = [tuple(weight.shape) for weight in rounding.state.parameters("discriminator")]
    with Rounded() as counted:
        gradients(rounding.state, "discriminator", batch)
    for shape in (weight_shape for weight_shape in weights if len(weight_shape) == 2):
        assert counted.shapes.count(shape) == weights.count(shape)
