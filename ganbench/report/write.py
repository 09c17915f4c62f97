# SPDX-License-Identifier: MIT
"""A report on disk: the page, the Markdown, the pictures, and the records that they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ganbench.analysis.across_datasets import across
from ganbench.analysis.comparison import PLAIN
from ganbench.analysis.published import PublishedRow
from ganbench.errors import UnknownNameError, suggest
from ganbench.records.archive import condense, is_archive, write_archive
from ganbench.records.atomic_files import replacing, storage_errors, write_text
from ganbench.records.environment import lasting
from ganbench.records.run_record import RunRecord
from ganbench.records.speed_record import SpeedRecord, write_speeds
from ganbench.report.charts.panels import Panel, still
from ganbench.report.charts.style import styles
from ganbench.report.dataset_section import Section, sections
from ganbench.report.markdown.document import render_markdown
from ganbench.report.page import Report, render_page
from ganbench.report.pictures import sample_pictures
from ganbench.report.speed.speed_section import Speed, speed

MOST_LOSSES = 12
"""So many variants' losses are in a still picture."""


@dataclass(frozen=True)
class ReportFiles:
    """Where the parts of a report lie."""

    folder: Path
    page: Path
    markdown: Path
    results: Path
    pictures: tuple[Path, ...]


def write_report(
    runs: Sequence[RunRecord],
    out: Path,
    *,
    title: str,
    published: Sequence[PublishedRow] = (),
    baseline: str | None = None,
    metric: str | None = None,
    speeds: Sequence[SpeedRecord] = (),
) -> ReportFiles:
    """Write a report of runs into a folder, replacing an earlier one.

    The same runs give the same bytes. Nothing is measured here, and nothing written holds a
    path of this machine. ``published`` rows are shown with the datasets that they name;
    ``baseline`` is what others are compared with: a variant, a set of tricks, or ``none``;
    ``metric`` is the one that the verdicts' sentences are about; ``speeds`` are measurements of
    speed, which are shown beside the runs, or alone.

    Raises:
        UnknownNameError: no run is of the baseline, or has the metric.
        StorageError: the folder cannot be written.
    """
    report = make_report(
        runs, title=title, published=published, baseline=baseline, metric=metric, speeds=speeds
    )
    contents: dict[str, bytes] = {
        picture.file: picture.data for picture in report.pictures.values()
    }
    stills: dict[str, dict[str, str]] = {}
    every = {section.slug: still_charts(section) for section in report.sections}
    for name, drawn in {**every, "speed": _still_speed(report.speed)}.items():
        stills[name] = {kind: f"charts/{name}-{kind}.svg" for kind in drawn}
        contents |= {stills[name][kind]: svg.encode() for kind, svg in drawn.items()}
    page, markdown = render_page(report), render_markdown(report, stills)

    _clear(
        out,
        {
            *contents,
            *(f"env/{name}.json" for name in report.environments),
            *(f"throughput/{one.name}.json" for one in speeds),
        },
    )
    for file, data in contents.items():
        # On a busy disk a hundred synced pictures take minutes.
        with replacing(out / file, sync=False) as temporary:
            temporary.write_bytes(data)
    write_text(out / "index.html", page)
    write_text(out / "README.md", markdown)
    grids = {name: picture.file for name, picture in report.pictures.items()}
    write_archive(out, report.runs, grids)
    for one in report.speed.documents if report.speed else ():
        write_speeds(out, one.document)
    return ReportFiles(
        folder=out,
        page=out / "index.html",
        markdown=out / "README.md",
        results=out / "results.jsonl",
        pictures=tuple(out / file for file in contents),
    )


def make_report(
    runs: Sequence[RunRecord],
    *,
    title: str,
    published: Sequence[PublishedRow] = (),
    baseline: str | None = None,
    metric: str | None = None,
    speeds: Sequence[SpeedRecord] = (),
) -> Report:
    """Gather all that a report shows; its curves are thinned (see ``condense``)."""
    variants = list(dict.fromkeys(run.variant for run in runs if run.dataset))
    _check(baseline, [*variants, *(run.tricks or PLAIN for run in runs)], "run is of the variant")
    _check(metric, [name for run in runs for name in run.metrics], "run has the metric")
    drawn = styles(variants)
    made = tuple(sections(runs, published, drawn, baseline, metric))
    read = {run.name: run for section in made for row in section.drawn.rows for run in row.runs}
    every = tuple(read.get(run.name) or _bare(run) for run in runs)
    pictured = {name for section in made for name in section.chosen.first}
    return Report(
        title=title,
        runs=every,
        sections=made,
        across=tuple(
            across(
                [section.table for section in made],
                {section.dataset: section.comparisons for section in made},
            )
        ),
        pictures=sample_pictures(run for run in every if run.name in pictured),
        environments={
            run.environment_id: lasting(run.environment) for run in every if run.environment_id
        },
        styles=drawn,
        speed=speed(speeds),
    )


def _bare(run: RunRecord) -> RunRecord:
    """Return a run that is not drawn, as it is kept."""
    return condense(run) if not run.dataset else replace(run, curves=(), losses=(), grids=())


def _check(name: str | None, known: Sequence[str], what: str) -> None:
    """Raise an UnknownNameError unless there is what was asked for."""
    if name is None or name in known:
        return
    listed = list(dict.fromkeys(known))
    raise UnknownNameError(
        f"No {what} '{name}'. {suggest(name, listed)}".strip(),
        f"There are: {', '.join(listed)}." if listed else "",
    )


def still_charts(section: Section) -> dict[str, str]:
    """Return the still pictures of a section as SVG, by kind.

    Of curves that have a panel for each variant there are those of the main metric.
    """
    together = [course.panels for course in section.courses if course.together]
    apart = [course.panels for course in section.courses if not course.together][:1]
    # Of many runs the losses are on the page alone.
    losses: list[Sequence[Panel]] = [
        line for line in section.losses if line and section.chosen.whole
    ]
    rows: dict[str, tuple[list[Sequence[Panel]], int]] = {
        "effects": (_lines(section.effects, 2), 300),
        "metrics": (_lines(section.dots, 3), 230),
        "curves": (([*together], 360) if together else (_lines([*(apart or [()])[0]], 4), 190)),
        "profiles": (
            [line for one in section.profiles for line in _lines(one.panels, 4)],
            190,
        ),
        "losses": (losses[:MOST_LOSSES], 360),
    }
    return {
        kind: still(lines, section.data, width) for kind, (lines, width) in rows.items() if lines
    }


def _still_speed(found: Speed | None) -> dict[str, str]:
    """Return the still pictures of the section on speed, by kind."""
    if found is None:
        return {}
    return {
        kind: still(_lines(panels, 2), found.data, 360)
        for kind, panels in found.panels.items()
        if panels
    }


def _lines(panels: Sequence[Panel], count: int) -> list[Sequence[Panel]]:
    """Return panels in lines of so many."""
    return [panels[index : index + count] for index in range(0, len(panels), count)]


def _clear(out: Path, kept: set[str]) -> None:
    """Remove an earlier report's pictures and copied records that this one does not have."""
    if not is_archive(out):
        return
    for pattern in ("charts/*.svg", "samples/*.png", "env/*.json", "throughput/*.json"):
        for path in sorted(out.glob(pattern)):
            if path.relative_to(out).as_posix() not in kept:
                with storage_errors(path):
                    path.unlink()
