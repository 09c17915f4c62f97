# SPDX-License-Identifier: MIT
"""By how much bf16 moves a metric: measured once for a network on a machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ganbench import paths
from ganbench.evaluation.feature_network import FeatureNetwork
from ganbench.evaluation.precision_deviation import deviations
from ganbench.evaluation.reference import Reference
from ganbench.runtime.inference import Compute
from ganbench.samples.sample_set import of_dataset

NAMES = ["fid@mnist-cnn", "kid@mnist-cnn", "is@mnist-cnn"]
ROUGH = Compute(precision="bf16")


@pytest.fixture
def cached(monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "cache", lambda: tmp_path / "cache")


@pytest.fixture
def described(monkeypatch):
    """Note the number format and the number of images of each extraction."""
    seen = []
    extract = FeatureNetwork.extract

    def noting(self, images, *, compute, channelwise=False):
        seen.append((compute.precision, len(images)))
        return extract(self, images, compute=compute, channelwise=channelwise)

    monkeypatch.setattr(FeatureNetwork, "extract", noting)
    return seen


def measured(digits, count=400, metrics=NAMES, machine="this", **changes):
    fake = of_dataset(replace(digits, values=digits.values[500:] // 2))
    real = replace(digits, values=digits.values[:count])
    reference = Reference(real, metrics=metrics, compute=ROUGH)
    return deviations(reference, fake, ROUGH, metrics=metrics, machine=machine, **changes)


@pytest.mark.usefixtures("cached")
def test_it_is_the_difference_of_two_evaluations(digits):
    fake = digits.values[500:756] // 2
    real = replace(digits, values=digits.values[:256])
    rough, exact = (
        Reference(real, metrics=NAMES, compute=compute, floors=False).evaluate(fake)
        for compute in (ROUGH, Compute())
    )
    for name, deviation in measured(digits).items():
        expected = rough[name].value - exact[name].value
        assert deviation.value == pytest.approx(expected, rel=1e-6, abs=1e-9)
        assert deviation.value
        assert deviation.sets == "mnist5k against mnist5k"


@pytest.mark.usefixtures("cached")
def test_every_image_is_described_once_in_each_format_and_then_never_again(digits, described):
    first = measured(digits)
    images = dict.fromkeys(("fp32", "bf16"), 0)
    for precision, count in described:
        images[precision] += count
    assert images == {"fp32": 512, "bf16": 512}
    described.clear()
    assert measured(digits, count=300) == first
    assert not described
    # A metric that is new is measured, and those that are known stay as they are.
    more = measured(digits, count=300, metrics=[*NAMES, "vendi@mnist-cnn"])
    assert {name: more[name] for name in first} == first
    assert len(more) == len(first) + 1
    described.clear()
    measured(digits, machine="another")
    assert described
    described.clear()
    measured(digits, machine="")  # which is not remembered
    assert described


@pytest.mark.usefixtures("cached")
@pytest.mark.parametrize("text", ["", "[]", '{"fid": 3}', '{"a": {"value": "x", "sets": 1}}'])
def test_a_damaged_memory_is_measured_anew(digits, text):
    first = measured(digits)
    (file,) = (paths.cache() / "precision").iterdir()
    file.write_text(text)
    assert measured(digits) == first


@pytest.mark.usefixtures("cached")
def test_what_nothing_computes_has_no_deviation(digits, described):
    names = ["fid@pixels", "ms-ssim"]
    reference = Reference(digits, metrics=names, compute=ROUGH)
    assert deviations(reference, of_dataset(digits), ROUGH, metrics=names, machine="this") == {}
    assert not described
    # Too few images for one metric leave the other, and nothing is remembered of the first.
    assert set(measured(digits, count=60, metrics=["ndb@mnist-cnn", "fid@mnist-cnn"])) == {
        "fid@mnist-cnn"
    }
    assert "ndb@mnist-cnn" in measured(digits, metrics=["ndb@mnist-cnn"])
