# SPDX-License-Identifier: MIT
"""``ganbench throughput``: how fast GANs train and sample here, and where the time goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganbench.cli import options
from ganbench.cli.output import console, format_number, print_json
from ganbench.cli.progress_bars import Counter

if TYPE_CHECKING:
    from ganbench.speed.throughput import Workload

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
        str, typer.Option("--model", "-m", help="Names of GANs: vanilla,dcgan.", metavar="NAMES")
    ],
    tricks: Annotated[
        str, typer.Option(help="Sets of tricks: none,r1,r1+spectral-norm.", metavar="SETS")
    ] = "none",
    dataset: options.DatasetName = "mnist5k",
    batch_size: Annotated[
        str | None,
        typer.Option("--batch-size", "-b", help="Real images in a batch: 16,64.", metavar="LIST"),
    ] = None,
    device: Annotated[
        str, typer.Option(help="Where to compute: cpu,cuda; auto is the best.", metavar="NAMES")
    ] = "auto",
    precision: Annotated[
        str, typer.Option(help="Number formats: fp32,medium,bf16.", metavar="NAMES")
    ] = "fp32",
    compiled: Annotated[
        bool, typer.Option("--compile", help="With networks that torch compiles.")
    ] = False,
    channels_last: Annotated[
        bool,
        typer.Option("--channels-last/--contiguous", help="Memory format of convolutions."),
    ] = True,
    threads: Annotated[
        str | None,
        typer.Option(help="CPU threads: 1,2; torch's own choice by default.", metavar="LIST"),
    ] = None,
    rounds: Annotated[
        int, typer.Option(help="Rounds in which all cases take turns.", min=1, metavar="N")
    ] = 5,
    seconds: Annotated[
        float, typer.Option(help="Seconds that each trains in a round.", min=0.05, metavar="S")
    ] = 1.0,
    baseline: Annotated[
        Path | None,
        typer.Option(help="Earlier figures of this machine, to compare with.", metavar="FILE"),
    ] = None,
    fail_if_slower: Annotated[
        str | None,
        typer.Option(help="Exit 3 if training is so much slower than then.", metavar="5%"),
    ] = None,
    out: options.Out = None,
    data_root: options.DataRoot = None,
    assignments: options.Assignments = None,
    as_json: options.JsonFlag = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure how fast GANs train and sample here, and where the time goes.

    Images/s are real images shown to the discriminator. All cases take turns, each in a process
    of its own; figures are medians over rounds. The document is kept in OUT, where ganbench
    report finds it.
    """
    from ganbench import paths
    from ganbench.analysis.speed_regression import changes, parse_share
    from ganbench.errors import ConfigError
    from ganbench.records.speed_record import read_speeds, write_speeds
    from ganbench.speed.throughput import Protocol, measure

    bound = parse_share(fail_if_slower) if fail_if_slower is not None else None
    if bound is not None and baseline is None:
        raise ConfigError("--fail-if-slower needs --baseline FILE.", "A file of --json will do.")
    before = read_speeds(baseline) if baseline is not None else None
    cases = _cases(
        model,
        tricks,
        dataset,
        batch_sizes=batch_size,
        devices=device,
        precisions=precision,
        threads=threads,
        execution={
            "compile": compiled,
            "memory_format": "channels_last" if channels_last else "contiguous",
        },
        settings=options.collect_settings(assignments),
        data_root=data_root,
    )
    with Counter(quiet=quiet) as counter:
        document = measure(
            cases,
            Protocol(rounds=rounds, seconds=seconds),
            command=options.command_line(),
            progress=counter,
        )
    kept = write_speeds(out or paths.runs(), document)
    found = changes(read_speeds(kept), before, bound) if before else []
    if as_json:
        print_json(document | ({"changes": [one.document for one in found]} if before else {}))
    else:
        _show(document)
        for change in found:
            console().print(change.sentence, style="red" if change.slower else "dim")
        console().print(f"Kept in {kept}; ganbench report makes a page of it.", soft_wrap=True)
    if any(change.slower for change in found):
        raise typer.Exit(3)
    if all(case["status"] == "failed" for case in document["cases"]):
        raise typer.Exit(1)


