# SPDX-License-Identifier: MIT
"""The settings of variants: the longer side goes down the page, and each command stands once."""

from __future__ import annotations

from typing import Any

from plain_text import plain

from ganbench.records.measurement import Measurement
from ganbench.records.run_record import RunRecord
from ganbench.report.content_blocks import Block, Bullets, Definitions, Details, Table
from ganbench.report.dataset.training_blocks import settings_blocks
from ganbench.report.make_report import make_report


def run(variant: str, command: str, **config: Any) -> RunRecord:
    return RunRecord(
        f"{variant}-0",
        "done",
        identity=variant * 4,
        model="dcgan",
        dataset="digits",
        variant=variant,
        seed=0,
        kimg=40.0,
        metrics={"fid": Measurement(3.0, n=10, protocol="fid/v1", better="lower")},
        config=config,
        command=command,
    )


def settings_of(*runs: RunRecord) -> tuple[Block, ...]:
    (section,) = make_report(list(runs), title="Runs").sections
    (details,) = settings_blocks(section)
    assert isinstance(details, Details)
    return details.blocks


def texts(table: Table) -> tuple[list[str], list[list[str]]]:
    rows = [[plain(cell.text) for cell in row.cells] for row in table.rows]
    return [column.head for column in table.columns], rows


def test_few_variants_stand_side_by_side() -> None:
    first = run("a", "compare a", loss="hinge", kimg=10.0, mirror=True)
    second = run("b", "compare b", loss="minimax", kimg=20.0, mirror=False)
    (table,) = (block for block in settings_of(first, second) if isinstance(block, Table))
    assert texts(table) == (
        ["what differs", "a", "b"],
        [["loss", "hinge", "minimax"], ["kimg", "10", "20"], ["mirror", "True", "False"]],
    )


def test_many_variants_have_a_row_each() -> None:
    runs = [run(name, f"compare {name}", loss=name.upper(), extra=[]) for name in "abc"]
    (table,) = (block for block in settings_of(*runs) if isinstance(block, Table))
    assert texts(table) == (["variant", "loss"], [["a", "A"], ["b", "B"], ["c", "C"]])


def test_a_setting_that_is_empty_is_a_dash_and_a_command_stands_once() -> None:
    runs = [run(name, "compare suite", loss="hinge", parameters={}, source="") for name in "ab"]
    blocks = settings_of(*runs)
    (same,) = (block for block in blocks if isinstance(block, Definitions))
    assert dict(same.pairs) == {"loss": "hinge", "parameters": "–", "source": "–"}
    (commands,) = (block for block in blocks if isinstance(block, Bullets))
    assert len(commands.items) == 1
