# SPDX-License-Identifier: MIT
"""Speed against a model that sleeps for as long, and computes as much, as it says."""

import time
from types import SimpleNamespace

import pytest
import torch

from ganbench.config import parse_trick
from ganbench.data import open_dataset
from ganbench.harness.plan import plan
from ganbench.speed import roofline
from ganbench.speed.meter import STEP_PARTS, Meter
from ganbench.speed.op_profile import OPERATION_KINDS, shares
from ganbench.speed.roofline import measure_roofline

CPU = torch.device("cpu")
GENERATOR, DISCRIMINATOR, PENALTY, STEP = 0.25, 0.5, 2.0, 0.125

SLEEPY = f'''
"""A GAN whose networks sleep."""
import time
from torch import nn
from ganbench import GAN, DataSpec, Recipe, adam, losses, register

class Sleeping(nn.Module):
    def __init__(self, seconds, *layers):
        super().__init__()
        self.seconds, self.layers = seconds, nn.Sequential(*layers)

    def forward(self, inputs):
        time.sleep(self.seconds)
        return self.layers(inputs)

@register
def sleepy(data: DataSpec) -> GAN:
    """A GAN whose networks sleep."""
    return GAN(
        generator=lambda dim: Sleeping({GENERATOR}, nn.Linear(dim, 2, bias=False)),
        discriminator=lambda shape: Sleeping(
            {DISCRIMINATOR}, nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 1)
        ),
        loss=losses.non_saturating,
        recipe=Recipe(kimg=1, batch_size=16, latent_dim=3),
    )
'''

DROWSY = f'''
"""A trick that sleeps where it adds to a loss, and a trick that acts at every fourth update."""
import time
from dataclasses import dataclass
from ganbench.registry import register
from ganbench.trick import Trick

@register("drowsy")
@dataclass(frozen=True)
class Drowsy(Trick):
    """Sleeps."""

    every: int = 1

    def discriminator_terms(self, step):
        """Sleep, and add nothing."""
        if step.state.updates["discriminator"] % self.every:
            return {{}}
        time.sleep({PENALTY})
        return {{"drowsy": 0.0 * step.real.logits.sum()}}
'''


class Time:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.seconds = 0.0
        self.factors = [1.0]

    def sleep(self, seconds):
        self.seconds += seconds * self.factors[0]

    def now(self):
        return self.seconds


@pytest.fixture
def asleep(monkeypatch):
    clock = Time()
    monkeypatch.setattr(time, "sleep", clock.sleep)
    monkeypatch.setattr(time, "perf_counter", clock.now)
    return clock


@pytest.fixture
def meter(tmp_path):
    """Make a meter of a model on points."""

    def make(model="sleepy", tricks=(), **settings):
        (tmp_path / "sleepy.py").write_text(SLEEPY)
        (tmp_path / "drowsy.py").write_text(DROWSY)
        if model == "sleepy":
            model = str(tmp_path / "sleepy.py")
        named = [
            parse_trick(trick.replace("drowsy", str(tmp_path / "drowsy.py"))) for trick in tricks
        ]
        source = open_dataset("ring8")
        config = plan(model, "ring8", tricks=named, settings=settings).config
        return Meter(config, source.load("train"), CPU)

    return make


ITERATION = 2 * GENERATOR + 3 * DISCRIMINATOR
"""One pass of G and two of D in the discriminator's turn, one of each in the generator's."""


@pytest.mark.parametrize("steps", [1, 5])
def test_training_is_as_fast_as_the_passes_sleep(meter, asleep, steps):
    sleepy = meter(**{"recipe.discriminator_steps": steps})
    seconds = steps * (GENERATOR + 2 * DISCRIMINATOR) + GENERATOR + DISCRIMINATOR
    assert sleepy.train(60.0) == pytest.approx(16 * steps / seconds)


def test_sampling_and_latency_are_those_of_the_generator(meter, asleep):
    sleepy = meter()
    assert sleepy.sample(10.0) == pytest.approx(16 / GENERATOR)
    assert sleepy.latencies(7) == pytest.approx([GENERATOR] * 7)


def test_the_parts_of_a_step_add_up(meter, asleep):
    split = meter().split(3)
    assert split == pytest.approx(
        {
            **dict.fromkeys(STEP_PARTS, 0.0),
            "discriminator": GENERATOR + 2 * DISCRIMINATOR,
            "generator": GENERATOR + DISCRIMINATOR,
        }
    )


@pytest.mark.parametrize("every", [1, 4])
def test_a_penalty_is_told_from_the_turn_it_is_in(meter, asleep, every):
    split = meter(tricks=[f"drowsy:every={every}"]).split(1)
    assert split["penalties"] == pytest.approx(PENALTY / every)
    assert split["discriminator"] == pytest.approx(GENERATOR + 2 * DISCRIMINATOR)
    assert sum(split.values()) == pytest.approx(ITERATION + PENALTY / every)


def test_data_and_optimizers_have_parts_of_their_own(meter, asleep):
    sleepy = meter()
    move, next_batch = sleepy.state.move, sleepy.next_batch

    def slow_move(role):
        asleep.sleep(STEP)
        move(role)

    def slow_batch():
        asleep.sleep(3 * STEP)
        return next_batch()

    sleepy.state.move, sleepy.next_batch = slow_move, slow_batch
    split = sleepy.split(2)
    assert split["optimizer"] == pytest.approx(2 * STEP)
    assert split["data"] == pytest.approx(3 * STEP)
    assert split["other"] == pytest.approx(0.0)


