# SPDX-License-Identifier: MIT
"""A report on disk: the page, the Markdown, the pictures, and the records that it is made of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganbench.analysis.claims import PaperClaim
from ganbench.analysis.published import PublishedRow
from ganbench.records.archive import RESULT_ROWS, RUN_ROWS, write_archive
from ganbench.records.atomic_files import replacing, utf8
from ganbench.records.event_curves import EventCurve
from ganbench.records.own_files import check_own, own_files, replacing_own
from ganbench.records.run_record import RunRecord
from ganbench.records.speed_record import (
    SPEED_FOLDER,
    SpeedRecord,
    find_speeds,
    write_speeds,
)
from ganbench.report import notes
from ganbench.report.charts.drawing import draw_charts, draw_figures
from ganbench.report.charts.stills import compact, still_specification
from ganbench.report.closer_looks import LookCloser
from ganbench.report.content_blocks import Block, Charts, Paragraph, all_charts
from ganbench.report.earlier_report import earlier_report
from ganbench.report.make_report import Report, make_report
from ganbench.report.markdown.markdown_blocks import render_markdown
from ganbench.report.page import render_page
from ganbench.report.paste.column_figures import column_figures
from ganbench.report.paste.formats import USUAL_FORMATS, check_formats, paste_files
from ganbench.report.report_chapters import report_blocks

_PAGES = {"html": "index.html", "md": "README.md"}
_PICTURE_FOLDERS = ("charts/", "samples/")


@dataclass(frozen=True)
class ReportFiles:
    """The places of the parts of a report.

    ``page`` is its first part, the HTML if there is one; ``markdown`` is there if that format was
    asked for. ``charts`` is False where there was too little memory to draw them.
    """

    folder: Path
    page: Path
    markdown: Path
    results: Path
    pictures: tuple[Path, ...]
    charts: bool


def write_report(
    runs: Sequence[RunRecord],
    out: Path,
    *,
    title: str,
    published: Sequence[PublishedRow] = (),
    baseline: str | None = None,
    metric: str | None = None,
    speeds: Sequence[SpeedRecord] = (),
    formats: Collection[str] = USUAL_FORMATS,
    events: Sequence[EventCurve] = (),
    look: LookCloser | None = None,
    claims: Mapping[str, PaperClaim] | None = None,
) -> ReportFiles:
    """Write a report of runs into a folder, where it replaces an earlier one.

    Other files stay as they are: one that is in the way is an error. The same runs give the same
    bytes. Nothing is measured here, and nothing that is written holds a path of this machine.

    Args:
        runs: The runs, as ``load_runs`` returns them.
        out: The folder.
        title: The title of the page.
        published: Published rows, each shown with the dataset that it names.
        baseline: What treatments are compared with: a variant, a set of tricks, or ``none``.
        metric: The main metric, which the sentences are about.
        speeds: Measurements of speed, shown next to the runs or alone.
        formats: Some of ``FORMATS``: what to write of the report beside its records.
        events: Curves that other tools wrote, shown in a chapter of their own.
        look: Draws closer looks at the best runs, which only the page shows; None draws none.
        claims: What papers claim for tricks, by trick, shown next to what was found.

    Raises:
        ConfigError: A format is unknown.
        MissingDataError: A format needs a package that is not installed.
        UnknownNameError: No run belongs to the baseline, or none has the metric.
        StorageError: The folder cannot be written, or holds another file of a name that the
            report needs.
    """
    formats = check_formats(formats)
    report = make_report(
        runs,
        title=title,
        published=published,
        baseline=baseline,
        metric=metric,
        speeds=speeds,
        events=events,
        out=out,
        look=look if "html" in formats else None,
        claims=claims,
    )
    blocks = report_blocks(report)
    copied = _copied(out, report.speed.documents if report.speed else ())
    records = _records(report, copied)
    pictures = {picture.file: picture.data for picture in report.illustrations.grids.values()}
    earlier = earlier_report(out)
    pages = [_PAGES[name] for name in formats if name in _PAGES]
    tables = paste_files(report.sections, formats)
    vectors = column_figures(all_charts(blocks)) if "latex" in formats else {}
    stills = _still_files(all_charts(blocks)).values() if "md" in formats else ()
    expected = {*pages, *records, *pictures, *stills, *tables, *vectors}
    check_own(out, expected, earlier)  # before anything is drawn

    drawn = draw_charts(_specifications(all_charts(blocks))) if pages else {}
    figures = draw_figures(vectors) if vectors else {}
    rendered = {**pictures, **_rendered(report, blocks, drawn, pages), **tables, **(figures or {})}
    rendered = {file: data for file, data in rendered.items() if file in expected}
    with replacing_own(out, {*records, *rendered}, earlier):
        _write_files(out, rendered, report, copied)
    first = next(iter([*pages, *tables, RESULT_ROWS]))
    return _written(out, first, rendered, charts=drawn is not None and figures is not None)


def _written(out: Path, first: str, rendered: Iterable[str], *, charts: bool) -> ReportFiles:
    return ReportFiles(
        folder=out,
        page=out / first,
        markdown=out / "README.md",
        results=out / RESULT_ROWS,
        pictures=tuple(out / file for file in rendered if file.startswith(_PICTURE_FOLDERS)),
        charts=charts,
    )


def _write_files(
    out: Path, rendered: Mapping[str, bytes], report: Report, copied: Iterable[SpeedRecord]
) -> None:
    for file, data in rendered.items():
        # On a busy disk a hundred synced pictures take minutes.
        with replacing(out / file, sync=False) as temporary:
            temporary.write_bytes(data)
    write_archive(
        out,
        report.runs,
        {name: picture.file for name, picture in report.illustrations.grids.items()},
    )
    for record in copied:
        write_speeds(out, record.document)


def _records(report: Report, copied: Iterable[SpeedRecord]) -> set[str]:
    """Return the files of the records that the report is made of."""
    return {
        *(RESULT_ROWS, RUN_ROWS),
        *(f"env/{name}.json" for name in report.environments),
        *(f"{SPEED_FOLDER}/{record.name}.json" for record in copied),
    }


def _rendered(
    report: Report,
    blocks: tuple[Block, ...],
    drawn: Mapping[str, str] | None,
    pages: Collection[str],
) -> dict[str, bytes]:
    """Return the page, the Markdown, and the charts that it shows, by their files.

    Args:
        report: The report.
        blocks: Its blocks.
        drawn: What ``_specifications`` asks for as SVG; None where it could not be drawn.
        pages: Those of the two that are written, none of which leads to one that is not.
    """
    if drawn is None:
        blocks = (Paragraph(notes.NO_CHARTS, role="warning"), *blocks)
    stills = {name: compact(picture) for name, picture in (drawn or {}).items()}
    files = _still_files(all_charts(blocks)) if stills else {}
    rendered = {
        file: utf8(stills.get(_shortened(name), stills[name])) for name, file in files.items()
    }
    html, markdown = _PAGES.values()
    if html in pages:
        page = render_page(report, blocks, stills, markdown=markdown in pages)
        rendered[html] = utf8(page)
    if markdown in pages:
        rendered[markdown] = utf8(render_markdown(report, blocks, files, page=html in pages))
    return rendered


def _still_files(charts: Iterable[Charts]) -> dict[str, str]:
    """Return the files of the still pictures that Markdown shows, by the names of the charts."""
    return {group.name: f"charts/{group.name}.svg" for group in charts if group.still_panels}


_PANELS_A_LINE = {"two": 2, "three": 3, "small": 4}


def _specifications(charts: Iterable[Charts]) -> dict[str, dict[str, Any]]:
    """Return the still pictures to draw: of all panels, and of those that Markdown shows."""
    specifications = {}
    for group in charts:
        columns = _PANELS_A_LINE[group.layout]
        specifications[group.name] = still_specification(group.panels, columns, group.width)
        if 0 < len(group.still_panels) < len(group.panels):
            specifications[_shortened(group.name)] = still_specification(
                group.still_panels, columns, group.width
            )
    return specifications


def _shortened(name: str) -> str:
    """Return the name of a still picture that holds only the panels that Markdown shows."""
    return f"{name} shortened"


def _copied(out: Path, records: Iterable[SpeedRecord]) -> list[SpeedRecord]:
    """Return the measurements of speed that are to be copied into a report.

    A folder of runs may be the folder of the report, too: what was measured there stays as it is.
    """
    own = {path.name for path in own_files(out) if path.parent.name == SPEED_FOLDER}
    there = {record.name: record.document for record in find_speeds(out)}
    return [
        record
        for record in records
        if f"{record.name}.json" in own or there.get(record.name) != record.document
    ]
