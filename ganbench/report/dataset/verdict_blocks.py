# SPDX-License-Identifier: MIT
"""What each treatment does: verdicts, effects seed by seed, and every difference with its tests."""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.analysis import number_text
from ganbench.analysis.selection import MOST_ROWS
from ganbench.analysis.tables import heading
from ganbench.analysis.verdicts import Verdict, VerdictKind, design_limits
from ganbench.report import notes, sentences
from ganbench.report.content_blocks import (
    Block,
    Bullets,
    Charts,
    Column,
    Details,
    Heading,
    Item,
    Paragraph,
    Row,
    Span,
    Table,
    TextCell,
)
from ganbench.report.dataset.dataset_section import DatasetSection

MOST_SENTENCES = 24
"""This many verdicts on the main metric are sentences; the others are counted."""

_ORDER: tuple[VerdictKind, ...] = ("helps", "hurts", "fails", "unclear")


def verdict_blocks(section: DatasetSection) -> list[Block]:
    """Return the table of verdicts, the sentences on the main metric, and the chart of effects."""
    if not section.verdicts:
        return []
    several = len(section.baselines) > 1
    against = "" if several else f", compared with {section.baselines[0]}"
    blocks: list[Block] = [
        Heading(f"Does it help{against}?"),
        _verdict_table(section, several=several),
        Paragraph(notes.VERDICTS_NOTE),
        *_sentences(section),
    ]
    if section.effects:
        charts = Charts(
            f"{section.slug}-effects",
            f"Differences to the baseline on {section.dataset}",
            section.effects,
            layout="two",
            width=300,
        )
        blocks += [
            Heading("The effect of each treatment, seed by seed"),
            charts,
            Paragraph(notes.EFFECTS_NOTE),
        ]
    return blocks


def _verdict_table(section: DatasetSection, *, several: bool) -> Table:
    """Return a row for each treatment and a column for each metric."""
    columns = section.table.columns
    by_treatment: dict[str, dict[str, Verdict]] = {}
    for verdict in section.verdicts:
        comparison = verdict.comparison
        by_treatment.setdefault(comparison.variant, {})[comparison.column.name] = verdict
    rows = []
    for variant, verdicts in list(by_treatment.items())[:MOST_ROWS]:
        baseline = next(iter(verdicts.values())).comparison.baseline
        name = TextCell(
            section.treatments[variant], notes=(f"compared with {baseline}",) if several else ()
        )
        rows.append(Row((name, *(_verdict(verdicts.get(column.name)) for column in columns))))
    return Table(
        f"Verdicts on {section.dataset}",
        (Column("treatment", number=False), *(Column(heading(column)) for column in columns)),
        tuple(rows),
        mark="verdicts",
    )


def _verdict(verdict: Verdict | None) -> TextCell:
    if verdict is None:
        return TextCell(mark="none")
    clear = verdict.kind != "unclear"
    word = Span(verdict.short, mark=f"verdict-{verdict.kind}", strong=clear)
    return TextCell((word, " ", Span(sentences.change(verdict.comparison), mark="change")))


def _sentences(section: DatasetSection) -> list[Block]:
    """Return the verdicts on the main metric in words, and what the design cannot show."""
    on_main = [verdict for verdict in section.verdicts if verdict.comparison.column == section.main]
    if not on_main:
        return []
    on_main.sort(key=lambda verdict: _ORDER.index(verdict.kind))
    items = tuple(
        Item(
            (Span(verdict.subject, strong=True), verdict.sentence[len(verdict.subject) :]),
            mark=f"said-{verdict.kind}",
        )
        for verdict in on_main[:MOST_SENTENCES]
    )
    blocks: list[Block] = [Bullets(items, role="sentences")]
    if len(on_main) > MOST_SENTENCES:
        blocks.append(Paragraph(sentences.further(on_main[MOST_SENTENCES:])))
    return [*blocks, *map(Paragraph, _limits(on_main))]


def _limits(verdicts: Sequence[Verdict]) -> list[str]:
    """Return sentences on what the design cannot show in the main metric."""
    comparisons = [verdict.comparison for verdict in verdicts]
    pairs = [comparison.paired.n for comparison in comparisons if comparison.paired]
    families = [comparison.family for comparison in comparisons if comparison.paired]
    return design_limits(max(pairs), max(families)) if pairs else []


def difference_blocks(section: DatasetSection) -> list[Block]:
    """Return the table of all differences with their tests, folded."""
    if not section.verdicts:
        return []
    columns = (
        *(Column(head, number=False) for head in ("treatment", "baseline", "metric")),
        Column("difference"),
        Column("pairs"),
        Column("p, t test"),
        Column("p, Holm"),
        Column("p, permutation"),
        Column("detectable"),
        Column("P(better)"),
        Column("verdict", number=False),
    )
    rows = tuple(_difference(verdict, section) for verdict in section.verdicts[:MOST_ROWS])
    table = Table(f"Differences on {section.dataset}", columns, rows)
    content = (table, Paragraph(notes.DIFFERENCES_NOTE))
    return [Details("Every difference, with its tests", content)]


def _difference(verdict: Verdict, section: DatasetSection) -> Row:
    comparison = verdict.comparison
    paired = comparison.paired
    tests: tuple[TextCell, ...] = (
        TextCell("no pair is left" if comparison.lost else "no shared seeds", mark="none", span=6),
    )
    if paired:
        lost = (f"{comparison.lost} lost",) if comparison.lost else ()
        least = f"least {number_text.p_text(paired.smallest_p_value)}"
        tests = (
            TextCell(number_text.signed_text(paired.difference)),
            TextCell(str(paired.n), notes=lost),
            TextCell(number_text.p_text(comparison.t_p_value)),
            TextCell(number_text.p_text(comparison.t_corrected)),
            TextCell(number_text.p_text(paired.p_value), notes=(least,)),
            TextCell(number_text.amount(comparison.detectable)),
        )
    return Row(
        (
            TextCell(section.treatments[comparison.variant]),
            TextCell(comparison.baseline),
            TextCell(heading(comparison.column)),
            *tests,
            TextCell(number_text.fixed(comparison.improvement.probability, 2)),
            TextCell(verdict.word, mark=f"verdict-{verdict.kind}"),
        )
    )
