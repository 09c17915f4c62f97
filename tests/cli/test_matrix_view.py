# SPDX-License-Identifier: MIT
"""The live table of a matrix: status words, what is left out where there is no room, lines."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from ganbench.cli.matrix_view import MatrixView
from ganbench.harness.matrix import plan_matrix
from ganbench.harness.scheduler import CellState


def states(tricks=("none", "ema", "lookahead"), seeds=(0, 1), datasets=("ring8",)):
    cells = plan_matrix(["vanilla"], tricks, datasets, seeds, settings={"kimg": 10})
    return [CellState(cell) for cell in cells]


def finished(state, value, status="done"):
    state.status, state.share = status, 1.0
    measured = {"value": value, "better": "higher"}
    state.record = {"status": "done", "metrics": {"modes": measured}, "kimg": 10, "seconds": 5.0}


def drawn(members, width=100, height=30, metric=None):
    view = MatrixView(SimpleNamespace(states=members), 2, metric, quiet=True)
    screen = Console(file=io.StringIO(), width=width, height=height, force_terminal=False)
    view._screen = screen
    screen.print(view.render())
    return screen.file.getvalue()


def test_each_cell_is_a_word():
    members = states()
    finished(members[0], 7.0)
    finished(members[1], 8.0, status="stored")
    members[2].status, members[2].share = "running", 0.43
    members[3].status = "failed"
    text = drawn(members)
    for word in ("seed 0", "seed 1", "done", "stored", "running 43 %", "failed", "waiting"):
        assert word in text
    assert "3 of 6 cells" in text
    assert "best so far: vanilla on ring8, seed 1, modes 8" in text
    # Two cells wait and one is at 43 %: 2.57 runs of 5 s, two at a time.
    assert "6 s left" in text
    assert "vanilla + lookahead" in text


def test_a_lower_metric_has_the_lowest_as_its_best():
    members = states()
    for state, value in zip(members, (3.0, 1.0, 2.0), strict=False):
        finished(state, value)
        state.record["metrics"]["modes"]["better"] = "lower"
    assert "seed 1, modes 1" in drawn(members)


def test_the_best_is_by_the_primary_metric_and_no_run_that_collapsed():
    members = states()
    for state, value in zip(members, (3.0, 1.0, 2.0), strict=False):
        finished(state, 7.0)
        state.record["metrics"]["fid@mnist-cnn"] = {"value": value, "better": "lower"}
    members[1].record["status"] = "collapsed"
    assert "best so far: vanilla + ema on ring8, seed 0, fid@mnist-cnn 2" in drawn(members)
    assert "modes 7" in drawn(members, metric="modes")


def test_among_values_that_do_not_compare_there_is_no_best():
    members = states(datasets=("ring8", "grid25"))
    for state in members:
        finished(state, 7.0)
    assert "best so far" not in drawn(members)
    members = states()
    for state in members:
        finished(state, 7.0)
    assert "best so far" in drawn(members)
    members[0].record["metrics"]["fid@mnist-cnn"] = {"value": 2.0, "better": "lower"}
    assert "best so far" not in drawn(members)
    assert "best so far" in drawn(members, metric="modes")


@pytest.mark.parametrize("width", [40, 60, 80])
def test_seeds_are_counted_where_they_do_not_fit(width):
    members = states(seeds=range(9))
    members[0].status = "running"
    text = drawn(members, width=width)
    assert "1 running · 8" in text
    assert max(map(len, text.splitlines())) <= width


def test_of_a_long_matrix_the_rows_in_which_something_happens_are_shown():
    tricks = ["none", *(f"ema:half_life_kimg={half_life}" for half_life in range(1, 40))]
    members = states(tricks=tricks)
    members[-1].status = "running"
    text = drawn(members, height=16)
    assert len(text.splitlines()) <= 16
    assert "running 0 %" in text
    assert "more" in text


def test_without_a_terminal_each_end_is_a_line(capsys):
    members = states()
    view = MatrixView(SimpleNamespace(states=members), 1, None, quiet=False)
    members[0].status = "running"
    view.show_change(members[0])
    finished(members[0], 7.0)
    members[0].seconds = 5.0
    view.show_change(members[0])
    members[1].status, members[1].problem = "failed", "ValueError: no [bold]markup[/bold]"
    view.show_change(members[1])
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("[1/6] vanilla on ring8, seed 0: done, modes 7, 5 s, ")
    assert lines[0].endswith("left")
    assert "failed, ValueError: no [bold]markup[/bold]" in lines[1]
    assert len(lines) == 2


def test_quiet_says_nothing(capsys):
    members = states()
    view = MatrixView(SimpleNamespace(states=members), 1, None, quiet=True)
    finished(members[0], 7.0)
    view.show_change(members[0])
    assert capsys.readouterr().err == ""
