# SPDX-License-Identifier: MIT
"""What tricks gather while training: observed once in each real update, whatever the step rule."""

import numpy as np
import pytest
import torch
from dirac_gan import RATE, Constant, batch_at, dirac, players
from small_states import state_of
from torch import nn

from ganbench.config import Recipe, sgd
from ganbench.errors import ConfigError
from ganbench.gan import GAN, Batch, DataSpec
from ganbench.losses import wasserstein
from ganbench.step import alternate, update
from ganbench.tricks.ada import ADA
from ganbench.tricks.extragradient import Extragradient
from ganbench.tricks.lecam import LeCam
from ganbench.tricks.logan import LOGAN
from ganbench.tricks.replay import Replay
from ganbench.tricks.unrolled import Unrolled
from ganbench.turn import Turn

pytestmark = pytest.mark.usefixtures("float64")

ORDERS = {"alternation": (), "unrolled": (Unrolled(steps=2),), "extragradient": (Extragradient(),)}
"""Tricks that evaluate the discriminator's objective once or several times in an update."""


@pytest.fixture(params=ORDERS)
def order(request):
    return ORDERS[request.param]


def small(data, generator, discriminator, *tricks, rate=RATE, conditional=False):
    """Return the state of a game with the Wasserstein loss and plain gradient descent."""
    gan = GAN(
        generator=generator,
        discriminator=discriminator,
        loss=wasserstein,
        recipe=Recipe(
            kimg=1,
            batch_size=8,
            latent_dim=2,
            generator_optimizer=sgd(rate),
            discriminator_optimizer=sgd(rate),
        ),
        conditional=conditional,
    )
    return state_of(gan, data, tricks, seed=4)


def observed(state):
    """Return a list to which each update of the discriminator adds its mean logits."""
    means, descend = [], state.descend

    def recording(turn):
        if turn.role == "discriminator":
            means.append([turn.real.logits.mean().item(), turn.fake.logits.mean().item()])
        descend(turn)

    state.descend = recording
    return means


# -- ADA -------------------------------------------------------------------------------------------


def mean_pixel(shape):
    """Return D(x) = the mean of x, for images of two by two pixels."""
    layer = nn.Linear(4, 1, bias=False)
    nn.init.constant_(layer.weight, 0.25)
    return nn.Sequential(nn.Flatten(), layer)


PICTURES = DataSpec("pictures", "1", (1, 2, 2))
PLAIN = {"rotation": False, "translation": 0, "scale": 0, "color": 0}


def pictures(*tricks):
    """Return a game whose weights hardly move, so that D(x) stays the mean of x."""

    def generator(latent_dim):
        return nn.Sequential(Constant([0.0] * 4), nn.Unflatten(1, (1, 2, 2)))

    return small(PICTURES, generator, mean_pixel, *tricks, rate=1e-12)


PLAIN_GAN = GAN(generator=None, discriminator=None, loss=wasserstein, recipe=None)
"""A model without conditions, of which no network is built."""


def with_positive(count):
    """Return eight images, ``count`` of which have a positive mean."""
    signs = torch.where(torch.arange(8) < count, 1.0, -1.0)
    return Batch(signs.reshape(8, 1, 1, 1) * torch.rand(8, 1, 2, 2))


