# SPDX-License-Identifier: MIT
"""``ganbench compare --search``: the budget first, resuming, both numbers, refusals."""

import pytest

from ganbench.harness.run import Run
from ganbench.records.run_folder import find_runs

WORDS = (
    "compare", "-m", "vanilla", "-d", "ring8", "--kimg", "0.6", "--evaluations", "0",
    "--backend", "inline", "--vary", "learning_rate=1e-4..1e-3", "--seeds", "0,1",
    "--metric", "high-quality", "--metrics", "high-quality",
)  # fmt: skip


def test_the_budget_is_printed_and_a_dry_run_trains_nothing(cli, tmp_path):
    result = cli(*WORDS, "--search", "halving:6", "--dry-run")
    text = " ".join(result.out.split())
    assert "Search: 6 at 1/3 of the length, then 2 at full length, each with 2 seeds" in text
    assert "Budget: 18 runs, 6 kimg in all" in text
    assert not (tmp_path / "runs").exists() or not list(find_runs(tmp_path / "runs"))


def test_a_search_is_continued_and_enlarged(cli, tmp_path):
    document = cli(*WORDS, "--search", "random:2", "--json", "-q").document
    assert document["search"]["runs"] == 6
    (best,) = document["best"]
    assert best["configuration"] in document["search"]["configurations"]
    assert (len(best["searched"]), len(best["fresh"])) == (2, 2)
    before = trained(tmp_path)
    assert len(before) == 6
    result = cli(*WORDS, "--search", "random:2")
    text = " ".join(result.out.split())
    assert "vanilla on ring8: the best of 2 configurations is learning_rate=" in text
    assert "on fresh seeds (2–3)" in text
    assert "in the search, which flatters it" in text
    assert trained(tmp_path) == before
    cli(*WORDS, "--search", "random:3", "-q")
    assert len(trained(tmp_path)) in {8, 10}  # the winner may have changed


def trained(place):
    """When the result of each run was written."""
    folders = [run.path for run in find_runs(place / "runs" / "compare")]
    return {folder: (folder / "result.json").stat().st_mtime_ns for folder in folders}


def test_a_limit_ends_the_search_early(cli, tmp_path):
    result = cli(*WORDS, "--search", "random:2", "--limit", "1", "-q")
    assert "repeat the command to go on" in " ".join(result.err.split())
    assert len(trained(tmp_path)) == 1


def test_a_limit_is_for_all_rungs_together(cli, tmp_path):
    """Six configurations at a third, two in full, one again: 9 runs, of which the limit is 7."""
    words = (*(word.replace("0,1", "0") for word in WORDS), "--search", "halving:6", "-q", "--json")
    outcome = cli(*words, "--limit", "7")
    assert outcome.code == 0
    assert len(trained(tmp_path)) == 7
    assert outcome.document["search"]["runs"] == 9
    assert (outcome.document["status"], outcome.document["best"]) == ("limited", [])
    document = cli(*words, "--limit", "2").document
    assert len(trained(tmp_path)) == 9
    assert (document["status"], len(document["best"])) == ("done", 1)


def test_a_suite_may_search(cli, tmp_path):
    suite = tmp_path / "suite.toml"
    suite.write_text(
        'models = "vanilla"\ndatasets = "ring8"\nsearch = "random:4"\nseeds = [0]\n'
        '[set]\nkimg = 1\n[vary]\nlearning_rate = "1e-4..1e-2"\n'
    )
    document = cli("compare", suite, "--dry-run", "--json").document
    assert len(document["search"]["configurations"]) == 4
    assert document["search"]["metric"] == "reverse-kl"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--search", "grid:3"), "is not a search"),
        ((), "is a range, from which values are drawn in a search only"),
        (("--search", "random:3", "--power", "0.8"), "--power is about a comparison"),
        (("--search", "random:3", "--baseline", "none"), "--baseline is about a comparison"),
        (("--search", "random:3", "--metric", "fid"), "fid is not"),
    ],
)
def test_what_does_not_go_together_is_refused(cli, words, message):
    result = cli(*WORDS, *words)
    assert result.code == 2
    assert message in " ".join(result.err.split())


def test_cells_that_fail_end_a_search_with_1_as_they_end_a_comparison(cli, monkeypatch):
    execute = Run.execute

    def break_fast_ones(self):
        if self.config.recipe.generator_optimizer.learning_rate > 0.5:
            raise KeyError("logits")
        return execute(self)

    monkeypatch.setattr(Run, "execute", break_fast_ones)
    replaced = {"learning_rate=1e-4..1e-3": "learning_rate=1e-4,0.9", "0,1": "0"}
    words = (replaced.get(word, word) for word in WORDS)
    result = cli(*words, "--search", "random:2")
    assert result.code == 1
    assert "KeyError" in result.err
    assert "the best of 2 configurations is learning_rate=0.0001" in result.out
