# SPDX-License-Identifier: MIT
"""Displays of progress: bars on a terminal, lines elsewhere, nothing if quiet."""

import pytest

from ganbench.cli import progress_bars
from ganbench.cli.progress_bars import DownloadBar, TrainingBar, WorkBar


@pytest.fixture
def terminal(monkeypatch):
    """Let stderr be a terminal of 80 columns."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def clock(monkeypatch):
    """Let time be what the test says it is."""
    now = [100.0]
    monkeypatch.setattr(progress_bars.time, "monotonic", lambda: now[0])
    return now


# -- training ----------------------------------------------------------------------------------


def test_outside_a_terminal_progress_is_a_line_for_every_tenth(capsys):
    row = {"kimg": 1.0, "images_per_second": 10.0, "loss/discriminator/adversarial": 1.25}
    row |= {"loss/discriminator/r1": 0.5, "loss/generator/adversarial": 0.125}
    with TrainingBar("label", quiet=False) as bar:
        for index in range(101):
            bar.tick(row, index / 100, 60.0)
        bar.measured(5.0, {"fid": {"value": 12.5}})
        bar.measured(5.0, {})
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 12
    assert "loss D 1.75 G 0.125" in lines[0]
    assert "1 min 00 s left" in lines[0]
    assert lines[-1] == "  5 kimg: fid 12.5"
    with TrainingBar("label", quiet=True) as bar:
        bar.tick(row, 1.0, 0.0)
        bar.measured(5.0, {"fid": {"value": 12.5}})
    assert capsys.readouterr().err == ""


def test_on_a_terminal_progress_is_a_live_bar(terminal, capsys):
    row = {"kimg": 1.0, "images_per_second": 10.0, "loss/generator/adversarial": float("nan")}
    with TrainingBar("label", quiet=False) as bar:
        bar.tick(row, 0.5, 60.0)
        bar._terminal.refresh()
        bar.measured(5.0, {"fid": {"value": 12.5}})
    err = capsys.readouterr().err
    assert " 50 %" in err
    assert "10 images/s" in err
    assert "fid 12.5" in err


def test_an_evaluation_is_a_note_on_the_bar(terminal, capsys):
    with TrainingBar("label", quiet=False) as bar:
        bar.advance("fid", 500, 5000)
        bar._terminal.refresh()
    assert "measuring fid: 500 of 5,000" in capsys.readouterr().err


def test_a_slow_evaluation_is_a_line_outside_a_terminal(clock, capsys):
    with TrainingBar("label", quiet=False) as bar:
        bar.advance("fid", 0, 5000)
        clock[0] += 20
        bar.advance("fid", 1000, 5000)
    assert capsys.readouterr().err == ("measuring fid: 1,000 of 5,000, 50/s, 1 min 20 s left\n")


# -- work that is counted ----------------------------------------------------------------------


def test_quick_work_says_nothing_and_slow_work_a_line_now_and_then(clock, capsys):
    with WorkBar(quiet=False) as bar:
        for done in range(0, 101, 10):
            bar.advance("turns", done, 100)
            clock[0] += 4.0
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "turns: 30 of 100, 2.5/s, 28 s left",
        "turns: 60 of 100, 2.5/s, 16 s left",
        "turns: 90 of 100, 2.5/s, 4 s left",
    ]
    with WorkBar(quiet=False) as bar:
        bar.advance("turns", 0, 2)
        clock[0] += 1.0
        bar.advance("turns", 2, 2)
    assert capsys.readouterr().err == ""


def test_each_kind_of_work_has_a_bar(terminal, capsys):
    with WorkBar(quiet=False) as bar:
        bar.advance("[real]", 10, 20)
        bar.advance("fake", 5, 50)
        bar._terminal.refresh()
    err = capsys.readouterr().err
    assert "[real]" in err, "a name is no markup"
    assert "10/20" in err
    assert "5/50" in err


def test_quiet_work_says_nothing(terminal, clock, capsys):
    with WorkBar(quiet=True) as bar:
        bar.advance("turns", 0, 100)
        clock[0] += 60.0
        bar.advance("turns", 50, 100)
    assert capsys.readouterr().err == ""


# -- downloads ---------------------------------------------------------------------------------


@pytest.mark.parametrize("live", [True, False])
def test_progress_of_a_download(capsys, request, live):
    if live:
        request.getfixturevalue("terminal")
    with DownloadBar("alexnet", quiet=False) as bar:
        for done in range(101):
            bar.advance("bytes", done * 10**6, 10**8)
        bar.say("The connection was cut.")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "The connection was cut." in captured.err
    if live:
        assert "100.0/100.0 MB" in captured.err
    else:
        lines = captured.err.splitlines()
        assert lines[0] == "alexnet: 0 MB of 100 MB"
        assert len(lines) == 12
    with DownloadBar("alexnet", quiet=True) as bar:
        bar.advance("bytes", 1, 2)
        bar.say("The connection was cut.")
    assert capsys.readouterr().err == ""
