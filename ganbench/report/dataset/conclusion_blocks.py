# SPDX-License-Identifier: MIT
"""What each conclusion rests on: its tests, the seeds that it would take, and what it costs."""

from __future__ import annotations

from ganbench.analysis import number_text
from ganbench.analysis.costs import Cost
from ganbench.analysis.power import USUAL_EFFECT, SeedsNeeded, seeds_for
from ganbench.analysis.selection import MOST_ROWS
from ganbench.analysis.significance import MOST_PLANNED
from ganbench.analysis.stats import Estimate
from ganbench.analysis.tables import heading
from ganbench.analysis.verdicts import Verdict
from ganbench.report import notes, sentences
from ganbench.report.content_blocks import (
    Block,
    Column,
    Heading,
    Paragraph,
    Row,
    Span,
    Table,
    TextCell,
)
from ganbench.report.dataset.dataset_section import DatasetSection


def conclusion_blocks(section: DatasetSection) -> list[Block]:
    """Return the table of the conclusions on the primary metric."""
    on_main = [verdict for verdict in section.verdicts if verdict.primary]
    if section.main is None or not on_main:
        return []
    tested, costs = heading(section.main), "compared with the baseline"
    columns = [
        Column("treatment", number=False),
        Column("verdict", number=False),
        Column("difference", group=tested),
        Column("p, Holm", group=tested),
        Column("detectable", group=tested),
        Column("pairs", group=tested),
        Column("seeds needed", group=tested),
        Column("time", group=costs),
        Column("parameters", group=costs),
    ]
    if any(cost.memory for cost in section.cost_ratios.values()):
        columns.append(Column("memory, MiB", group=costs))
    rows = tuple(_row(verdict, section, len(columns)) for verdict in on_main[:MOST_ROWS])
    table = Table(f"What conclusions rest on, {section.dataset}", tuple(columns), rows)
    return [
        Heading("How sure, and at what cost"),
        table,
        *map(Paragraph, sentences.first_of(len(on_main), MOST_ROWS, "treatments")),
        Paragraph(notes.CONCLUSIONS_NOTE),
    ]


def _row(verdict: Verdict, section: DatasetSection, width: int) -> Row:
    """Return the row of a treatment."""
    comparison = verdict.comparison
    pairs = verdict.pairs
    difference = pairs.paired.difference if pairs else None
    cost = section.cost_ratios[comparison.variant]
    cells = (
        TextCell(section.treatments[comparison.variant]),
        TextCell((Span(verdict.short, mark=f"verdict-{verdict.kind}"),)),
        _signed(difference),
        TextCell(number_text.p_text(comparison.t_corrected), value=comparison.t_corrected),
        TextCell(number_text.amount(comparison.detectable), value=comparison.detectable),
        TextCell(str(pairs.paired.n) if pairs else "0"),
        _seeds(seeds_for(section.dataset, verdict)),
        _times(cost.time),
        TextCell(_factor(cost.parameters), value=cost.parameters),
        _memory(cost),
    )
    return Row(cells[:width])


def _signed(difference: Estimate | None) -> TextCell:
    """Return a difference with its sign, and its interval below."""
    if difference is None:
        return TextCell(mark="none")
    text, _, interval = number_text.signed_text(difference).partition(" ")
    return TextCell(text, notes=(interval,) if interval else (), value=difference.value)


def _seeds(plan: SeedsNeeded | None) -> TextCell:
    """Return a number of seeds, with its interval below, and the effect if it is not the found."""
    if plan is None:
        return TextCell(mark="none")
    under = [f"[{_count(plan.low)}, {_count(plan.high)}]"]
    if plan.verdict.kind == "unclear":
        under.append(f"for {number_text.percent(USUAL_EFFECT.amount)}")
    return TextCell(_count(plan.seeds), notes=tuple(under), value=plan.seeds or MOST_PLANNED + 1)


def _count(seeds: int | None) -> str:
    return f"> {MOST_PLANNED:,}" if seeds is None else f"{seeds:,}"


def _times(time: Estimate | None) -> TextCell:
    """Return a factor of time, with its interval below."""
    if time is None:
        return TextCell(mark="none")
    under: tuple[str, ...] = ()
    if time.low is not None and time.high is not None:
        under = (f"[{number_text.fixed(time.low, 2)}, {number_text.fixed(time.high, 2)}]",)
    return TextCell(_factor(time.value), notes=under, value=time.value)


def _factor(value: float | None) -> str:
    """Return a factor.

    >>> _factor(1.234)
    '1.23 ×'
    """
    if value is None:
        return number_text.NOTHING
    return f"{number_text.fixed(value, 2)} ×"


def _memory(cost: Cost) -> TextCell:
    """Return the memory of a treatment, and that of its baseline below."""
    if cost.memory is None:
        return TextCell(mark="none")
    treatment, baseline = map(number_text.amount, cost.memory)
    return TextCell(treatment, notes=(f"baseline {baseline}",), value=cost.memory[0])
