# SPDX-License-Identifier: MIT
"""The primary metric and the baseline that a comparison chose: kept by dataset, and read again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ganbench.records.archive import RUN_ROWS, write_archive
from ganbench.records.atomic_files import read_lines
from ganbench.records.load import load_runs
from ganbench.records.primary_metric import (
    COMPARISON_FILE,
    Choice,
    RecordedChoices,
    record_choices,
)
from ganbench.records.run_folder import RunFolder


def chosen(folder: Path, dataset: str) -> Choice:
    return RecordedChoices().on(dataset, folder)


def test_choices_are_read_again_and_a_later_comparison_replaces_those_of_its_datasets(
    tmp_path: Path,
) -> None:
    assert chosen(tmp_path, "digits") == Choice()
    record_choices(tmp_path, {"digits": Choice("kid", "none"), "ring8": Choice("modes", "nsgan")})
    record_choices(tmp_path, {"digits": Choice("", "nsgan")})
    assert chosen(tmp_path, "digits") == Choice("", "nsgan")
    assert chosen(tmp_path, "ring8") == Choice("modes", "nsgan")
    assert chosen(tmp_path, "grid25") == Choice()


def test_the_metric_of_an_earlier_version_counts_until_a_dataset_is_compared_again(
    tmp_path: Path,
) -> None:
    (tmp_path / COMPARISON_FILE).write_text('{"schema": 1, "primary_metric": "high-quality"}')
    assert chosen(tmp_path, "digits") == Choice("high-quality")
    record_choices(tmp_path, {"ring8": Choice("", "none")})
    assert chosen(tmp_path, "digits") == Choice("high-quality")
    assert chosen(tmp_path, "ring8") == Choice("", "none")


@pytest.mark.parametrize(
    "text",
    [
        *("{", "[]", "3", "", "\x00", '{"primary_metric": 7}', '{"datasets": 3}'),
        *('{"datasets": {"digits": [1]}}', '{"datasets": {"digits": {"baseline": 2}}}'),
    ],
)
def test_a_damaged_file_chooses_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / COMPARISON_FILE).write_text(text)
    assert chosen(tmp_path, "digits") == Choice()


def test_runs_bring_along_what_their_own_comparison_chose(
    make_run: Callable[..., RunFolder], tmp_path: Path
) -> None:
    for name, metric in (("first", "kid"), ("second", "fid")):
        make_run(tmp_path / name, len(name))
        (dataset,) = {run.dataset for run in load_runs([tmp_path / name])}
        record_choices(tmp_path / name, {dataset: Choice(metric, "none")})
    runs = load_runs([tmp_path])  # the comparisons are below the folder that is read
    assert {(run.seed, run.primary_metric) for run in runs} == {(5, "kid"), (6, "fid")}
    write_archive(tmp_path / "report", runs)
    again = load_runs([tmp_path / "report"])
    assert [(run.primary_metric, run.baseline) for run in again] == [
        (run.primary_metric, run.baseline) for run in runs
    ]
    assert read_lines(tmp_path / "report" / RUN_ROWS)[0]["baseline"] == "none"
