# SPDX-License-Identifier: MIT
"""The command ``ganbench run`` in several processes, as torchrun starts them."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from process_pairs import SECONDS, environment, pair

from ganbench.records.run_folder import find_runs

WORDS = ("-m", "ganbench", "run", "-m", "vanilla", "-d", "ring8", "--device", "cpu", "--threads", 1)
TORCHRUN = (
    "-m", "torch.distributed.run", "--nproc-per-node", 2, "--master-addr", "127.0.0.1",
    "--master-port", 0, "--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0",
)  # fmt: skip


@pytest.mark.parametrize("rank", [0, 1])
def test_a_mistake_is_told_by_the_first_process(cli, monkeypatch, rank):
    for name, value in (("RANK", rank), ("WORLD_SIZE", 2), ("LOCAL_RANK", rank)):
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", "1")
    monkeypatch.setattr("ganbench.cli.output.PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    for words in (("run", "--model", "nothing"), ("compare", "--model", "vanilla")):
        outcome = cli(*words, "--json")
        assert outcome.code == 2
        if rank:
            assert outcome.out == ""
            assert outcome.err.startswith("error: process 1: ")
        else:
            assert outcome.document["error"]["message"]
            assert outcome.err == ""
    plan = cli("run", "--model", "vanilla", "--dry-run", "--json")
    assert plan.code == 0
    assert bool(plan.out) == (rank == 0)


@contextmanager
def torchrun(tmp_path, *words):
    process = subprocess.Popen(
        [sys.executable, *map(str, (*TORCHRUN, *WORDS, *words))],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=environment(),
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()  # it then ends its processes, which would outlive a kill
        process.communicate(timeout=SECONDS)


def test_torchrun_gives_one_document_and_one_run(tmp_path):
    words = ("--kimg", 1, "--samples", 64, "--evaluations", 1, "--out", "runs", "--json")
    with torchrun(tmp_path, *words) as process:
        out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, err
    document = json.loads(out)
    (folder,) = find_runs(tmp_path / "runs")
    assert list((tmp_path / "runs").iterdir()) == [folder.path]
    assert tmp_path / document["run"] == folder.path
    assert document["processes"] == folder.result()["processes"] == 2
    assert folder.config()["options"]["processes"] == 2
    assert folder.environment()["torch"]["processes"] == 2
    assert document["kimg"] == folder.stats()[-1]["kimg"] == 1.024
    assert document["metrics"] == folder.result()["metrics"]
    assert len(folder.measurements()) == 1
    assert (folder.samples_folder / "final.png").is_file()
    assert "Traceback" not in err
    assert err.count("100%") == 1, "one process shows progress"


def wait_for(condition, *processes):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        assert all(process.poll() is None for process in processes), [
            process.communicate() for process in processes
        ]
        time.sleep(0.02)


def test_a_stop_of_one_is_a_stop_of_all_and_one_process_finishes(cli, tmp_path):
    words = (*WORDS[2:], "--kimg", 100, "--samples", 64, "--evaluations", 0, "--json")
    with pair("-m", "ganbench", *words, "--out", tmp_path, cwd=tmp_path) as (first, second):
        wait_for(lambda: any(tmp_path.glob("*/stats.jsonl")), first, second)
        second.send_signal(signal.SIGINT)
        outs = [process.communicate(timeout=SECONDS) for process in (first, second)]
        codes = [first.returncode, second.returncode]
    assert codes == [130, 0], outs
    assert json.loads(outs[0][0])["status"] == "interrupted"
    assert outs[1] == ("", "")
    (folder,) = find_runs(tmp_path)
    assert not folder.finished
    assert 0 < folder.stats()[-1]["kimg"] < 100
    seen = folder.stats()[-1]["kimg"]

    outcome = cli(*words, "--out", tmp_path, "--resume")
    assert outcome.code == 0, outcome
    assert outcome.document["status"] == "done"
    assert "processes" not in outcome.document
    kimgs = [row["kimg"] for row in folder.stats()]
    assert seen in kimgs
    assert kimgs == sorted(set(kimgs))


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the processes in /proc")
def test_a_killed_process_ends_the_command(tmp_path):
    with torchrun(tmp_path, "--kimg", 5000, "--out", "runs") as process:
        wait_for(lambda: any((tmp_path / "runs").glob("*/stats.jsonl")), process)
        victim = next(pid for pid in children(process.pid) if b"RANK=1\0" in environment_of(pid))
        os.kill(victim, signal.SIGKILL)
        began = time.monotonic()
        _, err = process.communicate(timeout=SECONDS)
        assert time.monotonic() - began < 120
    assert process.returncode != 0
    assert err.count("error: Another process of this run has ended") == 1, err


def children(pid):
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def environment_of(pid):
    return b"\0" + Path(f"/proc/{pid}/environ").read_bytes()


@pytest.mark.cuda
def test_gpus_train_as_one(tmp_path):
    if torch.cuda.device_count() < 2:
        pytest.skip("needs two CUDA devices")
    words = (*WORDS[2:], "--device", "cuda", "--kimg", 1, "--samples", 64, "--json")
    with pair("-m", "ganbench", *words, "--out", tmp_path, cwd=tmp_path) as (first, second):
        out, err = first.communicate(timeout=SECONDS)
        second.communicate(timeout=SECONDS)
    assert first.returncode == second.returncode == 0, err
    assert json.loads(out)["processes"] == 2
