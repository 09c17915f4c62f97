# SPDX-License-Identifier: MIT
"""The scheduler and its backends: order, limits, time-outs, deaths, the same bits everywhere."""

import os
import random
import signal
import threading
import time
from dataclasses import replace

import pytest
from filelock import FileLock

from ganbench.data import open_dataset
from ganbench.errors import ConfigError, StorageError
from ganbench.harness.backends import LocalBackend, make_backend
from ganbench.harness.matrix import plan_matrix
from ganbench.harness.run_cell import DIED, CellJob, Outcome, run_cell, write_failure
from ganbench.harness.run_metrics import Measuring, wanted_metrics
from ganbench.harness.run_options import RunOptions
from ganbench.harness.scheduler import ATTEMPTS, Policy, Scheduler, trained_share
from ganbench.records.locks import LOCK
from ganbench.training.trainer import Schedule

HEALTHY_RESULTS = {"done", "collapsed"}


@pytest.fixture(scope="module")
def wanted():
    return {"ring8": wanted_metrics(open_dataset("ring8"), None, Measuring(200))}


@pytest.fixture
def matrix(tmp_path, wanted):
    """Make a scheduler of a small matrix."""

    def make(seeds=(0, 1), tricks=("none", "ema"), kimg=0.3, policy=None, out="out", **changes):
        cells = plan_matrix(
            ["vanilla"], tricks, ["ring8"], seeds, settings={"kimg": kimg, "batch_size": 20}
        )
        options = RunOptions(
            out=tmp_path / out,
            device="cpu",
            threads=1,
            samples=200,
            schedule=Schedule(ticks=10, snapshots=1, evaluations=0, checkpoint_seconds=0.0),
        )
        options = replace(options, **changes)
        return Scheduler(cells, options, wanted, policy=policy or Policy())

    return make


@pytest.fixture
def local():
    """Two processes at a time."""
    backend = LocalBackend(2)
    yield backend
    backend.close()


class Scripted:
    """A backend that carries nothing out: each attempt ends as the script says."""

    def __init__(self, slots=1, script=lambda job, attempt: Outcome("done")):
        self.slots = slots
        self.script = script
        self.started = []
        self.stopped = []
        self.most = 0

    def start(self, job):
        self.started.append(job)
        return len(self.started) - 1

    def ended(self, handles, seconds):
        self.most = max(self.most, len(handles))
        if not handles:
            return []
        first = min(handles)
        job = self.started[first]
        attempt = sum(started.name == job.name for started in self.started[: first + 1])
        outcome = self.script(job, attempt)
        return [(first, outcome)] if outcome else []

    def stop(self, handle):
        self.stopped.append(handle)

    kill = stop

    def close(self):
        pass


def records(scheduler):
    """What was recorded of each cell, except times."""
    recorded = {}
    for state in scheduler.states:
        folder = scheduler.folder(state)
        result = folder.outcome()
        rows = [
            {
                key: value
                for key, value in row.items()
                if key not in {"seconds", "images_per_second"}
            }
            for row in folder.stats()
        ]
        recorded[state.cell.name] = (
            result["status"],
            result["metrics"],
            rows,
            folder.generator_file.read_bytes(),
            (folder.samples_folder / "final.png").read_bytes(),
        )
    return recorded


def test_cells_of_one_seed_come_together(matrix):
    backend = Scripted(slots=3)
    matrix(seeds=(0, 1, 2)).run(backend)
    assert [job.config.seed for job in backend.started] == [0, 0, 1, 1, 2, 2]
    assert backend.most == 3


def test_a_process_that_dies_is_begun_again_a_few_times(matrix):
    backend = Scripted(
        script=lambda job, attempt: Outcome(DIED if attempt < 3 else "done", "killed", False)
    )
    states = matrix(seeds=(0,), tricks=("none",)).run(backend)
    assert len(backend.started) == 3
    assert states[0].status == "done"
    backend = Scripted(script=lambda job, attempt: Outcome(DIED, "signal 9", lasting=False))
    (state,) = matrix(seeds=(0,), tricks=("none",)).run(backend)
    assert len(backend.started) == ATTEMPTS
    assert (state.status, state.problem, state.lasting) == ("failed", "signal 9", False)


