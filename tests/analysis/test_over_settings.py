# SPDX-License-Identifier: MIT
"""What a trick does at each rate: constructed so that every verdict is known."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ganbench.analysis.comparison import compare_to
from ganbench.analysis.over_settings import OverSettings, noun_of, over_settings
from ganbench.analysis.tables import metric_table
from ganbench.analysis.verdicts import judge_matrix
from ganbench.records.measurement import Measurement
from ganbench.records.run_record import RunRecord

BASE = (40.0, 41.0, 42.0, 39.0, 43.0, 40.5)
LOW = (28.0, 28.9, 29.8, 27.1, 31.0, 28.4)
HIGH = (52.0, 53.2, 54.1, 50.9, 55.0, 52.4)
SAME = (40.3, 40.7, 42.4, 38.8, 43.1, 40.2)
NONE = (None,) * 6


def runs(tricks: str, setting: str, values: Sequence[float | None]) -> list[RunRecord]:
    """Return a run for each seed; None is one that diverged."""
    label = " + ".join(filter(None, ["gan", tricks])) + (f", {setting}" if setting else "")
    return [
        RunRecord(
            name=f"{label} {seed}",
            status="done" if value is not None else "diverged",
            model="gan",
            dataset="digits",
            variant=label,
            tricks=tricks,
            setting=setting,
            seed=seed,
            metrics={
                name: Measurement(value, n=1, protocol=name, better="lower")
                for name in ("fid", "kid")
                if value is not None
            },
        )
        for seed, value in enumerate(values)
    ]


def judged(records: Sequence[RunRecord]) -> list[OverSettings]:
    table = metric_table(records, "digits")
    return over_settings(judge_matrix([(table, compare_to(table))]).datasets[0].verdicts)


def test_rates_stand_in_order_and_are_counted() -> None:
    records = []
    for rate, treated in (("0.01", LOW), ("5e-05", HIGH), ("0.002", SAME), ("0.1", NONE)):
        setting = f"learning_rate={rate}"
        records += [*runs("", setting, BASE), *runs("r1", setting, treated)]
    (over,) = judged(records)
    rates = ("5e-05", "0.002", "0.01", "0.1")
    assert over.settings == tuple(f"learning_rate={rate}" for rate in rates)
    assert [verdict.kind for verdict in over.verdicts] == ["hurts", "unclear", "helps", "fails"]
    assert over.sentence == (
        "r1 helps at 1 of 4 learning rates, hurts at 1, fails at 1 and shows no difference at 1."
    )
    assert over.steadier == 0


def test_a_trick_that_trains_where_nothing_else_does_is_steadier() -> None:
    records = []
    for rate, plain in (("0.001", BASE), ("0.01", NONE), ("0.1", (BASE[0], *NONE[:5]))):
        setting = f"learning_rate={rate}"
        records += [*runs("", setting, plain), *runs("r1", setting, LOW)]
    (over,) = judged(records)
    assert over.steadier == 2
    assert over.sentence.endswith("Fewer of its runs than of the baseline's fail at 2.")


def test_what_holds_only_where_no_run_failed_is_counted_apart() -> None:
    base = (*BASE, 40.2, 41.3, 39.7)
    some_fail = (*LOW, None, None, None)
    records = []
    for rate in ("0.001", "0.01"):
        setting = f"learning_rate={rate}"
        records += [*runs("", setting, base), *runs("r1", setting, some_fail)]
    (over,) = judged(records)
    assert over.sentence == "r1 helps at 0 of 2 learning rates and helps where no run failed at 2."


def test_failing_less_alone_is_no_missing_difference() -> None:
    records = []
    for rate in ("0.001", "0.01"):
        setting = f"learning_rate={rate}"
        records += [*runs("", setting, (BASE[0], *NONE, *NONE)), *runs("r1", setting, SAME * 2)]
    (over,) = judged(records)
    assert over.sentence == (
        "r1 helps at 0 of 2 learning rates. Fewer of its runs than of the baseline's fail at 2."
    )


def test_one_setting_is_no_profile_and_models_are_apart() -> None:
    assert judged([*runs("", "", BASE), *runs("r1", "", LOW)]) == []
    one = "learning_rate=0.001"
    assert judged([*runs("", one, BASE), *runs("r1", one, LOW)]) == []
    records = []
    for setting in ("batch_size=16", "batch_size=64"):
        records += [
            *runs("", setting, BASE),
            *runs("r1", setting, LOW),
            *runs("ema", setting, SAME),
        ]
    profiles = judged(records)
    assert [over.tricks for over in profiles] == ["r1", "ema"]
    assert profiles[0].noun == "settings"
    assert profiles[0].sentence == "r1 helps at 2 of 2 settings."


@pytest.mark.parametrize(
    ("settings", "noun"),
    [
        (["learning_rate=1", "learning_rate=2"], "learning rates"),
        (
            ["generator_optimizer.learning_rate=1", "generator_optimizer.learning_rate=2"],
            "learning rates",
        ),
        (["learning_rate=1, batch_size=2", "learning_rate=2, batch_size=2"], "settings"),
        ([], "settings"),
    ],
)
def test_settings_that_are_rates_are_called_so(settings: list[str], noun: str) -> None:
    assert noun_of(settings) == noun
