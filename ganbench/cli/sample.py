# SPDX-License-Identifier: MIT
"""``ganbench sample``: draw samples from a trained generator."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ganbench.cli import options
from ganbench.cli.options import LENGTH, OUTPUT, WHAT
from ganbench.cli.output import console, print_json, remark
from ganbench.config import counted
from ganbench.paths import expand

EXAMPLES = """\
Examples:

ganbench sample runs/dcgan-mnist5k-seed0-1a2b3c4d

ganbench sample runs/dcgan-mnist5k-seed0-1a2b3c4d --count 1000 --format files --out images

ganbench sample runs/acgan-mnist5k-seed0-1a2b3c4d --class 3

ganbench sample runs/wgan-gp-ring8-seed0-1a2b3c4d --trick drs --format npz

ganbench sample acgan@mnist5k --class 3 -n 64 --out threes.png
"""


_ENDINGS = {"grid": ".png", "npz": ".npz", "files": ""}


def command(
    run: Annotated[
        str,
        typer.Argument(
            help="Folder of a run; a pretrained generator (see ganbench ls pretrained); an "
            "exported one: a folder, .safetensors, .onnx or .pt (TorchScript)."
        ),
    ],
    seed: Annotated[
        int,
        typer.Option(
            help="Seed of the samples.",
            min=0,
            metavar="N",
            rich_help_panel=WHAT,
        ),
    ] = 0,
    label: Annotated[
        int | None,
        typer.Option(
            "--class",
            help="Draw only this class, counted from 0.",
            min=0,
            metavar="N",
            rich_help_panel=WHAT,
        ),
    ] = None,
    trick: options.TrickNames = None,
    count: Annotated[
        int,
        typer.Option(
            "--count",
            "-c",
            "-n",
            help="Number of samples.",
            min=1,
            metavar="N",
            rich_help_panel=LENGTH,
        ),
    ] = 64,
    device: options.Device = "auto",
    threads: options.Threads = None,
    file_format: Annotated[
        str,
        typer.Option(
            "--format",
            help="grid (one picture), files (PNG, WAV, text or WebP, one a sample) or npz.",
            metavar="NAME",
            rich_help_panel=OUTPUT,
        ),
    ] = "grid",
    out: options.Out = None,
    as_json: options.JsonFlag = False,
) -> None:
    """Draw samples from a trained generator: a grid, single files, or an array.

    --trick takes the tricks that act on sampling, such as truncation or drs.
    """
    from ganbench.errors import ConfigError

    if file_format not in _ENDINGS:
        raise ConfigError(f"Unknown format '{file_format}'; grid, files or npz was expected.")
    from ganbench.harness.drawable import open_generator
    from ganbench.records.own_files import check_target
    from ganbench.runtime.device import choose_device
    from ganbench.runtime.threads import set_threads
    from ganbench.sampling.sample_files import (
        required_writer,
        write_files,
        write_npz,
        write_picture,
        written_by_ganbench,
    )

    generator = open_generator(run)
    target = _target(generator.folder, generator.name, out, file_format, seed, label)
    if file_format != "files":
        check_target(target, written_by_ganbench)  # before anything is drawn
    set_threads(threads)
    generator.load(choose_device(device), trick or [])
    for sentence in generator.remarks:
        remark(f"{sentence}.")
    if file_format == "files":
        required_writer(generator.data)  # refused before anything is drawn
    drawn = generator.draw(count, seed, label)
    data = generator.data
    if file_format == "grid":
        write_picture(drawn, data, target)
    elif file_format == "npz":
        write_npz(drawn, data, target)
    else:
        # The default folder of a run, which is inside the run, holds nothing but samples.
        places = target.rglob("*") if out is None and generator.folder else ()
        earlier = [path.relative_to(target).as_posix() for path in places if path.is_file()]
        write_files(drawn, data, target, earlier)
    if as_json:
        print_json({"run": str(expand(run)), "count": count, "seed": seed, "out": str(target)})
        return
    console().print(f"{counted(count, 'sample')}: {target}", soft_wrap=True)


def _target(
    folder: Path | None,
    name: str,
    out: Path | None,
    file_format: str,
    seed: int,
    label: int | None,
) -> Path:
    """Return the file or folder to write: by default inside a run, or in the working folder."""
    drawn = f"drawn-seed{seed}" if label is None else f"drawn-class{label}-seed{seed}"
    if folder is None and out is None:
        return Path(f"{name}-{drawn}{_ENDINGS[file_format]}")
    target = out or (folder or Path()) / ("samples" if file_format == "grid" else drawn)
    target = target if target.name else target / drawn  # the working folder, or the root
    if file_format == "grid" and target.suffix != ".png":
        return target / f"{drawn}.png"
    if file_format == "npz" and target.suffix != ".npz":
        return target.with_name(f"{target.name}.npz")  # run-0.5 has no ending to replace
    return target
