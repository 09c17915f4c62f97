# SPDX-License-Identifier: MIT
"""What each set of tricks does at each setting: a table, sentences, and a small chart for each."""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.analysis.over_settings import OverSettings
from ganbench.analysis.selection import MOST_ROWS
from ganbench.analysis.tables import heading
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
        Column(f"helps at, of {noun}"),
        *(Column(short_setting(name), number=False, group=_key(settings)) for name in settings),
    )
    rows = tuple(_row(over, settings) for over, _ in group[:MOST_ROWS])
    shown = [over for over, _ in group[:MOST_ROWS] if over.count("unclear") < len(over.settings)]
    said = [
        Item((Span(over.tricks, strong=True), over.sentence.removeprefix(over.tricks)))
        for over in shown
    ]
    if others := len(rows) - len(shown):
        which = f"the other {counted(others, 'treatment')}" if shown else "any treatment"
        said.append(Item((f"No difference is shown for {which}, at any of the {noun}.",)))
    title = f"{heading(section.main)} over {noun}: what each trick does to {model}"
    blocks: list[Block] = [
        Heading(title),
        Table(f"Effects over {noun} on {section.dataset}", columns, rows, mark="verdicts"),
        Bullets(tuple(said)),
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


def _row(over: OverSettings, settings: Sequence[str]) -> Row:
    """Return what a set of tricks does at each setting."""
    verdicts = dict(zip(over.settings, over.verdicts, strict=True))
    count = TextCell(f"{over.count('helps')} of {len(over.settings)}")
    return Row((TextCell(over.tricks), count, *(_cell(verdicts.get(name)) for name in settings)))


def _cell(verdict: Verdict | None) -> TextCell:
    """Return a verdict with its change, and how many runs failed where any did."""
    if verdict is None:
        return TextCell(mark="none")
    treatment, baseline = verdict.comparison.troubles
    failed = (
        f"{treatment.count} of {treatment.runs} failed",
        f"baseline {baseline.count} of {baseline.runs}",
    )
    word = Span(verdict.short, mark=f"verdict-{verdict.kind}", strong=verdict.kind != "unclear")
    return TextCell(
        (word, " ", Span(sentences.change(verdict), mark="change")),
        notes=failed if treatment.count or baseline.count else (),
    )
