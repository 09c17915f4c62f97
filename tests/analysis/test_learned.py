# SPDX-License-Identifier: MIT
"""What models were measured to learn: complete entries, a reason where modes are missing."""

from __future__ import annotations

import pytest

from ganbench import registry
from ganbench.analysis.learned import Learned, known_learned, read_learned
from ganbench.errors import ConfigError
from ganbench.harness.plan import plan

ROW = {
    "model": "dcgan",
    "dataset": "mnist5k",
    "seed": 0,
    "kimg": 40.0,
    "seconds": 80.0,
    "threads": 1,
    "processor": "a CPU",
    "modes": 10,
    "of": 10,
    "metric": "fid@mnist-cnn",
    "value": 12.3,
    "all_after_kimg": 20.0,
    "all_after_seconds": 41.0,
}


def draws_digits_unasked(name: str) -> bool:
    """Whether a model learns mnist5k with no further word."""
    try:
        plan(name, "mnist5k")
    except ConfigError:
        return False
    return True


def test_every_model_that_learns_digits_was_measured_and_says_why_modes_are_missing() -> None:
    entries = registry.models.entries().values()
    own = {entry.name for entry in entries if registry.models.is_own(entry)}
    assert set(known_learned()) == {name for name in own if draws_digits_unasked(name)}
    silent = [name for name, found in known_learned().items() if not (found.complete or found.why)]
    assert silent == []


@pytest.mark.parametrize(
    "change",
    [{"kimg": 0}, {"of": 0}, {"why": "no end"}, {"metric": None}, {"color": "red"}],
    ids=str,
)
def test_what_is_no_measurement_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="run 2"):
        read_learned({"run": [{**ROW, "model": "wgan"}, {**ROW, **change}]})


def test_a_model_has_one_measurement_and_a_document_nothing_else() -> None:
    assert read_learned({"run": [ROW]})["dcgan"].complete
    assert read_learned({}) == {}
    with pytest.raises(ConfigError, match="second one for the model dcgan"):
        read_learned({"run": [ROW, ROW]})
    with pytest.raises(ConfigError, match=r"\[\[run\]\] tables"):
        read_learned({"model": [ROW]})


def test_modes_that_were_lost_again_are_not_hidden() -> None:
    lost = Learned(**{**ROW, "modes": 8})
    assert "at 40 kimg 8 of them, fid@mnist-cnn 12.3." in lost.summary


def test_a_count_by_a_classifier_is_told_with_the_one_without_its_errors() -> None:
    seen = Learned(**ROW, modes_corrected=3)
    assert (
        "at 40 kimg 3 with the classifier's errors taken out, fid@mnist-cnn 12.3." in seen.summary
    )
    right = Learned(**ROW, modes_corrected=ROW["modes"])
    assert "errors" not in right.summary
