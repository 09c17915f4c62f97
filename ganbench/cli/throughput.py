# SPDX-License-Identifier: MIT
"""``ganbench throughput``: how fast GANs train and sample here, and where the time goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganbench.cli import options
from ganbench.cli.options import LENGTH, MEASURING, WHAT, WHERE
from ganbench.cli.output import console, print_json
from ganbench.cli.progress_bars import WorkBar
from ganbench.cli.throughput_output import print_speeds

if TYPE_CHECKING:
    from ganbench.runtime.execution import Execution
    from ganbench.speed.bench import Workload

EXAMPLES = """\
Examples:

ganbench throughput --model vanilla,dcgan

ganbench throughput --model dcgan --batch-size 1,16,64,256 --precision fp32,medium,bf16

ganbench throughput --model dcgan --tricks none,r1,spectral-norm+r1 --dataset mnist5k@32

ganbench throughput --model wgan-gp --json

ganbench throughput --model wgan-gp --baseline before.json --fail-if-slower 5%
"""


def command(
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            help="GANs, separated by commas: vanilla,dcgan.",
            metavar="NAMES",
            rich_help_panel=WHAT,
        ),
    ],
    tricks: Annotated[
        str,
        typer.Option(
            help="Sets of tricks, separated by commas: none,r1,r1+ema.",
            metavar="SETS",
            rich_help_panel=WHAT,
        ),
    ] = "none",
    dataset: options.DatasetName = "mnist5k",
    assignments: options.Assignments = None,
    data_root: options.DataRoot = None,
    batch_size: Annotated[
        str | None,
        typer.Option(
            "--batch-size",
            "-b",
            help="Real images in a batch: 16,64.",
            metavar="LIST",
            rich_help_panel=LENGTH,
        ),
    ] = None,
    rounds: Annotated[
        int,
        typer.Option(
            help="Rounds in which all cases take turns.",
            min=1,
            metavar="N",
            rich_help_panel=LENGTH,
        ),
    ] = 5,
    seconds: Annotated[
        float,
        typer.Option(
            help="Seconds that each case trains in a round.",
            min=0.05,
            metavar="S",
            rich_help_panel=LENGTH,
        ),
    ] = 1.0,
    baseline: Annotated[
        Path | None,
        typer.Option(
            help="Earlier speeds of this machine to compare with: a file of --json.",
            metavar="FILE",
            rich_help_panel=MEASURING,
        ),
    ] = None,
    fail_if_slower: Annotated[
        str | None,
        typer.Option(
            help="Exit 3 if training is slower than the baseline by more than this.",
            metavar="5%",
            rich_help_panel=MEASURING,
        ),
    ] = None,
    device: Annotated[
        str,
        typer.Option(
            help="Devices that compute: cpu,cuda; auto is the best.",
            metavar="NAMES",
            rich_help_panel=WHERE,
        ),
    ] = "auto",
    precision: Annotated[
        str | None,
        typer.Option(
            help="Precisions of training, separated by commas: fp32 (the default), medium or bf16.",
            metavar="NAMES",
            rich_help_panel=WHERE,
        ),
    ] = None,
    threads: Annotated[
        str | None,
        typer.Option(
            help="CPU threads: 1,2 (default: torch's own choice).",
            metavar="LIST",
            rich_help_panel=WHERE,
        ),
    ] = None,
    compiled: Annotated[
        bool,
        typer.Option(
            "--compile", help="Let torch compile the networks.", metavar="", rich_help_panel=WHERE
        ),
    ] = False,
    channels_last: Annotated[
        bool,
        typer.Option(
            "--channels-last/--contiguous",
            help="Memory format of convolutions.",
            metavar="",
            rich_help_panel=WHERE,
        ),
    ] = True,
    out: options.Out = None,
    as_json: options.JsonFlag = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure how fast GANs train and sample here, and where the time goes.

    Images/s are real images shown to the discriminator. All cases take turns, each in a process
    of its own; figures are medians over rounds. The document is stored in OUT, where ganbench
    report finds it.
    """
    from ganbench import paths
    from ganbench.analysis.speed_regression import changes, check_rounds, parse_share
    from ganbench.errors import ConfigError
    from ganbench.records.speed_record import read_speeds, write_speeds
    from ganbench.runtime.execution import Execution
    from ganbench.speed.throughput import USUAL_PROTOCOL, measure

    bound = parse_share(fail_if_slower) if fail_if_slower is not None else None
    if bound is not None and baseline is None:
        raise ConfigError("--fail-if-slower needs --baseline FILE.", "A file of --json will do.")
    before = read_speeds(baseline) if baseline is not None else None
    if bound is not None and before is not None:
        check_rounds(before, rounds)
    axes = _read_axes(
        models=model,
        trick_sets=tricks,
        batch_sizes=batch_size,
        devices=device,
        precisions=precision,
        threads=threads,
    )
    execution = Execution("channels_last" if channels_last else "contiguous", compiled)
    settings = options.collect_settings(assignments)
    cases = list(_workloads(axes, dataset, execution, settings, data_root))
    with WorkBar(quiet=quiet) as bar:
        document = measure(
            cases,
            replace(USUAL_PROTOCOL, rounds=rounds, seconds=seconds),
            command=options.command_line(),
            progress=bar,
        )
    path = write_speeds(out or paths.runs(), document)
    changed = changes(read_speeds(path), before, bound) if before else []
    if as_json:
        compared = {"changes": [change.document for change in changed]} if before else {}
        print_json(document | compared)
    else:
        print_speeds(document)
        for change in changed:
            console().print(change.sentence, style="red" if change.slower else "dim")
        console().print(f"Stored in {path}; ganbench report makes a page of it.", soft_wrap=True)
    if any(change.slower for change in changed):
        raise typer.Exit(3)
    if any(case["status"] == "failed" for case in document["cases"]):
        raise typer.Exit(1)


