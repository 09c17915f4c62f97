# SPDX-License-Identifier: MIT
"""``ganbench eval``: measure samples from anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganbench.cli import options
from ganbench.cli.output import console, format_number, metrics_table, print_json
from ganbench.cli.progress_bars import Counter

if TYPE_CHECKING:
    from ganbench.runtime.inference import Compute

EXAMPLES = """\
Examples:

ganbench eval ./samples --real ./photos --metrics fid,kid,precision,recall

ganbench eval samples.npz --real fashion-mnist:test --metrics fid@fashion-cnn,modes

ganbench eval generator.onnx --real statistics.npz --metrics fid --samples 50000

ganbench eval runs/dcgan-mnist5k-seed0-1a2b3c4d --metrics fid,lpips --json

ganbench eval --self-check --real fashion-mnist --metrics fid@fashion-cnn,recall@fashion-cnn
"""


def command(
    fake: Annotated[
        str | None,
        typer.Argument(
            help="What is measured: a folder, zip or tar of images; npz, npy or csv; a dataset; "
            "a run; a generator as .onnx, .pt (TorchScript) or module:function.",
            show_default=False,
        ),
    ] = None,
    real: Annotated[
        str | None,
        typer.Option(
            help="What it is measured against: any of these, or an npz of statistics. "
            "Of a run, the data it was trained on.",
            metavar="REAL",
        ),
    ] = None,
    metrics: options.Metrics = None,
    network: Annotated[
        str | None,
        typer.Option(help="Feature network for metrics that name none.", metavar="NAME"),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(
            help="Samples drawn from a generator (5000), or a random part of what is there.",
            min=1,
            metavar="N",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Seed of generators and resampling.", min=0, metavar="N")
    ] = 0,
    latent_dim: Annotated[
        int | None,
        typer.Option(help="Latent size of a generator that does not say it.", min=1, metavar="N"),
    ] = None,
    classes: Annotated[
        int | None,
        typer.Option(
            help="Classes of a conditional generator that does not say it.", min=1, metavar="N"
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Refuse images that cannot be read; else they are skipped."),
    ] = False,
    self_check: Annotated[
        bool,
        typer.Option(
            "--self-check",
            help="Damage real images by known amounts, and table what each metric notices.",
        ),
    ] = False,
    device: options.Device = "auto",
    engine: Annotated[
        str, typer.Option(help="What computes networks: torch, compile, openvino.", metavar="NAME")
    ] = "torch",
    precision: Annotated[
        str, typer.Option(help="Number format of feature networks: fp32 or bf16.", metavar="NAME")
    ] = "fp32",
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", "-b", help="Images at once.", min=1, metavar="N")
    ] = None,
    threads: options.Threads = None,
    cache: Annotated[bool, typer.Option(help="Keep what slow networks say of real images.")] = True,
    floor: Annotated[bool, typer.Option(help="Measure real against real, too.")] = True,
    save_statistics: Annotated[
        Path | None,
        typer.Option(
            help="Write REAL's mean and covariance to this npz, for pytorch-fid and clean-fid.",
            metavar="FILE",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Write the result here: a JSON file, or with --self-check a folder.",
            metavar="PATH",
        ),
    ] = None,
    data_root: options.DataRoot = None,
    as_json: options.JsonFlag = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure samples against real ones: FID, KID, precision and recall, LPIPS, and more.

    A plain name, such as fid, is measured with the network of its paper (its weights come by
    ganbench weights fetch); fid@mnist-cnn with the one named. Every number has its interval,
    its protocol and the same metric between real and real.
    """
    from ganbench.errors import ConfigError
    from ganbench.runtime.device import choose_device
    from ganbench.runtime.inference import Compute
    from ganbench.runtime.threads import set_threads

    set_threads(threads)
    chosen = str(choose_device(device))
    compute = Compute(chosen, engine, options.number_format(precision), batch_size)
    names = options.names(metrics)
    if self_check:
        if fake is not None:
            raise ConfigError(
                "--self-check damages real images; no other samples are measured.",
                f"ganbench eval --self-check --real {real or fake}",
            )
        _self_check(real or "mnist5k", names, samples, compute, out, data_root, as_json, quiet)
        return
    if fake is None:
        raise ConfigError(
            "What is to be measured is missing.",
            "For example: ganbench eval ./samples --real cifar10",
        )
    from ganbench.harness.evaluate import measure_samples

    with Counter(quiet=quiet) as counter:
        result = measure_samples(
            fake=fake,
            real=real,
            metrics=names,
            network=network,
            samples=samples,
            seed=seed,
            compute=compute,
            strict=strict,
            cache=cache,
            floors=floor,
            data_root=data_root,
            latent_dim=latent_dim,
            classes=classes,
            save_statistics=save_statistics,
            progress=counter,
        )
    document = {**result, "command": options.command_line()}
    if out is not None:
        from ganbench.records.atomic_files import write_json

        write_json(out, {"schema": 1, **document})
    if as_json:
        print_json(document)
    else:
        _show(result)


