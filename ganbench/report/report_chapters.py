# SPDX-License-Identifier: MIT
"""The whole report as blocks: how to read it, its chapters, and the environments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ganbench.analysis import number_text
from ganbench.analysis.across_datasets import Across, AcrossRow
from ganbench.analysis.over_settings import OverSettings
from ganbench.analysis.selection import MOST_ROWS, VERDICT_ORDER, by_size
from ganbench.analysis.tables import heading
from ganbench.analysis.verdicts import WORDS, Verdict
from ganbench.config import counted, join_words
from ganbench.records.run_record import RunRecord
from ganbench.report import notes, sentences
from ganbench.report.claims_chapter import claims_chapter
from ganbench.report.content_blocks import (
    Block,
    Bullets,
    Chapter,
    Column,
    Definitions,
    Details,
    Heading,
    Item,
    Paragraph,
    Row,
    Span,
    Table,
    TextCell,
)
from ganbench.report.dataset.dataset_chapter import dataset_chapter
from ganbench.report.dataset.dataset_section import DatasetSection
from ganbench.report.dataset.verdict_blocks import in_part_on_settings
from ganbench.report.event_chapter import event_chapter
from ganbench.report.make_report import Report
from ganbench.report.speed.speed_blocks import speed_chapter

MOST_FOUND = 6
"""If a dataset has more verdicts than this, the top of the page counts them by their kind."""
MOST_OF_A_KIND = 3
"""This many of each kind are named then."""
MOST_UNREAD = 60
"""This many runs without a result are listed; the others are counted."""


def report_blocks(report: Report) -> tuple[Block, ...]:
    """Return everything below the title of a report."""
    found = [finding for section in report.sections for finding in _findings(section)]
    blocks: list[Block] = [Bullets(tuple(found), role="findings")] if found else []
    if report.runs:
        lines = tuple(Item(line) for line in notes.HOW_TO_READ)
        blocks.append(Details("How to read these numbers", (Bullets(lines),)))
    blocks += [dataset_chapter(section, report.illustrations) for section in report.sections]
    if claimed := claims_chapter(report.sections, report.claims):
        blocks.append(claimed)
    if report.across:
        blocks.append(_across(report.across))
    if report.speed:
        blocks.append(speed_chapter(report.speed))
    if report.events:
        blocks.append(event_chapter(report.events))
    if report.unread:
        blocks.append(_unread(report.unread))
    if report.environments:
        blocks.append(_environments(report))
    return tuple(blocks)


def _findings(section: DatasetSection) -> list[Item]:
    """Return in one line which treatments do what to the primary metric of a dataset."""
    on_main = [verdict for verdict in section.verdicts if verdict.primary]
    if section.main is None or not on_main:
        return []
    text: list[Span | str] = [Span(section.dataset, strong=True), f", {heading(section.main)}: "]
    shown = by_size([verdict for verdict in on_main if verdict.kind != "unclear"])
    if len(shown) > MOST_FOUND and in_part_on_settings(section):
        return [Item((*text, _over_settings([over for over, _ in section.over_settings])))]
    text += (_counted if len(shown) > MOST_FOUND else _named)(shown, section.treatments)
    text.append(f"no difference shown for {len(on_main) - len(shown)} of {len(on_main)}.")
    return [Item(tuple(text))]


def _over_settings(listed: Sequence[OverSettings]) -> str:
    """Return what sets of tricks do at how many settings, the most frequent help first."""
    several = len({over.model for over in listed}) > 1
    alike: dict[str, list[str]] = {}
    for over in sorted(listed, key=lambda over: -over.count("helps")):
        name = f"{over.model} + {over.tricks}" if several else over.tricks
        if over.shows:
            found = over.sentence.removeprefix(f"{over.tricks} ").rstrip(".")
            alike.setdefault(found[0].upper() + found[1:], []).append(name)
    said = [f"{found}: {join_words(names)}." for found, names in alike.items()]
    others = sum(not over.shows for over in listed)
    if others:
        said.append(f"No difference is shown for {others} of {counted(len(listed), 'treatment')}.")
    return " ".join(said)


def _named(verdicts: Sequence[Verdict], names: Mapping[str, str]) -> list[Span | str]:
    """Return each treatment with its verdict."""
    text: list[Span | str] = []
    for verdict in verdicts:
        word = Span(verdict.word, mark=f"verdict-{verdict.kind}")
        change = f" ({sentences.change(verdict)}), "
        text += [f"{names[verdict.comparison.variant]} ", word, change]
    return text


def _counted(verdicts: Sequence[Verdict], names: Mapping[str, str]) -> list[Span | str]:
    """Return how many treatments have which kind of verdict, and the largest of each kind."""
    text: list[Span | str] = []
    for kind in VERDICT_ORDER:
        alike = [verdict for verdict in verdicts if verdict.kind == kind]
        if not alike:
            continue
        largest = []
        for verdict in alike[:MOST_OF_A_KIND]:
            said = "" if verdict.word == WORDS[kind] else f"{verdict.word}, "
            name = names[verdict.comparison.variant]
            largest.append(f"{name} ({said}{sentences.change(verdict)})")
        if len(alike) > MOST_OF_A_KIND:
            largest.append(f"{len(alike) - MOST_OF_A_KIND} more")
        word_of_kind = Span(WORDS[kind], mark=f"verdict-{kind}")
        text += [f"{len(alike)} × ", word_of_kind, f": {join_words(largest)}; "]
    return text


def _across(groups: Sequence[Across]) -> Chapter:
    """Return the chapter on the same variants on several datasets."""
    blocks: list[Block] = []
    heads = ("mean rank", "ratio to the baseline", "datasets", "pairs")
    columns = (Column("variant", number=False), *map(Column, heads))
    for group in groups:
        on = join_words(group.datasets)
        rows = tuple(_across_row(row, group) for row in group.rows[:MOST_ROWS])
        blocks += [
            Heading(f"{group.metric}, compared with {group.baseline}, on {on}", level=4),
            Table(f"{group.metric} across datasets", columns, rows),
            *map(Paragraph, sentences.first_of(len(group.rows), MOST_ROWS, "variants")),
        ]
    blocks.append(Paragraph(notes.ACROSS_NOTE))
    return Chapter("Across datasets", tuple(blocks), anchor="across")


def _across_row(row: AcrossRow, group: Across) -> Row:
    interval = number_text.interval_text(row.ratio)
    return Row(
        (
            TextCell(row.variant),
            TextCell(number_text.amount(row.rank), notes=(f"of {len(group.rows)}",)),
            TextCell(number_text.mean_text(row.ratio), notes=(interval,) if interval else ()),
            TextCell(str(len(group.datasets))),
            TextCell(str(row.ratio.n) if row.ratio else number_text.NOTHING),
        )
    )


def _unread(runs: Sequence[RunRecord]) -> Chapter:
    """Return the runs that have not ended or cannot be read."""
    items = [Item(_unread_line(run)) for run in runs[:MOST_UNREAD]]
    if len(runs) > MOST_UNREAD:
        items.append(Item(f"and {len(runs) - MOST_UNREAD:,} more"))
    return Chapter("Runs without a result", (Bullets(tuple(items)),))


def _unread_line(run: RunRecord) -> tuple[Span | str, ...]:
    reached = "" if run.kimg is None else f" at {number_text.amount(run.kimg)} kimg"
    problem = f": {run.problem}" if run.problem else ""
    return (Span(run.name, code=True), f" {sentences.status_text(run.status)}{reached}{problem}")


def _environments(report: Report) -> Chapter:
    """Return each environment in one line, with all its facts folded."""
    folded = [
        Details(
            (Span(name, code=True), f" {sentences.machine(environment)}"),
            (Definitions(_facts(environment, sentences.commits(report.runs, name))),),
        )
        for name, environment in report.environments.items()
    ]
    return Chapter("Environments", tuple(folded))


def _facts(environment: Mapping[str, Any], commits: str) -> tuple[tuple[str, str], ...]:
    """Return the facts of an environment, each in one line."""
    facts = [("ganbench at commit", commits)] if commits else []
    for key, value in environment.items():
        if isinstance(value, Mapping):
            text = ", ".join(f"{inner} {nested}" for inner, nested in value.items()) or "none"
        else:
            text = "unknown" if value is None else str(value)
        facts.append((key.replace("_", " "), text))
    return tuple(facts)
