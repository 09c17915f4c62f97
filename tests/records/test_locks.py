# SPDX-License-Identifier: MIT
"""Folders that one process holds: the second one hears who holds it, waits, or takes another."""

import os
import re
import threading

import pytest
from filelock import FileLock

from ganbench.errors import StorageError
from ganbench.records import locks
from ganbench.records.locks import (
    HOLDER,
    LOCK,
    TakenError,
    holding,
    holding_output,
    holding_run,
    is_taken,
)
from ganbench.records.run_folder import RunFolder


def test_the_second_hears_who_holds_the_folder(tmp_path):
    assert not is_taken(tmp_path)
    with holding(tmp_path):
        assert is_taken(tmp_path)
        with pytest.raises(TakenError) as raised, holding(tmp_path):
            pytest.fail("two held it")
        assert re.fullmatch(
            rf"{re.escape(str(tmp_path))} is being written by process {os.getpid()} on \S+, which "
            r"began at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d\.",
            raised.value.message,
        )
        assert is_taken(tmp_path), "the second attempt has released nothing"
    assert not is_taken(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]


@pytest.mark.parametrize("left", [None, "", "{", "[]", '{"process": "x", "machine": 3}'])
def test_what_a_killed_holder_left_does_no_harm(tmp_path, left):
    if left is not None:
        (tmp_path / HOLDER).write_text(left)
    with FileLock(tmp_path / LOCK), pytest.raises(TakenError), holding(tmp_path):
        pytest.fail("two held it")
    with holding(tmp_path):
        assert f'"process": {os.getpid()}' in (tmp_path / HOLDER).read_text()
    assert not (tmp_path / HOLDER).exists()


def test_who_looks_whether_a_folder_is_taken_turns_nobody_away(tmp_path, monkeypatch):
    """To look is to hold the lock for a moment; a command that comes then waits for its end."""
    assert locks.RUN_WAIT_SECONDS > 0
    monkeypatch.setattr(locks, "RUN_WAIT_SECONDS", 10.0)
    look = FileLock(tmp_path / LOCK, thread_local=False)
    look.acquire()
    timer = threading.Timer(0.2, look.release)
    timer.start()
    with holding(tmp_path):
        assert not look.is_locked
    timer.join()


def test_an_error_in_between_releases_the_folder(tmp_path):
    with pytest.raises(ZeroDivisionError), holding(tmp_path):
        raise ZeroDivisionError
    assert not is_taken(tmp_path)


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(StorageError), holding(tmp_path / "file"):
        pytest.fail("it was held")


class Names:
    """Names of folders, as the second of two equal runs finds them."""

    def __init__(self, root):
        self.root, self.count = root, 0

    def __call__(self):
        self.count += 1
        return RunFolder(self.root / f"run-{self.count + 1}")


def test_new_runs_never_share_a_folder(tmp_path):
    folder, names = RunFolder(tmp_path / "runs" / "run"), Names(tmp_path / "runs")
    with (
        holding_run(folder, names, resume=False) as first,
        holding_run(folder, names, resume=False) as second,
        holding_run(folder, names, resume=False) as third,
    ):
        assert first == folder
        assert [run.path.name for run in (second, third)] == ["run-2", "run-3"]
        assert all(is_taken(run.path) for run in (first, second, third))


def test_a_run_that_is_going_on_is_not_resumed(tmp_path):
    folder, names = RunFolder(tmp_path / "run"), Names(tmp_path)
    with (
        holding_run(folder, names, resume=True) as first,
        pytest.raises(TakenError),
        holding_run(folder, names, resume=True),
    ):
        pytest.fail("two held it")
    with holding_run(folder, names, resume=True) as again:
        assert again == first == folder


def test_equal_runs_at_once_get_a_folder_each(tmp_path):
    """Threads stand for processes: a lock belongs to the file that was opened."""
    start, taken = threading.Barrier(8), []

    def begin():
        names = iter(RunFolder(tmp_path / f"run-{number}") for number in range(2, 99))
        start.wait()
        with holding_run(RunFolder(tmp_path / "run"), lambda: next(names), resume=False) as held:
            taken.append(held.path)
            start.wait()

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 8


def test_results_are_written_one_after_the_other(tmp_path, monkeypatch):
    out = tmp_path / "report"
    order = []

    def write():
        with holding_output(tmp_path / "a" / ".." / "report"):
            order.append("second")

    with holding_output(out):
        thread = threading.Thread(target=write)
        thread.start()
        thread.join(0.3)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert not out.exists(), "the lock is elsewhere"
    monkeypatch.setattr(locks, "OUTPUT_WAIT_SECONDS", 0.1)
    with holding_output(out), pytest.raises(TakenError, match="report is being written by process"):
        write()
    with holding_output(tmp_path / "other"):
        write()
