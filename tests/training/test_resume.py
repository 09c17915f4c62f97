# SPDX-License-Identifier: MIT
"""A run that is killed at any moment continues bit for bit, and leaves nothing behind."""

import json
import os
import signal
import time

import pytest
from comparing import differing, without_times
from safetensors.torch import load_file

from ganbench.records.run_folder import RunFolder, find_runs

# One process imports torch and forks a child for each attempt, which it kills at a random moment
# after a random number of checkpoints.
DRIVER = """
import json, os, random, signal, sys, time
from pathlib import Path

import scipy.stats  # before the forks, so that no child has to import it
import torch
import torch._dynamo

from ganbench.harness.plan import plan
from ganbench.harness.run import Run
from ganbench.harness.run_options import RunOptions
from ganbench.training.trainer import Schedule

torch.set_num_threads(1)
out, model, tricks, settings, kills = json.loads(sys.argv[1])
run_plan = plan(model, "ring8", tricks=tricks, settings=settings)
schedule = Schedule(ticks=20, snapshots=3, evaluations=3, checkpoint_seconds=0.0)


def child(folder):
    process = os.fork()
    if not process:
        options = RunOptions(out=folder, resume=True, samples=200, schedule=schedule)
        Run(run_plan, options).execute()
        os._exit(0)
    return process


chance = random.Random(17)
whole, parts = Path(out) / "whole", Path(out) / "parts"
assert os.waitpid(child(whole), 0)[1] == 0
ended = []
for attempt in range(kills):
    process, seen, wanted = child(parts), set(), chance.randint(2, 5)
    while len(seen) < wanted and not any(parts.glob("*/result.json")):
        seen |= {path.stat().st_mtime_ns for path in parts.glob("*/checkpoint.safetensors")}
        time.sleep(0.001)
    time.sleep(chance.random() * 0.02)
    os.kill(process, signal.SIGKILL)
    ended.append(os.waitpid(process, 0)[1])
assert os.waitpid(child(parts), 0)[1] == 0
print(ended.count(signal.SIGKILL))
"""


def rows_without_times(rows):
    return [without_times(row) for row in rows]


def assert_same_run(first, second):
    """Assert that two runs left the same files, except for times."""
    assert not differing(load_file(first.checkpoint_file), load_file(second.checkpoint_file))
    assert first.generator_file.read_bytes() == second.generator_file.read_bytes()
    assert first.result()["metrics"] == second.result()["metrics"]
    assert first.result()["status"] == second.result()["status"]
    assert rows_without_times(first.stats()) == rows_without_times(second.stats())
    assert rows_without_times(first.measurements()) == rows_without_times(second.measurements())
    grids = [path.name for path in first.sample_grids()]
    assert grids == [path.name for path in second.sample_grids()]
    for name in grids:
        pictures = [run.samples_folder / name for run in (first, second)]
        assert pictures[0].read_bytes() == pictures[1].read_bytes()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(
    ("model", "tricks", "settings"),
    [
        ("vanilla", ["ema", "lookahead", "optimistic-adam", "r1:every=3"], {"recipe.kimg": 8}),
        ("wgan-gp", ["ema", "spectral-norm"], {"recipe.kimg": 5, "recipe.batch_size": 25}),
        (
            "vanilla",
            ["r1:weight=1->0.1@6"],
            {"recipe.kimg": 8, "learning_rate": "1e-3->1e-4", "schedule": "constant"},
        ),
    ],
)
def test_a_run_that_is_killed_goes_on_bit_for_bit(start, tmp_path, model, tricks, settings):
    kills = 3
    process = start("-c", DRIVER, json.dumps([str(tmp_path), model, tricks, settings, kills]))
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert int(out) == kills, "every kill came before the end"
    (whole,), (parts,) = find_runs(tmp_path / "whole"), find_runs(tmp_path / "parts")
    assert_same_run(whole, parts)
    kimgs = [row["kimg"] for row in parts.stats()]
    assert kimgs == sorted(set(kimgs))
    assert len(kimgs) == 20
    hidden = {path.name for path in parts.path.rglob(".*")}
    assert hidden <= {".lock"}, "temporary files are swept up"


WORDS = (
    "run", "-m", "vanilla", "-d", "ring8", "--kimg", "10", "--samples", "200", "--evaluations", "4",
    "-t", "ema", "-t", "lookahead", "-t", "optimistic-adam", "-t", "r1:every=3", "-q",
)  # fmt: skip


def test_ctrl_c_ends_in_order_and_resume_finishes(start, cli, tmp_path):
    parts = tmp_path / "parts"
    process = start("-m", "ganbench", *WORDS, "--out", parts)
    while not any(parts.glob("*/stats.jsonl")) and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130, err
    assert err == ""
    assert "interrupted after" in out
    assert "--resume" in out
    (folder,) = find_runs(parts)
    assert not folder.finished
    reached = folder.stats()[-1]["kimg"]
    assert 0 < reached < 10

    outcome = cli(*WORDS, "--out", parts, "--resume", "--json")
    assert outcome.code == 0
    assert outcome.document["kimg"] == 10.112  # 79 batches of 128
    assert outcome.document["run"] == str(folder.path)
    undisturbed = cli(*WORDS, "--out", tmp_path / "whole", "--resume", "--json")
    assert undisturbed.document["metrics"] == outcome.document["metrics"]
    assert_same_run(RunFolder(tmp_path / "whole" / folder.path.name), folder)

    again = cli(*WORDS, "--out", parts, "--resume", "--json")
    assert again.document == outcome.document, "a finished run is not repeated"
    assert len(list(find_runs(parts))) == 1


def test_a_crash_before_the_result_is_written_measures_once_more(monkeypatch, cli, tmp_path):
    words = ("run", "-m", "vanilla", "-d", "ring8", "--kimg", "1", "--samples", "64", "-q")
    with monkeypatch.context() as patched:
        patched.setattr(RunFolder, "write_result", lambda *_: (_ for _ in ()).throw(MemoryError))
        assert cli(*words, "--out", tmp_path / "parts").code == 1
    assert cli(*words, "--out", tmp_path / "parts", "--resume").code == 0
    assert cli(*words, "--out", tmp_path / "whole").code == 0
    (parts,), (whole,) = find_runs(tmp_path / "parts"), find_runs(tmp_path / "whole")
    assert_same_run(whole, parts)
    assert [row["kimg"] for row in parts.measurements()] == [0.256, 0.512, 0.768, 1.024]
