# SPDX-License-Identifier: MIT
"""``ganbench compare``: does the trick help? A matrix over seeds, and the sure differences."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from ganbench.cli import options
from ganbench.cli.options import LENGTH, MEASURING, WHAT, WHERE
from ganbench.cli.output import complain, console, print_notices, remark
from ganbench.cli.signals import stopping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ganbench.cli.compare_search import CellWatch
    from ganbench.harness.backends import Backend
    from ganbench.harness.comparison_plan import PlannedComparison
    from ganbench.harness.scheduler import CellState, Scheduler

EXAMPLES = """\
Examples:

ganbench compare --model vanilla --tricks none,r1,ema --seeds 0-4 -j 2

ganbench compare digits-tricks --dry-run

ganbench compare my-suite.toml --backend ray --timeout 30m

ganbench compare --model dcgan --tricks none,r1 --vary learning_rate=1e-4,2e-4,1e-3 --kimg 100

ganbench compare --model dcgan --search random:20 --vary learning_rate=1e-5..1e-3 --kimg 100

ganbench compare --model vanilla,./mine.py --seeds 0-4 --fail-if-worse fid:5%
"""


def command(
    context: typer.Context,
    suite: Annotated[
        str | None,
        typer.Argument(help="A suite: file.toml, or a name from ganbench ls suites."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="Models, separated by commas.",
            metavar="NAMES",
            rich_help_panel=WHAT,
        ),
    ] = None,
    tricks: Annotated[
        str | None,
        typer.Option(
            help="Sets of tricks, separated by commas; + joins the tricks of a set.",
            metavar="SETS",
            rich_help_panel=WHAT,
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset",
            "-d",
            help="Datasets, separated by commas.",
            metavar="NAMES",
            rich_help_panel=WHAT,
        ),
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option(
            help="Seeds: 0-4 or 0,3,7 (default: 0-2).", metavar="LIST", rich_help_panel=WHAT
        ),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            help="A further axis: a key of the recipe and its values (repeatable).",
            metavar="KEY=A,B,C",
            rich_help_panel=WHAT,
        ),
    ] = None,
    search: Annotated[
        str | None,
        typer.Option(
            help="Try N configurations of --vary, which may be ranges (1e-5..1e-3), and run the "
            "best one again: random:N or halving:N.",
            metavar="KIND:N",
            rich_help_panel=WHAT,
        ),
    ] = None,
    assignments: options.Assignments = None,
    data_root: options.DataRoot = None,
    kimg: options.Kimg = None,
    batch_size: options.BatchSize = None,
    timeout: Annotated[
        str | None,
        typer.Option(
            help="Longest time for a cell: 90, 30m or 2h.", metavar="TIME", rich_help_panel=LENGTH
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            help="Carry out at most this many cells.",
            min=0,
            metavar="N",
            rich_help_panel=LENGTH,
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Train stored cells again.", metavar="", rich_help_panel=LENGTH
        ),
    ] = False,
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed",
            help="Try again the cells that failed or took too long.",
            metavar="",
            rich_help_panel=LENGTH,
        ),
    ] = False,
    metrics: options.Metrics = None,
    samples: options.MeasuredSamples = None,
    real_split: options.RealSplit = None,
    evaluations: options.Evaluations = None,
    metric: Annotated[
        str | None,
        typer.Option(
            help="Primary metric, which the verdicts are about.",
            metavar="NAME",
            rich_help_panel=MEASURING,
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            help="Set of tricks, or variant, that the others are compared with.",
            metavar="NAME",
            rich_help_panel=MEASURING,
        ),
    ] = None,
    fail_if_worse: Annotated[
        list[str] | None,
        typer.Option(
            help="Exit 3 if a metric is worse than the baseline's by more than this (repeatable).",
            metavar="METRIC:5%",
            rich_help_panel=MEASURING,
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            "-j",
            help="Cells carried out at a time (default: 1).",
            min=1,
            metavar="N",
            rich_help_panel=WHERE,
        ),
    ] = None,
    backend: Annotated[
        str,
        typer.Option(
            help="What carries out cells: local processes, inline (this process), or ray.",
            metavar="NAME",
            rich_help_panel=WHERE,
        ),
    ] = "local",
    device: options.Device = "auto",
    precision: options.PrecisionName = None,
    threads: Annotated[
        int | None,
        typer.Option(
            help="CPU threads of each cell (default: the free cores divided by --jobs, or 1).",
            min=1,
            metavar="N",
            rich_help_panel=WHERE,
        ),
    ] = None,
    out: options.Out = None,
    power: Annotated[
        str | None,
        typer.Option(
            help="Train nothing: say how many seeds find the effect with this probability "
            "(default: 0.8).",
            metavar="SHARE",
            rich_help_panel=MEASURING,
        ),
    ] = None,
    effect: Annotated[
        str | None,
        typer.Option(
            help="True difference that --power is about: 10% of the baseline's mean, or 0.5.",
            metavar="SIZE",
            rich_help_panel=MEASURING,
        ),
    ] = None,
    log: options.Loggers = None,
    dry_run: options.DryRun = False,
    as_json: options.JsonFlag = False,
    quiet: options.Quiet = False,
) -> None:
    """Train every combination of models, tricks, datasets and seeds, and compare.

    Repeating the command finishes what is missing; a further trick, seed or metric adds only
    its own cells or values. Several commands, also on several machines that share the folder,
    divide the work.
    """
    from ganbench import paths
    from ganbench.cli import compare_plan
    from ganbench.cli.compare_power import print_seeds_needed
    from ganbench.cli.compare_search import run_search
    from ganbench.harness.comparison_plan import plan_comparison
    from ganbench.harness.matrix import parse_trick_sets
    from ganbench.harness.run_options import RunOptions
    from ganbench.harness.scheduler import Policy
    from ganbench.typed_values import parse_seeds

    suite_file = compare_plan.find_suite_file(suite)
    flags = {
        "models": options.names(model),
        "tricks": parse_trick_sets(tricks) if tricks is not None else None,
        "datasets": options.names(dataset),
        "seeds": parse_seeds(seeds) if seeds is not None else None,
        "baseline": baseline,
        "metric": metric,
        "metrics": options.names(metrics),
        "samples": samples,
        "real_split": real_split,
        "evaluations": evaluations,
        "threads": threads,
        "vary": compare_plan.parse_axes(vary) if vary else None,
        "search": search,
    }
    settings = options.collect_settings(
        assignments, kimg=kimg, batch_size=batch_size, precision=precision
    )
    chosen = compare_plan.choose_suite(suite_file, flags, settings)
    run_options = RunOptions(
        out=out or paths.runs() / (suite_file.path.stem if suite_file else "compare"),
        resume=True,
        device=device,
        data_root=data_root,
        loggers=options.names(log) or (),
        command=options.command_line(),
        **chosen.run_options,
    )
    policy = Policy(compare_plan.parse_seconds(timeout), limit, force, retry_failed)
    compare_plan.refuse_what_is_idle(context, backend, jobs, power=power, effect=effect)
    watch = partial(_carry_out, chosen.metric, backend, jobs, quiet=quiet)
    if chosen.search is not None:
        compare_plan.check_search(baseline, fail_if_worse, power, effect)
        run_search(
            chosen, run_options, policy, watch, dry_run=dry_run, as_json=as_json, quiet=quiet
        )
        return
    planned = plan_comparison(
        chosen, run_options, suite_file=suite_file, policy=policy, bounds=fail_if_worse or []
    )
    if power is not None or effect is not None:
        print_seeds_needed(planned, power or "0.8", effect or "10%", as_json=as_json)
        return
    _compare(planned, watch, backend, jobs, dry_run=dry_run, as_json=as_json, quiet=quiet)


def _compare(
    planned: PlannedComparison,
    watch: CellWatch,
    backend: str,
    jobs: int | None,
    *,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Carry out a comparison, and print its results; with ``dry_run``, print what is to come."""
    from ganbench.harness.backends import cells_at_a_time

    slots = cells_at_a_time(backend, jobs)
    planned.scheduler.settle_threads(slots)
    if not quiet:
        print_notices(planned.notices)
    if dry_run:
        _print_dry_run(planned, slots, as_json=as_json, quiet=quiet)
        return
    if not quiet:
        _print_remarks(planned)
    _conclude(planned, watch(planned.scheduler), as_json=as_json)