def _show(result: dict[str, Any]) -> None:
    """Print the table, and below it what a reader must not miss."""
    screen = console()
    fake, real = result["fake"], result["real"]
    title = f"{fake['name']} ({fake['count']:,}) against {real['name']}"
    title += f" ({real['count']:,})" if real["count"] else ""
    if not result["metrics"]:
        screen.print("No metric suits these samples; name some with --metrics.")
        return
    screen.print(metrics_table(result["metrics"], title))
    for side in (fake, real):
        if side["skipped"]:
            first, reason = next(iter(side["skipped"].items()))
            count = len(side["skipped"])
            files = f"{count} files of {side['name']} were"
            files = files if count > 1 else f"1 file of {side['name']} was"
            screen.print(
                f"[yellow]{files} left out[/yellow], the first: {first}: {reason}",
                soft_wrap=True,
            )
    for name, one in result["metrics"].items():
        if one["warning"]:
            screen.print(f"[yellow]{name}[/yellow]: {one['warning']}.")
        if one.get("precision_deviation") is not None:
            moved = format_number(one["precision_deviation"])
            screen.print(
                f"{name}: {result['compute']['precision']} moved it by {moved} on the "
                "first 256 images.",
                style="dim",
            )


def _self_check(
    real: str,
    metrics: tuple[str, ...] | None,
    samples: int | None,
    compute: Compute,
    out: Path | None,
    data_root: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run the sanity suite and show its table."""
    from ganbench.harness.self_check import self_check
    from ganbench.report.self_check_page import (
        cell,
        findings,
        network_names,
        short_names,
        write_self_check,
    )

    with Counter(quiet=quiet) as counter:
        result = self_check(
            real,
            metrics=metrics,
            samples=samples or 1000,
            compute=compute,
            data_root=data_root,
            progress=counter,
        )
    result = {**result, "command": options.command_line()}
    if out is not None:
        written = write_self_check(result, out)
    if as_json:
        print_json(result)
        return
    from rich.table import Table

    screen = console()
    title = f"{result['samples']:,} damaged test images of {result['dataset']} against "
    table = Table(
        title=f"{title}{result['real']:,} training images. {network_names(result)}",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    table.add_column("damage")
    table.add_column("amount", no_wrap=True)
    names = short_names(result)
    for short in names.values():
        table.add_column(short, justify="right")
    for index, row in enumerate(result["rows"]):
        cells = [cell(row["metrics"][name], mark=index > 0) for name in names]
        table.add_row(row["damage"], row["amount"], *cells)
    screen.print(table)
    screen.print("✗ worse (noticed)  ▲ better (misled)  · unmoved", style="dim")
    for sentence in findings(result):
        screen.print(sentence.replace("**", ""))
    if out is not None:
        screen.print(f"Written: {written}", soft_wrap=True)