def test_a_failure_that_lasts_is_tried_again_only_when_asked(matrix):
    first = matrix()
    write_failure(first.folder(first.states[0]), "failed", "A bug.")
    again = matrix()
    assert [state.status for state in again.states] == ["failed", "waiting", "waiting", "waiting"]
    assert again.states[0].problem == "A bug."
    asked = matrix(policy=Policy(retry_failed=True))
    assert {state.status for state in asked.states} == {"waiting"}


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("{", "done"),
        ("[]", "done"),
        ("{}", "done"),
        ('{"status": "weird", "error": "A bug."}', "done"),
        ('{"status": "failed", "error": ""}', "failed"),
        ('{"status": "timeout"}', "timeout"),
    ],
)
def test_no_cell_disappears_behind_a_failure_json(matrix, text, status):
    before = matrix(seeds=(0,), tricks=("none",))
    folder = before.folder(before.states[0])
    folder.path.mkdir(parents=True)
    folder.failure_file.write_text(text)
    (state,) = matrix(seeds=(0,), tricks=("none",)).run(Scripted())
    assert (state.status, state.over) == (status, True)
    assert bool(state.problem) == (status != "done"), "a failure says why"


def test_a_limit_leaves_the_rest(matrix):
    backend = Scripted()
    states = matrix(policy=Policy(limit=1)).run(backend)
    assert len(backend.started) == 1
    assert sorted(state.status for state in states) == ["done", "limited", "limited", "limited"]


@pytest.fixture
def held():
    """Hold the folder of a cell as another command would, for 5 s at most: no test waits longer."""
    locks, timers = [], []

    def hold(folder):
        folder.path.mkdir(parents=True, exist_ok=True)
        locks.append(FileLock(folder.path / LOCK, thread_local=False))
        locks[-1].acquire()
        timers.append(threading.Timer(5.0, locks[-1].release))
        timers[-1].start()
        return locks[-1]

    yield hold
    for lock, timer in zip(locks, timers, strict=True):
        timer.cancel()
        lock.release()


def test_a_limit_counts_what_is_begun_here_and_not_what_others_hold(matrix, held):
    scheduler = matrix(seeds=(0, 1, 2), policy=Policy(limit=2))
    first = scheduler.pending
    for state in first:
        held(scheduler.folder(state))
    backend = Scripted(slots=2)
    states = scheduler.run(backend)
    assert [job.config.seed for job in backend.started] == [1, 1]
    assert {state.status for state in first} == {"limited"}, "the command does not wait for them"
    assert sorted(state.status for state in states) == ["done"] * 2 + ["limited"] * 4
    assert scheduler.begun == 2


def test_a_cell_that_another_command_took_first_leaves_its_place(matrix, held):
    taken = []

    def lose_the_first(job, attempt):
        if not taken:
            taken.append(job.name)
            held(scheduler.folder(next(s for s in scheduler.states if s.cell.name == job.name)))
        return Outcome("elsewhere" if job.name in taken and attempt == 1 else "done")

    scheduler = matrix(policy=Policy(limit=2))
    backend = Scripted(script=lose_the_first)
    states = scheduler.run(backend)
    assert len(backend.started) == 3
    assert sorted(state.status for state in states) == ["done", "done", "limited", "limited"]


def test_what_another_command_gives_up_comes_within_the_limit(matrix, held):
    """One cell is held and then given up: there is room for it, but not for the rest as well."""
    scheduler = matrix(tricks=("none",), seeds=(0, 1, 2), policy=Policy(limit=3))
    lock = held(scheduler.folder(scheduler.states[0]))
    threading.Timer(0.5, lock.release).start()
    backend = Scripted()
    assert {state.status for state in scheduler.run(backend)} == {"done"}
    assert [job.config.seed for job in backend.started] == [1, 2, 0]


def test_an_attempt_after_a_death_takes_no_second_place(matrix):
    backend = Scripted(
        script=lambda job, attempt: Outcome(DIED if attempt == 1 else "done", "killed", False)
    )
    states = matrix(policy=Policy(limit=2)).run(backend)
    assert len(backend.started) == 4
    assert sorted(state.status for state in states) == ["done", "done", "limited", "limited"]


