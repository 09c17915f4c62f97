# SPDX-License-Identifier: MIT
"""``ganbench eval``: measure samples from anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganbench.cli import options
from ganbench.cli.generator_options import ClassCount, LatentDim
from ganbench.cli.idle_options import refuse_all_but
from ganbench.cli.options import LENGTH, MEASURING, OUTPUT, WHAT, WHERE
from ganbench.cli.progress_bars import WorkBar

if TYPE_CHECKING:
    from ganbench.runtime.inference import Compute

EXAMPLES = """\
Examples:

ganbench eval ./samples --real ./photos --metrics fid,kid,precision,recall

ganbench eval samples.npz --real fashion-mnist:test --metrics fid@fashion-cnn,modes

ganbench eval generator.onnx --real statistics.npz --metrics fid --samples 50000

ganbench eval runs/dcgan-mnist5k-seed0-1a2b3c4d --metrics fid,lpips --json

ganbench eval dcgan@mnist5k

ganbench eval --self-check --real fashion-mnist --metrics fid@fashion-cnn,recall@fashion-cnn
"""


def command(
    context: typer.Context,
    fake: Annotated[
        str | None,
        typer.Argument(
            help="Samples to measure: a folder, zip or tar of images; npz, npy or csv; a dataset; "
            "a run or a pretrained generator; a generator as .onnx, .pt (TorchScript), "
            ".safetensors or module:function.",
            show_default=False,
        ),
    ] = None,
    real: Annotated[
        str | None,
        typer.Option(
            help="Real samples to compare with: any of these, or an npz of statistics "
            "(default for a run: the data it was trained on).",
            metavar="REAL",
            rich_help_panel=WHAT,
        ),
    ] = None,
    held_out: Annotated[
        str | None,
        typer.Option(
            help="Real samples that were not trained on, for fid-gap and data-copying.",
            metavar="REAL",
            rich_help_panel=WHAT,
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            help="Seed of generators and resampling.",
            min=0,
            metavar="N",
            rich_help_panel=WHAT,
        ),
    ] = 0,
    latent_dim: LatentDim = None,
    classes: ClassCount = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Refuse images that cannot be read, and files and folders that are passed over; "
            "otherwise they are counted.",
            metavar="",
            rich_help_panel=WHAT,
        ),
    ] = False,
    data_root: options.DataRoot = None,
    range_text: options.ValueRangeOption = None,
    samples: Annotated[
        int | None,
        typer.Option(
            help="Samples to draw from a generator (default: 5000), or a random part of a set.",
            min=1,
            metavar="N",
            rich_help_panel=LENGTH,
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            "--batch-size",
            "-b",
            help="Images in a batch.",
            min=1,
            metavar="N",
            rich_help_panel=LENGTH,
        ),
    ] = None,
    metrics: options.Metrics = None,
    network: Annotated[
        str | None,
        typer.Option(
            help="Feature network of metrics that name none: a name, model.pt (TorchScript), or "
            "file.py:function.",
            metavar="NAME",
            rich_help_panel=MEASURING,
        ),
    ] = None,
    self_check: Annotated[
        bool,
        typer.Option(
            "--self-check",
            help="Damage real images by known amounts, and list the metrics that notice.",
            metavar="",
            rich_help_panel=MEASURING,
        ),
    ] = False,
    floor: Annotated[
        bool,
        typer.Option(help="Measure real against real, too.", metavar="", rich_help_panel=MEASURING),
    ] = True,
    per_class: Annotated[
        bool,
        typer.Option(
            "--per-class",
            help="Measure each class against the same class, too.",
            metavar="",
            rich_help_panel=MEASURING,
        ),
    ] = False,
    cache: Annotated[
        bool,
        typer.Option(
            help="Keep the features of real images that slow networks compute, and by how much a "
            "number format moved a metric.",
            metavar="",
            rich_help_panel=MEASURING,
        ),
    ] = True,
    device: options.Device = "auto",
    engine: Annotated[
        str,
        typer.Option(
            help="What computes networks: torch, compile or openvino.",
            metavar="NAME",
            rich_help_panel=WHERE,
        ),
    ] = "torch",
    precision: Annotated[
        str,
        typer.Option(
            help="Number format of feature networks: fp32 or bf16.",
            metavar="NAME",
            rich_help_panel=WHERE,
        ),
    ] = "fp32",
    threads: options.Threads = None,
    save_statistics: Annotated[
        Path | None,
        typer.Option(
            help="Write the mean and covariance of REAL to this npz, for pytorch-fid and "
            "clean-fid.",
            metavar="FILE",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Where to write the result: a JSON file, or with --self-check a folder.",
            metavar="PATH",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    as_json: options.JsonFlag = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure samples against real ones: FID, KID, precision and recall, LPIPS, and more.

    A plain name, such as fid, is measured with the network of its paper (ganbench weights fetch
    gets its weights); fid@mnist-cnn with the network after the @. Every number comes with its
    interval, its protocol, and the same metric between real and real. A metric that cannot be
    had, for want of weights or of samples, leaves the others: they are shown, with exit code 4.
    """
    from ganbench.cli.eval_output import is_result, write_and_print
    from ganbench.errors import ConfigError, MissingDataError
    from ganbench.runtime.device import choose_device
    from ganbench.runtime.inference import Compute
    from ganbench.runtime.threads import default_threads, set_threads

    set_threads(threads or default_threads())
    chosen_device = str(choose_device(device))
    compute = Compute(chosen_device, engine, options.number_format(precision), batch_size)
    names = options.names(metrics)
    if self_check:
        _refuse_samples(fake, real)
        refuse_all_but(context, _SELF_CHECK_TAKES, "in a self-check")
        _self_check(real, names, samples, compute, data_root, out, as_json=as_json, quiet=quiet)
        return
    if fake is None:
        raise ConfigError(
            "The samples to measure are missing.",
            "For example: ganbench eval ./samples --real cifar10",
        )
    from ganbench.evaluation.reference_statistics import is_own_statistics
    from ganbench.harness.evaluate import measure_samples
    from ganbench.records.own_files import check_target

    for target, is_own in ((out, is_result), (save_statistics, is_own_statistics)):
        if target is not None:  # refused before anything is measured
            check_target(target, is_own, inputs=(fake, real))
    with WorkBar(quiet=quiet) as bar:
        result = measure_samples(
            fake=fake,
            real=real,
            held_out=held_out,
            metrics=names,
            network=network,
            samples=samples,
            seed=seed,
            compute=compute,
            strict=strict,
            cache=cache,
            floors=floor,
            data_root=data_root,
            value_range=options.value_range(range_text),
            latent_dim=latent_dim,
            classes=classes,
            save_statistics=save_statistics,
            per_class=per_class,
            progress=bar,
        )
    write_and_print(result, out, as_json=as_json)
    if result["unmeasured"]:
        raise typer.Exit(MissingDataError.exit_code)


