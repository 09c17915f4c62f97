# SPDX-License-Identifier: MIT
"""What each treatment does: verdicts, effects seed by seed, and every difference with its tests."""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.analysis import number_text
from ganbench.analysis.comparison import Comparison
from ganbench.analysis.paired_values import PairedValues
from ganbench.analysis.selection import MOST_ROWS, by_size, in_turns
from ganbench.analysis.tables import MetricColumn, heading
from ganbench.analysis.verdicts import Verdict, design_limits
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


def verdict_blocks(section: DatasetSection) -> list[Block]:
    """Return the table of verdicts, the sentences on the main metric, and the chart of effects."""
    if not section.verdicts:
        return []
    several = len(section.baselines) > 1
    against = "" if several else f", compared with {section.baselines[0]}"
    listed: list[Block] = [
        _verdict_table(section, several=several),
        *map(Paragraph, sentences.first_of(len(section.treatments), MOST_ROWS, "treatments")),
    ]
    if len(section.treatments) > MOST_SENTENCES and in_part_on_settings(section):
        listed = [Details("Each treatment at each setting", tuple(listed))]
    blocks: list[Block] = [
        Heading(f"Does it help{against}?"),
        *listed,
        Paragraph(section.scope),
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


def in_part_on_settings(section: DatasetSection) -> bool:
    """Tell whether the part on settings has every treatment, in fewer rows."""
    told = {
        verdict.comparison.variant for over, _ in section.over_settings for verdict in over.verdicts
    }
    return told >= set(section.treatments)


def _verdict_table(section: DatasetSection, *, several: bool) -> Table:
    """Return a row for each treatment and a column for each metric."""
    # The primary metric stands first.
    metrics = sorted(section.table.columns, key=lambda column: column != section.main)
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
        rows.append(Row((name, *(_verdict(verdicts.get(column.name)) for column in metrics))))
    return Table(
        f"Verdicts on {section.dataset}",
        (Column("treatment", number=False), *(_metric_head(column, section) for column in metrics)),
        tuple(rows),
        mark="verdicts",
    )


def _metric_head(column: MetricColumn, section: DatasetSection) -> Column:
    return Column(heading(column), group="primary" if column == section.main else "exploratory")


def _verdict(verdict: Verdict | None) -> TextCell:
    if verdict is None:
        return TextCell(mark="none")
    clear = verdict.kind != "unclear"
    word = Span(verdict.short, mark=f"verdict-{verdict.kind}", strong=clear)
    return TextCell((word, " ", Span(sentences.change(verdict), mark="change")))


def _sentences(section: DatasetSection) -> list[Block]:
    """Return the verdicts on the primary metric in words, and what the design cannot show."""
    on_main = [verdict for verdict in section.verdicts if verdict.primary]
    if not on_main:
        return []
    on_main = in_turns(on_main)
    items = tuple(
        Item(
            (Span(verdict.subject, strong=True), verdict.sentence[len(verdict.subject) :]),
            mark=f"said-{verdict.kind}",
        )
        for verdict in by_size(on_main[:MOST_SENTENCES])
    )
    blocks: list[Block] = [Bullets(items, role="sentences")]
    if len(on_main) > MOST_SENTENCES:
        blocks.append(Paragraph(sentences.further(on_main[MOST_SENTENCES:])))
    return [*blocks, *map(Paragraph, _limits(on_main))]


def _limits(verdicts: Sequence[Verdict]) -> list[str]:
    """Return sentences on what the design cannot show in the primary metric."""
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
        Column("ratio"),
        Column("P(better)"),
        Column("verdict", number=False),
    )
    listed = set(list(section.treatments)[:MOST_ROWS])
    rows = tuple(
        row
        for verdict in section.verdicts
        if verdict.comparison.variant in listed
        for row in _differences(verdict, section)
    )
    table = Table(f"Differences on {section.dataset}", columns, rows)
    cut = sentences.first_of(len(section.treatments), MOST_ROWS, "treatments")
    content: list[Block] = [table, *map(Paragraph, cut), Paragraph(notes.DIFFERENCES_NOTE)]
    return [Details("Every difference, with its tests", tuple(content))]


def _differences(verdict: Verdict, section: DatasetSection) -> list[Row]:
    """Return the row of a comparison, and one of the seeds in which no run failed."""
    comparison = verdict.comparison
    tests: tuple[TextCell, ...] = (
        TextCell("no pair is left" if comparison.lost else "no shared seeds", mark="none", span=7),
    )
    if comparison.deciding:
        tests = _tests(comparison, comparison.deciding)
    role = () if verdict.primary else ("exploratory",)
    names = (
        TextCell(section.treatments[comparison.variant]),
        TextCell(comparison.baseline),
        TextCell(heading(comparison.column), notes=role),
    )
    improvement = TextCell(number_text.fixed(comparison.improvement.probability, 2))
    word = TextCell(verdict.word, mark=f"verdict-{verdict.kind}")
    rows = [Row((*names, *tests, improvement, word))]
    for other in (comparison.pairs, comparison.unfailed):
        if other and other is not comparison.deciding:
            rows.append(Row((*names, *_tests(comparison, other), TextCell(), TextCell())))
    return rows


def _tests(comparison: Comparison, pairs: PairedValues) -> tuple[TextCell, ...]:
    """Return the cells of a difference with its tests; only deciding pairs are corrected for."""
    paired, decides = pairs.paired, pairs is comparison.deciding
    notes = [f"{comparison.lost} lost"] if comparison.lost else []
    if comparison.unfailed:
        notes.append("none failed" if pairs is comparison.unfailed else "all")
    least = f"least {number_text.p_text(paired.smallest_p_value)}"
    return (
        TextCell(number_text.signed_text(paired.difference)),
        TextCell(str(paired.n), notes=tuple(notes)),
        TextCell(number_text.p_text(paired.t_p_value)),
        TextCell(number_text.p_text(comparison.t_corrected if decides else None)),
        TextCell(number_text.p_text(paired.p_value), notes=(least,)),
        TextCell(number_text.amount(comparison.detectable if decides else None)),
        _ratio(pairs, comparison.ratio_corrected if decides else None),
    )


def _ratio(pairs: PairedValues, corrected: float | None) -> TextCell:
    """Return the mean ratio to the baseline with its interval and p values."""
    if pairs.ratio is None:
        return TextCell()
    alone = f"p {number_text.p_text(pairs.ratio.p_value)}"
    holm = f"Holm {number_text.p_text(corrected)}" if corrected is not None else ""
    notes = (number_text.interval_text(pairs.ratio.ratio), ", ".join(filter(None, (alone, holm))))
    return TextCell(number_text.mean_text(pairs.ratio.ratio), notes=tuple(filter(None, notes)))
