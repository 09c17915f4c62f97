# SPDX-License-Identifier: MIT
"""What training looks like: samples, the course of the metrics, losses, and the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ganbench.analysis.selection import MOST_VARIANTS
from ganbench.report import notes
from ganbench.report.content_blocks import (
    Block,
    Bullets,
    CaptionedPicture,
    Charts,
    Column,
    Definitions,
    Details,
    Heading,
    Item,
    PageOnly,
    Paragraph,
    Pictures,
    Row,
    Span,
    Table,
    TextCell,
)
from ganbench.report.dataset.dataset_section import DatasetSection
from ganbench.report.pictures import Picture
from ganbench.report.settings_text import SettingsTable, settings_table

MOST_STILL_LOSSES = 24
"""A still picture holds this many panels of losses and logits."""


def sample_blocks(section: DatasetSection, pictures: Mapping[str, Picture]) -> list[Block]:
    """Return the sample grids: the first seed of each variant, and the other seeds folded.

    Args:
        section: The dataset.
        pictures: The sample grids by the names of their runs.
    """
    first: list[CaptionedPicture] = []
    others: list[Block] = []
    for row in section.drawn.rows:
        shown = [
            CaptionedPicture(
                pictures[run.name],
                f"Samples of {row.variant} on {section.dataset}"
                + ("" if run.seed is None else f", seed {run.seed}"),
                name=row.variant,
                note="" if run.seed is None else f"seed {run.seed}",
                style=section.styles[row.variant],
            )
            for run in row.runs
            if run.name in pictures
        ]
        first += shown[:1]
        if len(shown) > 1:
            others += [Heading(row.variant, level=4), Pictures(tuple(shown[1:]), small=True)]
    if not first:
        return []
    blocks: list[Block] = [
        Heading("Samples"),
        Pictures(tuple(first)),
        Paragraph(notes.SAMPLES_NOTE),
    ]
    return [*blocks, Details("Samples of the other seeds", tuple(others))] if others else blocks


def course_blocks(section: DatasetSection) -> list[Block]:
    """Return the course of the metrics during training.

    Where each variant has a panel, the main metric is shown and the others are folded. In
    Markdown the main metric alone has a picture.
    """
    if not section.courses:
        return []
    first, *others = section.courses
    title = Heading("During training")
    label = f"Metrics on {section.dataset} during training"
    name = f"{section.slug}-curves"
    if first.together:
        panels = tuple(panel for course in section.courses for panel in course.panels)
        legend = tuple((name, section.styles[name]) for name in section.chosen.variants)
        charts = Charts(name, label, panels, layout="two", width=360, legend=legend)
        return [title, charts, Paragraph(notes.CURVES_NOTE)]
    folded = [
        Details(
            course.title,
            (
                Charts(
                    f"{name}-{index}", label, course.panels, layout="small", width=190, most_still=0
                ),
            ),
        )
        for index, course in enumerate(others, 1)
    ]
    return [
        title,
        Heading(first.title, level=4),
        Charts(name, label, first.panels, layout="small", width=190),
        *folded,
        Paragraph(notes.MULTIPLES_NOTE),
    ]


def loss_blocks(section: DatasetSection) -> list[Block]:
    """Return the losses and logits, folded; with many runs they have no still picture."""
    if not section.losses:
        return []
    charts = Charts(
        f"{section.slug}-losses",
        f"Losses and logits on {section.dataset}",
        section.losses,
        layout="two",
        width=360,
        most_still=MOST_STILL_LOSSES if section.chosen.whole else 0,
    )
    part = Details("Losses and logits", (charts, Paragraph(notes.LOSSES_NOTE)))
    return [part if charts.most_still else PageOnly((part,))]


def settings_blocks(section: DatasetSection) -> list[Block]:
    """Return the settings of the variants side by side, and the commands that made them."""
    rows = section.drawn.rows[:MOST_VARIANTS]
    first_runs = [row.runs[0] for row in rows]
    settings = settings_table([run.config for run in first_runs])
    blocks: list[Block] = []
    if settings.differing:
        blocks.append(_differing_table(settings, [row.variant for row in rows], section.dataset))
    if settings.same:
        same = Definitions(tuple(settings.same.items()), compact=True)
        blocks += [Heading("The same for all", level=4), same]
    commands = dict.fromkeys(run.command for run in first_runs if run.command)
    if commands:
        items = tuple(Item((Span(command, code=True),)) for command in commands)
        blocks += [Heading("Commands", level=4), Bullets(items)]
    return [Details("Settings", tuple(blocks))] if blocks else []


def _differing_table(settings: SettingsTable, variants: Sequence[str], dataset: str) -> Table:
    """Return the settings that differ, with whatever there is more of going down the page."""
    variants_go_down = len(variants) > len(settings.differing)
    corner = "variant" if variants_go_down else "what differs"
    lines = [(corner, *variants), *((key, *values) for key, values in settings.differing.items())]
    heads, *rows = zip(*lines, strict=True) if variants_go_down else lines
    return Table(
        f"Settings that differ on {dataset}",
        tuple(Column(head, number=False) for head in heads),
        tuple(Row(tuple(map(TextCell, row))) for row in rows),
        mark="text",
    )
