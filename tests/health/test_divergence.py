# SPDX-License-Identifier: MIT
"""Numbers that are not finite, or that run away."""

import pytest
from histories import history_of

from ganbench.health.divergence import _find


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("name", ["loss/generator/adversarial", "logits/real"])
def test_a_number_that_is_not_finite_is_a_failure(name, value):
    found = _find(history_of({name: lambda kimg: value if kimg == 5 else 1.0}, 5))
    assert found is not None
    assert found.severity == "failure"
    assert name in found.message


def test_other_statistics_may_lack_a_value():
    assert not _find(history_of({"variant/k": lambda kimg: None, "diversity": lambda kimg: None}))


def test_samples_that_are_not_finite_show_only_at_the_end():
    rows = {"logits/real": lambda kimg: 1.0}
    assert not _find(history_of(rows, status="done"))
    found = _find(history_of(rows, status="diverged"))
    assert found is not None
    assert found.severity == "failure"


@pytest.mark.parametrize(
    ("late", "expected"), [(40.0, False), (999.0, False), (1001.0, True), (-1e9, True)]
)
def test_a_logit_that_runs_away_is_a_warning(late, expected):
    """The critic of WGAN-GP on digits goes from 0.1 to 40 and back to 2."""
    found = _find(history_of({"logits/fake": lambda kimg: 0.1 if kimg < 90 else late}))
    assert bool(found) == expected
    assert not found or found.severity == "warning"


def test_logits_that_are_large_from_the_start_are_not_running_away():
    assert not _find(history_of({"logits/fake": lambda kimg: 5e4}))


def test_a_single_tick_is_no_divergence():
    assert not _find(history_of({"logits/fake": lambda kimg: 1e9 if kimg == 100 else 1.0}))
