# SPDX-License-Identifier: MIT
"""APA: what the discriminator takes for real, and the probability that follows the signs."""

import numpy as np
import pytest
import torch
from dirac_gan import RATE, batch_at, dirac, players

from ganbench.step import update
from ganbench.tricks.apa import APA
from ganbench.turn import Turn

pytestmark = pytest.mark.usefixtures("float64")


def replaced(state, trick, p):
    """Return which of four examples the next update replaces."""
    stream = torch.Generator()
    stream.set_state(state.streams["trick/apa"].get_state())
    return (torch.rand(4, 1, generator=stream) < p).squeeze(1).numpy()


@pytest.mark.parametrize("p", [0.3, 0.6, 1.0])
def test_the_update_takes_some_fakes_for_real(p):
    """Of the real examples c, a share is theta: the slope is theta - (share theta + rest c)."""
    trick = APA(initial=p)
    state = dirac(trick)
    share = replaced(state, trick, p).mean()
    update(state, "discriminator", batch_at(0.4))
    slope = 1.3 - (share * 1.3 + (1 - share) * 0.4)
    np.testing.assert_allclose(players(state), (0.7 - RATE * slope, 1.3))


def test_shares_are_those_of_the_probability():
    trick = APA(initial=0.25)
    state = dirac(trick)
    counts = [
        (Turn(state, "discriminator", batch_at(0.4)).real.images == 1.3).sum().item()
        for _ in range(400)
    ]
    assert np.mean(counts) / 4 == pytest.approx(0.25, abs=0.03)
    assert not Turn(state, "discriminator", batch_at(0.4)).real.images.grad_fn


def test_the_generator_meets_no_pseudo_examples():
    states = dirac(APA(initial=1.0)), dirac()
    for state in states:
        update(state, "generator", batch_at(0.4))
    assert players(states[0]) == players(states[1])


def test_the_probability_follows_the_signs_of_what_is_taken_for_real():
    """p rises while most real logits are positive, and falls while they are not."""
    state = dirac(APA(target=0.2, speed_kimg=0.1, every=2), psi=[1.0], theta=[1e-9])
    p = 0.0
    for count, real in enumerate([1.0] * 6 + [-1.0] * 20, start=1):
        state.discriminator.weight.data.fill_(1.0)
        state.images_seen += 4
        update(state, "discriminator", batch_at(real))
        if count % 2 == 0:
            # A pseudo example is the fake, whose logit is above zero by a hair.
            found = state.memory["apa"]["p"].item()
            assert abs(found - p) == pytest.approx(8 / 100) or found in (0.0, 1.0)
            if count <= 6:
                assert found == pytest.approx(p + 8 / 100)
            p = found
    assert p < 6 * 4 / 100
    assert 0 <= state.statistics.flush()["apa/p"] <= 1
