# SPDX-License-Identifier: MIT
"""How many samples of a run are measured."""

from ganbench.gan import DataSpec, Mixture
from ganbench.harness.run_metrics import default_samples


def test_the_number_of_samples_follows_the_published_protocols():
    mixture = Mixture(((0.0, 0.0),), 1.0)
    assert default_samples(DataSpec("ring", "1", (2,), mixture=mixture)) == 2500
    assert default_samples(DataSpec("digits", "1", (1, 28, 28), classes=10)) == 5000
    assert default_samples(DataSpec("stacked", "1", (3, 28, 28), classes=1000)) == 26_000
