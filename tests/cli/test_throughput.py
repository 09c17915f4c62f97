# SPDX-License-Identifier: MIT
"""``ganbench throughput`` as users type it."""

import json

import pytest

QUICK = ("--rounds", "2", "--seconds", "0.05", "-q", "-b", "16", "-d", "ring8", "--threads", "1")


@pytest.fixture
def measured(monkeypatch):
    """Replace the measurement by figures that are there at once."""
    cases = []

    def measure(asked, protocol, *, command, progress):
        cases[:] = asked
        rows = []
        for index, case in enumerate(asked):
            progress.advance("turns", index, len(asked))
            figures = {
                "status": "ok", "problem": "", "device_name": "A", "steady": index == 0,
                "training": {"images_per_second": 100.0, "rounds": [99.0, 100.0, 101.0]},
                "sampling": {"images_per_second": 900.0, "rounds": [900.0]},
                "latency_ms": {"p50": 1.0, "p90": 1.5, "p99": 2.0, "count": 10},
                "split_ms": {
                    "data": 1.0, "discriminator": 2.0, "generator": 3.0, "penalties": 0.0,
                    "optimizer": 4.0, "other": 0.1,
                },
                "parameters": {"generator": 10, "discriminator": 20},
                "gflop_per_image": {"training": 0.5, "sampling": 0.1},
                "gflops": 50.0, "share_of_ceiling": 0.5,
                "memory_mib": {
                    "resident": 700.0, "growth": 50.0, "allocated": None, "reserved": None
                },
                "startup_seconds": {"import": 1.0, "build": 0.5, "first_step": 0.1, "total": 1.6},
            }  # fmt: skip
            broken = {"status": "failed", "problem": "No luck."}
            rows.append({**case.describe(), **(broken if index == 1 else figures)})
        return {
            "schema": 1, "command": command, "protocol": {"rounds": 3},
            "environment": {"processor": "A", "usable_cores": 2, "torch": {}},
            "ceilings": [
                {"device": "cpu", "precision": "fp32", "threads": 1, "gflops": 100.0, "by": "x"}
            ],
            "cases": rows,
        }  # fmt: skip

    monkeypatch.setattr("ganbench.speed.throughput.measure", measure)
    return cases


def test_the_whole_way(cli, tmp_path):
    first = cli("throughput", "-m", "vanilla", "--tricks", "none,r1", "--json", *QUICK)
    assert first.code == 0
    names = [(row["model"], row["tricks"]) for row in first.document["cases"]]
    assert names == [("vanilla", []), ("vanilla", ["r1"])]
    plain, penalized = first.document["cases"]
    assert penalized["gflop_per_image"]["training"] > plain["gflop_per_image"]["training"]
    assert plain["split_ms"]["penalties"] == 0.0
    assert list((tmp_path / "runs" / "throughput").glob("vanilla-cpu-*.json"))
    page = cli("report", tmp_path / "runs", "--out", tmp_path / "page")
    assert page.code == 0
    assert "Speed" in (tmp_path / "page" / "index.html").read_text()


def test_every_combination_is_a_case(cli, measured):
    words = ("-b", "8,16", "--precision", "fp32,bf16", "--threads", "1,2", "--contiguous")
    done = cli("throughput", "-m", "vanilla,wgan-gp", "-d", "ring8", "-q", *words)
    assert done.code == 1  # one of the cases failed
    assert len(measured) == 16
    assert {case.config.recipe.batch_size for case in measured} == {8, 16}
    assert {case.threads for case in measured} == {1, 2}
    assert all(case.execution.memory_format == "contiguous" for case in measured)
    assert "No luck." in done.out
    assert "50 %" in done.out


@pytest.mark.parametrize(
    ("words", "precision", "batch_size", "settings"),
    [
        ((), "bf16", 8, ("batch_size=8", "precision=bf16")),
        (("--precision", "medium"), "medium", 8, ("batch_size=8",)),
        (("-b", "16", "--precision", "fp32"), "fp32", 16, ()),
    ],
)
def test_what_is_set_counts_unless_a_flag_says_otherwise(
    cli, measured, words, precision, batch_size, settings
):
    """A flag that is not typed leaves the setting; one that replaces it leaves no record of it."""
    typed = ("--set", "batch_size=8", "--set", "precision=bf16", *words)
    assert cli("throughput", "-m", "vanilla", "-d", "ring8", "-q", *typed).code == 0
    (case,) = measured
    assert case.config.precision == precision
    assert case.config.recipe.batch_size == batch_size
    assert case.settings == settings


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_any_width_will_do(cli, measured, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    done = cli("throughput", "-m", "vanilla,vanilla", "-d", "ring8", "-q")
    lines = done.out.splitlines()
    assert all(len(line) <= int(columns) for line in lines if not line.startswith("Stored in"))
    assert "101" in done.out


def test_a_baseline_is_compared_with_and_may_fail(cli, measured, tmp_path):
    words = ("throughput", "-m", "vanilla", "-d", "ring8", "-q")
    before = cli(*words, "--json").document
    file = tmp_path / "before.json"
    file.write_text(json.dumps(before))
    same = cli(*words, "--baseline", file, "--fail-if-slower", "5%")
    assert same.code == 0
    assert "1.000 times as fast as before" in same.out
    for case in before["cases"]:
        case["training"]["rounds"] = [speed * 1.2 for speed in case["training"]["rounds"]]
    file.write_text(json.dumps(before))
    slower = cli(*words, "--baseline", file, "--fail-if-slower", "5%", "--json")
    assert slower.code == 3
    assert slower.document["changes"][0]["slower"] is True
    before["environment"]["processor"] = "B"
    file.write_text(json.dumps(before))
    assert cli(*words, "--baseline", file).code == 2


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("-m", "vanila"), "Did you mean 'vanilla'"),
        (("-m", ","), "--model names nothing"),
        (("-m", "vanilla", "--device", ","), "--device names nothing"),
        (("-m", "vanilla", "--precision", " "), "--precision names nothing"),
        (("-m", "vanilla", "--precision", "fp8"), "precision"),
        (("-m", "vanilla", "-b", "0"), "whole numbers from 1 to"),
        (("-m", "vanilla", "--threads", "two"), "whole numbers from 1 to 1024"),
        (("-m", "vanilla", "--device", "tpu"), "Unknown device"),
        (("-m", "vanilla", "--fail-if-slower", "5%"), "--baseline"),
        (("-m", "vanilla", "--baseline", "no.json"), "no.json"),
        (("-m", "vanilla", "--fail-if-slower", "5", "--baseline", "x"), "no share"),
        (("-m", "dcgan", "-d", "ring8"), "dcgan draws images"),
    ],
)
def test_mistakes_are_found_before_anything_is_measured(cli, measured, words, part):
    done = cli("throughput", *words)
    assert done.code in {1, 2}
    assert part in done.err
    assert not measured


def test_a_batch_beyond_memory_is_refused_before_anything_is_measured(cli, measured, monkeypatch):
    monkeypatch.setattr("ganbench.training.batch_memory.available_memory", lambda device: 2**20)
    assert cli("throughput", "-m", "vanilla", "-d", "ring8", "-b", "16", "-q").code == 0
    measured.clear()
    done = cli("throughput", "-m", "vanilla", "-d", "ring8", "-b", "16,100000")
    assert done.code == 1
    assert "A batch of 100,000 needs" in done.err
    assert not measured