def test_every_order_of_passes_can_be_split(meter, asleep):
    split = meter(tricks=["extragradient"]).split(1)
    assert sum(split.values()) == pytest.approx(2 * ITERATION)
    assert split["other"] == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("periods", "cycle"),
    [
        ((), 1),
        ((16,), 16),
        ((16, 4), 16),
        ((16, 5), 80),
        ((4, 6), 12),
        ((0, None, 3), 3),
        ((16, 9), 128),
    ],
)
def test_a_cycle_is_a_whole_number_of_each_period(periods, cycle):
    """So measurements weigh each trick as often as it acts; very long cycles are cut."""
    tricks = [SimpleNamespace(every=every) for every in periods] + [SimpleNamespace()]
    measured = SimpleNamespace(state=SimpleNamespace(tricks=tricks))
    assert Meter.cycle.fget(measured) == cycle


def test_watching_leaves_the_state_as_it_was(meter):
    sleepy = meter()
    sleepy.split(1)
    assert not {"backward", "move"} & vars(sleepy.state).keys()
    assert "terms" not in vars(sleepy.state.tricks)


def test_it_warms_up_until_the_speed_is_steady(meter, asleep):
    sleepy = meter()
    assert sleepy.warm_up()
    wobbling = meter()
    turns = 0
    train = wobbling.train

    def uneven(seconds):
        nonlocal turns
        turns += 1
        asleep.factors = [1.0 + turns % 2]
        return train(seconds)

    wobbling.train = uneven
    assert not wobbling.warm_up()


def test_a_real_clock_agrees(meter):
    """Sleeping is never shorter than it says, so that nothing is faster than this."""
    sleepy = meter()
    sleepy.state.generator.seconds = sleepy.state.discriminator.seconds = 0.004
    assert sleepy.train(0.1) <= 16 / (5 * 0.004)
    assert min(sleepy.latencies(3)) >= 0.004
    assert sum(sleepy.split(2).values()) >= 5 * 0.004


# Multiply-adds of an example: G 3 -> 2 has 6; D 2 -> 5 -> 1 has 10 and 5. A backward pass makes
# the gradient of the weights, and that of a layer's input where something before it needs one.
PASS_G, PASS_D = 6, 15
DISCRIMINATOR_TURN = PASS_G + 2 * PASS_D + 2 * (PASS_D + 5)
GENERATOR_TURN = PASS_G + PASS_D + PASS_D + PASS_G
R1_TERM = PASS_D + 10 + 10 + 5
"""The gradient in the image; then of its norm in both weights, and in the activations between."""


@pytest.mark.parametrize(
    ("tricks", "per_image"),
    [
        ((), DISCRIMINATOR_TURN + GENERATOR_TURN),
        (("r1",), DISCRIMINATOR_TURN + GENERATOR_TURN + R1_TERM),
        (("r1:every=4",), DISCRIMINATOR_TURN + GENERATOR_TURN + R1_TERM / 4),
        # A pass of its own, and D's first weights as they enter through the activations.
        (("gradient-penalty",), DISCRIMINATOR_TURN + GENERATOR_TURN + PASS_D + R1_TERM + 10),
    ],
)
def test_operations_are_those_counted_by_hand(meter, asleep, tricks, per_image):
    counted = meter(tricks=tricks).flops()
    assert counted == {"training": 2 * per_image, "sampling": 2 * PASS_G}


def test_weights_are_counted(meter, asleep):
    assert meter().state.sizes() == {"generator": 6, "discriminator": 21}


def test_the_ceiling_is_what_was_reached(monkeypatch, asleep):
    """A product of two matrices of n rows takes 2 n^3 operations, however it is made."""
    monkeypatch.setitem(roofline._SIZES, "cpu", (1024,))
    seconds = {"matrix product": 0.5, "convolution": 0.25}

    def products(device, precision, size):
        return {name: lambda name=name: asleep.sleep(seconds[name]) for name in seconds}

    monkeypatch.setattr(roofline, "_products", products)
    best = measure_roofline(CPU, "fp32")
    assert best.by == "convolution 1024"
    assert best.gflops == pytest.approx(2 * 1024**3 / 0.25 / 1e9)


@pytest.mark.parametrize("precision", ["fp32", "medium", "bf16"])
def test_both_products_multiply_the_same_numbers(precision):
    made = roofline._products(CPU, precision, 1024)
    for product in made.values():
        assert product().numel() == 1024 * 1024


def test_the_shares_of_a_profile_are_those_of_the_clock(asleep):
    """Of 4 s of which none is in an operation, all is the rest; and shares sum to one."""
    by_kind = shares(lambda: asleep.sleep(4.0), asleep.now, CPU)
    assert by_kind == {**dict.fromkeys(OPERATION_KINDS, 0.0), "rest": 1.0}


def test_products_are_most_of_a_large_product():
    left = torch.randn(768, 768)
    by_kind = shares(lambda: [left @ left for _ in range(5)] and None, time.perf_counter, CPU)
    assert sum(by_kind.values()) == pytest.approx(1.0)
    assert by_kind["products"] > 0.5
    assert by_kind["optimizer"] == by_kind["normalization"] == 0.0


def test_a_model_that_makes_images_from_others_is_measured_in_sampling_too():
    pairs = torch.zeros(20, 1, 16, 16, dtype=torch.uint8)
    source = open_dataset({"images": pairs, "sources": pairs})
    settings = {"batch_size": 2, "model.width": 2}
    config = plan("pix2pix", source, settings=settings).config
    meter = Meter(config, source.load("train"), CPU)
    assert len(meter.latencies(2)) == 2
    assert meter.sample(0.01) > 0
    assert meter.train(0.01) > 0
