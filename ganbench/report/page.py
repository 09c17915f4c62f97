# SPDX-License-Identifier: MIT
"""The page: one HTML file that needs no other, no network and no server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
from markupsafe import Markup

from ganbench.records.record import Measurement, RunRecord
from ganbench.report import charts, numbers, words
from ganbench.report.across import Across
from ganbench.report.charts import Panel
from ganbench.report.pictures import Picture
from ganbench.report.section import Section
from ganbench.report.style import Style
from ganbench.report.tables import VariantRow, count_statuses, heading
from ganbench.stats import Estimate


@dataclass(frozen=True)
class Report:
    """All that is rendered, as HTML and as Markdown."""

    title: str
    runs: tuple[RunRecord, ...]
    sections: tuple[Section, ...]
    across: tuple[Across, ...]
    pictures: Mapping[str, Picture]
    environments: Mapping[str, Mapping[str, Any]]
    styles: Mapping[str, Style]

    @property
    def unread(self) -> tuple[RunRecord, ...]:
        """The runs that are not over or cannot be read, with what is wrong with them."""
        return tuple(run for run in self.runs if not run.counted)


def render_page(report: Report) -> str:
    """Return the HTML of a report. Every text of a record is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ganbench.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    environment.filters |= {
        "mean": numbers.mean_text,
        "interval": numbers.interval_text,
        "signed": numbers.signed_text,
        "amount": numbers.amount,
        "p": numbers.p_text,
        "percent": numbers.percent,
        "heading": heading,
        "measured": measured_text,
        "subtitle": words.subtitle,
        "machine": words.machine,
        "paper": words.paper_address,
    }
    page = environment.get_template("page.html.j2").render(
        report=report,
        words=words,
        bundle=Markup(charts.bundle()),
        panels=_numbered(report),
        data={key: rows for section in report.sections for key, rows in section.data.items()},
        first_seeds=first_seeds,
        count_statuses=count_statuses,
        parameters=parameters_text,
        number=numbers,
    )
    return page + "\n"


def _numbered(report: Report) -> dict[str, dict[str, Any]]:
    """Return the specifications of all charts by the name that their place in the page has."""
    named: dict[str, dict[str, Any]] = {}
    for section in report.sections:
        groups: tuple[tuple[str, Sequence[Panel]], ...] = (
            ("effects", section.effects),
            ("dots", section.dots),
            ("curves", [panel for course in section.courses for panel in course.panels]),
            ("profiles", [panel for one in section.profiles for panel in one.panels]),
            ("losses", [panel for line in section.losses for panel in line]),
        )
        for kind, panels in groups:
            for index, panel in enumerate(panels):
                named[f"{section.slug}-{kind}-{index}"] = {"spec": panel.page(), "data": panel.data}
    return named


def measured_text(measurement: Measurement) -> str:
    """Return one run's value with the interval of the measurement itself, where it has one."""
    if measurement.value is None:
        return numbers.NOTHING
    return numbers.estimate_text(
        Estimate(measurement.value, measurement.low, measurement.high, measurement.n or 0, "")
    )


def parameters_text(row: VariantRow) -> str:
    """Return how many parameters generator and discriminator have, in millions or thousands."""
    for run in row.runs:
        if run.parameters:
            return " / ".join(
                _large(run.parameters.get(role)) for role in ("generator", "discriminator")
            )
    return numbers.NOTHING


def _large(count: int | None) -> str:
    if count is None:
        return numbers.NOTHING
    if count >= 1_000_000:
        return f"{count / 1e6:.3g} M"
    return f"{count / 1e3:.3g} k" if count >= 1000 else str(count)


def first_seeds(
    section: Section, pictures: Mapping[str, Picture]
) -> list[tuple[str, Picture, int | None, list[tuple[int | None, Picture]]]]:
    """Return for each variant its first seed's picture, and the pictures of the others."""
    found = []
    for row in section.drawn.rows:
        shown = [(run.seed, pictures[run.name]) for run in row.runs if run.name in pictures]
        if shown:
            (seed, picture), *others = shown
            found.append((row.variant, picture, seed, others))
    return found
