# SPDX-License-Identifier: MIT
"""Writing zoo/learned.toml: what counts of several runs, and what stays of the file."""

import shutil
import tomllib

import pytest
from scripts import checkout_script

import ganbench
from ganbench.analysis.learned import Learned, read_learned
from ganbench.records.atomic_files import read_json, write_json, write_lines


@pytest.fixture(scope="module")
def writing():
    return checkout_script("tools/write_learned.py")


@pytest.fixture(scope="module")
def run(tmp_path_factory, shared_cache):
    settings = {"kimg": 0.1}
    words = {"settings": settings, "samples": 64, "progress": False, "evaluations": 2}
    out = tmp_path_factory.mktemp("runs")
    return ganbench.run("dcgan", "mnist5k", metrics=["fid@pixels", "modes"], out=out, **words)


def entry(**changes):
    facts = {"model": "a", "dataset": "b", "seed": 0, "kimg": 40, "seconds": 9, "threads": 1}
    facts |= {"processor": "c", "modes": 3, "of": 10, "metric": "modes", "value": 3}
    return Learned(**facts | changes)


def test_the_file_says_what_the_run_says(writing, run, tmp_path):
    file = tmp_path / "learned.toml"
    assert writing.main([str(run.path), "--file", str(file)]) == 0
    (found,) = read_learned(tomllib.loads(file.read_text())).values()
    assert (found.model, found.of, found.metric) == ("dcgan", 10, "fid@pixels")
    assert found.value == pytest.approx(run.metrics["fid@pixels"]["value"])
    assert found.modes == run.metrics["modes"]["value"] < 10
    words = {"samples": 64, "progress": False}
    corrected = ganbench.evaluate(fake=run.path, metrics=["modes-corrected"], **words)
    assert found.modes_corrected == corrected.metrics["modes-corrected"]["value"] <= found.modes
    assert not found.complete


def test_a_reason_stays_until_every_mode_is_there(writing, run, tmp_path):
    file = tmp_path / "learned.toml"
    writing.main([str(run.path), "--file", str(file)])
    file.write_text(file.read_text().rstrip() + '\nwhy = "It was short."\n')
    writing.main([str(run.path), "--file", str(file)])
    assert read_learned(tomllib.loads(file.read_text()))["dcgan"].why == "It was short."

    rows = run.path / "metrics.jsonl"
    before = rows.read_text()
    write_lines(rows, [{"kimg": 0.06, "seconds": 1.5, "metrics": {"modes": {"value": 10.0}}}])
    try:
        writing.main([str(run.path), "--file", str(file)])
    finally:
        rows.write_text(before)
    found = read_learned(tomllib.loads(file.read_text()))["dcgan"]
    assert (found.why, found.all_after_kimg, found.all_after_seconds) == ("", 0.06, 1.5)


def test_a_run_that_diverged_is_named_and_left_out(writing, run, tmp_path, capsys):
    path = run.path / "result.json"
    result = read_json(path)
    write_json(path, {**result, "status": "diverged", "metrics": {}})
    try:
        assert writing.main([str(run.path), "--file", str(tmp_path / "x.toml")]) == 0
    finally:
        write_json(path, result)
    assert f"{run.path.name} is left out: it diverged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"dataset": "ring8"}, "it was trained on ring8"),
        ({"model": "./mine.py"}, "mine.py"),
        ({"tricks": [{"name": "ema", "parameters": {}}]}, "tricks differs"),
        ({"loss": "hinge"}, "loss differs"),
        ({"precision": "bf16"}, "precision differs"),
        ({"recipe": {"batch_size": 20}}, "recipe.batch_size differs"),
    ],
    ids=str,
)
def test_a_run_that_is_not_of_its_models_own_recipe_is_named_and_left_out(
    writing, run, tmp_path, capsys, changes, reason
):
    other = tmp_path / "other"
    shutil.copytree(run.path, other)
    document = read_json(other / "config.json")
    recipe = {**document["config"]["recipe"], **changes.pop("recipe", {})}
    document["config"] |= {"recipe": recipe, **changes}
    write_json(other / "config.json", document)
    file = tmp_path / "learned.toml"
    file.write_text(writing.table(entry(model="zgan")) + "\n")
    assert writing.main([str(tmp_path), "--file", str(file)]) == 0
    told = capsys.readouterr().err
    assert "other is left out: " in told
    assert reason in told
    assert set(read_learned(tomllib.loads(file.read_text()))) == {"zgan"}


def test_entries_of_models_that_were_not_found_stay(writing, run, tmp_path):
    file = tmp_path / "learned.toml"
    file.write_text(writing.table(entry(model="zgan")) + "\n")
    assert writing.main([str(run.path), "--file", str(file)]) == 0
    assert list(read_learned(tomllib.loads(file.read_text()))) == ["dcgan", "zgan"]


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_a_folder_without_runs_is_an_error_and_leaves_the_file(
    writing, run, tmp_path, capsys, name
):
    (tmp_path / "empty").mkdir()
    file = tmp_path / "learned.toml"
    file.write_text(writing.table(entry()) + "\n")
    before = file.read_text()
    words = [str(run.path), str(tmp_path / name), "--file", str(file)]
    assert writing.main(words) == 2
    assert file.read_text() == before
    assert "There is no run in" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["config.json", "env.json", "result.json", "metrics.jsonl"])
def test_a_damaged_run_is_left_out_without_a_traceback(writing, run, tmp_path, capsys, name):
    shutil.copytree(run.path, tmp_path / "other")
    (tmp_path / "other" / name).write_text("{}" if name == "env.json" else "{")
    assert writing.main([str(tmp_path), "--file", str(tmp_path / "x.toml")]) == 0
    assert "is left out" in capsys.readouterr().err or name == "metrics.jsonl"


def test_of_several_runs_the_shortest_with_every_mode_counts(writing):
    short, full = entry(), entry(kimg=80, modes=10, all_after_kimg=60, all_after_seconds=5)
    longest = entry(kimg=320, modes=10, all_after_kimg=80, all_after_seconds=7)
    assert writing.chosen([longest, short, full], {"a": "Slow."}) == [full]
    assert writing.chosen([entry(kimg=80, modes=5), short], {"a": "Slow."}) == [
        entry(kimg=80, modes=5, why="Slow.")
    ]
