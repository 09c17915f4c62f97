# SPDX-License-Identifier: MIT
"""``ganbench compare``: a matrix of models, tricks and seeds, and what differs for sure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganbench.cli import options
from ganbench.cli.output import ARROWS, complain, console, interval, number, print_json
from ganbench.cli.progress import Bar, duration, stopping

if TYPE_CHECKING:
    from rich.table import Table

    from ganbench.harness.matrix import Cell
    from ganbench.harness.run import Run, RunOptions
    from ganbench.report.comparison import Comparison
    from ganbench.report.tables import MetricColumn, MetricTable

EXAMPLES = """\
Examples:

ganbench compare --model vanilla --tricks none,r1,ema --seeds 0-4

ganbench compare --model vanilla,wgan-gp --dataset ring8 --seeds 0-4 --kimg 500

ganbench compare --model dcgan --tricks none,spectral-norm,r1+ema --kimg 100 --dry-run
"""


def command(
    model: Annotated[
        str, typer.Option("--model", "-m", help="Models, separated by commas.", metavar="NAMES")
    ],
    tricks: Annotated[
        str,
        typer.Option(help="Sets of tricks, separated by commas, joined by +.", metavar="SETS"),
    ] = "none",
    dataset: Annotated[
        str, typer.Option("--dataset", "-d", help="Datasets, separated by commas.", metavar="NAMES")
    ] = "mnist5k",
    seeds: Annotated[str, typer.Option(help="Seeds: 0-4 or 0,3,7.", metavar="LIST")] = "0-2",
    baseline: Annotated[
        str | None,
        typer.Option(help="What the others are held against (the first by default)."),
    ] = None,
    kimg: options.Kimg = None,
    batch_size: options.BatchSize = None,
    metrics: options.Metrics = None,
    evaluations: options.Evaluations = None,
    device: options.Device = "auto",
    precision: options.Precision = None,
    threads: options.Threads = None,
    out: options.Out = None,
    data_root: options.DataRoot = None,
    assignments: options.Assignments = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train every combination and compare over seeds.

    Repeating the command finishes what is missing; runs that are there already are not repeated.
    Runs with the same seed share data order and latents, so differences are taken in pairs.
    """
    from ganbench import paths
    from ganbench.config import parse_seeds
    from ganbench.harness.matrix import check_options, parse_trick_sets, plan_matrix
    from ganbench.harness.run import RunOptions
    from ganbench.training.trainer import Schedule

    cells = plan_matrix(
        options.names(model) or (),
        parse_trick_sets(tricks),
        options.names(dataset) or (),
        parse_seeds(seeds),
        settings=options.settings(
            assignments, kimg=kimg, batch_size=batch_size, precision=precision
        ),
        data_root=data_root,
    )
    chosen = _baseline(cells, baseline)
    how = RunOptions(
        out=out or paths.runs() / "compare",
        resume=True,
        device=device,
        threads=threads,
        data_root=data_root,
        metrics=options.names(metrics),
        schedule=Schedule(evaluations=evaluations),
        command=options.command_line(),
    )
    if dry_run:
        _print_plan(cells, how, as_json=as_json)
        return
    check_options(cells, how)
    done = _run_all(cells, how, quiet=quiet)
    _print_results(done, chosen, as_json=as_json)
    statuses = {record["status"] for _, record in done}
    if len(done) < len(cells) or "interrupted" in statuses:
        raise typer.Exit(130)
    if "failed" in statuses:
        raise typer.Exit(1)


def _baseline(cells: list[Cell], asked: str | None) -> str:
    """Return the variant that the others are held against."""
    from ganbench.errors import UnknownNameError, suggest

    variants = list(dict.fromkeys(cell.variant for cell in cells))
    if asked is None:
        return variants[0]
    by_name = {name: cell.variant for cell in cells for name in (cell.variant, cell.tricks)}
    if asked not in by_name:
        raise UnknownNameError(
            f"No variant is called '{asked}'. {suggest(asked, by_name)}".strip(),
            f"There are: {', '.join(variants)}.",
        )
    return by_name[asked]


def _run_all(
    cells: list[Cell], how: RunOptions, *, quiet: bool
) -> list[tuple[Cell, dict[str, Any]]]:
    """Carry out the cells one after the other, up to an interruption."""
    from ganbench.harness.matrix import run_cell

    running: list[Run] = []
    screen = console(stderr=True)
    done: list[tuple[Cell, dict[str, Any]]] = []
    with stopping(lambda: running[-1].stop() if running else None):
        for index, cell in enumerate(cells, 1):
            label = f"[{index}/{len(cells)}] {cell.variant} on {cell.dataset}, seed {cell.seed}"
            with Bar(label, quiet=quiet) as bar:
                record, folder = run_cell(cell, how, bar, running.append)
            done.append((cell, {**record, "run": str(folder.path)}))
            problem = record.get("error")
            if problem:
                complain(f"{label}: {problem}")
            elif not quiet:
                screen.print(f"{label}: {record['status']}", markup=False)
            if running[-1].stop_requested:
                break
    return done


