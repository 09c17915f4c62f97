# SPDX-License-Identifier: MIT
"""Core-sets: chosen by greed, of latents and of real examples, each a candidate once."""

import numpy as np
import pytest
import torch
from dirac_gan import RATE, dirac, players

from ganbench.errors import ConfigError
from ganbench.gan import Batch
from ganbench.step import alternate
from ganbench.tricks.coreset_batches import CoresetBatches, core_set
from ganbench.tricks.extragradient import Extragradient
from ganbench.turn import Turn

pytestmark = pytest.mark.usefixtures("float64")


def greedy(points, count):
    chosen = [0]
    while len(chosen) < count:
        rest = [index for index in range(len(points)) if index not in chosen]
        reach = [min(np.linalg.norm(points[i] - points[j]) for j in chosen) for i in rest]
        chosen.append(rest[int(np.argmax(reach))])
    return chosen


def test_the_farthest_point_comes_next():
    points = torch.randn(30, 3)
    assert core_set(points, 9).tolist() == sorted(greedy(points.numpy(), 9))
    assert core_set(torch.tensor([[0.0], [1.0], [9.0], [4.0], [8.9]]), 3).tolist() == [0, 2, 3]


def test_no_point_comes_twice():
    assert sorted(core_set(torch.zeros(5, 2), 5).tolist()) == [0, 1, 2, 3, 4]


def test_latents_cover_the_prior():
    trick = CoresetBatches(prior=3)
    state, plain = dirac(trick), dirac()
    batch = Batch(torch.zeros(4, 1))
    usual = Turn(plain, "generator", batch).latents
    further = plain.prior(8, plain.streams["trick/coreset-batches"])
    candidates = torch.cat([usual, further])
    expected = candidates[greedy(candidates.numpy(), 4)]
    assert torch.equal(Turn(state, "generator", batch).latents, expected)


def numbered(state):
    """Return a function for the next batch, whose examples are their positions, times 0.01."""

    def next_batch():
        at = state.images_seen
        state.images_seen += 4
        return Batch(0.01 * torch.arange(at, at + 4, dtype=torch.float64)[:, None])

    return next_batch


def test_real_examples_are_chosen_and_the_update_is_made_from_them():
    """Of 0 to 7 the core-set is 0, 7 and what halves the rest; of 8 to 15 likewise."""
    state = dirac(CoresetBatches(data=2, prior=1))
    step, psi, theta = state.tricks.step_rule(alternate), 0.7, 1.3
    for start in (0, 8):
        step(state, numbered(state))
        points = np.arange(start, start + 8)[:, None] * 0.01
        mean = points[greedy(points, 4)].mean()
        psi -= RATE * (theta - mean)
        theta += RATE * psi
        np.testing.assert_allclose(players(state), (psi, theta))
        assert state.images_seen == (start + 8) // 2


def test_what_cannot_go_together_is_refused():
    with pytest.raises(ConfigError, match="whose order extragradient replaces"):
        dirac(CoresetBatches(), Extragradient())
    dirac(CoresetBatches(data=1), Extragradient())
    with pytest.raises(ConfigError, match="2 processes share"):
        CoresetBatches().check_parts(4, 2)
    CoresetBatches(prior=1, data=1).check_parts(4, 2)