@dataclass(frozen=True)
class _Axes:
    """The axes that are combined; None leaves a setting or the number of threads as it is."""

    models: tuple[str, ...]
    trick_sets: tuple[str, ...]
    batch_sizes: tuple[int | None, ...]
    devices: tuple[str, ...]
    precisions: tuple[str | None, ...]
    threads: tuple[int | None, ...]


def _read_axes(
    *,
    models: str,
    trick_sets: str,
    batch_sizes: str | None,
    devices: str,
    precisions: str | None,
    threads: str | None,
) -> _Axes:
    """Read the lists that were typed."""
    from ganbench.harness.matrix import parse_trick_sets
    from ganbench.runtime.device import choose_device
    from ganbench.typed_values import MOST_COUNT, MOST_THREADS

    return _Axes(
        models=options.some_names("--model", models),
        trick_sets=tuple(parse_trick_sets(trick_sets)),
        batch_sizes=_positive_numbers("--batch-size", batch_sizes, MOST_COUNT),
        devices=tuple(str(choose_device(name)) for name in options.some_names("--device", devices)),
        precisions=(
            (None,) if precisions is None else options.some_names("--precision", precisions)
        ),
        threads=_positive_numbers("--threads", threads, MOST_THREADS),
    )


def _workloads(
    axes: _Axes,
    dataset: str,
    execution: Execution,
    settings: dict[str, Any],
    data_root: Path | None,
) -> Iterator[Workload]:
    """Yield every combination, planned, so that mistakes are found before anything is measured.

    Raises:
        GanbenchError: A name or a setting is wrong, or a batch does not fit into memory.
    """
    import torch

    from ganbench.harness.matrix import parse_trick_set
    from ganbench.harness.plan import expand_setting, plan
    from ganbench.speed.bench import Workload
    from ganbench.training.batch_memory import check_batch_memory

    for model, trick_set, batch_size, device, precision, threads in product(
        axes.models,
        axes.trick_sets,
        axes.batch_sizes,
        axes.devices,
        axes.precisions,
        axes.threads,
    ):
        listed = {"precision": precision, "recipe.batch_size": batch_size}
        flags = {key: value for key, value in listed.items() if value is not None}
        kept = {
            key: value
            for key, value in settings.items()
            if not expand_setting(key, value).keys() <= flags.keys()
        }
        tricks = parse_trick_set(trick_set)
        changes = kept | flags
        planned = plan(model, dataset, tricks=tricks, settings=changes, data_root=data_root)
        check_batch_memory(
            planned.source.spec, planned.config, torch.device(device), planned.gan_with_tricks
        )
        yield Workload(
            planned.config,
            tricks=tuple(trick_set.split("+")) if tricks else (),
            device=device,
            threads=threads or torch.get_num_threads(),
            execution=execution,
            data_root=data_root,
            settings=tuple(f"{key}={value}" for key, value in sorted(kept.items())),
        )


def _positive_numbers(option: str, text: str | None, most: int) -> tuple[int | None, ...]:
    """Read a list of positive whole numbers; a single None if there is no list."""
    from ganbench.errors import ConfigError

    if text is None:
        return (None,)
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = [0]
    if not 1 <= min(numbers) <= max(numbers) <= most:
        raise ConfigError(
            f"{option} {text}: whole numbers from 1 to {most} were expected.",
            f"For example: {option} 1,2",
        )
    return tuple(dict.fromkeys(numbers))
