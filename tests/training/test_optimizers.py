# SPDX-License-Identifier: MIT
"""Optimizers from their description, against torch's own; schedules against their formulas."""

import math
import subprocess
import sys

import pytest
import torch
from torch import nn

from ganbench.config import OptimizerSpec, adam, rmsprop, sgd
from ganbench.training.optimizers import make_optimizer


def run(make, steps=5):
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(6, 5))
    optimizer = make([weight])
    for _ in range(steps):
        optimizer.zero_grad()
        (weight.sin() * weight).sum().backward()
        optimizer.step()
    return weight.detach()


@pytest.mark.parametrize(
    ("spec", "reference"),
    [
        (adam(0.1, (0.5, 0.9)), lambda w: torch.optim.Adam(w, lr=0.1, betas=(0.5, 0.9))),
        (
            OptimizerSpec(kind="adam", learning_rate=0.1, weight_decay=0.2),
            lambda w: torch.optim.Adam(w, lr=0.1, weight_decay=0.2),
        ),
        (sgd(0.1, 0.9), lambda w: torch.optim.SGD(w, lr=0.1, momentum=0.9)),
        (
            OptimizerSpec(kind="sgd", learning_rate=0.1, weight_decay=0.3),
            lambda w: torch.optim.SGD(w, lr=0.1, weight_decay=0.3),
        ),
        (
            OptimizerSpec(kind="rmsprop", learning_rate=0.1, alpha=0.5, weight_decay=0.1),
            lambda w: torch.optim.RMSprop(w, lr=0.1, alpha=0.5, weight_decay=0.1),
        ),
        (rmsprop(0.1), lambda w: torch.optim.RMSprop(w, lr=0.1)),
    ],
)
def test_it_moves_as_torchs_plain_one_does(spec, reference):
    torch.testing.assert_close(run(lambda w: make_optimizer(spec, w)), run(reference))


def test_a_negative_momentum_is_polyaks_formula():
    weight = nn.Parameter(torch.tensor([1.0]))
    optimizer = make_optimizer(sgd(0.1, -0.5), [weight])
    expected, velocity = 1.0, 0.0
    for _ in range(6):
        optimizer.zero_grad()
        weight.square().sum().backward()
        optimizer.step()
        velocity = -0.5 * velocity + 2 * expected
        expected -= 0.1 * velocity
    assert weight.item() == pytest.approx(expected, rel=1e-6)


FORMULAS = {
    "constant": lambda t, last: 1.0,
    "linear": lambda t, last: (1 - t) + t * last,
    "cosine": lambda t, last: last + (1 - last) * (1 + math.cos(math.pi * t)) / 2,
}


@pytest.mark.parametrize("kind", ["adam", "sgd", "rmsprop"])
@pytest.mark.parametrize("last", [0.0, 0.25])
@pytest.mark.parametrize("schedule", FORMULAS)
def test_the_learning_rate_follows_its_formula(bench, schedule, last, kind):
    spec = OptimizerSpec(kind=kind, learning_rate=0.5)
    state = bench.state(
        kimg=0.4,
        schedule=schedule,
        final_learning_rate=last,
        generator_optimizer=spec,
        discriminator_optimizer=adam(0.125),
    )
    for share in (0.0, 0.1, 0.5, 0.9, 1.0, 1.2):
        state.images_seen = round(400 * share)
        for role, rate in (("generator", 0.5), ("discriminator", 0.125)):
            for parameter in state.parameters(role):
                parameter.grad = torch.zeros_like(parameter)
            state.move(role)
            groups = state.optimizers[role].param_groups
            expected = rate * FORMULAS[schedule](min(1.0, share), last)
            assert [group["lr"] for group in groups] == [pytest.approx(expected, abs=1e-12)]


def test_a_rate_of_zero_moves_nothing(bench):
    state = bench.state(schedule="linear")
    state.images_seen = 400
    before = [weight.detach().clone() for weight in state.parameters("generator")]
    for parameter in state.parameters("generator"):
        parameter.grad = torch.ones_like(parameter)
    state.move("generator")
    pairs = zip(before, state.parameters("generator"), strict=True)
    assert all(torch.equal(old, new) for old, new in pairs)


def test_adam_moves_as_torchs_own_does_bit_for_bit():
    random = torch.Generator().manual_seed(0)
    start = [torch.randn(size, generator=random) for size in ((3, 4), (5,))]
    weights, reference_weights = (
        [nn.Parameter(values.clone()) for values in start] for _ in range(2)
    )
    optimizer = make_optimizer(adam(0.1, (0.5, 0.9)), weights)
    reference = torch.optim.Adam(reference_weights, lr=0.1, betas=(0.5, 0.9), fused=True)
    for step in range(6):
        for weight, reference_weight in zip(weights, reference_weights, strict=True):
            weight.grad = torch.randn(weight.shape, generator=random)
            reference_weight.grad = weight.grad.clone()
        if step in {0, 3}:  # a weight without a gradient stays, with its moments
            weights[1].grad = reference_weights[1].grad = None
        if step == 4:  # as from a checkpoint, and at another learning rate
            optimizer.load_state_dict(optimizer.state_dict())
            optimizer.param_groups[0]["lr"] = reference.param_groups[0]["lr"] = 0.05
        optimizer.step()
        reference.step()
        assert all(map(torch.equal, weights, reference_weights))
    assert [moments["step"] for moments in optimizer.state.values()] == [6.0, 4.0]


WITHOUT_COMPILER = """
import sys, torch
from ganbench.config import OptimizerSpec
from ganbench.training.optimizers import make_optimizer
weight = torch.nn.Parameter(torch.ones(3))
optimizer = make_optimizer(OptimizerSpec(kind=sys.argv[1], learning_rate=0.1), [weight])
for _ in range(2):
    optimizer.zero_grad()
    weight.square().sum().backward()
    optimizer.step()
optimizer.load_state_dict(optimizer.state_dict())
assert "torch._dynamo" not in sys.modules
"""


@pytest.mark.parametrize("kind", ["adam", "sgd", "rmsprop"])
def test_no_optimizer_imports_the_compiler(kind):
    """The import takes a second of processor time, in every process that trains."""
    program = [sys.executable, "-c", WITHOUT_COMPILER, kind]
    assert subprocess.run(program, check=False).returncode == 0
