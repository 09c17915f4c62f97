# SPDX-License-Identifier: MIT
"""``ganbench report``: one page of tables, curves and sample grids from stored runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganbench.cli import options
from ganbench.cli.idle_options import refuse_all_but
from ganbench.cli.options import MEASURING, OUTPUT, WHAT
from ganbench.cli.output import console, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ganbench.analysis.published import PublishedRow
    from ganbench.records.run_record import RunRecord
    from ganbench.report.closer_looks import LookCloser

EXAMPLES = """\
Examples:

ganbench report

ganbench report runs/compare --out report

ganbench report runs/compare --baseline none --metric modes

ganbench report runs/digits runs/ring8 --out reports --title "Three GANs on digits"

ganbench report runs/speed --out reports/speed

ganbench report runs/compare --format latex,csv --out paper

ganbench report --diff reports/before reports/after

ganbench report --diff HEAD~1:reports/digits reports/digits

ganbench report runs --curves stylegan2=logs/stylegan2
"""


def command(
    context: typer.Context,
    runs: Annotated[
        list[Path] | None, typer.Argument(help="Folders of runs, at any depth (default: runs).")
    ] = None,
    curves: Annotated[
        list[str] | None,
        typer.Option(
            help="Scalars of another tool to draw, from TensorBoard's event files (repeatable).",
            metavar="NAME=DIR",
            rich_help_panel=WHAT,
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            help="Primary metric, which the verdicts are about (default: that of the comparison).",
            metavar="NAME",
            rich_help_panel=MEASURING,
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            help="Set of tricks (none: without any), or variant, that the others are compared "
            "with.",
            metavar="NAME",
            rich_help_panel=MEASURING,
        ),
    ] = None,
    title: Annotated[
        str, typer.Option(help="Title of the page.", metavar="TEXT", rich_help_panel=OUTPUT)
    ] = "ganbench report",
    formats: Annotated[
        str,
        typer.Option(
            "--format",
            help="What to write: html, md, latex (tables with booktabs, charts as PDF), csv, "
            "parquet, separated by commas.",
            metavar="NAMES",
            rich_help_panel=OUTPUT,
        ),
    ] = "html,md",
    diff: Annotated[
        tuple[str, str] | None,
        typer.Option(
            help="Write nothing, and show what changed from A to B: two folders of runs or "
            "reports, or COMMIT:FOLDER of this git repository.",
            metavar="A B",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    looks: Annotated[
        bool,
        typer.Option(
            "--looks/--no-looks",
            help="Load the networks of the best runs, and show what they draw between latents, "
            "which training images come nearest, and planes of points (default), or do not.",
            rich_help_panel=OUTPUT,
        ),
    ] = True,
    out: options.Out = None,
    as_json: options.JsonFlag = False,
) -> None:
    """Write one offline HTML page, and the same as Markdown, from stored runs; train nothing.

    Speeds that ganbench throughput stored in one of the folders are shown, too.
    """
    if diff is not None:
        from ganbench.cli.report_diff import show_difference

        refuse_all_but(context, _DIFF_TAKES, "with --diff, which writes nothing")
        show_difference(
            *diff,
            baseline=baseline,
            metric=metric,
            surplus=[*(runs or []), *([out] if out else [])],
            as_json=as_json,
        )
        return
    from ganbench import paths
    from ganbench.analysis.claims import known_claims
    from ganbench.config import counted
    from ganbench.records.event_curves import read_event_curves
    from ganbench.records.load import load_runs
    from ganbench.records.speed_record import find_speeds
    from ganbench.report.notes import NO_CHARTS
    from ganbench.report.write import write_report

    target = out or Path("report")
    folders = runs or [paths.runs()]
    if curves and not runs and not paths.runs().is_dir():
        folders = []  # curves of event files need no runs
    speeds = [speed for folder in folders for speed in find_speeds(folder)]
    events = [curve for text in curves or [] for curve in read_event_curves(text)]
    # The long files of the runs that are drawn are read when they are drawn.
    records = load_runs(folders, curves=False, may_be_empty=bool(speeds or curves))
    files = write_report(
        records,
        target,
        title=title,
        baseline=baseline,
        metric=metric,
        published=_published(),
        speeds=speeds,
        formats=options.names(formats) or (),
        events=events,
        look=_closer_looks(records) if looks else None,
        claims=known_claims(),
    )
    if not files.charts:
        console(stderr=True).print(NO_CHARTS, style="yellow", soft_wrap=True)
    if as_json:
        counts = {"runs": len(records), "speeds": len(speeds), "curves": len(events)}
        print_json({**counts, "page": str(files.page), "out": str(target)})
        return
    contents = [counted(len(records), "run")] if records else []
    contents += [f"{counted(len(speeds), 'measurement')} of speed"] if speeds else []
    contents += [f"{counted(len(events), 'curve')} of other tools"] if events else []
    console().print(f"{', '.join(contents)}: {files.page}", soft_wrap=True)


_DIFF_TAKES = {"diff", "baseline", "metric", "out", "as_json"}
"""What counts with ``--diff``; ``out`` is refused together with folders that are too many."""


def _closer_looks(records: Sequence[RunRecord]) -> LookCloser | None:
    """Return what draws closer looks at runs; None where no run has its networks."""
    from ganbench.records.run_folder import RunFolder

    folders = {
        run.name: run.unread_folder
        for run in records
        if run.unread_folder and RunFolder(run.unread_folder).checkpoint_file.is_file()
    }
    if not folders:
        return None
    from ganbench.harness.stored_looks import StoredLooks

    return StoredLooks(folders)


def _published() -> list[PublishedRow]:
    """Read the published numbers that are bundled with the zoo."""
    from importlib.util import find_spec

    from ganbench.analysis.published import published_rows
    from ganbench.typed_values import read_toml

    zoo = find_spec("ganbench.zoo")
    assert zoo is not None
    assert zoo.origin is not None
    return published_rows(read_toml(Path(zoo.origin).parent / "published.toml"))
