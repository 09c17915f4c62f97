# SPDX-License-Identifier: MIT
"""Cases in processes of their own: they take turns, and one that fails takes none with it."""

import pytest

from ganbench.errors import ConfigError
from ganbench.harness.plan import plan
from ganbench.progress import Progress
from ganbench.records.speed_record import SpeedProtocol, read_speeds, write_speeds
from ganbench.speed.bench import Workload
from ganbench.speed.throughput import measure

QUICK = SpeedProtocol(rounds=3, seconds=0.05, latencies=6)

BROKEN = '''
"""A GAN that fails at its third batch."""
import os
from ganbench import GAN, MLP, DataSpec, Recipe, losses, register

class Broken(MLP):
    """Counts its passes."""
    passes = 0

    def forward(self, inputs):
        Broken.passes += 1
        if Broken.passes > 3:
            {fail}
        return super().forward(inputs)

@register
def broken(data: DataSpec) -> GAN:
    """A GAN that fails at its third batch."""
    return GAN(
        generator=lambda dim: MLP((dim,), [4], data.shape),
        discriminator=lambda shape: Broken(shape, [4], (1,)),
        loss=losses.non_saturating,
        recipe=Recipe(kimg=1, batch_size=16),
    )
'''


def case(model="vanilla", batch=16, **settings):
    settings = {"recipe.batch_size": batch, **settings}
    return Workload(plan(model, "ring8", settings=settings).config, (), "cpu", 1)


class Told(Progress):
    """Keeps how many turns were done, of how many."""

    def __init__(self):
        self.turns = []

    def advance(self, what, done, total):
        self.turns.append((done, total))


def test_cases_take_turns_and_a_failure_is_a_row(tmp_path):
    raising, dying = tmp_path / "raising.py", tmp_path / "dying.py"
    raising.write_text(BROKEN.format(fail='raise RuntimeError("out of luck\\nand more")'))
    dying.write_text(BROKEN.format(fail="os._exit(7)"))
    told = Told()
    document = measure(
        [case(), case(str(raising)), case(batch=32), case(str(dying))],
        QUICK,
        command="ganbench throughput",
        progress=told,
    )
    good, raised, larger, died = document["cases"]
    assert [row["status"] for row in document["cases"]] == ["ok", "failed", "ok", "failed"]
    assert raised["problem"] == "RuntimeError: out of luck"
    assert died["problem"] == "The process ended with exit code 7."
    assert (good["batch_size"], larger["batch_size"]) == (16, 32)
    for row in (good, larger):
        rounds = row["training"]["rounds"]
        assert len(rounds) == len(row["sampling"]["rounds"]) == QUICK.rounds
        assert sorted(rounds)[1] == row["training"]["images_per_second"]
        assert row["latency_ms"]["count"] == QUICK.latencies
        assert row["latency_ms"]["p50"] <= row["latency_ms"]["p99"]
        assert row["memory_mib"]["resident"] > 100
        start = row["startup_seconds"]
        assert start["total"] == pytest.approx(
            start["import"] + start["build"] + start["first_step"], abs=1e-3
        )
        (ceiling,) = document["ceilings"]
        gflops = row["gflop_per_image"]["training"] * row["training"]["images_per_second"]
        assert row["gflops"] == pytest.approx(gflops, abs=0.01)
        assert row["share_of_ceiling"] == pytest.approx(gflops / ceiling["gflops"], abs=1e-3)
    # A batch twice as large has the same operations per image.
    assert good["gflop_per_image"] == pytest.approx(larger["gflop_per_image"])
    assert told.turns == [(done, 16) for done in range(16)]
    record = read_speeds(write_speeds(tmp_path, document))
    assert [speed_case.rounds for speed_case in record.cases if speed_case.rounds] == [
        tuple(row["training"]["rounds"]) for row in (good, larger)
    ]


def test_many_cases_are_measured_in_groups(monkeypatch):
    monkeypatch.setattr("ganbench.speed.throughput.TOGETHER", 1)
    told = Told()
    document = measure(
        [case(batch=4), case(batch=8)],
        SpeedProtocol(rounds=1, seconds=0.02, latencies=1),
        progress=told,
    )
    assert [row["batch_size"] for row in document["cases"]] == [4, 8]
    assert told.turns == [(0, 4), (1, 4), (2, 4), (3, 4)]
    assert len(document["ceilings"]) == 1


def test_nothing_to_measure_is_a_sentence():
    with pytest.raises(ConfigError, match="There is nothing to measure"):
        measure([], QUICK)
