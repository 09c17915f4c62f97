# SPDX-License-Identifier: MIT
"""A dataset's table as LaTeX with booktabs: means over seeds, their intervals, protocol and n."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ganbench.analysis import number_text
from ganbench.analysis.best_mean import Support, best_support
from ganbench.analysis.number_text import arrow
from ganbench.analysis.tables import MetricColumn, TableCell, VariantRow, count_statuses
from ganbench.report import sentences
from ganbench.report.dataset.dataset_section import DatasetSection
from ganbench.report.paste.latex_text import latex_number, latex_protocol, latex_words


def latex_table(section: DatasetSection) -> str:
    r"""Return the table of a dataset, ready for ``\input`` in a document that loads booktabs.

    Each cell is the mean over seeds with its 95 % t interval below. A mean is bold only where a
    test tells it from every other mean of its column (see ``best_support``). The caption states
    the protocol of every column and the number of seeds.
    """
    columns = section.table.columns
    support = {column.name: best_support(section.table, column) for column in columns}
    head = " & ".join(["variant", *map(_head, columns), "runs"])
    lines = [
        "% Written by ganbench report; needs \\usepackage{booktabs} and \\usepackage[T1]{fontenc}.",
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{_caption(section, support)}}}",
        rf"  \label{{tab:{section.slug}}}",
        rf"  \begin{{tabular}}{{l{'r' * len(columns)}l}}",
        r"    \toprule",
        rf"    {head} \\",
        r"    \midrule",
        *(line for row in section.table.rows for line in _row(row, columns, support)),
        *_references(section),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _head(column: MetricColumn) -> str:
    unit = f" ({column.unit})" if column.unit else ""
    return latex_words(f"{column.name}{unit} {arrow(column.better)}".strip())


def _row(
    row: VariantRow, columns: tuple[MetricColumn, ...], support: Mapping[str, Support]
) -> Iterator[str]:
    """Yield the line of the means, and below it that of the intervals."""
    cells = [row.cells.get(column.name) for column in columns]
    means = [_mean(cell, support[column.name]) for cell, column in zip(cells, columns, strict=True)]
    statuses = latex_words(sentences.statuses(row.statuses))
    yield rf"    {' & '.join([_first_cell(row.variant), *means, statuses])} \\"
    intervals = [_interval(cell) for cell in cells]
    if any(intervals):
        yield rf"    {' & '.join(['', *intervals, ''])} \\"


def _first_cell(name: str) -> str:
    r"""Return a name that may follow ``\\`` or ``\midrule``, which look for a star or a bracket."""
    words = latex_words(name)
    return f"{{}}{words}" if words.lstrip().startswith(("*", "[")) else words


def _mean(cell: TableCell | None, support: Support) -> str:
    if cell is None:
        return latex_words(number_text.NOTHING)
    number = latex_number(number_text.mean_text(cell.estimate))
    return rf"\textbf{{\boldmath{number}}}" if cell.best and support == "significant" else number


def _interval(cell: TableCell | None) -> str:
    """Return the interval in small print, and the number of values where some runs have none."""
    if cell is None:
        return ""
    interval = number_text.interval_text(cell.estimate)
    parts = [latex_number(interval)] if interval else []
    parts += [f"{cell.estimate.n} of {cell.runs}"] if cell.estimate.n != cell.runs else []
    return rf"{{\scriptsize {' '.join(parts)}}}" if parts else ""


def _references(section: DatasetSection) -> Iterator[str]:
    """Yield the floor and the published rows, which were not measured on these runs."""
    columns = section.table.columns
    rows = []
    if section.table.floors:
        floors = [
            latex_number(number_text.amount(section.table.floors.get(column.name)))
            for column in columns
        ]
        rows.append(["real data (the floor)", *floors, ""])
    rows += [
        [
            rf"\textit{{{latex_words(row.model)}}}, published",
            *(
                latex_words(row.metrics.get(column.metric, number_text.NOTHING))
                for column in columns
            ),
            "",
        ]
        for row in section.published
    ]
    if rows:
        yield r"    \midrule"
    for cells in rows:
        yield rf"    {' & '.join(cells)} \\"


def _caption(section: DatasetSection, support: Mapping[str, Support]) -> str:
    """Return what a reader needs to read the numbers: n, the interval, bold, and the protocols."""
    runs = [run for row in section.table.rows for run in row.runs]
    seeds = sorted({len(row.seeds) for row in section.table.rows if row.seeds})
    counted = "--".join(dict.fromkeys(str(count) for count in (seeds[:1] + seeds[-1:])))
    parts = [
        f"{latex_words(section.dataset)}: {latex_words(sentences.statuses(count_statuses(runs)))}.",
        "One seed; no intervals."
        if seeds[-1:] == [1]
        else f"Means over {counted or 'no'} seeds with 95\\,\\% $t$ intervals.",
    ]
    if "significant" in support.values():
        parts.append("Bold: told from every other mean of the column by a test ($p < 0.05$ each).")
    protocols = [
        f"{latex_words(column.name)}: {latex_protocol(column.protocol)}"
        for column in section.table.columns
        if column.protocol
    ]
    parts += [f"Protocols: {'; '.join(protocols)}."] if protocols else []
    parts += [
        f"{latex_words(row.model)}: {latex_words(row.source)}. {latex_words(row.differs)}"
        for row in section.published
    ]
    return " ".join(parts)
