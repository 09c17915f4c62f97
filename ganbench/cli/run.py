# SPDX-License-Identifier: MIT
"""``ganbench run``: train one GAN, measure it, and show where its samples are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganbench.cli import options
from ganbench.cli.options import LENGTH, OUTPUT, WHAT
from ganbench.cli.output import (
    METRIC_COLUMNS_TO_LEAVE,
    console,
    duration,
    metrics_table,
    print_json,
    print_notices,
    print_unmeasured,
    remark,
)
from ganbench.cli.progress_bars import TrainingBar, WorkBar
from ganbench.cli.signals import stopping
from ganbench.runtime.process_group import launched

if TYPE_CHECKING:
    from ganbench.config import RunConfig, TrickConfig
    from ganbench.harness.plan import RunPlan
    from ganbench.harness.run import Run
    from ganbench.harness.run_options import RunOptions

EXAMPLES = """\
Examples:

ganbench run --model vanilla

ganbench run --model dcgan --trick r1:weight=1 --trick ema --seeds 0-2

ganbench run --model dcgan --precision auto

ganbench run --model wgan-gp --dataset ring8 --json

ganbench run --model dcgan --dataset ./photos@64 --kimg 500 --out runs --resume

ganbench run --model dcgan --log tensorboard,wandb

ganbench run --model vanilla --dataset ring8 --record

ganbench run --from runs/dcgan-mnist5k-seed0-1a2b3c4d --kimg 400
"""


def command(
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="Name of a GAN (see ganbench ls models), or ./file.py.",
            metavar="NAME",
            rich_help_panel=WHAT,
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset",
            "-d",
            help="Name of a dataset, a folder of images or sounds, or an .npz file (default: "
            "mnist5k).",
            metavar="NAME",
            rich_help_panel=WHAT,
        ),
    ] = None,
    origin: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Go on from the weights of this finished run, whose model, data, tricks and "
            "settings stay unless they are changed.",
            metavar="RUN",
            rich_help_panel=WHAT,
        ),
    ] = None,
    trick: options.TrickNames = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Seed of the run (default: 0).", metavar="N", rich_help_panel=WHAT),
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option(
            help="Several seeds, a run for each: 0-4 or 0,3,7.",
            metavar="LIST",
            rich_help_panel=WHAT,
        ),
    ] = None,
    assignments: options.Assignments = None,
    data_root: options.DataRoot = None,
    range_text: options.ValueRangeOption = None,
    kimg: options.Kimg = None,
    batch_size: options.BatchSize = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Continue the unfinished run of the same identity in OUT.",
            metavar="",
            rich_help_panel=LENGTH,
        ),
    ] = False,
    metrics: options.Metrics = None,
    samples: options.MeasuredSamples = None,
    real_split: options.RealSplit = None,
    evaluations: options.Evaluations = None,
    device: options.Device = "auto",
    precision: options.TunedPrecision = None,
    threads: options.Threads = None,
    out: options.Out = None,
    log: options.Loggers = None,
    record: Annotated[
        bool,
        typer.Option(
            "--record",
            help="Write a page into the run's folder that plays it offline: lab.html.",
            metavar="",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    dry_run: options.DryRun = False,
    as_json: options.JsonFlag = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a GAN, measure it, and show its samples.

    The default dataset is mnist5k: 5,000 real digits, bundled with ganbench. A run is a folder
    with its configuration, statistics, sample grids, checkpoint and result.
    """
    from ganbench import paths
    from ganbench.config import parse_trick
    from ganbench.errors import ConfigError
    from ganbench.harness.preflight import check_data
    from ganbench.harness.run import nothing_measured
    from ganbench.harness.run_options import RunOptions
    from ganbench.training.trainer import Schedule
    from ganbench.typed_values import parse_seeds

    if seed is not None and seeds is not None:
        raise ConfigError("--seed and --seeds exclude each other.", "Give one of them.")
    dataset = _with_range(dataset, options.value_range(range_text))
    tunes = precision == "auto"
    settings = options.collect_settings(
        assignments, kimg=kimg, batch_size=batch_size, precision=None if tunes else precision
    )
    seed_numbers = parse_seeds(seeds) if seeds is not None else [seed]
    tricks = [parse_trick(text) for text in trick or []]
    plans = [
        _plan(
            model,
            origin,
            dataset,
            tricks=tricks,
            settings=settings if number is None else {**settings, "seed": number},
            data_root=data_root,
        )
        for number in seed_numbers
    ]
    run_options = RunOptions(
        out=out or paths.runs(),
        resume=resume,
        device=device,
        threads=threads,
        data_root=data_root,
        metrics=options.names(metrics),
        samples=samples,
        real_split=real_split,
        schedule=Schedule(evaluations=evaluations),
        loggers=options.names(log) or (),
        command=options.command_line(),
    )
    if run_options.metrics == () and (samples is not None or real_split or evaluations):
        remark("Nothing is measured, so --samples, --real-split and --evaluations change nothing.")
    if tunes:
        plans, run_options = _tuned(plans, run_options, quiet=quiet)
    metrics_to_measure = _check(plans[0], run_options, record=record)
    if not quiet and launched().first:
        print_notices(notice for planned in plans for notice in planned.source.notices)
    if dry_run:
        check_data([plans[0].source], run_options.measuring)
        if not metrics_to_measure and not quiet:
            console(stderr=True).print(nothing_measured(plans[0].config.dataset))
        _print_plan([planned.config for planned in plans], as_json=as_json)
        return
    _execute_all(plans, run_options, record=record, quiet=quiet, as_json=as_json)


