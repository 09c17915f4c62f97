# SPDX-License-Identifier: MIT
"""A report on disk: the page, the Markdown, the pictures, and the records that it is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganbench.analysis.published import PublishedRow
from ganbench.records.archive import write_archive
from ganbench.records.atomic_files import replacing
from ganbench.records.own_files import check_own, own_files, replacing_own
from ganbench.records.run_record import RunRecord
from ganbench.records.speed_record import (
    SPEED_FOLDER,
    SpeedRecord,
    find_speeds,
    write_speeds,
)
from ganbench.report import notes
from ganbench.report.charts.drawing import draw
from ganbench.report.charts.stills import compact, still_specification
from ganbench.report.content_blocks import Charts, Paragraph, all_charts
from ganbench.report.earlier_report import earlier_report
from ganbench.report.make_report import make_report
from ganbench.report.markdown.markdown_blocks import render_markdown
from ganbench.report.page import render_page
from ganbench.report.report_chapters import report_blocks


@dataclass(frozen=True)
class ReportFiles:
    """The places of the parts of a report.

    ``charts`` is False where there was too little memory to draw them.
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
) -> ReportFiles:
    """Write a report of runs into a folder, where it replaces an earlier one.

    Other files stay as they are: one that is in the way is an error. The same runs give the same bytes. Nothing is measured here, and nothing that is written holds
    a path of this machine.

    Args:
        runs: The runs, as ``load_runs`` returns them.
        out: The folder.
        title: The title of the page.
        published: Published rows, each shown with the dataset that it names.
        baseline: What treatments are compared with: a variant, a set of tricks, or ``none``.
        metric: The main metric, which the sentences are about.
        speeds: Measurements of speed, shown next to the runs or alone.

    Raises:
        UnknownNameError: No run belongs to the baseline, or none has the metric.
        StorageError: The folder cannot be written, or holds another file of a name that the
            report needs.
    """
    report = make_report(
        runs, title=title, published=published, baseline=baseline, metric=metric, speeds=speeds
    )
    blocks = report_blocks(report)
    groups = list(all_charts(blocks))
    copied = _copied(out, report.speed.documents if report.speed else ())
    records = {
        *("index.html", "README.md", "results.jsonl", "runs.jsonl"),
        *(f"env/{name}.json" for name in report.environments),
        *(f"{SPEED_FOLDER}/{record.name}.json" for record in copied),
    }
    shown = {picture.file: picture.data for picture in report.pictures.values()}
    still_files = {group.name: f"charts/{group.name}.svg" for group in groups if group.still_panels}
    earlier = earlier_report(out)
    check_own(out, {*records, *shown, *still_files.values()}, earlier)

    drawn = draw(_specifications(groups)) if groups else {}
    if drawn is None:
        blocks, drawn, still_files = (Paragraph(notes.NO_CHARTS, role="warning"), *blocks), {}, {}
    stills = {name: compact(svg) for name, svg in drawn.items()}
    shown |= {
        file: stills.get(_shortened(name), stills[name]).encode()
        for name, file in still_files.items()
    }
    shown["index.html"] = render_page(report, blocks, stills).encode()
    shown["README.md"] = render_markdown(report, blocks, still_files).encode()
    with replacing_own(out, {*records, *shown}, earlier):
        for file, data in shown.items():
            # On a busy disk a hundred synced pictures take minutes.
            with replacing(out / file, sync=False) as temporary:
                temporary.write_bytes(data)
        write_archive(
            out, report.runs, {name: picture.file for name, picture in report.pictures.items()}
        )
        for record in copied:
            write_speeds(out, record.document)
    return ReportFiles(
        folder=out,
        page=out / "index.html",
        markdown=out / "README.md",
        results=out / "results.jsonl",
        pictures=tuple(out / file for file in shown if file not in records),
        charts=bool(stills) or not groups,
    )


_PANELS_A_LINE = {"two": 2, "three": 3, "small": 4}


def _specifications(groups: Iterable[Charts]) -> dict[str, dict[str, Any]]:
    """Return the still pictures to draw: of all panels, and of those that Markdown shows."""
    specifications = {}
    for group in groups:
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
