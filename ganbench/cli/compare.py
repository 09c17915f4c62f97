# SPDX-License-Identifier: MIT
"""``ganbench compare``: does the trick help? A matrix over seeds, and what differs for sure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganbench.cli import options
from ganbench.cli.output import complain, console
from ganbench.cli.progress_bars import stopping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ganbench.analysis.gates import Bound
    from ganbench.evaluation.requests import Request
    from ganbench.harness.backends import Backend
    from ganbench.harness.matrix import Cell
    from ganbench.harness.run import RunOptions
    from ganbench.harness.scheduler import CellState, Scheduler
    from ganbench.harness.suite import Suite, SuiteFile

EXAMPLES = """\
Examples:

ganbench compare --model vanilla --tricks none,r1,ema --seeds 0-4 -j 2

ganbench compare digits-tricks --dry-run

ganbench compare my-suite.toml --engine ray --timeout 30m

ganbench compare --model dcgan --tricks none,r1 --vary learning_rate=1e-4,2e-4,1e-3 --kimg 100

ganbench compare --model vanilla,./mine.py --seeds 0-4 --fail-if-worse fid:5%
"""


def command(
    suite: Annotated[
        str | None,
        typer.Argument(help="A suite: file.toml, or a name from ganbench ls suites."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="Models, separated by commas.", metavar="NAMES"),
    ] = None,
    tricks: Annotated[
        str | None,
        typer.Option(help="Sets of tricks, separated by commas, joined by +.", metavar="SETS"),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option("--dataset", "-d", help="Datasets, separated by commas.", metavar="NAMES"),
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(help="Seeds: 0-4 or 0,3,7 (default 0-2).", metavar="LIST")
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            help="A further axis: any key of the recipe, with values (repeatable).",
            metavar="KEY=A,B,C",
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(help="What the others are held against: a set of tricks, or a variant."),
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="The metric that the verdicts are about.", metavar="NAME")
    ] = None,
    kimg: options.Kimg = None,
    batch_size: options.BatchSize = None,
    metrics: options.Metrics = None,
    evaluations: options.Evaluations = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", help="Cells at a time (default 1).", min=1, metavar="N"),
    ] = None,
    engine: Annotated[
        str, typer.Option(help="Where cells run: local processes, inline, or ray.", metavar="NAME")
    ] = "local",
    device: options.Device = "auto",
    precision: options.PrecisionName = None,
    threads: Annotated[
        int | None,
        typer.Option(help="CPU threads of each cell (default: the cores divided by -j).", min=1),
    ] = None,
    timeout: Annotated[
        str | None,
        typer.Option(help="Longest time for a cell: 90, 30m or 2h.", metavar="TIME"),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="Carry out so many cells at most.", min=0, metavar="N")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Train stored cells again.")] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try again what failed or took too long.")
    ] = False,
    fail_if_worse: Annotated[
        list[str] | None,
        typer.Option(
            help="Exit 3 if a metric is so much worse than the baseline's (repeatable).",
            metavar="METRIC:5%",
        ),
    ] = None,
    out: options.Out = None,
    data_root: options.DataRoot = None,
    assignments: options.Assignments = None,
    dry_run: options.DryRun = False,
    as_json: options.JsonFlag = False,
    quiet: options.Quiet = False,
) -> None:
    """Train every combination of models, tricks, datasets and seeds, and compare.

    Repeating the command finishes what is missing; with a further trick, seed or metric it adds
    just that. Several commands, on several machines that share the folder, divide the work.
    """
    from ganbench import paths
    from ganbench.analysis.gates import parse_bound
    from ganbench.harness.backends import make_backend
    from ganbench.harness.run import RunOptions
    from ganbench.harness.scheduler import Policy, Scheduler
    from ganbench.records.atomic_files import check_writable
    from ganbench.runtime.threads import default_threads
    from ganbench.training.trainer import Schedule

    file = _suite_file(suite)
    chosen = _suite(
        file,
        {
            "models": options.names(model),
            "tricks": _trick_sets(tricks),
            "datasets": options.names(dataset),
            "seeds": seeds,
            "baseline": baseline,
            "metric": metric,
            "metrics": options.names(metrics),
            "evaluations": evaluations,
            "threads": threads,
            "vary": _axes(vary),
        },
        options.collect_settings(
            assignments, kimg=kimg, batch_size=batch_size, precision=precision
        ),
    )
    cells = file.cells(chosen, data_root) if file else chosen.cells(data_root)
    bounds = [parse_bound(text) for text in fail_if_worse or []]
    how = RunOptions(
        out=out or paths.runs() / (file.path.stem if file else "compare"),
        resume=True,
        device=device,
        threads=chosen.threads or default_threads(jobs or 1),
        data_root=data_root,
        metrics=chosen.metrics,
        schedule=Schedule(evaluations=chosen.evaluations),
        command=options.command_line(),
    )
    requests = _check(cells, how, chosen, bounds)
    policy = Policy(_seconds(timeout), limit, force, retry_failed)
    scheduler = Scheduler(cells, how, requests, policy=policy)
    if dry_run:
        from ganbench.cli.compare_output import print_plan

        print_plan(scheduler, chosen, jobs or 1, as_json=as_json, quiet=quiet)
        return
    check_writable(how.out)
    _say_limits(scheduler, chosen, quiet=quiet)
    # Where nothing is to be carried out, no cluster is asked for and no server started.
    made = make_backend(engine if scheduler.pending else "inline", jobs, how.threads or 1)
    try:
        states = _carry_out(scheduler, made, chosen.metric, quiet=quiet)
    finally:
        made.close()
    _conclude(scheduler, states, chosen, bounds, as_json=as_json)


def _suite_file(name: str | None) -> SuiteFile | None:
    from ganbench.harness.suite import SuiteFile, find_suite

    return SuiteFile(find_suite(name)) if name is not None else None


def _suite(file: SuiteFile | None, given: dict[str, Any], settings: dict[str, Any]) -> Suite:
    """Return the suite of a file as the flags change it, or that of the flags alone."""
    from ganbench.errors import ConfigError
    from ganbench.harness.suite import Suite

    changes = {key: value for key, value in given.items() if value}
    if file is not None:
        return file.read(changes, settings)
    if "models" not in changes:
        raise ConfigError(
            "Neither a suite nor a model is named.",
            "For example: ganbench compare --model vanilla --tricks none,ema",
        )
    return Suite.model_validate({**changes, "set": settings})


def _trick_sets(text: str | None) -> list[str] | None:
    from ganbench.harness.matrix import parse_trick_sets

    return None if text is None else parse_trick_sets(text)


def _axes(given: list[str] | None) -> dict[str, list[Any]] | None:
    """Read ``learning_rate=1e-4,2e-4``; values in brackets hold commas of their own."""
    from ganbench.config import parse_value
    from ganbench.errors import ConfigError

    axes = {}
    for text in given or []:
        key, _, values = text.partition("=")
        listed = parse_value(f"[{values}]")
        if isinstance(listed, str):
            listed = [parse_value(part) for part in values.split(",")]
        if not key.strip() or not values.strip():
            raise ConfigError(
                f"'{text}' is no axis: a key and its values were expected.",
                "For example: --vary learning_rate=1e-4,2e-4,1e-3",
            )
        axes[key.strip()] = listed
    return axes or None


def _seconds(text: str | None) -> float | None:
    """Read a time as seconds, or with s, m or h behind it."""
    from ganbench.errors import ConfigError

    if text is None:
        return None
    units = {"s": 1, "m": 60, "h": 3600}
    number = text[:-1] if text[-1:] in units else text
    try:
        seconds = float(number) * units.get(text[-1:], 1)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise ConfigError(
            f"'{text}' is no time; seconds, or 30m, or 2h were expected.",
            "For example: --timeout 30m",
        )
    return seconds


def _check(
    cells: Sequence[Cell], how: RunOptions, suite: Suite, bounds: Sequence[Bound]
) -> dict[str, Sequence[Request]]:
    """Find what would be in vain before the first cell is trained; return what is measured."""
    from ganbench.analysis.gates import check_known
    from ganbench.errors import UnknownNameError, suggest
    from ganbench.harness.matrix import check_options

    requests = check_options(cells, how)
    measured = list(dict.fromkeys(one.name for two in requests.values() for one in two))
    check_known(bounds, measured)
    if suite.metric is not None and suite.metric not in measured:
        raise UnknownNameError(
            f"There is no metric '{suite.metric}' among those that are measured. "
            f"{suggest(suite.metric, measured)}".strip(),
            f"There are: {', '.join(measured)}.",
        )
    arms = {cell.arm: None for cell in cells}
    names = dict.fromkeys(name for arm in arms for name in (arm.tricks, arm.label, arm.model))
    if suite.baseline is not None and suite.baseline not in names:
        raise UnknownNameError(
            f"No variant is called '{suite.baseline}'. {suggest(suite.baseline, names)}".strip(),
            f"There are: {', '.join(names)}.",
        )
    return requests


def _say_limits(scheduler: Scheduler, suite: Suite, *, quiet: bool) -> None:
    """Say before it runs what so many seeds cannot show."""
    from ganbench.analysis.verdicts import design_limits

    treatments = max(len(suite.tricks), len(suite.models)) - 1
    if quiet or not scheduler.pending or treatments < 1:
        return
    for line in design_limits(len(suite.seeds), treatments):
        console(stderr=True).print(line, style="dim", markup=False)


def _carry_out(
    scheduler: Scheduler, engine: Backend, metric: str | None, *, quiet: bool
) -> list[CellState]:
    """Let the engine carry out what is pending, and show it."""
    from ganbench.cli.matrix_view import MatrixView

    with (
        MatrixView(scheduler, engine.slots, metric, quiet=quiet) as view,
        stopping(scheduler.stop),
    ):
        scheduler.on_change = view.show_change
        return scheduler.run(engine)


def _conclude(
    scheduler: Scheduler,
    states: Sequence[CellState],
    suite: Suite,
    bounds: Sequence[Bound],
    *,
    as_json: bool,
) -> None:
    """Print what came out, and end with the exit code that says it."""
    from ganbench.analysis.gates import tripped
    from ganbench.cli.compare_output import print_results
    from ganbench.harness.compare import compared_datasets

    for state in states:
        if state.status in {"failed", "timeout"}:
            complain(f"{state.cell.label}: {state.problem}", _remedy(state))
    tables = compared_datasets(scheduler, suite.baseline, suite.metric)
    beyond = tripped(bounds, [one for table in tables for one in table.comparisons])
    print_results(scheduler, states, tables, suite, beyond, as_json=as_json)
    for sentence in beyond:
        complain(sentence)
    statuses = {state.status for state in states}
    if "interrupted" in statuses:
        raise typer.Exit(130)
    if statuses & {"failed", "timeout"}:
        raise typer.Exit(1)
    if beyond:
        raise typer.Exit(3)


def _remedy(state: CellState) -> str:
    if state.lasting:
        return "What went wrong is in failure.json of the run; --retry-failed tries again."
    return "Repeat the command to try again."