@pytest.mark.parametrize("every", [1, 4])
def test_ada_moves_its_probability_by_the_signs_of_real_logits(order, every):
    """p <- p + sign(r - target) * images / speed, within [0, 1], every few updates."""

    def shown(state, batch):
        state.images_seen += len(batch)
        return batch

    state = pictures(ADA(target=0.2, speed_kimg=0.1, every=every, initial=0.1, **PLAIN), *order)
    step = state.tricks.step_rule(alternate)
    counts = np.concatenate([np.full(30, 7), np.random.default_rng(0).integers(2, 9, 30),
                             np.full(30, 1)])  # fmt: skip
    p, signs, seen = 0.1, [], []
    for update_count, count in enumerate(counts, start=1):
        # With extragradient, the first of two batches serves the trial move only.
        batches = [with_positive(count)] if Extragradient() not in order else [
            with_positive(8 - count), with_positive(count)]  # fmt: skip
        following = iter(batches)
        step(state, lambda following=following: shown(state, next(following)))
        signs.append((2 * count - 8) / 8)
        if update_count % every == 0:
            direction = np.sign(np.mean(signs) - 0.2)
            images = every * 8 * len(batches)  # both batches count
            p, signs = min(1.0, max(0.0, p + direction * images / 100)), []
        seen.append(p)
        assert state.memory["ada"]["p"].item() == pytest.approx(p, abs=1e-12)
    assert {0.0, 1.0} <= set(seen), "both bounds were met"
    assert state.statistics.flush()["ada/p"] == pytest.approx(np.mean(seen), rel=1e-6)


def test_ada_looks_at_real_logits_only_in_the_discriminators_update():
    state = pictures(ADA(target=0.0, every=1, speed_kimg=0.1, **PLAIN))
    update(state, "generator", with_positive(8))
    assert state.memory["ada"]["p"].item() == 0
    state.images_seen = 8
    update(state, "discriminator", with_positive(8))
    assert state.memory["ada"]["p"].item() == pytest.approx(8 / 100)


def test_ada_needs_images_and_square_ones_to_rotate():
    with pytest.raises(ConfigError, match="ada changes images"):
        dirac(ADA())
    wide = DataSpec("wide", "1", (1, 2, 4))
    with pytest.raises(ConfigError, match="not square"):
        ADA(rotation=True).check(PLAIN_GAN, None, wide)
    ADA().check(PLAIN_GAN, None, wide)


# -- LeCam -----------------------------------------------------------------------------------------


def test_lecam_by_hand():
    """On Dirac-GAN: the anchors, and the slopes that the penalty adds to theta - c."""
    state = dirac(LeCam(weight=0.6, decay=0.8))
    psi, theta = players(state)
    anchors, active = None, set()
    for index in range(40):
        real = float(np.sin(index) - 0.5)
        alternate(state, lambda real=real: batch_at(real))
        logits = [psi * real, psi * theta]
        slope = theta - real
        if anchors is None:
            anchors = logits
        else:
            above, below = max(0, logits[0] - anchors[1]), max(0, anchors[0] - logits[1])
            slope += 0.6 * (2 * above * real - 2 * below * theta)
            active |= {("above", above > 0), ("below", below > 0)}
            anchors = [0.8 * a + 0.2 * b for a, b in zip(anchors, logits, strict=True)]
        psi -= RATE * slope
        theta += RATE * psi
        np.testing.assert_allclose(players(state), (psi, theta), rtol=1e-9)
        gathered = [state.memory["lecam"][name].item() for name in ("real", "fake")]
        np.testing.assert_allclose(gathered, anchors, rtol=1e-9)
    assert len(active) == 4, "both rectifiers were open and closed"


def test_lecam_begins_with_the_logits_that_it_meets_in_a_trained_run():
    state = dirac(LeCam(weight=0.6, decay=0.8), psi=[5.0])
    state.updates.update(discriminator=150, generator=150)  # made without it
    update(state, "discriminator", batch_at(0.4))
    np.testing.assert_allclose(players(state)[0], 5.0 - RATE * (1.3 - 0.4))
    gathered = [state.memory["lecam"][name].item() for name in ("real", "fake")]
    np.testing.assert_allclose(gathered, [5.0 * 0.4, 5.0 * 1.3])


def test_lecam_moves_its_anchors_once_in_each_update(order):
    state = dirac(LeCam(weight=0.3, decay=0.9), *order)
    logits = observed(state)
    step = state.tricks.step_rule(alternate)
    for index in range(20):
        step(state, lambda index=index: batch_at(float(np.cos(index))))
    assert len(logits) == 20
    anchors = np.array(logits[0])
    for means in logits[1:]:
        anchors = 0.9 * anchors + 0.1 * np.array(means)
    gathered = [state.memory["lecam"][name].item() for name in ("real", "fake")]
    np.testing.assert_allclose(gathered, anchors, rtol=1e-9)