def _plan(
    model: str | None,
    origin: Path | None,
    dataset: str | None,
    *,
    tricks: list[TrickConfig],
    settings: dict[str, Any],
    data_root: Path | None,
) -> RunPlan:
    """Resolve a run: of a model, or from the weights of a finished run."""
    from ganbench.errors import ConfigError
    from ganbench.harness.continuation import plan_continuation
    from ganbench.harness.plan import plan
    from ganbench.records.exported_run import find_run

    if origin is not None:
        if model is not None:
            raise ConfigError("--from goes on with the model of its run.", "Leave --model out.")
        return plan_continuation(
            find_run(origin), dataset=dataset, tricks=tricks, settings=settings, data_root=data_root
        )
    if model is None:
        raise typer.BadParameter("name a GAN, or a run with --from.", param_hint="--model")
    data = dataset or "mnist5k"
    return plan(model, data, tricks=tricks, settings=settings, data_root=data_root)


def _check(plan: RunPlan, run_options: RunOptions, *, record: bool) -> Sequence[object]:
    """Refuse what cannot be measured or recorded; return the metrics to measure."""
    from ganbench.harness.preflight import check_run

    if record:
        from ganbench.lab.recorded_run import check_recordable

        check_recordable(plan)
    return check_run(plan, run_options)


def _with_range(dataset: str | None, value_range: tuple[float, float] | None) -> str | None:
    """Return the name of a dataset with the range of its floats, as a run records it."""
    from ganbench.data.dataset_names import ARRAY_FILES, name_with_range, parse_dataset_name
    from ganbench.errors import ConfigError

    if value_range is None:
        return dataset
    if dataset is None:
        raise ConfigError("--range is for floats in an npz file.", "Name it with --dataset.")
    parsed = parse_dataset_name(dataset, value_range=value_range)
    if not parsed.name.lower().endswith(ARRAY_FILES):
        raise ConfigError(
            f"--range is for floats in an npz or npy file, and '{dataset}' is none.",
            "Leave --range out.",
        )
    size = f"@{parsed.resolution}" if parsed.resolution else ""
    return name_with_range(parsed.name, parsed.value_range) + size


def _tuned(
    plans: list[RunPlan], run_options: RunOptions, *, quiet: bool
) -> tuple[list[RunPlan], RunOptions]:
    """Return runs as this machine computes them fastest, measured now if it never was."""
    from dataclasses import replace

    from ganbench.runtime.device import choose_device
    from ganbench.runtime.threads import default_threads, set_threads
    from ganbench.speed.autotune import tuned

    first = plans[0]
    dataset = first.source.load(first.source.splits[0])
    set_threads(run_options.threads or default_threads())
    with WorkBar(quiet=quiet) as bar:
        tuning = tuned(first.config, dataset, choose_device(run_options.device), bar)
    fastest = tuning.way
    if not quiet:
        console(stderr=True).print(
            f"Computed in {fastest.label}: {tuning.speedup:.2f} times as fast as usual.",
            style="dim",
        )
    changed = {"precision": fastest.precision}
    plans = [replace(plan, config=plan.config.model_copy(update=changed)) for plan in plans]
    if run_options.threads is None:  # a run that has begun keeps the number it has
        run_options = replace(run_options, threads=fastest.threads, keeps_threads=True)
    return plans, replace(run_options, execution=fastest.execution)