def _print_dry_run(planned: PlannedComparison, slots: int, *, as_json: bool, quiet: bool) -> None:
    """Print the matrix and how long it takes, once the data are known to be there."""
    from ganbench.cli.compare_preview import print_plan
    from ganbench.harness.preflight import check_data

    run_options = planned.scheduler.options
    check_data(map(run_options.open, planned.suite.datasets), run_options.measuring)
    print_plan(planned.scheduler, planned.suite, slots, as_json=as_json, quiet=quiet)


def _print_remarks(planned: PlannedComparison) -> None:
    """Print what changes nothing, and the limits of so few seeds, before anything is trained."""
    from ganbench.analysis.verdicts import design_limits

    suite = planned.suite
    if planned.scheduler.policy.retry_failed and not planned.scheduler.failed_before:
        remark("--retry-failed changed nothing: no cell has failed.")
    if planned.scheduler.pending and suite.comparisons:
        for line in design_limits(len(suite.seeds), suite.comparisons):
            console(stderr=True).print(line, style="dim")


def _carry_out(
    metric: str | None,
    backend_name: str,
    jobs: int | None,
    scheduler: Scheduler,
    *,
    quiet: bool,
) -> list[CellState]:
    """Carry out the cells that are pending, and show the matrix meanwhile."""
    from ganbench.harness.backends import cells_at_a_time, make_backend
    from ganbench.records.atomic_files import check_writable

    scheduler.settle_threads(cells_at_a_time(backend_name, jobs))
    check_writable(scheduler.out_as_typed)
    if not scheduler.pending:
        backend_name = "inline"  # neither a cluster nor a server is needed for nothing
    threads = scheduler.options.threads or 1
    run_options = scheduler.options
    backend = make_backend(backend_name, jobs, threads, run_options.out, run_options.device)
    if not quiet:
        for notice in getattr(backend, "notices", ()):
            console(stderr=True).print(notice, style="dim", soft_wrap=True)
    try:
        return _watch(scheduler, backend, metric, quiet=quiet)
    finally:
        backend.close()


