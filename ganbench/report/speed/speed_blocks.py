# SPDX-License-Identifier: MIT
"""The chapter on speed: sentences, tables and charts, machine by machine."""

from __future__ import annotations

from ganbench.records.speed_record import SpeedRecord
from ganbench.report import sentences
from ganbench.report.charts.style import Style
from ganbench.report.content_blocks import (
    Block,
    Bullets,
    Chapter,
    Charts,
    Details,
    Heading,
    Item,
    Paragraph,
    Span,
    Text,
)
from ganbench.report.speed import speed_sentences
from ganbench.report.speed.speed_charts import PART_COLORS
from ganbench.report.speed.speed_section import Machine, Speed
from ganbench.report.speed.speed_table import speed_table


def speed_chapter(speed: Speed) -> Chapter:
    """Return the chapter on all measurements of speed."""
    blocks: list[Block] = [Paragraph(record.problem, role="warning") for record in speed.unread]
    for machine in speed.machines:
        blocks += _machine_blocks(machine, speed)
    if speed.machines:
        blocks.append(Paragraph(speed_sentences.note(speed)))
    blocks += [*_rate_blocks(speed), *_split_blocks(speed)]
    if speed.documents:
        items = tuple(Item(_document(record)) for record in speed.documents)
        blocks.append(Details("Commands and documents", (Bullets(items),)))
    return Chapter("Speed", tuple(blocks), anchor="speed")


def _machine_blocks(machine: Machine, speed: Speed) -> list[Block]:
    """Return where the cases were measured, what is fastest, and the table."""
    places = [
        (f"Measured on {sentences.machine(environment)}, environment ", Span(name, code=True))
        for name, environment in machine.environments.items()
    ]
    spoken = tuple(
        Item((Span(subject, strong=True), rest))
        for subject, rest in speed_sentences.sentences(machine, speed.differing)
    )
    return [
        Heading(machine.title),
        *map(Paragraph, places),
        *([Bullets(spoken, role="sentences")] if spoken else []),
        speed_table(machine, speed),
        *map(Paragraph, speed_sentences.asides(machine)),
    ]


def _rate_blocks(speed: Speed) -> list[Block]:
    if not speed.rates:
        return []
    title = "Images per second by batch size"
    legend = tuple((name, speed.styles[name]) for name in speed.lines)
    charts = Charts("speed-rates", title, speed.rates, layout="two", width=360, legend=legend)
    return [Heading(title), charts, Paragraph(speed_sentences.RATES_NOTE)]


def _split_blocks(speed: Speed) -> list[Block]:
    if not speed.splits:
        return []
    title = "Where the time of a step goes"
    legend = tuple((part, Style(color)) for part, color in PART_COLORS.items())
    charts = Charts("speed-split", title, speed.splits, layout="two", width=360, legend=legend)
    undrawn = [speed_sentences.undrawn(machine) for machine in speed.machines if machine.undrawn]
    return [Heading(title), charts, Paragraph(" ".join([speed_sentences.SPLIT_NOTE, *undrawn]))]


def _document(record: SpeedRecord) -> Text:
    file = f"{record.name}.json"
    version = f", ganbench {record.ganbench}" if record.ganbench else ""
    return (
        Span(record.command or "no command recorded", code=True),
        ", ",
        Span(file, link=f"throughput/{file}"),
        version,
    )