def _execute_all(
    plans: list[RunPlan], run_options: RunOptions, *, record: bool, quiet: bool, as_json: bool
) -> None:
    """Carry out runs one after the other, until the user asks to stop; print their results."""
    results: list[dict[str, Any]] = []
    stopped = False
    while len(results) < len(plans) and not stopped:
        plan = plans[len(results)]
        result, stopped = _execute(plan, run_options, record=record, quiet=quiet, as_json=as_json)
        results.append(result)
    if as_json:
        print_json(results[0] if len(plans) == 1 else {"runs": results})
    unfinished = len(results) < len(plans) or results[-1]["status"] == "interrupted"
    if stopped and unfinished and launched().first:
        raise typer.Exit(130)


def _execute(
    plan: RunPlan, run_options: RunOptions, *, record: bool, quiet: bool, as_json: bool
) -> tuple[dict[str, Any], bool]:
    """Carry out one run; return its result, and whether the user has asked to stop."""
    from ganbench.harness.continuation import begins_anew
    from ganbench.harness.run import Run

    config = plan.config
    label = f"{config.model} on {config.dataset}, seed {config.seed}"
    with TrainingBar(label, quiet=quiet or not launched().first) as bar:
        run = (_recorded_run() if record else Run)(plan, run_options, bar)
        finished = run_options.resume and run.folder.finished
        if run_options.resume and not run.folder.config_file.is_file():
            remark(begins_anew(config, run_options.out, plan.folder_stem))
        with stopping(run.stop, "Repeat the command with --resume."):
            result = {**run.execute(), "run": str(run.folder.path)}
    if run.folder.recording_file.is_file():
        result["recording"] = str(run.folder.recording_file)
    if finished:
        added = ", ".join(run.added_metrics)
        remark(f"Measured {added}." if added else "Nothing was left to do: the run is finished.")
    if not as_json:
        _show(result, label, run.folder.path)
    return result, run.stop_requested


def _recorded_run() -> type[Run]:
    from ganbench.lab.recorded_run import RecordedRun  # a run that is not recorded needs no lab

    return RecordedRun


def _show(result: dict[str, Any], label: str, folder: Path) -> None:
    """Print the table of metrics, how the run ended, and where its files are."""
    from rich.text import Text

    from ganbench.cli.health_output import print_best, print_events

    screen = console()
    status = result["status"]
    if status == "interrupted":
        screen.print(Text.assemble((status, "yellow"), f" after {result['kimg']:.1f} kimg."))
        screen.print(f"Everything so far is in {folder}; repeat the command with --resume.")
        return
    if result["metrics"]:
        table = metrics_table(result["metrics"], label)
        screen.print_table(table, least=METRIC_COLUMNS_TO_LEAVE)
    color = "green" if status == "done" else "red"
    speed = result["images_per_second"]
    rate = f", {speed:,.0f} images/s." if speed else "."
    facts = f": {result['kimg']:.4g} kimg in {duration(result['seconds'])}{rate}"
    screen.print(Text.assemble((status, color), facts))
    if status == "diverged":
        screen.print(
            "A loss or a sample was no longer finite. Try a lower learning rate or another seed."
        )
    elif status == "collapsed":
        screen.print("All samples look the same: the generator has collapsed.")
    print_unmeasured(result)
    print_best(result)
    print_events(result)
    screen.print(f"Samples: {folder / 'samples' / 'final.png'}", soft_wrap=True)
    if "recording" in result:
        screen.print(f"Recording: {result['recording']}", soft_wrap=True)


def _print_plan(configs: list[RunConfig], *, as_json: bool) -> None:
    """Print the resolved configuration of every run."""
    plans = [
        {"identity": config.identity, "config": config.model_dump(mode="json")}
        for config in configs
    ]
    if as_json:
        print_json(plans[0] if len(plans) == 1 else {"runs": plans})
        return
    from ganbench.records.json_values import json_text

    screen = console()
    for planned in plans:
        screen.print_json(json_text(planned))
    screen.print("Nothing was trained: this was a dry run.")
