# SPDX-License-Identifier: MIT
"""How often runs go wrong, and how good tricks are over many settings."""

from __future__ import annotations

from ganbench.analysis import number_text
from ganbench.analysis.selection import MOST_ROWS
from ganbench.analysis.stability import StabilityRow
from ganbench.config import counted
from ganbench.report import notes, sentences
from ganbench.report.content_blocks import (
    Block,
    Charts,
    Column,
    Heading,
    Paragraph,
    Row,
    Span,
    Table,
    TextCell,
)
from ganbench.report.dataset.dataset_section import DatasetSection


def stability_blocks(section: DatasetSection) -> list[Block]:
    """Return the table of what went wrong, and the performance profiles."""
    if not section.stability:
        return []
    columns = [
        Column("variant", number=False),
        Column("settings"),
        Column("runs"),
        Column("went wrong"),
        Column("how", number=False),
    ]
    if section.main:
        columns += [Column(f"deviation of {section.main.name}"), Column("worst")]
    rows = tuple(_row(row, section) for row in section.stability[:MOST_ROWS])
    return [
        Heading("Stability"),
        Table(f"Stability on {section.dataset}", tuple(columns), rows),
        Paragraph(notes.STABILITY_NOTE),
        *_profile_blocks(section),
    ]


def _row(row: StabilityRow, section: DatasetSection) -> Row:
    interval = Span(sentences.share_interval(row.share), mark="aside")
    cells = [
        TextCell(row.name, style=section.styles[row.variant]),
        TextCell(str(row.settings)),
        TextCell(str(row.runs)),
        TextCell((number_text.percent(row.share.value), " ", interval)),
        TextCell(sentences.statuses(row.statuses) or number_text.NOTHING, mark="statuses"),
    ]
    if section.main:
        count = Span(f"(n = {row.values})", mark="aside short")
        cells += [
            TextCell((number_text.amount(row.deviation), " ", count)),
            TextCell(number_text.amount(row.worst)),
        ]
    return Row(tuple(cells))


def _profile_blocks(section: DatasetSection) -> list[Block]:
    """Return a profile for each model."""
    if section.main is None:
        return []
    blocks: list[Block] = []
    for index, (profile, panels) in enumerate(section.profiles):
        settings = counted(len(profile.settings), "setting")
        charts = Charts(
            f"{section.slug}-profiles" + (f"-{index + 1}" if index else ""),
            f"Performance profiles of {profile.model} on {section.dataset}",
            panels,
            layout="small",
            width=190,
        )
        listed = "; ".join(profile.settings)
        blocks += [
            Heading(f"{profile.model}: {section.main.name} over {settings}", level=4),
            charts,
            Paragraph(f"{notes.PROFILE_NOTE} Settings: {listed}."),
        ]
    return blocks
