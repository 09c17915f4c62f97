# SPDX-License-Identifier: MIT
"""Made-up histories of runs: rows of statistics and of measurements."""

from ganbench.health.history import History


def ticks(series, count=100):
    """Return rows of ``stats.jsonl``, one for each kimg; a series is a function of the kimg."""
    return [
        {"kimg": float(kimg), **{name: value(kimg) for name, value in series.items()}}
        for kimg in range(1, count + 1)
    ]


def history_of(series, count=100, *, evaluations=(), status=""):
    """Return a history with such rows."""
    return History(ticks(series, count), list(evaluations), status)


def evaluation(kimg, metrics):
    """Return a row of ``metrics.jsonl`` with the values, or the records, of some metrics."""
    records = {
        name: value if isinstance(value, dict) else {"value": value}
        for name, value in metrics.items()
    }
    return {"kimg": float(kimg), "metrics": records}
