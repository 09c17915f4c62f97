# SPDX-License-Identifier: MIT
"""How many samples of a run are measured, and against which real ones."""

import pytest

import ganbench
from ganbench import registry
from ganbench.data import open_dataset
from ganbench.errors import ConfigError, UnknownNameError
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


FID = ["fid@pixels"]


@pytest.mark.parametrize(
    ("split", "measuring", "missing"),
    [
        (None, Measuring(64), []),
        (None, Measuring(64, "train"), []),
        (None, Measuring(), FID),  # the default is a number like any other
        (None, Measuring(65), FID),
        (None, Measuring(64, "test"), FID),
        ("test", Measuring(64, "test"), []),
        ("test", Measuring(64), FID),
    ],
    ids=str,
)
def test_what_was_measured_of_other_samples_is_missing(measured, split, measuring, missing):
    wanted = wanted_metrics(open_dataset("mnist5k"), FID, measuring)
    result = {"status": "done", "metrics": {"fid@pixels": measured[split]}}
    assert missing_metrics(result, wanted) == missing


@pytest.mark.parametrize("real", ["", "/mnist5k:v1/split=train/n_real=4000"])
def test_a_metric_that_compares_with_nothing_is_not_measured_again_for_another_split(real):
    def missing(measuring):
        wanted = wanted_metrics(open_dataset("mnist5k"), ["is@mnist-cnn"], measuring)
        protocol = f"{wanted.requests[0].protocol}/splits=1{real}/n_fake=5000"
        result = {"status": "done", "metrics": {"is@mnist-cnn": {"protocol": protocol}}}
        return missing_metrics(result, wanted)

    assert missing(Measuring()) == []
    assert missing(Measuring(real_split="test")) == []
    assert missing(Measuring(10_000)) == ["is@mnist-cnn"]


def test_a_protocol_that_states_neither_split_nor_count_stays_whole():
    wanted = wanted_metrics(open_dataset("mnist5k"), FID)
    record = {"protocol": f"{wanted.requests[0].protocol}/mnist5k:v1"}
    assert missing_metrics({"status": "done", "metrics": {"fid@pixels": record}}, wanted) == []


@pytest.mark.parametrize("name", ["authpct@pixels", "mifid@pixels"])
def test_a_metric_about_training_examples_is_refused_for_other_real_samples(name):
    source = open_dataset("mnist5k")
    for split in (None, "train"):
        assert wanted_metrics(source, [name], Measuring(real_split=split)).names == [name]
    with pytest.raises(ConfigError, match="examples that were trained on") as refused:
        wanted_metrics(source, [name], Measuring(real_split="test"))
    assert "Leave out --real-split test" in refused.value.hint


def test_every_metric_that_speaks_of_training_says_so():
    for name in registry.metrics.names():
        metric = registry.metrics.get(name)
        if "trained on" in (metric.__doc__ or "") and not metric.holds_out:
            assert metric.about_training, name


def test_another_protocol_takes_the_best_evaluation_away_and_keeps_the_rows(tmp_path):
    words = {"settings": SETTINGS, "samples": 64, "progress": False, "out": tmp_path}
    words["evaluations"] = 2

    def go(split, metrics=FID):
        return ganbench.run(
            "dcgan",
            "mnist5k",
            metrics=metrics,
            real_split=split,
            resume=True,
            **words,
        )

    first = go(None)
    assert first["best"]["metric"] == "fid@pixels"
    rows = first.folder.measurements()
    more = go(None, [*FID, "kid@pixels"])
    assert more["best"] == first["best"]
    again = go("test", None)
    assert {"fid@pixels", "kid@pixels"} == set(again.metrics)
    assert all("/split=test/" in record["protocol"] for record in again.metrics.values())
    assert "best" not in again.result
    for before, after in zip(rows, again.folder.measurements(), strict=True):
        assert after.get("apart") == before.get("apart")
    stored = again.folder.result_file.read_bytes()
    assert go("test", None).folder.result_file.read_bytes() == stored
