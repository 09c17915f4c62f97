# SPDX-License-Identifier: MIT
"""Loggers hear what the records hold, change nothing, and cannot end a training."""

import pytest
from comparing import differing
from safetensors.torch import load_file

from ganbench import registry
from ganbench.errors import GanbenchError, MissingDataError, UnknownNameError
from ganbench.harness.plan import plan
from ganbench.harness.run import Run
from ganbench.harness.run_logs import logger_classes
from ganbench.harness.run_options import RunOptions
from ganbench.progress import SILENT, Progress
from ganbench.registry import register
from ganbench.run_logger import LoggedRun, RunLogger
from ganbench.training.trainer import Schedule

HEARD = []


@register("listener")
class Listener(RunLogger):
    """Remembers everything."""

    def __init__(self, run):
        super().__init__(run)
        HEARD.clear()
        HEARD.append(("begin", run))

    def values(self, images, seconds, values):
        HEARD.append(("values", images, seconds, dict(values)))

    def picture(self, images, seconds, file):
        HEARD.append(("picture", images, file.read_bytes()))

    def end(self, status, metrics):
        HEARD.append(("end", status, dict(metrics)))


@register("failing")
class Failing(RunLogger):
    """Fails at the second row."""

    rows = 0

    def values(self, images, seconds, values):
        self.rows += 1
        if self.rows == 2:
            raise OSError("the disk is full")


@register("broken")
class Broken(RunLogger):
    """Cannot be made."""

    def __init__(self, run):
        raise ValueError("no key")


@register("absent")
class Absent(RunLogger):
    """Needs a package that nobody has."""

    packages = ("no_such_package",)
    install = "pip install no-such-package"


@pytest.fixture
def go(tmp_path, session):
    """Run a tiny GAN with loggers; return the run."""
    for logger in (Listener, Failing, Broken, Absent):
        registry.loggers.add(logger)

    def call(*loggers, out="runs", progress=SILENT, resume=False, stop=False):
        options = RunOptions(
            out=tmp_path / out, samples=64, loggers=loggers, threads=1, resume=resume,
            schedule=Schedule(ticks=5, snapshots=2, evaluations=2),
        )  # fmt: skip
        settings = {"recipe.kimg": 1.0, "recipe.batch_size": 20}
        run = Run(plan("vanilla", "ring8", settings=settings), options, progress)
        run.stop_requested = stop
        run.execute()
        return run

    return call


def heard(kind):
    return [event[1:] for event in HEARD if event[0] == kind]


def test_a_logger_hears_every_row_every_grid_and_the_end(go):
    run = go("listener")
    ((logged,),) = heard("begin")
    assert logged.name == run.folder.path.name
    assert logged.settings["recipe.batch_size"] == 20
    rows = heard("values")
    stats = [row for row in rows if "images_per_second" in row[2]]
    assert [(images, values) for images, _, values in stats] == [
        (round(1000 * row["kimg"]), row) for row in run.folder.stats()
    ]
    measured = [row for row in rows if "metrics/modes" in row[2]]
    assert [row[0] for row in measured] == [500, 1000] or [row[0] for row in measured] == [
        600,
        1000,
    ]
    assert measured[-1][2]["metrics/modes"] == run.folder.result()["metrics"]["modes"]["value"]
    assert [images for images, _ in heard("picture")] == [600, 1000]
    ((status, metrics),) = heard("end")
    assert (status, metrics["metrics/modes"]) == (
        run.folder.result()["status"], measured[-1][2]["metrics/modes"],
    )  # fmt: skip


def test_training_has_the_same_bits(go):
    plain, logged = go(), go("listener", out="logged")
    first, second = (load_file(run.folder.checkpoint_file) for run in (plain, logged))
    assert not differing(first, second)
    assert plain.config.identity == logged.config.identity


def test_a_finished_run_is_logged_from_its_records_as_it_would_have_been(go):
    go("listener")
    live = list(HEARD[1:])
    HEARD.clear()
    go("listener", resume=True)
    assert HEARD[1:] == live


def test_an_interrupted_run_is_told_as_such_and_keeps_its_key(go):
    run = go("listener", stop=True)
    assert heard("end") == [("interrupted", {})]
    ((before,),) = heard("begin")
    go("listener", resume=True)
    ((after,),) = heard("begin")
    assert (before.key, before.began) == (after.key, after.began)
    assert len(heard("values")) == len(run.folder.stats()) + len(run.folder.measurements())


def test_a_logger_that_fails_is_left_out_and_training_goes_on(go):
    said = []

    class Sayings(Progress):
        def say(self, sentence):
            said.append(sentence)

    run = go("failing", "listener", progress=Sayings())
    told = [line for line in said if "failing" in line]
    assert told == [
        "Logging to failing has ended: OSError: the disk is full. Training goes on, and --resume "
        "writes everything again."
    ]
    assert run.folder.finished
    assert len(heard("picture")) == 2


def test_what_cannot_log_is_said_before_anything_is_trained(go, tmp_path):
    with pytest.raises(MissingDataError, match="absent needs no_such_package") as missing:
        go("absent")
    assert missing.value.hint == "pip install no-such-package"
    with pytest.raises(UnknownNameError, match="Did you mean 'tensorboard'"):
        go("tensorbord")
    assert not (tmp_path / "runs").exists()
    with pytest.raises(GanbenchError, match="The logger broken did not begin: ValueError: no key"):
        go("broken")


def test_a_logger_that_began_is_ended_where_the_next_does_not_begin(go):
    with pytest.raises(GanbenchError, match="The logger broken did not begin"):
        go("listener", "broken")
    assert [status for status, _ in heard("end")] == ["interrupted"]


def test_every_logger_says_how_its_package_is_installed():
    for name in registry.loggers.names():
        logger = registry.loggers.get(name)
        assert logger.packages
        assert logger.install == f'pip install "ganbench[{name}]"'
    assert len(logger_classes(["tensorboard", "tensorboard"])) <= 1


def test_settings_are_flat(tmp_path):
    config = {"model": "dcgan", "recipe": {"kimg": 2.0, "loss": None}, "tricks": [{"name": "r1"}]}
    run = LoggedRun(tmp_path, "k", 0.0, config)
    assert run.settings == {"model": "dcgan", "recipe.kimg": 2.0, "tricks": "[{'name': 'r1'}]"}
