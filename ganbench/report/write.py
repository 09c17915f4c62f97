# SPDX-License-Identifier: MIT
"""A report on disk: the page, the Markdown, the pictures, and the records that they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ganbench.errors import UnknownNameError, suggest
from ganbench.records.archive import condense, is_archive, write_archive
from ganbench.records.environment import lasting
from ganbench.records.files import replacing, storage_errors, write_text
from ganbench.records.record import RunRecord
from ganbench.report.charts import Panel, still
from ganbench.report.comparison import PLAIN
from ganbench.report.markdown import render_markdown
from ganbench.report.page import Report, render_page
from ganbench.report.pictures import sample_pictures
from ganbench.report.published import PublishedRow
from ganbench.report.section import Section, sections
from ganbench.report.style import styles


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
) -> ReportFiles:
    """Write a report of runs into a folder, replacing an earlier one.

    The same runs give the same bytes. Nothing is measured here, and nothing written holds a
    path of this machine. ``published`` rows are shown with the datasets that they name;
    ``baseline`` is the variant that others are compared with.

    Raises:
        UnknownNameError: no run is of the baseline.
        StorageError: the folder cannot be written.
    """
    report = make_report(runs, title=title, published=published, baseline=baseline)
    contents: dict[str, bytes] = {
        picture.file: picture.data for picture in report.pictures.values()
    }
    stills: dict[str, dict[str, str]] = {}
    for section in report.sections:
        drawn = still_charts(section)
        stills[section.slug] = {kind: f"charts/{section.slug}-{kind}.svg" for kind in drawn}
        contents |= {stills[section.slug][kind]: svg.encode() for kind, svg in drawn.items()}
    page, markdown = render_page(report), render_markdown(report, stills)

    _clear(out, {*contents, *(f"env/{name}.json" for name in report.environments)})
    for file, data in contents.items():
        with replacing(out / file) as temporary:
            temporary.write_bytes(data)
    write_text(out / "index.html", page)
    write_text(out / "README.md", markdown)
    grids = {name: picture.file for name, picture in report.pictures.items()}
    write_archive(out, report.runs, grids)
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
) -> Report:
    """Gather all that a report shows; its curves are thinned (see ``condense``)."""
    condensed = tuple(condense(run) for run in runs)
    variants = list(dict.fromkeys(run.variant for run in condensed if run.dataset))
    known = {**dict.fromkeys(variants), **{run.tricks or PLAIN: None for run in condensed}}
    if baseline is not None and baseline not in known:
        raise UnknownNameError(
            f"No run is of the variant '{baseline}'. {suggest(baseline, known)}".strip(),
            f"There are: {', '.join(variants)}." if variants else "",
        )
    drawn = styles(variants)
    return Report(
        title=title,
        runs=condensed,
        sections=tuple(sections(condensed, published, drawn, baseline)),
        pictures=sample_pictures(condensed),
        environments={
            run.environment_id: lasting(run.environment) for run in condensed if run.environment_id
        },
        styles=drawn,
    )


def still_charts(section: Section) -> dict[str, str]:
    """Return the still pictures of a section as SVG, by kind."""
    dots: list[Sequence[Panel]] = [
        section.dots[index : index + 3] for index in range(0, len(section.dots), 3)
    ]
    rows: dict[str, tuple[list[Sequence[Panel]], int]] = {
        "metrics": (dots, 230),
        "curves": (list(section.curves), 360),
        "losses": ([line for line in section.losses if line], 360),
    }
    return {
        kind: still(lines, section.data, width) for kind, (lines, width) in rows.items() if lines
    }


def _clear(out: Path, kept: set[str]) -> None:
    """Remove an earlier report's pictures and environments that this one does not have."""
    if not is_archive(out):
        return
    for pattern in ("charts/*.svg", "samples/*.png", "env/*.json"):
        for path in sorted(out.glob(pattern)):
            if path.relative_to(out).as_posix() not in kept:
                with storage_errors(path):
                    path.unlink()
