# SPDX-License-Identifier: MIT
"""``ganbench compare``: cells, comparisons, amending, failures, bounds, suites."""

import json
import os
import signal
import time

import numpy as np
import pytest

from ganbench.records.run_folder import RunFolder, find_runs

WORDS = ("compare", "-m", "vanilla", "-d", "ring8", "--kimg", "0.6", "--evaluations", "0", "-q")
HERE = ("--backend", "inline")


def test_cells_and_comparisons_have_the_stable_keys(cli, tmp_path, stable):
    words = (*WORDS, *HERE, "--tricks", "none,r1:weight=10,every=2", "--seeds", "0-3")
    document = cli(*words, "--json").document
    assert document.keys() == {
        "schema", "cells", "means", "comparisons", "scope", "worse_than_allowed",
    }  # fmt: skip
    scope = document["scope"]
    assert scope["primary"].keys() == {"ring8"}
    assert (scope["named"], scope["tests"]) == (False, 1)
    assert scope["columns"] == len(document["comparisons"])
    assert f"{scope['columns']} columns of metrics were looked at" in scope["sentence"]
    cells = document["cells"]
    means = {(row["variant"], row["metric"]): row for row in document["means"]}
    mean = means["vanilla + r1", "high-quality"]
    values = [cell["metrics"]["high-quality"]["value"] for cell in cells[4:]]
    assert (mean["dataset"], mean["n"], mean["runs"]) == ("ring8", 4, 4)
    assert mean["mean"] == pytest.approx(np.mean(values))
    assert mean["protocol"] == cells[4]["metrics"]["high-quality"]["protocol"]
    assert {"low", "high"} <= mean.keys()
    assert len({cell["id"] for cell in cells}) == 8
    for cell in cells:
        assert {"id", "axes", "status", "metrics", "run"} <= cell.keys()
        assert cell["axes"].keys() == {"model", "tricks", "dataset", "seed"}
        stable({**cell, **cell["axes"], "identity": cell["id"], "kimg": 0})
    tricks = [cell["axes"]["tricks"] for cell in cells]
    assert tricks == ["none"] * 4 + ["r1:weight=10,every=2"] * 4
    assert len(list(find_runs(tmp_path / "runs" / "compare"))) == 8

    by = {(cell["axes"]["tricks"], cell["axes"]["seed"]): cell["metrics"] for cell in cells}
    compared = {comparison["metric"]: comparison for comparison in document["comparisons"]}
    assert set(compared) >= {"high-quality", "modes"}
    for name in ("high-quality", "modes"):
        comparison = compared[name]
        assert (comparison["variant"], comparison["baseline"]) == ("vanilla + r1", "vanilla")
        differences = [
            by["r1:weight=10,every=2", seed][name]["value"] - by["none", seed][name]["value"]
            for seed in range(4)
        ]
        assert (comparison["n"], comparison["lost"]) == (4, 0)
        assert comparison["difference"] == pytest.approx(np.mean(differences), abs=1e-12)
        assert comparison["protocol"] == by["none", 0][name]["protocol"]
        assert comparison["smallest_permutation_p_value"] == 0.125
        assert comparison["primary"] is (name == scope["primary"]["ring8"])
        assert (comparison["runs"], comparison["baseline_runs"]) == (4, 4)
        assert comparison["verdict_kind"] in {"helps", "fails-less", "hurts", "fails", "unclear"}
        assert (
            comparison["verdict"] in comparison["sentence"]
            or comparison["verdict"] == "no difference shown"
        )


@pytest.fixture
def trained(monkeypatch):
    """Count the trainings in this process."""
    from ganbench.training.trainer import Trainer

    calls = []
    train = Trainer.train
    monkeypatch.setattr(Trainer, "train", lambda self: calls.append(self) or train(self))
    return calls


def test_repeating_the_command_trains_only_what_is_missing(cli, trained):
    first = cli(*WORDS, *HERE, "--seeds", "0-1", "--json").document
    trained.clear()
    again = cli(*WORDS, *HERE, "--seeds", "0-1", "--json")
    assert (again.code, again.document) == (0, first)
    assert trained == []
    more = cli(*WORDS, *HERE, "--seeds", "0-2", "--json").document
    assert len(trained) == 1
    assert more["cells"][:2] == first["cells"]
    amended = cli(*WORDS, *HERE, "--seeds", "0-2", "--tricks", "none,ema", "--json").document
    assert len(trained) == 4
    assert amended["cells"][:3] == more["cells"]


def test_a_further_metric_trains_nothing(cli, trained):
    cli(*WORDS, *HERE, "--metrics", "modes")
    trained.clear()
    document = cli(*WORDS, *HERE, "--metrics", "modes,reverse-kl", "--json").document
    assert trained == []
    assert all(set(cell["metrics"]) == {"modes", "reverse-kl"} for cell in document["cells"])