def _cases(
    models: str,
    tricks: str,
    dataset: str,
    *,
    batch_sizes: str | None,
    devices: str,
    precisions: str,
    threads: str | None,
    execution: dict[str, Any],
    settings: dict[str, Any],
    data_root: Path | None,
) -> list[Workload]:
    """Return every combination; what cannot be is found before anything is measured."""
    import torch

    from ganbench.harness.matrix import parse_trick_set, parse_trick_sets
    from ganbench.harness.plan import plan
    from ganbench.runtime.device import choose_device
    from ganbench.runtime.execution import Execution
    from ganbench.speed.throughput import Workload

    sets = parse_trick_sets(tricks)
    sizes = _numbers("--batch-size", batch_sizes)
    chosen = [str(choose_device(name)) for name in options.names(devices) or ()]
    cases = []
    for name, named, size, place, precision, count in product(
        options.names(models) or (),
        sets,
        sizes,
        chosen,
        options.names(precisions) or (),
        _numbers("--threads", threads),
    ):
        changed = {**settings, "precision": precision}
        if size is not None:
            changed["recipe.batch_size"] = size
        config = plan(
            name, dataset, tricks=parse_trick_set(named), settings=changed, data_root=data_root
        ).config
        case = Workload(
            config,
            tricks=tuple(named.split("+")) if named != "none" else (),
            device=place,
            threads=count or torch.get_num_threads(),
            execution=Execution(**execution),
            data_root=data_root,
            settings=tuple(f"{key}={value}" for key, value in sorted(settings.items())),
        )
        cases.append(case)
    return cases


def _numbers(option: str, text: str | None) -> list[int | None]:
    """Read a list of positive numbers; None where nothing is given."""
    from ganbench.errors import ConfigError

    if text is None:
        return [None]
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = [0]
    if min(found) < 1:
        raise ConfigError(
            f"{option} {text}: positive whole numbers were expected.",
            f"For example: {option} 1,2",
        )
    return list(dict.fromkeys(found))


def _show(document: Mapping[str, Any]) -> None:
    """Print what was measured: as a table where there is room, else case by case."""
    screen = console()
    done = [case for case in document["cases"] if case["status"] == "ok"]
    if done:
        screen.print(_table(done) if screen.width >= 100 else _lines(done))
    for case in document["cases"]:
        if case["status"] == "failed":
            screen.print(f"[red]failed[/red] {_label(case)}: {case['problem']}")
    for one in document["ceilings"]:
        screen.print(
            f"Ceiling of {one['device']} in {one['precision']}, {one['threads']} threads: "
            f"{one['gflops']:,.0f} GFLOP/s ({one['by']}).",
            style="dim",
        )
    if any(not case["steady"] for case in done):
        screen.print("Some speeds never became steady: the machine is busy.", style="yellow")


def _table(cases: Sequence[Mapping[str, Any]]) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("case", overflow="fold")
    for name in ("training\nimages/s", "lowest –\nhighest", "sampling\nimages/s"):
        table.add_column(name, justify="right")
    for name in ("latency\np50 ms", "p99\nms", "GFLOP\nimage", "share of\nceiling", "memory\nMiB"):
        table.add_column(name, justify="right")
    table.add_column("step: ms of data, D, G, penalties, optimizer")
    for case in cases:
        table.add_row(_label(case), *_figures(case).values())
    return table


def _lines(cases: Sequence[Mapping[str, Any]]) -> str:
    """Return the cases one below the other, for narrow terminals."""
    blocks = []
    for case in cases:
        figures = "\n".join(f"  {name}: {value}" for name, value in _figures(case).items())
        blocks.append(f"[bold]{_label(case)}[/bold]\n{figures}")
    return "\n".join(blocks)


def _figures(case: Mapping[str, Any]) -> dict[str, str]:
    """Return the figures of a case as text."""
    training, split, latency = case["training"], case["split_ms"], case["latency_ms"]
    share, memory = case["share_of_ceiling"], case["memory_mib"]
    parts = ("data", "discriminator", "generator", "penalties", "optimizer")
    return {
        "training images/s": f"[bold]{training['images_per_second']:,.0f}[/bold]",
        "lowest – highest": f"{min(training['rounds']):,.0f} – {max(training['rounds']):,.0f}",
        "sampling images/s": f"{case['sampling']['images_per_second']:,.0f}",
        "latency p50 ms": format_number(latency["p50"]),
        "p99 ms": format_number(latency["p99"]),
        "GFLOP/image": format_number(case["gflop_per_image"]["training"]),
        "share of ceiling": "–" if share is None else f"{100 * share:.0f} %",
        "memory MiB": f"{memory['allocated'] or memory['resident']:,.0f}",
        "step ms": ", ".join(format_number(split[part]) for part in parts),
    }


def _label(case: Mapping[str, Any]) -> str:
    """Name a case with all that its figures must not stand without."""
    unusual = [
        *(["compiled"] if case["compile"] else []),
        *(["contiguous"] if case["memory_format"] == "contiguous" else []),
    ]
    return ", ".join(
        [
            "+".join([case["model"], *case["tricks"]]),
            f"batch {case['batch_size']}",
            f"{case['device']} × {case['threads']}" if case["device"] == "cpu" else case["device"],
            case["precision"],
            *unusual,
        ]
    )
