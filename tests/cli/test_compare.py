# SPDX-License-Identifier: MIT
"""``ganbench compare``: cells, comparisons, amending, failures."""

import numpy as np
import pytest

from ganbench.records.run import find_runs

WORDS = ("compare", "-m", "vanilla", "-d", "ring8", "--kimg", "0.6", "--evaluations", "0", "-q")


def test_cells_and_comparisons_have_the_stable_keys(cli, tmp_path, stable):
    words = (*WORDS, "--tricks", "none,r1:weight=10,every=2", "--seeds", "0-3")
    document = cli(*words, "--json").document
    assert document.keys() == {"schema", "cells", "comparisons"}
    cells = document["cells"]
    assert len({cell["id"] for cell in cells}) == 8
    for cell in cells:
        assert {"id", "axes", "status", "metrics", "run"} <= cell.keys()
        assert cell["axes"].keys() == {"model", "tricks", "dataset", "seed"}
        stable({**cell, **cell["axes"], "identity": cell["id"], "kimg": 0})
    tricks = [cell["axes"]["tricks"] for cell in cells]
    assert tricks == ["none"] * 4 + ["r1:weight=10,every=2"] * 4
    assert len(list(find_runs(tmp_path / "runs" / "compare"))) == 8

    by = {(cell["axes"]["tricks"], cell["axes"]["seed"]): cell["metrics"] for cell in cells}
    compared = {one["metric"]: one for one in document["comparisons"]}
    assert set(compared) >= {"high-quality", "modes"}
    for name in ("high-quality", "modes"):
        one = compared[name]
        assert (one["variant"], one["baseline"]) == ("vanilla + r1:weight=10,every=2", "vanilla")
        differences = [
            by["r1:weight=10,every=2", seed][name]["value"] - by["none", seed][name]["value"]
            for seed in range(4)
        ]
        assert one["n"] == 4
        assert one["difference"] == pytest.approx(np.mean(differences), abs=1e-12)
        assert one["protocol"] == by["none", 0][name]["protocol"]


def test_repeating_the_command_trains_only_what_is_missing(cli, monkeypatch):
    first = cli(*WORDS, "--seeds", "0-1", "--json").document
    trained = []
    from ganbench.training.trainer import Trainer

    kept = Trainer.train
    monkeypatch.setattr(Trainer, "train", lambda self: trained.append(self) or kept(self))
    again = cli(*WORDS, "--seeds", "0-1", "--json")
    assert (again.code, again.document) == (0, first)
    assert trained == []
    more = cli(*WORDS, "--seeds", "0-2", "--json").document
    assert len(trained) == 1
    assert more["cells"][:2] == first["cells"]


def test_the_tables_have_mean_interval_and_difference(cli, tmp_path):
    words = (*WORDS, "--tricks", "none,ema", "--seeds", "0-1", "--out", tmp_path / "out")
    outcome = cli(*words, "--baseline", "ema")
    assert (outcome.code, outcome.err) == (0, "")
    assert "modes ↑ on ring8" in outcome.out
    assert "minus vanilla + ema" in outcome.out
    assert "4 runs, " in outcome.out
    assert f"ganbench report {tmp_path / 'out'}" in outcome.out
    assert "p value below 0.5" in outcome.out


def test_one_seed_is_enough_to_see_a_table(cli):
    outcome = cli(*WORDS, "--tricks", "none,ema", "--seeds", "0")
    assert outcome.code == 0
    assert "vanilla + ema" in outcome.out


def test_a_dry_run_says_what_is_stored(cli, tmp_path):
    words = (*WORDS, "--tricks", "none,ema")
    assert cli(*words, "--seeds", "1", "--json").code == 0
    plan = cli(*words, "--seeds", "0-1", "--json", "-n").document
    assert plan["comparisons"] == []
    statuses = {
        (cell["axes"]["tricks"], cell["axes"]["seed"]): cell["status"] for cell in plan["cells"]
    }
    assert statuses == {
        ("none", 0): "missing", ("none", 1): "stored", ("ema", 0): "missing", ("ema", 1): "stored",
    }  # fmt: skip
    assert len(list(find_runs(tmp_path / "runs"))) == 2
    assert "missing" in cli(*words, "--dry-run").out


def test_a_cell_that_errs_is_said_and_the_others_go_on(cli, monkeypatch):
    from ganbench.errors import InputError
    from ganbench.harness.run import Run

    kept = Run.execute

    def execute(self):
        if self.config.seed == 1:
            raise InputError("The data are broken.")
        return kept(self)

    monkeypatch.setattr(Run, "execute", execute)
    outcome = cli(*WORDS, "--seeds", "0-2", "--json")
    assert outcome.code == 1
    assert "seed 1: The data are broken." in outcome.err
    statuses = [cell["status"] for cell in outcome.document["cells"]]
    assert [status == "failed" for status in statuses] == [False, True, False]
    assert outcome.document["cells"][1]["error"] == "The data are broken."
    assert "error" not in outcome.document["cells"][0]
    assert cli(*WORDS, "--seeds", "0-2").code == 1


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_ctrl_c_ends_the_matrix_and_repeating_finishes_it(cli, interrupting, form):
    ticks = interrupting(7)  # five ticks make a run: in the second cell
    outcome = cli(*WORDS, "--seeds", "0-2", *form)
    assert outcome.code == 130
    assert len(ticks) == 7
    if form:
        statuses = [cell["status"] for cell in outcome.document["cells"]]
        assert statuses[1:] == ["interrupted"]
    done = cli(*WORDS, "--seeds", "0-2", "--json")
    assert done.code == 0
    assert len(ticks) == 15, "the second went on where it was"
    assert len(done.document["cells"]) == 3


def test_ctrl_c_at_the_end_of_a_cell_ends_the_matrix_too(cli, interrupting):
    interrupting(5)
    outcome = cli(*WORDS, "--seeds", "0-2", "--json")
    assert outcome.code == 130
    assert len(outcome.document["cells"]) == 1
    assert outcome.document["cells"][0]["status"] != "interrupted"