# -- replay ----------------------------------------------------------------------------------------

POINTS = DataSpec("points", "1", (3,), classes=4)


class Stamped(nn.Module):
    """A generator whose points say what they were made from: (label, first latent, age)."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(1.0))
        self.age = 0

    def forward(self, latents, labels):
        first = latents[:, 0]
        stamp = [labels.to(latents), first, torch.full_like(first, self.age)]
        return self.weight * torch.stack(stamp, 1)


class Recording(nn.Module):
    """A discriminator that keeps what it was shown."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 1)
        self.shown = []

    def forward(self, points, labels):
        self.shown.append((points.detach(), labels))
        return self.layer(points)


def stamped(*tricks):
    return small(
        POINTS, lambda _: Stamped(), lambda _: Recording(), *tricks, rate=1e-12, conditional=True
    )


def labelled():
    return Batch(torch.full((8, 3), -9.0), torch.randint(4, (8,)))


def test_replay_shows_earlier_fakes_with_their_labels_and_latents():
    state = stamped(Replay(share=0.5, capacity=16))
    for age in range(12):
        state.generator.age = age
        state.discriminator.shown.clear()
        turn = Turn(state, "discriminator", labelled())
        turn.terms = {"adversarial": wasserstein.discriminator(turn.real.logits, turn.fake.logits)}
        state.backward(turn)
        state.descend(turn)
        (points, labels) = state.discriminator.shown[-1]
        torch.testing.assert_close(points[:, 0], labels.to(points))
        torch.testing.assert_close(turn.fake.batch.latents[:, 0], points[:, 1])
        assert torch.equal(turn.fake.batch.labels, labels)
        ages = points[:, 2].round().int()
        assert (ages[:4] == age).all()
        assert (ages[4:] < age).all() if age else (ages == 0).all()
        buffer = state.memory["replay"]
        assert len(buffer["images"]) == len(buffer["labels"]) == min(16, 4 * (age + 1))
        torch.testing.assert_close(buffer["images"][:, 0], buffer["labels"].to(points))
        torch.testing.assert_close(buffer["images"][:, 1], buffer["latents"][:, 0])
        assert (buffer["images"][:, 2].round() == age).sum() == 4
    ages = buffer["images"][:, 2].round().int()
    assert len(ages.unique()) > 4, "random places are overwritten, not the oldest"


@pytest.mark.parametrize("order", ["alternation", "extragradient"])
def test_replay_keeps_the_new_fakes_of_each_update_once(order):
    state = stamped(Replay(capacity=1000), *ORDERS[order])
    step = state.tricks.step_rule(alternate)
    for age in range(5):
        state.generator.age = age
        step(state, labelled)
    ages = state.memory["replay"]["images"][:, 2].round().int().tolist()
    assert ages == [age for age in range(5) for _ in range(4)]


@pytest.mark.parametrize(("share", "capacity"), [(0.25, 3), (0.75, 1), (0.5, 5)])
def test_replay_never_holds_more_than_its_capacity(share, capacity):
    state = stamped(Replay(share=share, capacity=capacity))
    for age in range(4):
        state.generator.age = age
        update(state, "discriminator", labelled())
        assert len(state.memory["replay"]["images"]) <= capacity
    assert len(state.memory["replay"]["latents"]) == capacity
    assert state.memory["replay"]["images"][:, 2].max().round() == 3


def test_replay_holds_no_graph():
    """The fakes of optimized latents carry one."""
    state = stamped(Replay(), LOGAN())
    for _ in range(2):
        alternate(state, labelled)
    assert not any(part.requires_grad for part in state.memory["replay"].values())
