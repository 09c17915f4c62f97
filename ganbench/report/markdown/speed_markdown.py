# SPDX-License-Identifier: MIT
"""The section on speed as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ganbench.report import sentences
from ganbench.report.markdown.markdown_text import bullets, code, details_block, escape, table
from ganbench.report.speed import speed_sentences
from ganbench.report.speed.speed_rows import SpeedRow
from ganbench.report.speed.speed_section import Machine, Speed
from ganbench.report.speed.speed_table import COLUMNS, failure


def speed_parts(speed: Speed | None, stills: Mapping[str, str]) -> list[str]:
    """Return the parts of the section; ``stills`` are the charts' files by kind."""
    if speed is None:
        return []
    parts = ["## Speed"]
    parts += [f"**{escape(record.problem)}**" for record in speed.unread]
    for machine in speed.machines:
        parts += _machine(machine, speed.differing)
    if speed.machines:
        parts.append(escape(speed_sentences.note(speed)))
    if "rates" in stills:
        parts += [
            "### Images per second against the batch",
            f"![Images per second against the batch]({stills['rates']})",
            escape(speed_sentences.RATES_NOTE),
        ]
    if "split" in stills:
        lines = [speed_sentences.undrawn(one) for one in speed.machines if one.undrawn]
        parts += [
            "### Where the time of a step goes",
            f"![Where the time of a step goes]({stills['split']})",
            escape(" ".join([speed_sentences.SPLIT_NOTE, *lines])),
        ]
    if speed.documents:
        listed = [
            f"{code(record.command or 'no command recorded')}, "
            f"[{code(record.name)}](throughput/{record.name}.json)"
            for record in speed.documents
        ]
        parts.append(details_block("Commands and documents", bullets(listed)))
    return parts


def _machine(machine: Machine, differing: Sequence[str]) -> list[str]:
    places = [
        f"Measured on {escape(sentences.machine(environment))}, environment {code(name)}"
        for name, environment in machine.environments.items()
    ]
    said = [
        f"**{escape(subject)}** {escape(rest)}"
        for subject, rest in speed_sentences.sentences(machine, differing)
    ]
    parts = [f"### {escape(machine.title)}", *places, bullets(said), _table(machine)]
    return parts + [escape(line) for line in speed_sentences.asides(machine)]


def _table(machine: Machine) -> str:
    head = ["model", "setting", "batch", *map(escape, COLUMNS)]
    right = [False, False, *(True for _ in head[2:])]
    return table(head, map(_row, machine.rows), right)


def _row(row: SpeedRow) -> list[str]:
    """Return a row; a case that failed says why in the place of its first figure."""
    problem = failure(row)
    lines = [problem] + [""] * (len(COLUMNS) - 1) if problem else _figures(row)
    return list(map(escape, [row.label, row.setting, str(row.case.batch_size), *lines]))


def _figures(row: SpeedRow) -> list[str]:
    return [cell_of(row.case).line for cell_of in COLUMNS.values()]
