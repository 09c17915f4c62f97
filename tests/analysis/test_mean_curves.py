# SPDX-License-Identifier: MIT
"""The course of metrics and losses: which runs a mean is over, and at which points."""

from __future__ import annotations

from ganbench.analysis.mean_curves import loss_curves, metric_curves
from ganbench.analysis.stats import mean_interval
from ganbench.analysis.tables import metric_table
from ganbench.records.measurement import Measurement
from ganbench.records.run_record import Curve, RunRecord

Points = tuple[tuple[float, float, float], ...]


def run(seed: int, points: Points, status: str = "done", loss: Points = ()) -> RunRecord:
    """Return a run with the course of a metric, and of a loss: (kimg, seconds, value)."""

    def curve(name: str, rows: Points, protocol: str = "") -> tuple[Curve, ...]:
        if not rows:
            return ()
        kimg, seconds, values = zip(*rows, strict=True)
        return (Curve(name, kimg, seconds, values, protocol, "lower"),)

    measured = Measurement(points[-1][2], n=100, protocol="fid/v1", better="lower")
    return RunRecord(
        name=f"a-{seed}",
        status=status,
        model="gan",
        dataset="ring8",
        variant="a",
        seed=seed,
        metrics={} if status == "diverged" else {"fid": measured},
        curves=curve("fid", points, "fid/v1"),
        losses=curve("loss/generator", loss),
    )


WHOLE: Points = ((1.0, 2.0, 10.0), (2.0, 4.0, 6.0))
LONGER: Points = ((1.0, 4.0, 20.0), (2.0, 8.0, 8.0), (3.0, 9.0, 7.0))
CUT: Points = ((1.0, 3.0, 900.0),)


def test_the_mean_is_over_the_same_runs_at_every_point() -> None:
    runs = [run(0, LONGER), run(1, WHOLE), run(2, CUT, status="diverged")]
    table = metric_table(runs, "ring8")
    curves = metric_curves(table.rows[0], {"m0": table.columns[0]})
    assert [(point.kimg, point.seconds) for point in curves.mean] == [(1.0, 3.0), (2.0, 6.0)]
    assert [point.values["m0"] for point in curves.mean] == [
        mean_interval([20.0, 10.0]),
        mean_interval([8.0, 6.0]),
    ]
    assert [(seed, len(points)) for seed, points in curves.runs] == [(0, 3), (1, 2), (2, 1)]


def test_where_all_runs_diverged_the_mean_is_over_them() -> None:
    measured = run(5, WHOLE)
    lost = [run(seed, CUT, status="diverged") for seed in range(2)]
    table = metric_table([measured, *lost], "ring8")
    row = metric_table(lost, "ring8").rows[0]
    (point,) = metric_curves(row, {"m0": table.columns[0]}).mean
    assert (point.values["m0"].value, point.values["m0"].n) == (900.0, 2)


def test_losses_are_found_by_their_recorded_names() -> None:
    row = metric_table([run(0, WHOLE, loss=((1.0, 2.0, 0.5),))], "ring8").rows[0]
    curves = loss_curves(row, {"l0": "loss/generator", "l1": "loss/discriminator"})
    (point,) = curves.mean
    assert {field: mean.value for field, mean in point.values.items()} == {"l0": 0.5}
    assert point.values["l0"].low is None, "one run has no interval"
    assert loss_curves(row, {"l1": "loss/discriminator"}).mean == ()


def test_losses_at_the_end_of_the_range_of_floats_have_no_mean() -> None:
    loss: Points = ((1.0, 1.0, 2.0), (2.0, 2.0, 1.7e308))
    runs = [run(seed, WHOLE, loss=loss) for seed in range(2)]
    curves = loss_curves(metric_table(runs, "ring8").rows[0], {"l0": "loss/generator"})
    assert [point.values for point in curves.mean] == [{"l0": mean_interval([2.0, 2.0])}, {}]
