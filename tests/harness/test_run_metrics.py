# SPDX-License-Identifier: MIT
"""How many samples of a run are measured, and against which real ones."""

import pytest

import ganbench
from ganbench.data import open_dataset
from ganbench.errors import UnknownNameError
from ganbench.gan import DataSpec, Mixture
from ganbench.harness.run_metrics import Measuring, default_samples, missing_metrics, wanted_metrics

SETTINGS = {"kimg": 0.1, "batch_size": 20}


def test_the_number_of_samples_follows_the_published_protocols():
    mixture = Mixture(((0.0, 0.0),), 1.0)
    assert default_samples(DataSpec("ring", "1", (2,), mixture=mixture)) == 2500
    assert default_samples(DataSpec("digits", "1", (1, 28, 28), classes=10)) == 5000
    assert default_samples(DataSpec("stacked", "1", (3, 28, 28), classes=1000)) == 26_000


@pytest.fixture(scope="module")
def measured(tmp_path_factory, shared_cache):
    """The measurements of one short run against either split, by split."""
    runs = tmp_path_factory.mktemp("runs")
    words = {"settings": SETTINGS, "samples": 64, "progress": False, "evaluations": 0}
    return {
        split: ganbench.run(
            "dcgan", "mnist5k", metrics=["fid@pixels"], out=runs, real_split=split, **words
        ).metrics["fid@pixels"]
        for split in (None, "train", "test")
    }


def test_the_real_samples_are_those_of_the_split_that_is_asked_for(measured):
    assert measured[None] == measured["train"]
    assert measured["test"]["value"] != measured["train"]["value"]
    for split, count in {"train": 4000, "test": 1000}.items():
        assert f"/split={split}/n_real={count}/n_fake=64" in measured[split]["protocol"]


def test_an_unknown_split_is_refused_before_anything_is_trained(tmp_path):
    with pytest.raises(UnknownNameError, match="mnist5k has no split 'tests'"):
        Measuring(real_split="tests").check(open_dataset("mnist5k"))
    words = {"settings": {"kimg": 0.1}, "out": tmp_path, "real_split": "tests"}
    for start in (ganbench.run, ganbench.compare):
        with pytest.raises(UnknownNameError, match="ring8 has no split 'tests'"):
            start("vanilla", data="ring8", **words)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("measuring", "missing"),
    [
        (Measuring(), []),
        (Measuring(64, "train"), []),
        (Measuring(65), ["fid@pixels"]),
        (Measuring(real_split="test"), ["fid@pixels"]),
    ],
    ids=str,
)
def test_what_was_measured_of_other_samples_is_missing(measured, measuring, missing):
    requests = wanted_metrics(open_dataset("mnist5k").spec, ["fid@pixels"])
    result = {"status": "done", "metrics": {"fid@pixels": measured["train"]}}
    assert missing_metrics(result, requests, measuring) == missing


def test_a_metric_that_compares_with_nothing_is_not_measured_again_for_another_split():
    requests = wanted_metrics(open_dataset("mnist5k").spec, ["is@mnist-cnn"])
    (request,) = requests
    record = {"value": 2.0, "protocol": f"{request.protocol}/splits=1/n_fake=5000"}
    result = {"status": "done", "metrics": {"is@mnist-cnn": record}}
    assert missing_metrics(result, requests, Measuring(real_split="test")) == []
    assert missing_metrics(result, requests, Measuring(10_000)) == ["is@mnist-cnn"]