_SELF_CHECK_TAKES = {"self_check", "real", "metrics", "samples", "batch_size", "data_root", "out"}
_SELF_CHECK_TAKES |= {"device", "engine", "precision", "threads", "as_json", "quiet"}


def _refuse_samples(fake: str | None, real: str | None) -> None:
    """Refuse samples that a self-check has no use for.

    Raises:
        ConfigError: Some were named.
    """
    from ganbench.errors import ConfigError

    if fake is not None:
        raise ConfigError(
            "--self-check damages real images; no other samples are measured.",
            f"ganbench eval --self-check --real {real or fake}",
        )


def _self_check(
    real: str | None,
    metrics: tuple[str, ...] | None,
    samples: int | None,
    compute: Compute,
    data_root: Path | None,
    out: Path | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Measure damaged images against undamaged images, and show the responses of the metrics."""
    from ganbench.cli.self_check_output import write_and_print_check
    from ganbench.harness.self_check import self_check
    from ganbench.report.self_check_page import check_folder

    if out is not None:
        check_folder(out)  # refused before anything is measured
    with WorkBar(quiet=quiet) as bar:
        result = self_check(
            real or "mnist5k",
            metrics=metrics,
            samples=samples or 1000,
            compute=compute,
            data_root=data_root,
            progress=bar,
        )
    write_and_print_check(result, out, as_json=as_json)
