# SPDX-License-Identifier: MIT
"""The report as Markdown, to be read where code is hosted: tables, and still pictures."""

from __future__ import annotations

from collections.abc import Mapping

from ganbench.analysis import number_text
from ganbench.analysis.equal_budgets import Budget
from ganbench.analysis.tables import TableCell, VariantRow, count_statuses, heading
from ganbench.report import sentences
from ganbench.report.dataset_section import Section
from ganbench.report.markdown.markdown_text import (
    bullets,
    code,
    details_block,
    escape,
    image,
    table,
)
from ganbench.report.markdown.speed_markdown import speed_parts
from ganbench.report.markdown.verdicts_markdown import (
    across_parts,
    difference_parts,
    stability_parts,
    verdict_parts,
)
from ganbench.report.page import Report, first_seeds, parameters_text

MOST_UNREAD = 60


def render_markdown(report: Report, stills: Mapping[str, Mapping[str, str]]) -> str:
    """Return the Markdown of a report; ``stills`` are the charts' files by section and kind."""
    statuses = escape(sentences.statuses(count_statuses(report.runs)))
    parts = [
        f"# {escape(report.title)}",
        escape(report.lede),
        f"{f'{statuses}. ' if statuses else ''}The same with charts to point at: "
        "[index.html](index.html), one file that needs no network.",
    ]
    for section in report.sections:
        parts += _section(section, report, stills.get(section.slug, {}))
    parts += across_parts(report.across)
    parts += speed_parts(report.speed, stills.get("speed", {}))
    if report.unread:
        parts += ["## Runs without a result", _unread(report)]
    if report.runs:
        parts += ["## How to read these numbers", bullets(map(escape, sentences.HOW_TO_READ))]
    if report.environments:
        lines = [
            f"[{code(name)}](env/{name}.json) {escape(sentences.machine(environment))}"
            for name, environment in report.environments.items()
        ]
        parts += ["## Environments", bullets(lines)]
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
    if len(section.threads) > 1:
        parts.append(f"**{escape(sentences.threads_warning(section.threads))}**")
    parts += [escape(line) for line in section.left_out]
    parts += verdict_parts(section)
    if "effects" in stills:
        parts += [
            "### The effect of each, seed by seed",
            f"![Differences to the baseline on {name}]({stills['effects']})",
            escape(sentences.EFFECTS_NOTE),
        ]
    if section.verdicts:
        parts.append("### Every variant")
    parts += [_metrics(section), _published_notes(section)]
    if "metrics" in stills:
        parts.append(f"![Metrics on {name}, seed by seed]({stills['metrics']})")
    parts.append(_samples(section, report))
    if "curves" in stills:
        parts += [
            "### In the course of training",
            f"![Metrics on {name} during training]({stills['curves']})",
            escape(
                sentences.CURVES_NOTE if section.courses[0].together else sentences.MULTIPLES_NOTE
            ),
        ]
    parts += stability_parts(section, stills.get("profiles"))
    if section.budgets:
        parts += [
            "### At the same time, at the same kimg",
            _budgets(section),
            escape(sentences.budgets_note(section.budgets)),
        ]
    parts += difference_parts(section)
    if "losses" in stills:
        picture = f"![Losses and logits on {name}]({stills['losses']})"
        parts.append(
            details_block("Losses and logits", f"{picture}\n\n{escape(sentences.LOSSES_NOTE)}")
        )
    protocols = [
        f"{escape(column.name)}: {code(column.protocol) if column.protocol else 'not recorded'}"
        for column in section.table.columns
    ]
    if protocols:
        parts.append(details_block("Protocols", bullets(protocols)))
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
            escape(sentences.statuses(row.statuses)),
            *_costs(row),
        ]
        for row in section.rows
    ]
    blank = [""] * 5
    if section.table.floors:
        floors = [number_text.amount(section.table.floors.get(column.name)) for column in columns]
        rows.append(["*real data (floor)*", *floors, *blank])
    for index, published in enumerate(section.published, 1):
        printed = [escape(published.metrics.get(column.metric, "–")) for column in columns]
        rows.append([f"*{escape(published.model)}, published ({index})*", *printed, *blank])
    right = [False, *(True for _ in columns), False, True, True, True, True]
    return table(head, rows, right)


def _cell(cell: TableCell | None) -> str:
    if cell is None:
        return number_text.NOTHING
    mean = number_text.mean_text(cell.estimate)
    text = f"**{mean}**" if cell.best else mean
    text += " " + (escape(number_text.interval_text(cell.estimate)) or "(one seed)")
    return text if cell.estimate.n == cell.runs else f"{text} ({cell.estimate.n} of {cell.runs})"


def _costs(row: VariantRow) -> list[str]:
    spent = (row.kimg, row.seconds, row.images_per_second)
    return [
        *(number_text.amount(one.value if one else None) for one in spent),
        parameters_text(row),
    ]


def _published_notes(section: Section) -> str:
    lines = []
    measured = {column.metric for column in section.table.columns}
    for index, published in enumerate(section.published, 1):
        address = sentences.paper_address(published.source)
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
        line.append(image(picture.file, f"Samples of {variant}", 240))
        if further:
            images = " ".join(
                image(one.file, f"Samples of {variant}, seed {number}", 160)
                for number, one in further
            )
            others.append(f"{escape(variant)}: {images}")
    grids = []
    for start in range(0, len(head), 4):
        part = slice(start, start + 4)
        grids.append(table(head[part], [line[part]], [False] * len(head[part])))
    if others:
        others = [details_block("Samples of the other seeds", "\n\n".join(others))]
    return "\n\n".join(["### Samples", *grids, escape(sentences.SAMPLES_NOTE), *others])


def _budgets(section: Section) -> str:
    head, right = ["variant"], [False]
    for budget in section.budgets:
        name = escape(heading(budget.column))
        head += [
            f"{name} at {number_text.amount(budget.time.limit)} s",
            f"{name} at {number_text.amount(budget.kimg.limit)} kimg",
        ]
        right += [True, True]
    head.append(f"kimg at {number_text.amount(section.budgets[0].time.limit)} s")
    rows = [
        [
            escape(row.variant),
            *(
                _budget_cell(side, row.variant)
                for budget in section.budgets
                for side in (budget.time, budget.kimg)
            ),
            number_text.amount(section.budgets[0].time.kimg.get(row.variant)),
        ]
        for row in section.table.rows
        if row.cells
    ]
    return table(head, rows, [*right, True])


def _budget_cell(side: Budget, variant: str) -> str:
    estimate = side.values.get(variant)
    text = escape(number_text.estimate_text(estimate))
    missing = estimate is not None and estimate.n != side.runs[variant]
    return f"{text} ({estimate.n} of {side.runs[variant]})" if estimate and missing else text


def _unread(report: Report) -> str:
    further = len(report.unread) - MOST_UNREAD
    lines = [
        f"{code(run.name)} {sentences.STATUS_WORDS.get(run.status, run.status)}"
        + (f": {escape(run.problem)}" if run.problem else "")
        for run in report.unread[:MOST_UNREAD]
    ]
    return bullets([*lines, *([f"and {further:,} more"] if further > 0 else [])])