def test_the_tables_have_mean_interval_difference_and_verdict(cli, tmp_path):
    words = (*WORDS, *HERE, "--tricks", "none,ema", "--seeds", "0-1", "--out", tmp_path / "out")
    outcome = cli(*words, "--baseline", "ema", "--metric", "modes")
    assert (outcome.code, outcome.err) == (0, "")
    assert "modes ↑ on ring8" in outcome.out
    assert "verdict" in outcome.out
    assert "no difference shown" in outcome.out
    assert "On ring8, by modes" in outcome.out
    assert "4 runs, " in outcome.out
    assert "high-quality ↑ on ring8, exploratory" in outcome.out
    text = " ".join(outcome.out.split())
    assert "The primary metric is modes, chosen for this comparison. One test was made." in text
    assert "columns of metrics were looked at" in text
    # A report of these runs has no other primary metric than the comparison named.
    assert cli("report", tmp_path / "out", "--out", tmp_path / "page").code == 0
    markdown = (tmp_path / "page" / "README.md").read_text()
    assert "The primary metric is modes, chosen for this comparison." in markdown
    assert "exploratory reverse-kl" in markdown
    other = cli("report", tmp_path / "out", "--out", tmp_path / "page", "--metric", "reverse-kl")
    assert other.code == 0
    assert "primary reverse-kl" in (tmp_path / "page" / "README.md").read_text()
    assert f"ganbench report {tmp_path / 'out'}" in outcome.out


def test_what_the_design_cannot_show_is_said_before_it_runs(cli):
    words = [word for word in WORDS if word != "-q"]
    outcome = cli(*words, *HERE, "--tricks", "none,ema", "--seeds", "0-1")
    assert "cannot give a p value below 0.5" in outcome.err
    assert "[1/4] vanilla on ring8, seed 0: " in outcome.err


def test_one_seed_is_enough_to_see_a_table(cli):
    outcome = cli(*WORDS, *HERE, "--tricks", "none,ema", "--seeds", "0")
    assert outcome.code == 0
    assert "vanilla + ema" in outcome.out


def test_a_dry_run_says_what_is_stored_and_how_long_it_takes(cli, tmp_path):
    words = (*WORDS, *HERE, "--tricks", "none,ema")
    assert cli(*words, "--seeds", "1", "--json").code == 0
    plan = cli(*words, "--seeds", "0-1", "--json", "-n").document
    assert plan["comparisons"] == []
    assert plan["seconds"] > 0
    assert any("cannot give a p value below 0.5" in line for line in plan["limits"])
    statuses = {
        (cell["axes"]["tricks"], cell["axes"]["seed"]): cell["status"] for cell in plan["cells"]
    }
    assert statuses == {
        ("none", 0): "waiting", ("none", 1): "stored", ("ema", 0): "waiting", ("ema", 1): "stored",
    }  # fmt: skip
    assert len(list(find_runs(tmp_path / "runs"))) == 2
    shown = cli(*words, "--seeds", "0-1", "--dry-run").out
    assert "4 cells: 2 waiting, 2 stored." in shown
    assert "of training, one at a time" in shown


def test_a_dry_run_of_a_new_matrix_measures_its_speed(cli, tmp_path):
    plan = cli(*WORDS, "--seeds", "0-1", "--json", "-n").document
    assert plan["seconds"] > 0
    assert not list(find_runs(tmp_path / "runs"))


@pytest.fixture
def failing(monkeypatch):
    """Let the cells of some seeds break: those in the list, which may be emptied."""
    from ganbench.harness.run import Run

    unbroken = Run.execute
    seeds = [1]

    def execute(self):
        if self.config.seed in seeds:
            raise ZeroDivisionError("a bug")
        return unbroken(self)

    monkeypatch.setattr(Run, "execute", execute)
    return seeds


def test_a_cell_that_errs_is_said_and_the_others_go_on(cli, failing):
    words = (*WORDS, *HERE, "--seeds", "0-2")
    outcome = cli(*words, "--json")
    assert outcome.code == 1
    assert "seed 1: ZeroDivisionError: a bug" in outcome.err
    cells = outcome.document["cells"]
    assert [cell["status"] == "failed" for cell in cells] == [False, True, False]
    assert cells[1]["error"] == "ZeroDivisionError: a bug"
    assert "error" not in cells[0]
    failing.clear()
    still = cli(*words)
    assert still.code == 1
    assert "--retry-failed" in still.err
    retried = cli(*words, "--retry-failed")
    assert retried.code == 0
    assert "changed nothing" not in retried.err
    again = cli(*(word for word in words if word != "-q"), "--retry-failed")
    assert again.code == 0
    assert "--retry-failed changed nothing: no cell has failed." in again.err