def _watch(
    scheduler: Scheduler, backend: Backend, metric: str | None, *, quiet: bool
) -> list[CellState]:
    from ganbench.cli.matrix_view import MatrixView

    with (
        MatrixView(scheduler, backend.slots, metric, quiet=quiet) as view,
        stopping(scheduler.stop, "Repeat the command to go on."),
    ):
        scheduler.on_change = view.show_change
        return scheduler.run(backend)


def _conclude(planned: PlannedComparison, states: Sequence[CellState], *, as_json: bool) -> None:
    """Print the results, and end with the exit code for them."""
    from ganbench.analysis.gates import tripped
    from ganbench.cli.compare_output import print_results
    from ganbench.harness.compare import compared_datasets
    from ganbench.records.primary_metric import record_choices

    for state in states:
        if state.status in {"failed", "timeout"}:
            complain(f"{state.cell.label}: {state.problem}", _remedy(state))
    compared = compared_datasets(planned.scheduler, planned.suite.baseline, planned.suite.metric)
    record_choices(planned.scheduler.options.out, compared.choices)
    comparisons = [
        comparison for dataset in compared.datasets for comparison in dataset.comparisons
    ]
    beyond = tripped(planned.bounds, comparisons)
    print_results(planned.scheduler, states, compared, beyond, as_json=as_json)
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
        return "The reason is in failure.json of the run; --retry-failed tries again."
    return "Repeat the command to try again."
