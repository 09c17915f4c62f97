# SPDX-License-Identifier: MIT
"""The generator's gradient has vanished in its loss, or in its weights."""

import pytest
from histories import history_of

from ganbench.health.saturation import DISCRIMINATOR_SIGNAL
from ganbench.health.vanishing_gradient import GENERATOR_NORM, GENERATOR_SIGNAL, _find, _lacking


def test_a_flat_loss_is_a_vanished_gradient():
    assert _find(history_of({GENERATOR_SIGNAL: lambda kimg: 0.002}))
    assert not _find(history_of({GENERATOR_SIGNAL: lambda kimg: 0.02}))
    assert not _find(history_of({GENERATOR_SIGNAL: lambda kimg: 1.9})), "the non-saturating loss"


def falling(factor, *, sure):
    """Return a norm that falls by a factor half-way, and what a discriminator has left."""
    return {
        GENERATOR_NORM: lambda kimg: 3.0 if kimg <= 50 else 3.0 * factor,
        DISCRIMINATOR_SIGNAL: lambda kimg: sure,
    }


@pytest.mark.parametrize(("factor", "expected"), [(5e-4, True), (2e-3, False), (10.0, False)])
def test_a_norm_that_has_fallen_a_thousandfold_is_one_too(factor, expected):
    found = _find(history_of(falling(factor, sure=0.2)))
    assert bool(found) == expected
    if found:
        assert "from 3 to 0.0015" in found.message


@pytest.mark.parametrize("sure", [0.6, 1.0, None])
def test_players_that_are_in_balance_have_converged(sure):
    assert not _find(history_of(falling(1e-6, sure=sure)))


def test_one_large_gradient_is_no_measure():
    norms = {GENERATOR_NORM: lambda kimg: 1e6 if kimg == 3 else 1.0}
    assert not _find(history_of({**falling(1.0, sure=0.2), **norms}))


def test_older_records_cannot_show_it():
    assert _lacking(history_of({"logits/fake": lambda kimg: -30.0}))
    assert not _lacking(history_of({GENERATOR_NORM: lambda kimg: 1.0}))
