# SPDX-License-Identifier: MIT
"""The page: one HTML file that needs no other, no network and no server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
from markupsafe import Markup

from ganbench.analysis import number_text
from ganbench.analysis.across_datasets import Across
from ganbench.analysis.stats import Estimate
from ganbench.analysis.tables import VariantRow, count_statuses, heading
from ganbench.records.measurement import Measurement
from ganbench.records.run_record import RunRecord
from ganbench.report import sentences
from ganbench.report.charts import panels
from ganbench.report.charts.panels import Panel, Rows
from ganbench.report.charts.style import Style
from ganbench.report.dataset_section import Section
from ganbench.report.pictures import Picture
from ganbench.report.speed import speed_charts, speed_sentences, speed_table
from ganbench.report.speed.speed_section import Speed


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
    speed: Speed | None = None

    @property
    def lede(self) -> str:
        """What is to be seen, in one sentence."""
        if self.speed and not self.runs:
            return speed_sentences.summary(self.speed)
        return sentences.sentence(self.runs)

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
        "mean": number_text.mean_text,
        "interval": number_text.interval_text,
        "signed": number_text.signed_text,
        "amount": number_text.amount,
        "p": number_text.p_text,
        "percent": number_text.percent,
        "heading": heading,
        "measured": measured_text,
        "subtitle": sentences.subtitle,
        "machine": sentences.machine,
        "paper": sentences.paper_address,
    }
    page = environment.get_template("page.html.j2").render(
        report=report,
        sentences=sentences,
        bundle=Markup(panels.bundle()),
        panels=_numbered(report),
        data=_data(report),
        first_seeds=first_seeds,
        count_statuses=count_statuses,
        parameters=parameters_text,
        number=number_text,
        speed_sentences=speed_sentences,
        speed_table=speed_table,
        part_colors=speed_charts.COLORS,
    )
    return page + "\n"


def _data(report: Report) -> dict[str, Rows]:
    """Return the data of all charts by name."""
    own = report.speed.data if report.speed else {}
    return {key: rows for one in report.sections for key, rows in one.data.items()} | dict(own)


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
        for kind, group in groups:
            for index, panel in enumerate(group):
                named[f"{section.slug}-{kind}-{index}"] = {"spec": panel.page(), "data": panel.data}
    for kind, group in report.speed.panels.items() if report.speed else ():
        for index, panel in enumerate(group):
            named[f"speed-{kind}-{index}"] = {"spec": panel.page(), "data": panel.data}
    return named


def measured_text(measurement: Measurement) -> str:
    """Return one run's value with the interval of the measurement itself, where it has one."""
    if measurement.value is None:
        return number_text.NOTHING
    return number_text.estimate_text(
        Estimate(measurement.value, measurement.low, measurement.high, measurement.n or 0, "")
    )


def parameters_text(row: VariantRow) -> str:
    """Return how many parameters generator and discriminator have, in millions or thousands."""
    for run in row.runs:
        if run.parameters:
            return " / ".join(
                number_text.large(run.parameters.get(role))
                for role in ("generator", "discriminator")
            )
    return number_text.NOTHING


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
