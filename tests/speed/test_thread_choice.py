# SPDX-License-Identifier: MIT
"""Whether a run gets more than one thread: measured once, stored, and obeyed."""

from dataclasses import replace

import pytest
import torch

from ganbench import paths
from ganbench.data import open_dataset
from ganbench.harness.plan import plan
from ganbench.harness.run import Run
from ganbench.harness.run_metrics import WantedMetrics
from ganbench.harness.run_options import RunOptions
from ganbench.harness.scheduler import Scheduler
from ganbench.harness.suite import Suite
from ganbench.records.atomic_files import read_json
from ganbench.speed import thread_choice
from ganbench.speed.thread_choice import choose_threads

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(thread_choice, "fixed_threads", lambda: None)


@pytest.fixture
def measured(monkeypatch):
    """Return the list of measurements, which give what ``measured.speedup`` says."""

    class Measured(list):
        speedup = 1.5

    calls = Measured()

    def speedup(config, dataset, device, execution, threads):
        calls.append((config.model, threads))
        return calls.speedup

    monkeypatch.setattr(thread_choice, "_speedup", speedup)
    return calls


def choice(model="vanilla", most=2, device=CPU):
    config = plan(model, "ring8").config
    return choose_threads(config, open_dataset("ring8").load("train"), device, most)


def test_more_threads_are_taken_where_they_are_faster(measured):
    assert choice() == 2
    measured.speedup = 1.05
    assert choice("wgan-gp") == 1


def test_a_measurement_is_made_once(measured):
    assert [choice(), choice(), choice(most=4)] == [2, 2, 4]
    assert measured == [("vanilla", 2), ("vanilla", 4)]


def test_a_damaged_store_is_measured_again(measured):
    choice()
    (paths.cache() / "threads.json").write_text("{]")
    assert choice() == 2
    assert len(measured) == 2
    assert read_json(paths.cache() / "threads.json")["schema"] == 1


def test_nothing_is_measured_where_there_is_no_choice(measured, monkeypatch):
    assert choice(most=1) == 1
    assert choice(device=torch.device("meta")) == 2
    monkeypatch.setattr(thread_choice, "fixed_threads", lambda: 3)
    assert choice(most=3) == 3
    assert not measured


def test_a_short_run_takes_what_is_free_and_is_not_measured():
    config = plan("vanilla", "ring8", settings={"kimg": 1}).config
    assert choose_threads(config, open_dataset("ring8").load("train"), CPU, 2) == 2
    assert not (paths.cache() / "threads.json").exists()


def test_a_real_measurement_leaves_torch_as_it_was(monkeypatch):
    monkeypatch.setattr(thread_choice, "_SECONDS", 0.01)
    assert choice() in {1, 2}
    assert torch.get_num_threads() == 1
    stored = read_json(paths.cache() / "threads.json")["choices"]
    assert all(speedup > 0 for speedup in stored.values())


@pytest.fixture
def two_free_cores(monkeypatch):
    for module in ("run", "cell_threads"):
        monkeypatch.setattr(f"ganbench.harness.{module}.default_threads", lambda slots: 2 // slots)


def test_a_resumed_run_keeps_its_number(measured, two_free_cores, tmp_path):
    """Sums in another order would give other bits."""
    options = RunOptions(out=tmp_path, metrics=())
    planned = plan("vanilla", "ring8", settings={"kimg": 0.5})
    begun = Run(planned, options)
    begun.stop()
    begun.execute()
    assert begun.folder.config()["options"]["threads"] == 2
    measured.speedup = 1.0
    torch.set_num_threads(1)
    resumed = Run(planned, RunOptions(out=tmp_path, metrics=(), resume=True), folder=begun.folder)
    resumed.execute()
    assert torch.get_num_threads() == 2


def test_a_begun_cell_keeps_its_number_unless_another_is_asked_for(tmp_path):
    options = RunOptions(out=tmp_path, metrics=(), threads=1, resume=True)
    planned = plan("vanilla", "ring8", settings={"kimg": 0.5})

    def go_on(**changes):
        run = Run(planned, replace(options, **changes))
        run.stop()
        run.execute()
        return run.folder

    def recorded(folder):
        environment = read_json(folder.environment_file)
        assert environment["torch"]["threads"] == environment["threads"]
        return folder.config()["options"], environment["threads"]

    folder = go_on()
    before = recorded(folder)
    assert before[0]["threads"] == before[1] == 1
    assert recorded(go_on(threads=2, keeps_threads=True)) == before
    assert recorded(go_on(threads=None)) == before
    after, environment = recorded(go_on(threads=2))
    assert after["threads"] == environment == 2
    assert after["threads_changed"] == [{"kimg": 0.0, "before": 1, "after": 2}]
    again, _ = recorded(go_on(threads=1))
    assert [change["after"] for change in again["threads_changed"]] == [2, 1]


def test_the_number_that_a_matrix_settles_is_for_cells_that_begin(two_free_cores, tmp_path):
    cells = Suite(models=["vanilla"], datasets=["ring8"]).cells()
    for typed in (None, 3):
        scheduler = Scheduler(
            cells, RunOptions(out=tmp_path, threads=typed), {"ring8": WantedMetrics()}
        )
        scheduler.settle_threads(1)
        assert scheduler.options.keeps_threads == (typed is None)


def test_all_cells_of_a_matrix_get_one_number(measured, two_free_cores, tmp_path):
    suite = Suite(models=["vanilla", "wgan-gp"], tricks=["none", "ema"], datasets=["ring8"])
    cells = suite.cells()

    def threads(slots, **options):
        scheduler = Scheduler(
            cells, RunOptions(out=tmp_path, **options), {"ring8": WantedMetrics()}
        )
        scheduler.settle_threads(slots)
        return scheduler.options.threads

    assert threads(1) == 2
    assert measured == [("vanilla", 2), ("wgan-gp", 2)]  # tricks are not measured apart
    assert threads(2) == 1
    assert threads(1, threads=3) == 3


def test_a_varied_setting_is_measured_where_it_decides_the_speed(
    measured, two_free_cores, tmp_path
):
    vary = {"batch_size": [8, 16], "learning_rate": [1e-3, 1e-4], "kimg": [1, 2]}
    cells = Suite(models=["vanilla"], datasets=["ring8"], seeds=[0], vary=vary).cells()
    scheduler = Scheduler(cells, RunOptions(out=tmp_path), {"ring8": WantedMetrics()})
    scheduler.settle_threads(1)
    assert measured == [("vanilla", 2)] * 2
