# SPDX-License-Identifier: MIT
"""What a report gathers: the metric and baseline that were asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganbench.errors import UnknownNameError
from ganbench.records.archive import write_archive
from ganbench.records.load import load_runs
from ganbench.records.primary_metric import Choice, record_choices
from ganbench.report.make_report import make_report


def test_the_main_metric_can_be_named(rate_grid: Any) -> None:
    runs = rate_grid()
    assert make_report(runs, title="x", metric="fid").sections[0].main is not None
    with pytest.raises(UnknownNameError, match="Did you mean 'fid'"):
        make_report(runs, title="x", metric="fdi")
    with pytest.raises(UnknownNameError, match="No run is of the variant"):
        make_report(runs, title="x", baseline="r2")


def test_the_baseline_can_be_a_set_of_tricks(rate_grid: Any) -> None:
    (section,) = make_report(rate_grid(), title="x", baseline="r1").sections
    assert set(section.baselines) == {
        f"gan + r1, learning_rate={rate}" for rate in ("0.0001", "0.001", "0.01")
    }


@pytest.mark.parametrize("asked", [{}, {"metric": "fid@mnist-cnn", "baseline": "vanilla"}])
def test_a_report_of_a_report_has_the_same_verdicts_word_for_word(
    make_run: Callable[..., Any], asked: dict[str, str], tmp_path: Path
) -> None:
    for name, metric, dataset, models in (
        ("toys", "modes", "ring8", ("vanilla", "wgan-gp")),
        ("digits", "is@mnist-cnn", "mnist5k", ("dcgan", "vanilla", "wgan-gp")),
    ):
        for seed in range(3):
            for model in models:
                make_run(tmp_path / name, model, dataset, seed)
        record_choices(tmp_path / name, {dataset: Choice(metric, "wgan-gp")})

    def judged(folders: list[Path], **asked: Any) -> tuple[Any, list[str]]:
        report = make_report(load_runs(folders), title="x", **asked)
        write_archive(tmp_path / "report", report.runs)
        sentences = [
            f"{section.dataset}: {verdict.sentence} {verdict.primary} {section.scope}"
            for section in report.sections
            for verdict in section.verdicts
        ]
        return report, sentences

    first, said = judged([tmp_path / "toys", tmp_path / "digits"], **asked)
    assert {section.main.name for section in first.sections if section.main} == {
        "modes",
        asked.get("metric", "is@mnist-cnn"),
    }
    assert {section.baselines for section in first.sections} == {
        (asked.get("baseline", "wgan-gp"),)
    }
    _, repeated = judged([tmp_path / "report"])
    assert repeated == said
    assert len(said) > 5