def test_no_evaluations_during_training_is_what_zero_asks_for(cli, tmp_path):
    words = [*WORDS[: WORDS.index("--evaluations")], "-q", *HERE, "--seeds", "0"]
    rows = {}
    for evaluations in ("0", "3"):
        out = tmp_path / evaluations
        assert cli(*words, "--evaluations", evaluations, "--out", out).code == 0
        (folder,) = find_runs(out)
        rows[evaluations] = len(folder.metrics_file.read_text().splitlines())
    assert rows["0"] == 1, "only the measurement at the end"
    assert rows["3"] > 1


def test_a_limit_leaves_cells_for_later(cli):
    outcome = cli(*WORDS, *HERE, "--limit", "2")
    assert outcome.code == 0
    assert "1 cell is left" in outcome.out
    assert "3 runs" in cli(*WORDS, *HERE).out


def test_a_bound_that_is_passed_ends_with_3(cli):
    words = (*WORDS, *HERE, "--tricks", "none,ema", "--kimg", "20")
    assert cli(*words, "--fail-if-worse", "high-quality:10000%").code == 0
    baseline = cli(*words, "--json").document["comparisons"]
    (comparison,) = (
        comparison for comparison in baseline if comparison["metric"] == "high-quality"
    )
    worse = "none" if comparison["difference"] > 0 else "ema"
    against = "ema" if comparison["difference"] > 0 else "none"
    assert comparison["difference"] != 0
    outcome = cli(*words, "--baseline", against, "--fail-if-worse", "high-quality:0", "--json")
    assert outcome.code == 3
    assert outcome.document["worse_than_allowed"]
    assert "high-quality:0 allows less" in outcome.err
    assert cli(*words, "--baseline", worse, "--fail-if-worse", "high-quality:0").code == 0


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--fail-if-worse", "fid"), "'fid' is no bound"),
        (("--fail-if-worse", "fid:5%"), "about a metric that is not measured"),
        (("--timeout", "soon"), "'soon' is not a time"),
        (("--vary", "learning_rate"), "is not an axis"),
        (("--vary", "learning_rte=1"), "Did you mean 'learning_rate'"),
        (("--backend", "rya"), "Did you mean 'ray'"),
        (("--metric", "fdi"), "'fdi' is not among the metrics that are measured"),
        (("--baseline", "emma"), "emma"),
    ],
)
def test_mistakes_are_found_before_anything_is_trained(cli, trained, words, part):
    outcome = cli(*WORDS, *HERE, "--tricks", "none,ema", *words)
    assert outcome.code == 2
    assert part in outcome.err
    assert trained == []


def test_a_varied_setting_is_compared_at_each_value(cli):
    words = (*WORDS, *HERE, "--tricks", "none,ema", "--vary", "learning_rate=1e-4,1e-3")
    document = cli(*words, "--seeds", "0-1", "--json").document
    assert len(document["cells"]) == 8
    assert {cell["axes"]["vary"]["learning_rate"] for cell in document["cells"]} == {1e-4, 1e-3}
    pairs = {
        (comparison["variant"], comparison["baseline"]) for comparison in document["comparisons"]
    }
    assert pairs == {
        (f"vanilla + ema, learning_rate={rate}", f"vanilla, learning_rate={rate}")
        for rate in ("0.0001", "0.001")
    }


def test_numbers_that_move_are_axes_and_labels(cli):
    tricks = "none,r1:weight=1->0.1@0.05:linear,every=2"
    words = (*WORDS, *HERE, "--tricks", tricks, "--vary", "learning_rate=1e-4,2e-4->0.00001")
    words = (*words, "--set", "schedule=constant", "--seeds", "0-1")
    document = cli(*words, "--json").document
    rates = {cell["axes"]["vary"]["learning_rate"] for cell in document["cells"]}
    assert rates == {1e-4, "2e-4->0.00001"}
    pairs = {
        (comparison["variant"], comparison["baseline"]) for comparison in document["comparisons"]
    }
    assert pairs == {
        (f"vanilla + r1, learning_rate={rate}", f"vanilla, learning_rate={rate}")
        for rate in ("0.0001", "0.0002->1e-05")
    }


