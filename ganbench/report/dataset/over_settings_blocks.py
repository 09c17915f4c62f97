# SPDX-License-Identifier: MIT
"""What each set of tricks does at each setting: a table, sentences, and a small chart for each."""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.analysis import number_text
from ganbench.analysis.comparison import PLAIN
from ganbench.analysis.failures import Trouble, trouble
from ganbench.analysis.over_settings import OverSettings
from ganbench.analysis.selection import MOST_ROWS
from ganbench.analysis.tables import MetricColumn, VariantRow, heading
from ganbench.analysis.verdicts import Verdict
from ganbench.config import counted
from ganbench.report import notes, sentences
from ganbench.report.charts.panels import Panel
from ganbench.report.charts.settings_chart import short_setting
from ganbench.report.content_blocks import (
    Block,
    Bullets,
    Charts,
    Column,
    Heading,
    Item,
    Paragraph,
    Row,
    Span,
    Table,
    TextCell,
)
from ganbench.report.dataset.dataset_section import DatasetSection

_WithPanel = tuple[OverSettings, Panel | None]


def over_settings_blocks(section: DatasetSection) -> list[Block]:
    """Return a part for each model whose tricks were compared at several settings."""
    by_model: dict[str, list[_WithPanel]] = {}
    for over, panel in section.over_settings:
        by_model.setdefault(over.model, []).append((over, panel))
    blocks: list[Block] = []
    for index, (model, group) in enumerate(by_model.items()):
        blocks += _of_model(section, model, group, f"-{index + 1}" if index else "")
    return blocks


def _of_model(
    section: DatasetSection, model: str, group: Sequence[_WithPanel], ending: str
) -> list[Block]:
    """Return the table, the sentences and the charts of one model."""
    assert section.main is not None
    noun = group[0][0].noun
    settings = tuple(dict.fromkeys(name for over, _ in group for name in over.settings))
    columns = (
        Column("treatment", number=False),
        Column(f"{noun} at which it helps"),
        *(Column(short_setting(name), number=False, group=_key(settings)) for name in settings),
    )
    listed = [over for over, _ in group[:MOST_ROWS]]
    rows = (_baseline_row(section, listed, settings), *(_row(over, settings) for over in listed))
    title = f"Does it help {model} at each {noun.removesuffix('s')}?"
    blocks: list[Block] = [
        Heading(f"{title} {heading(section.main)}"),
        Table(f"Effects over {noun} on {section.dataset}", columns, rows, mark="verdicts"),
        Bullets(tuple(_said(listed, noun))),
    ]
    panels = tuple(panel for _, panel in group if panel)
    if panels:
        name = f"{section.slug}-over-settings{ending}"
        label = f"Ratio to the baseline over {noun} on {section.dataset}"
        blocks.append(Charts(name, label, panels, layout="small", width=190))
    return [*blocks, Paragraph(notes.OVER_SETTINGS_NOTE)]


def _key(settings: Sequence[str]) -> str:
    """Return the names of what the settings set, where they are the same in all."""
    keys = {
        ", ".join(part.partition("=")[0] for part in setting.split(", ")) for setting in settings
    }
    return keys.pop() if len(keys) == 1 else "setting"


def _said(listed: Sequence[OverSettings], noun: str) -> list[Item]:
    """Return a sentence on each set of tricks that has a verdict, and one on the others."""
    shown = [over for over in listed if over.shows]
    said = [
        Item((Span(over.tricks, strong=True), over.sentence.removeprefix(over.tricks)))
        for over in shown
    ]
    if others := len(listed) - len(shown):
        which = f"the other {counted(others, 'treatment')}" if shown else "any treatment"
        said.append(Item(f"No difference is shown for {which}, at any of the {noun}."))
    return said


def _baseline_row(
    section: DatasetSection, listed: Sequence[OverSettings], settings: Sequence[str]
) -> Row:
    """Return the mean of the baseline at each setting."""
    assert section.main is not None
    baselines = {
        setting: verdict.comparison.baseline
        for over in listed
        for setting, verdict in zip(over.settings, over.verdicts, strict=True)
    }
    cells = (_baseline_cell(section.table.row(baselines[name]), section.main) for name in settings)
    return Row((TextCell(PLAIN, notes=("its mean",)), TextCell(""), *cells), reference=True)


def _baseline_cell(row: VariantRow, main: MetricColumn) -> TextCell:
    """Return the mean of a baseline, and how many of its runs failed where any did."""
    cell = row.cells.get(main.name)
    return TextCell(
        number_text.amount(cell.estimate.value if cell else None, 2),
        notes=_failed(trouble(row.runs)),
    )


def _failed(runs: Trouble) -> tuple[str, ...]:
    """Return how many runs failed where any did."""
    return (f"{runs.count} of {runs.runs} failed",) if runs.count else ()


def _row(over: OverSettings, settings: Sequence[str]) -> Row:
    """Return what a set of tricks does at each setting."""
    verdicts = dict(zip(over.settings, over.verdicts, strict=True))
    count = TextCell(f"{over.count('helps')} of {len(over.settings)}")
    return Row((TextCell(over.tricks), count, *(_cell(verdicts.get(name)) for name in settings)))


def _cell(verdict: Verdict | None) -> TextCell:
    """Return a verdict with its change and the mean that it leads to.

    The cell says how many runs failed where any did, and over how many pairs the verdict is where
    that leaves some out.
    """
    if verdict is None:
        return TextCell(mark="none")
    below: list[str] = []
    comparison = verdict.comparison
    if verdict.pairs and verdict.kind not in {"fails", "fails-less"}:
        below.append(f"to {number_text.amount(verdict.pairs.means[0], 2)}")
    below += _failed(comparison.troubles[0])
    if comparison.conditional and verdict.pairs:
        below.append(f"over {counted(verdict.pairs.paired.n, 'pair')}")
    word = Span(verdict.short, mark=f"verdict-{verdict.kind}", strong=verdict.kind != "unclear")
    return TextCell(
        (word, " ", Span(sentences.change(verdict), mark="change")),
        notes=tuple(below),
    )
