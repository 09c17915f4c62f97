# SPDX-License-Identifier: MIT
"""A tiny run with loggers, and the numbers that its records hold."""

from ganbench.harness.plan import plan
from ganbench.harness.run_options import RunOptions
from ganbench.training.trainer import Schedule


def planned():
    """Return the plan of a tiny run."""
    settings = {"recipe.kimg": 2.0, "recipe.batch_size": 20}
    return plan("vanilla", "ring8", settings=settings)


def options(out, loggers, **changes):
    """Return how the tiny run is carried out: ten ticks, two grids, two evaluations."""
    schedule = Schedule(
        ticks=10, snapshots=2, evaluations=2, checkpoint_seconds=changes.pop("every", 0.0)
    )
    return RunOptions(
        out=out, samples=64, schedule=schedule, threads=1, resume=True, loggers=loggers, **changes
    )


def numbers(folder):
    """Return every number in the records of a run, by its logged name, as (images, value)."""
    logged = {}
    for row in folder.stats():
        for name, value in row.items():
            logged.setdefault(name, []).append((round(1000 * row["kimg"]), float(value)))
    for row in folder.measurements():
        for name, record in row["metrics"].items():
            images = round(1000 * row["kimg"])
            if record["value"] is not None:
                logged.setdefault(f"metrics/{name}", []).append((images, record["value"]))
            for end in ("low", "high"):
                if record[end] is not None:
                    logged.setdefault(f"interval/{end}/{name}", []).append((images, record[end]))
    return logged
