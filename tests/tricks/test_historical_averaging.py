# SPDX-License-Identifier: MIT
"""Historical averaging, compared with updates of Dirac-GAN made by hand."""

import numpy as np
import pytest
from dirac_gan import RATE, batch_at, dirac, players

from ganbench.errors import ConfigError
from ganbench.step import update
from ganbench.tricks.historical_averaging import HistoricalAveraging
from ganbench.tricks.unrolled import Unrolled

pytestmark = pytest.mark.usefixtures("float64")


@pytest.mark.parametrize(
    ("role", "slope"),
    [("discriminator", lambda psi, theta: theta - 0.4), ("generator", lambda psi, theta: -psi)],
)
def test_weights_are_drawn_to_the_mean_of_their_past(role, slope):
    state = dirac(HistoricalAveraging(weight=0.3))
    index = ("discriminator", "generator").index(role)
    past = [players(state)[index]]
    for _ in range(5):
        here = past[-1]
        gradient = slope(*players(state)) + 2 * 0.3 * (here - np.mean(past))
        update(state, role, batch_at(0.4))
        past.append(here - RATE * gradient)
        np.testing.assert_allclose(players(state)[index], past[-1])


def test_other_weights_have_no_past():
    with pytest.raises(ConfigError, match="unrolled gives it others"):
        dirac(HistoricalAveraging(), Unrolled())


def test_the_past_of_a_run_that_gets_the_trick_later_begins_with_the_trick():
    state = dirac(HistoricalAveraging(weight=0.3))
    state.updates.update(discriminator=150, generator=150)  # made without it
    past = [players(state)[0]]
    for _ in range(4):
        gradient = players(state)[1] - 0.4 + 2 * 0.3 * (past[-1] - np.mean(past))
        update(state, "discriminator", batch_at(0.4))
        past.append(past[-1] - RATE * gradient)
        np.testing.assert_allclose(players(state)[0], past[-1])