def test_a_suite_is_a_file_or_a_name(cli, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('models = "vanilla"\ndatasets = "ring8"\nseeds = 1\n[set]\nkimg = 0.4\n')
    outcome = cli("compare", path, *HERE, "-q", "--json", "--evaluations", "0")
    (cell,) = outcome.document["cells"]
    assert cell["axes"]["seed"] == 1
    assert RunFolder(tmp_path / "runs" / "mine" / cell["run"].rpartition("/")[2]).finished
    assert len(cli("compare", "smoke", "-n", "--json", "-q").document["cells"]) == 8
    path.write_text('models = "vanila"\ntricks = ["emma"]\n')
    wrong = cli("compare", path)
    assert wrong.code == 2
    assert "mine.toml has 2 mistakes:" in wrong.err
    assert "line 2: Unknown trick 'emma'" in wrong.err
    assert cli("compare", "smoky").code == 2
    assert "Neither a suite nor a model is named" in cli("compare").err


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_ctrl_c_ends_the_matrix_and_repeating_finishes_it(start, tmp_path, form):
    words = ("-m", "ganbench", *WORDS, "--kimg", "60", "--threads", "1", "-j", "2", *form)
    command = start(*words)
    deadline = time.monotonic() + 120
    while not list(tmp_path.rglob("stats.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.05)
    command.send_signal(signal.SIGINT)
    out, err = command.communicate(timeout=120)
    assert command.returncode == 130
    assert "Traceback" not in err
    if form:
        assert '"interrupted"' in out
    folders = list(find_runs(tmp_path / "runs"))
    assert any(folder.checkpoint_file.exists() for folder in folders)
    if form:
        return  # what is left behind is the same
    done = start(*words)
    assert done.wait(timeout=240) == 0
    assert sum(folder.finished for folder in find_runs(tmp_path / "runs")) == 3


def test_a_killed_command_takes_its_workers_along(start, tmp_path):
    words = ("-m", "ganbench", *WORDS, "--kimg", "2000", "--threads", "1", "-j", "2")
    command = start(*words)
    deadline = time.monotonic() + 120
    while not list(tmp_path.rglob("stats.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(command.pid, signal.SIGKILL)
    command.wait()
    from ganbench.records.locks import is_taken

    begun = [path.parent for path in tmp_path.rglob(".lock")]
    assert begun
    while any(is_taken(folder) for folder in begun) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(is_taken(folder) for folder in begun)


def test_two_commands_divide_a_matrix(start, tmp_path):
    words = ("-m", "ganbench", *WORDS, "--kimg", "10", "--seeds", "0-3", "--threads", "1", "--json")
    commands = [start(*words), start(*words)]
    documents = []
    for command in commands:
        out, err = command.communicate(timeout=300)
        assert (command.returncode, err) == (0, "")
        documents.append(json.loads(out))
    assert documents[0] == documents[1]
    folders = list(find_runs(tmp_path / "runs"))
    assert len(folders) == 4
    for folder in folders:
        kimg = [row["kimg"] for row in folder.stats()]
        assert kimg == sorted(set(kimg)), "no two processes wrote into one folder"


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_cells_are_run_by_the_package_that_plans_them(start, tmp_path, engine):
    if engine == "ray":
        pytest.importorskip("ray", reason="ray is not installed")
    other = tmp_path / "ganbench"
    other.mkdir()
    (other / "__init__.py").write_text('"""Another checkout, in the current folder."""\n')
    code = "import sys; sys.path.pop(0); from ganbench.cli import main; main()"
    command = start("-c", code, *WORDS, "--kimg", "1", "--backend", engine, "--threads", "1")
    out, err = command.communicate(timeout=240)
    assert command.returncode == 0, out + err
    assert sum(folder.finished for folder in find_runs(tmp_path / "runs")) == 3


def test_the_seeds_that_an_effect_needs_come_from_stored_runs(cli, trained):
    words = (*WORDS, *HERE, "--tricks", "none,ema", "--kimg", "20", "--metric", "high-quality")
    cli(*words)
    trained.clear()
    asked = (*words, "--seeds", "0-9", "--power", "0.9", "--effect", "10%")
    document = cli(*asked, "--json").document
    assert trained == []
    assert (document["power"], document["effect"], document["tests"]) == (0.9, "10%", 1)
    (plan,) = document["plans"]
    assert (plan["dataset"], plan["metric"], plan["n"]) == ("ring8", "high-quality", 3)
    assert (plan["variant"], plan["baseline"]) == ("vanilla + ema", "vanilla")
    few, seeds, many = (plan[key] or 10_001 for key in ("low", "seeds", "high"))
    assert 2 <= few <= seeds <= many
    larger = cli(*words, "--effect", "1000%", "--json").document
    assert larger["power"] == 0.8
    assert larger["plans"][0]["seeds"] <= seeds
    shown = cli(*words, "--power", "0.8").out
    assert "Seeds that find 10% of high-quality on ring8" in shown
    assert "with a probability of 0.8" in " ".join(shown.split())


def test_no_pairs_give_no_number_of_seeds(cli):
    outcome = cli(*WORDS, *HERE, "--tricks", "none,ema", "--power", "0.8")
    assert outcome.code == 4
    assert "make pairs" in outcome.err
    for words in (("--power", "2"), ("--effect", "much")):
        assert cli(*WORDS, *HERE, *words).code == 2
