# SPDX-License-Identifier: MIT
"""How long a matrix takes, where short trials say it."""

import numpy as np
import pytest

from ganbench.data import open_dataset
from ganbench.harness import cell_threads, time_estimate
from ganbench.harness.matrix import plan_matrix
from ganbench.harness.run_metrics import WantedMetrics
from ganbench.harness.run_options import RunOptions
from ganbench.harness.scheduler import Scheduler
from ganbench.progress import Progress
from ganbench.runtime.contention import Contention


class Listener(Progress):
    """Keeps what is said."""

    def __init__(self):
        self.said = []

    def say(self, sentence):
        self.said.append(sentence)


@pytest.mark.parametrize("lost", [None, 0.6])
def test_an_estimate_on_a_busy_machine_says_so(tmp_path, monkeypatch, lost):
    monkeypatch.setattr(time_estimate, "TRIAL", 0.02)
    monkeypatch.setattr(Contention, "lost", lambda self: lost)
    cells = plan_matrix(["vanilla"], ["none"], ["ring8"], [0, 1], settings={"kimg": 1})
    options = RunOptions(out=tmp_path, device="cpu", threads=1)
    states = Scheduler(cells, options, {"ring8": WantedMetrics()}).pending
    listener = Listener()
    speeds = time_estimate.measured_speeds(states, options, listener)
    seconds = time_estimate.seconds_left(states, speeds, slots=2)
    assert seconds == pytest.approx(sum(speeds.values()) * 2 / 2)
    busy = "Other processes keep this one from computing 60% of the time."
    expected = [f"{busy} The estimate is for a machine as busy as now."]
    assert listener.said == ([] if lost is None else expected)


def test_data_that_were_passed_as_an_object_are_tried_as_any_other(tmp_path, monkeypatch):
    monkeypatch.setattr(time_estimate, "TRIAL", 0.02)
    pictures = np.random.default_rng(0).integers(256, size=(64, 8, 8), dtype=np.uint8)
    source = open_dataset(pictures)
    words = {"settings": {"batch_size": 8}, "open_source": lambda name: source}
    cells = plan_matrix(["vanilla"], ["none"], [source.spec.name], [0], **words)
    options = RunOptions(out=tmp_path, device="cpu", threads=1, sources={source.spec.name: source})
    states = Scheduler(cells, options, {source.spec.name: WantedMetrics()}).pending
    assert len(time_estimate.measured_speeds(states, options)) == 1


FRAIL = '''
from torch import nn
from ganbench import DataSpec, GAN, Recipe, losses, register
from ganbench.nn import MLP


class Frail(MLP):
    calls = 0

    def forward(self, points):
        Frail.calls += 1
        if Frail.calls > 8:
            ERROR
        return super().forward(points)


@register
def frail(data: DataSpec) -> GAN:
    """Breaks after a while."""
    return GAN(
        generator=lambda latent_dim: MLP((latent_dim,), [4], data.shape),
        discriminator=lambda shape: Frail(shape, [4], (1,)),
        loss=losses.non_saturating,
        recipe=Recipe(kimg=1),
    )
'''


@pytest.mark.parametrize("error", ["raise RuntimeError('worn')", "raise SystemExit(3)"])
def test_a_model_that_breaks_has_no_estimate_and_takes_none_from_others(
    tmp_path, monkeypatch, error
):
    monkeypatch.setattr(time_estimate, "TRIAL", 0.02)
    monkeypatch.setattr(cell_threads, "default_threads", lambda slots: 2)
    path = tmp_path / "frail.py"
    path.write_text(FRAIL.replace("ERROR", error))
    cells = plan_matrix([str(path), "vanilla"], ["none"], ["ring8"], [0], settings={"kimg": 1})
    options = RunOptions(out=tmp_path / "out", device="cpu")
    assert cell_threads.with_threads(options, cells, 1).threads in {1, 2}
    states = Scheduler(cells, options, {"ring8": WantedMetrics()}).pending
    speeds = time_estimate.measured_speeds(states, options)
    assert [arm.model for arm in speeds] == ["vanilla"]
