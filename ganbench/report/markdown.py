# SPDX-License-Identifier: MIT
"""The report as Markdown, to be read where code is hosted: tables, and still pictures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ganbench.report import numbers, words
from ganbench.report.budgets import Budget
from ganbench.report.page import Report, first_seeds, parameters_text
from ganbench.report.section import Section, heading
from ganbench.report.tables import Cell, VariantRow, count_statuses

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$!])")


def escape(text: str) -> str:
    r"""Return a text that Markdown shows as it is, on one line.

    >>> escape("a|b <i> *c*")
    'a\\|b \\<i\\> \\*c\\*'
    """
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """Return a text as inline code, on one line; backticks in it become apostrophes."""
    return "`" + " ".join(text.split()).replace("`", "'") + "`"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[bool]) -> str:
    """Return a Markdown table of cells that are escaped already."""
    rule = ["---:" if is_right else "---" for is_right in right]
    lines = [head, rule, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def render_markdown(report: Report, stills: Mapping[str, Mapping[str, str]]) -> str:
    """Return the Markdown of a report; ``stills`` are the charts' files by section and kind."""
    parts = [
        f"# {escape(report.title)}",
        escape(words.sentence(report.runs)),
        f"{escape(words.statuses(count_statuses(report.runs)))}. The same with charts to "
        "point at: [index.html](index.html), one file that needs no network.",
    ]
    for section in report.sections:
        parts += _section(section, report, stills.get(section.slug, {}))
    if report.unread:
        parts += ["## Unfinished and damaged runs", _unread(report)]
    parts += ["## How to read these numbers", _bullets(map(escape, words.HOW_TO_READ))]
    if report.environments:
        lines = [
            f"[{code(name)}](env/{name}.json) {escape(words.machine(environment))}"
            for name, environment in report.environments.items()
        ]
        parts += ["## Environments", _bullets(lines)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(section: Section, report: Report, stills: Mapping[str, str]) -> list[str]:
    name = escape(section.dataset)
    parts = [f"## {name}"]
    parts += [
        f"**{escape(metric)} was measured by more than one protocol: its columns must not be "
        "compared.**"
        for metric in section.table.mixed
    ]
    if len(section.environments) > 1:
        parts.append(
            f"**Made in {len(section.environments)} environments: seconds and images per second "
            "are not comparable.**"
        )
    parts += [_metrics(section), _published_notes(section)]
    if "metrics" in stills:
        parts.append(f"![Metrics on {name}, seed by seed]({stills['metrics']})")
    parts.append(_samples(section, report))
    if "curves" in stills:
        parts += [
            "### In the course of training",
            f"![Metrics on {name} during training]({stills['curves']})",
            escape(words.CURVES_NOTE),
        ]
    if section.budgets:
        parts += [
            "### At the same time, at the same kimg",
            _budgets(section),
            escape(words.budgets_note(section.budgets)),
        ]
    parts.append(_comparisons(section))
    if "losses" in stills:
        picture = f"![Losses and logits on {name}]({stills['losses']})"
        parts.append(_folded("Losses and logits", f"{picture}\n\n{escape(words.LOSSES_NOTE)}"))
    protocols = [
        f"{escape(column.name)}: {code(column.protocol) if column.protocol else 'not recorded'}"
        for column in section.table.columns
    ]
    if protocols:
        parts.append(_folded("Protocols", _bullets(protocols)))
    return parts


def _metrics(section: Section) -> str:
    """Return the table of every variant by every metric, floor and published rows below."""
    columns = section.table.columns
    head = ["variant", *(escape(heading(column)) for column in columns)]
    head += ["runs", "kimg", "training, s", "images/s", "parameters G / D"]
    rows = [
        [
            escape(row.variant),
            *(_cell(row.cells.get(column.name)) for column in columns),
            escape(words.statuses(row.statuses)),
            *_costs(row),
        ]
        for row in section.table.rows
    ]
    blank = [""] * 5
    if section.table.floors:
        floors = [numbers.amount(section.table.floors.get(column.name)) for column in columns]
        rows.append(["*real data (floor)*", *floors, *blank])
    for index, published in enumerate(section.published, 1):
        printed = [escape(published.metrics.get(column.metric, "–")) for column in columns]
        rows.append([f"*{escape(published.model)}, published ({index})*", *printed, *blank])
    right = [False, *(True for _ in columns), False, True, True, True, True]
    return table(head, rows, right)


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return numbers.NOTHING
    mean = numbers.mean_text(cell.estimate)
    text = f"**{mean}**" if cell.best else mean
    text += " " + (escape(numbers.interval_text(cell.estimate)) or "(one seed)")
    return text if cell.estimate.n == cell.runs else f"{text} ({cell.estimate.n} of {cell.runs})"


def _costs(row: VariantRow) -> list[str]:
    spent = (row.kimg, row.seconds, row.images_per_second)
    return [*(numbers.amount(one.value if one else None) for one in spent), parameters_text(row)]


def _published_notes(section: Section) -> str:
    lines = []
    measured = {column.metric for column in section.table.columns}
    for index, published in enumerate(section.published, 1):
        address = words.paper_address(published.source)
        source = escape(published.source)
        source = f"[{source}]({address})" if address else source
        others = ", ".join(
            f"{name} {value}" for name, value in published.metrics.items() if name not in measured
        )
        also = f" Also printed there: {escape(others)}." if others else ""
        lines.append(f"({index}) {source}. {escape(published.differs)}{also}".strip())
    return "\n\n".join(lines)


def _samples(section: Section, report: Report) -> str:
    """Return the grids of the first seeds side by side, those of the others folded away."""
    shown = first_seeds(section, report.pictures)
    if not shown:
        return ""
    head, line, others = [], [], []
    for variant, picture, seed, further in shown:
        head.append(escape(variant) + ("" if seed is None else f", seed {seed}"))
        line.append(_image(picture.file, f"Samples of {variant}", 240))
        if further:
            images = " ".join(
                _image(one.file, f"Samples of {variant}, seed {number}", 160)
                for number, one in further
            )
            others.append(f"{escape(variant)}: {images}")
    grids = []
    for start in range(0, len(head), 4):
        part = slice(start, start + 4)
        grids.append(table(head[part], [line[part]], [False] * len(head[part])))
    folded = _folded("Samples of the other seeds", "\n\n".join(others)) if others else ""
    return "\n\n".join(["### Samples", *grids, *([folded] if folded else [])])


def _image(file: str, alternative: str, width: int) -> str:
    """Return a picture of a given width, which Markdown itself has no way to say."""
    plain = re.sub(r"[^\w .,+=()-]", " ", alternative)
    return f'<img src="{file}" width="{width}" alt="{plain}">'


def _budgets(section: Section) -> str:
    head, right = ["variant"], [False]
    for budget in section.budgets:
        name = escape(heading(budget.column))
        head += [
            f"{name} at {numbers.amount(budget.time.limit)} s",
            f"{name} at {numbers.amount(budget.kimg.limit)} kimg",
        ]
        right += [True, True]
    head.append(f"kimg at {numbers.amount(section.budgets[0].time.limit)} s")
    rows = [
        [
            escape(row.variant),
            *(
                _budget_cell(side, row.variant)
                for budget in section.budgets
                for side in (budget.time, budget.kimg)
            ),
            numbers.amount(section.budgets[0].time.kimg.get(row.variant)),
        ]
        for row in section.table.rows
        if row.cells
    ]
    return table(head, rows, [*right, True])


def _budget_cell(side: Budget, variant: str) -> str:
    estimate = side.values.get(variant)
    text = escape(numbers.estimate_text(estimate))
    missing = estimate is not None and estimate.n != side.runs[variant]
    return f"{text} ({estimate.n} of {side.runs[variant]})" if estimate and missing else text


def _comparisons(section: Section) -> str:
    if not section.comparisons:
        return ""
    head = ["variant", "metric", "difference", "pairs", "p (least)", "p, Holm", "P(better)", ""]
    rows = []
    for one in section.comparisons:
        paired = one.paired
        middle = (
            [
                escape(numbers.signed_text(paired.difference)),
                str(paired.n),
                f"{numbers.p_text(paired.p_value)} ({numbers.p_text(paired.smallest_p_value)})",
                numbers.p_text(one.corrected),
            ]
            if paired
            else ["no shared seeds", "0", numbers.NOTHING, numbers.NOTHING]
        )
        rows.append(
            [
                escape(one.variant),
                escape(heading(one.column)),
                *middle,
                numbers.fixed(one.improvement.probability, 2),
                one.verdict,
            ]
        )
    right = [False, False, True, True, True, True, True, False]
    baseline = section.comparisons[0].baseline
    return f"### Differences to {escape(baseline)}\n\n{table(head, rows, right)}"


def _unread(report: Report) -> str:
    return _bullets(
        f"{code(run.name)} {words.STATUS_WORDS.get(run.status, run.status)}"
        + (f": {escape(run.problem)}" if run.problem else "")
        for run in report.unread
    )


def _folded(summary: str, content: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{content}\n\n</details>"


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