def test_cells_wait_while_a_cluster_has_no_room(matrix):
    class Growing(Scripted):
        looks = 0

        @property
        def slots(self):
            Growing.looks += 1
            return 0 if Growing.looks < 4 else 1

        @slots.setter
        def slots(self, value):
            pass

    scheduler = matrix(seeds=(0,))
    began = time.monotonic()
    states = scheduler.run(Growing())
    assert {state.status for state in states} == {"done"}
    assert time.monotonic() - began > 0.5, "it does not spin meanwhile"


def test_what_takes_too_long_is_stopped_and_recorded(matrix):
    backend = Scripted(
        script=lambda job, attempt: Outcome("interrupted") if backend.stopped else None
    )
    scheduler = matrix(seeds=(0,), tricks=("none",), policy=Policy(timeout=0.05))
    (state,) = scheduler.run(backend)
    assert backend.stopped == [0]
    assert state.status == "timeout"
    assert "longer than 0.05 s" in state.problem
    assert matrix(seeds=(0,), tricks=("none",)).states[0].status == "timeout"


def test_a_measurement_that_takes_too_long_takes_nothing_from_the_result(matrix, wanted):
    trained = matrix(seeds=(0,), tricks=("none",), metrics=("modes",))
    (state,) = trained.states
    run_cell(CellJob(state.cell.config, state.cell.name, trained.options))
    backend = Scripted(
        script=lambda job, attempt: Outcome("interrupted") if backend.stopped else None
    )
    scheduler = matrix(seeds=(0,), tricks=("none",), policy=Policy(timeout=0.05))
    (state,) = scheduler.run(backend)
    assert backend.stopped == [0]
    assert (state.status, state.lasting) == ("timeout", False)
    assert state.record["metrics"].keys() == {"modes"}
    assert not scheduler.folder(state).failure_file.exists()
    assert matrix(seeds=(0,), tricks=("none",)).states[0].status == "waiting"


def test_a_full_disk_does_not_end_the_command_where_a_cell_takes_too_long(matrix, monkeypatch):
    def full(folder, status, problem):
        raise StorageError("No space left on the device.")

    monkeypatch.setattr("ganbench.harness.scheduler.write_failure", full)
    backend = Scripted(
        script=lambda job, attempt: Outcome("interrupted") if backend.stopped else None
    )
    (state,) = matrix(seeds=(0,), tricks=("none",), policy=Policy(timeout=0.05)).run(backend)
    assert (state.status, state.lasting) == ("timeout", False)
    assert state.problem.endswith("No space left on the device.")


def test_what_others_are_at_is_waited_for(matrix):
    scheduler = matrix(seeds=(0,), tricks=("none",))
    folder = scheduler.folder(scheduler.states[0])
    folder.path.mkdir(parents=True)
    lock = FileLock(folder.path / LOCK, thread_local=False)
    lock.acquire()
    threading.Timer(1.0, lock.release).start()
    backend = Scripted()
    seen = []
    scheduler.on_change = lambda state: seen.append(state.status)
    scheduler.run(backend)
    assert seen[:3] == ["elsewhere", "waiting", "running"]
    assert len(backend.started) == 1, "the other one died: it is carried out here"


@pytest.mark.parametrize("status", ["failed", "timeout"])
@pytest.mark.parametrize("retry", [False, True])
@pytest.mark.parametrize("waits", [False, True], ids=["meanwhile", "elsewhere"])
def test_what_another_command_records_as_failed_is_not_tried_again(matrix, status, retry, waits):
    scheduler = matrix(seeds=(0,), tricks=("none",), policy=Policy(retry_failed=retry))
    (state,) = scheduler.states
    folder = scheduler.folder(state)
    folder.path.mkdir(parents=True)
    if waits:  # it fails while this command waits for it
        lock = FileLock(folder.path / LOCK, thread_local=False)
        lock.acquire()

        def end():
            write_failure(folder, status, "It broke.")
            lock.release()

        threading.Timer(1.0, end).start()
    else:  # it fails between the plan of this command and the start of the cell
        write_failure(folder, status, "It broke.")
    backend = Scripted()
    scheduler.run(backend)
    if retry:
        assert len(backend.started) == 1
    else:
        assert backend.started == []
        assert (state.status, state.problem, state.lasting) == (status, "It broke.", True)