def _print_plan(cells: list[Cell], how: RunOptions, *, as_json: bool) -> None:
    """Print the matrix and what of it is stored."""
    from ganbench.harness.run import Run, Silent

    rows: list[dict[str, Any]] = []
    for cell in cells:
        folder = Run(cell.config, how, Silent()).folder
        rows.append(
            {
                "id": cell.config.identity,
                "axes": cell.axes,
                "status": "stored" if folder.finished else "missing",
                "kimg": cell.config.recipe.kimg,
            }
        )
    if as_json:
        print_json({"cells": rows, "comparisons": []})
        return
    from rich.table import Table

    table = Table("model", "tricks", "dataset", "seed", "kimg", "status")
    for row in rows:
        table.add_row(
            *(str(value) for value in row["axes"].values()), str(row["kimg"]), row["status"]
        )
    console().print(table)


def _print_results(
    done: list[tuple[Cell, dict[str, Any]]], baseline: str, *, as_json: bool
) -> None:
    """Print a table for each dataset and metric: mean, interval, difference to the baseline."""
    from dataclasses import replace

    from ganbench.records.reading import read_run
    from ganbench.records.run import RunFolder
    from ganbench.report.comparison import compare_to
    from ganbench.report.tables import metric_table

    runs = [
        replace(
            read_run(RunFolder(Path(record["run"]))), variant=cell.variant, dataset=cell.dataset
        )
        for cell, record in done
    ]
    tables = [metric_table(runs, name) for name in dict.fromkeys(run.dataset for run in runs)]
    compared = {
        table.dataset: compare_to(table, baseline)
        for table in tables
        if any(row.variant == baseline for row in table.rows)
    }
    if as_json:
        cells = [
            {
                "id": cell.config.identity,
                "axes": cell.axes,
                "status": record["status"],
                "metrics": record["metrics"],
                "run": record["run"],
                **({"error": record["error"]} if "error" in record else {}),
            }
            for cell, record in done
        ]
        comparisons = [
            _comparison_record(dataset, one) for dataset, rows in compared.items() for one in rows
        ]
        print_json({"cells": cells, "comparisons": comparisons})
        return
    screen = console()
    for table in tables:
        for column in table.columns:
            screen.print(_metric_table(table, column, compared.get(table.dataset, []), baseline))
    total = sum(record.get("seconds") or 0 for _, record in done)
    screen.print(f"{len(done)} runs, {duration(total)} of training.")
    for note in {note for rows in compared.values() for note in _notes(rows)}:
        screen.print(note, style="dim")
    folder = Path(done[0][1]["run"]).parent
    screen.print(f"A page of it: ganbench report {folder}", soft_wrap=True)


def _metric_table(
    table: MetricTable, column: MetricColumn, compared: list[Comparison], baseline: str
) -> Table:
    """Lay one metric of one dataset out, a row for each variant."""
    from rich.table import Table

    made = Table(
        title=f"{column.name} {ARROWS.get(column.better, '')} on {table.dataset}",
        title_justify="left",
        title_style="bold",
    )
    made.add_column("variant")
    for name in ("n", "mean", "95 % interval", f"minus {baseline}", "95 % interval", "p (Holm)"):
        made.add_column(name, justify="right")
    for row in table.rows:
        cell = row.cells.get(column.name)
        if cell is None:
            made.add_row(row.variant, f"0 of {len(row.runs)}", *["–"] * 5)
            continue
        mean = number(cell.estimate.value)
        against = [one for one in compared if one.variant == row.variant and one.column == column]
        paired = against[0].paired if against else None
        made.add_row(
            row.variant,
            f"{cell.estimate.n}"
            if cell.estimate.n == cell.runs
            else f"{cell.estimate.n} of {cell.runs}",
            f"[bold]{mean}[/bold]" if cell.best else mean,
            interval(cell.estimate.low, cell.estimate.high),
            number(paired.difference.value) if paired else "–",
            interval(paired.difference.low, paired.difference.high) if paired else "–",
            number(against[0].corrected) if against else "–",
        )
    return made


def _comparison_record(dataset: str, one: Comparison) -> dict[str, Any]:
    """Return a comparison as it stands in the JSON."""
    paired = one.paired
    return {
        "dataset": dataset,
        "metric": one.column.metric,
        "protocol": one.column.protocol,
        "variant": one.variant,
        "baseline": one.baseline,
        "n": paired.difference.n if paired else 0,
        "difference": paired.difference.value if paired else None,
        "low": paired.difference.low if paired else None,
        "high": paired.difference.high if paired else None,
        "p_value": paired.p_value if paired else None,
        "p_value_holm": one.corrected,
        "probability_of_improvement": one.improvement.probability,
        "verdict": one.verdict,
    }


def _notes(compared: list[Comparison]) -> list[str]:
    """Say what so many seeds cannot show."""
    counts = {one.paired.difference.n for one in compared if one.paired}
    return [
        f"A paired permutation test over {n} seeds cannot give a p value below {2 / 2**n:.4g}."
        for n in sorted(counts)
        if 2 / 2**n > 0.05
    ]