def test_stopping_asks_what_runs_and_gives_up_the_rest(matrix):
    scheduler = matrix()
    backend = Scripted(
        script=lambda job, attempt: Outcome("interrupted") if backend.stopped else None
    )
    threading.Timer(0.3, scheduler.stop).start()
    states = scheduler.run(backend)
    assert backend.stopped == [0]
    assert {state.status for state in states} == {"interrupted"}


def test_progress_is_read_from_the_last_whole_line(matrix):
    scheduler = matrix(seeds=(0,), tricks=("none",), kimg=0.3)
    folder = scheduler.folder(scheduler.states[0])
    assert trained_share(folder, 0.3) == 0.0
    folder.path.mkdir(parents=True)
    folder.stats_file.write_text('{"kimg": 0.06}\n{"kimg": 0.15}\n{"kimg": 0.2')
    assert trained_share(folder, 0.3) == pytest.approx(0.5)


def test_processes_ray_and_this_process_give_the_same_bits(matrix, local):
    inline = matrix(out="inline")
    inline.run(make_backend("inline", 1, 1))
    two = matrix(out="two")
    two.run(local)
    assert records(two) == records(inline)
    again = matrix(out="two")
    backend = Scripted()
    assert {state.status for state in again.run(backend)} == {"stored"}
    assert backend.started == []


def test_ray_gives_the_same_bits_and_a_dead_worker_takes_one_task(matrix, monkeypatch):
    pytest.importorskip("ray", reason="needs ray: pip install 'ganbench[ray]'")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    inline = matrix(out="inline", kimg=3.0)
    inline.run(make_backend("inline", 1, 1))
    backend = make_backend("ray", 2, 1)
    scheduler = matrix(out="ray", kimg=3.0)
    killed = []

    def kill_the_first(state):
        if state.share > 0 and not killed:
            pid = worker_of(scheduler.folder(state).path / LOCK)
            if pid:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    scheduler.on_change = kill_the_first
    try:
        states = scheduler.run(backend)
    finally:
        backend.close()
    assert {state.status for state in states} <= HEALTHY_RESULTS
    assert sum(state.attempts for state in states) == len(states) + len(killed)
    assert records(scheduler) == records(inline)


def worker_of(lock):
    """The process that has a file open, as /proc shows it."""
    for process in os.listdir("/proc"):
        if process.isdigit() and int(process) != os.getpid():
            try:
                links = os.listdir(f"/proc/{process}/fd")
                if any(os.readlink(f"/proc/{process}/fd/{link}") == str(lock) for link in links):
                    return int(process)
            except OSError:
                continue
    return None


def test_killed_workers_change_nothing(matrix, local):
    """Ten kills at random moments; cells that died too often are finished by repeating."""
    calm = matrix(out="calm", kimg=2.0)
    calm.run(make_backend("inline", 1, 1))
    expected = records(calm)
    moments = random.Random(0)
    kills = []
    over = threading.Event()

    def murder():
        while not over.wait(moments.uniform(0.02, 0.5)) and len(kills) < 10:
            for process in list(local._processes.values())[:1]:
                process.kill()
                kills.append(process.pid)

    thread = threading.Thread(target=murder)
    thread.start()
    for turn in range(20):  # on a fast machine one matrix is finished before ten kills
        for _ in range(20):
            scheduler = matrix(out=f"wild-{turn}", kimg=2.0)
            if not scheduler.pending:
                break
            scheduler.run(local)
        assert records(matrix(out=f"wild-{turn}", kimg=2.0)) == expected
        if len(kills) == 10:
            break
    over.set()
    thread.join()
    assert len(kills) == 10


def test_an_unknown_backend_is_named():
    with pytest.raises(ConfigError, match=r"Unknown backend 'locl'\. Did you mean 'local'"):
        make_backend("locl", 1, 1)
