# SPDX-License-Identifier: MIT
"""``ganbench sample``: draw samples from a trained generator."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ganbench.cli import options
from ganbench.cli.generator_options import ClassCount, LatentDim
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


_COUNT = 64
"""The samples that are drawn unless a number is asked for."""
_ENDINGS = {"grid": ".png", "npz": ".npz", "files": ""}
_WRITES = {"grid": "a grid is a .png", "npz": "an array is an .npz", "files": "files need a folder"}
_OTHER_FILES = (".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".npy", ".csv", ".wav")
"""Endings of files that hold samples elsewhere, and that no format writes at ``--out``."""


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
    latent_dim: LatentDim = None,
    classes: ClassCount = None,
    range_text: options.ValueRangeOption = None,
    data_root: options.DataRoot = None,
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
    ] = _COUNT,
    device: options.Device = "auto",
    threads: options.Threads = None,
    file_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="grid (one picture), files (PNG, WAV, text or WebP, one a sample) or npz "
            "(default: by the ending of --out, or grid).",
            metavar="NAME",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    out: options.Out = None,
    as_json: options.JsonFlag = False,
) -> None:
    """Draw samples from a trained generator: a grid, single files, or an array.

    --trick takes the tricks that act on sampling, such as truncation or drs.
    """
    file_format = _format(file_format, out)
    from ganbench.harness.drawable import Unstated, open_generator
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

    unstated = Unstated(latent_dim, classes, options.value_range(range_text))
    generator = open_generator(run, unstated, data_root)
    drawn_name = _drawn_name(seed, label, trick or [], count)
    target = _target(generator.folder, generator.name, out, file_format, drawn_name)
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
        print_json(
            {
                "run": str(expand(run)),
                "count": count,
                "seed": seed,
                "class": label,
                "tricks": trick or [],
                "format": file_format,
                "out": str(target),
            }
        )
        return
    console().print(f"{counted(count, 'sample')}: {target}", soft_wrap=True)


def _format(name: str | None, out: Path | None) -> str:
    """Return the format to write, which the ending of a file tells where none is named.

    Raises:
        ConfigError: There is no such format, or files that end so are of another.
    """
    from ganbench.errors import ConfigError

    if name is not None and name not in _ENDINGS:
        raise ConfigError(f"Unknown format '{name}'; grid, files or npz was expected.")
    ending = "" if out is None or out.is_dir() else out.suffix.lower()
    told = {".png": "grid", ".npz": "npz"}.get(ending)
    if ending in _OTHER_FILES or (told and name not in {None, told}):
        raise ConfigError(
            f"--out {out}: {_WRITES[name or 'grid']}, not {ending}.",
            "Name it with the ending of its format, or leave --format to the ending.",
        )
    return name or told or "grid"


def _drawn_name(seed: int, label: int | None, tricks: Sequence[str], count: int) -> str:
    """Return what samples are called, so that other requests have other names.

    >>> _drawn_name(0, 3, ["truncation:psi=0.5"], 1000)
    'drawn-class3-truncation-psi-0.5-1000-seed0'
    """
    parts = [
        "drawn",
        *([] if label is None else [f"class{label}"]),
        *(re.sub(r"[^A-Za-z0-9.+@_-]+", "-", Path(text).name) for text in tricks),
        *([] if count == _COUNT else [f"{count}"]),
        f"seed{seed}",
    ]
    return "-".join(parts)


def _target(folder: Path | None, name: str, out: Path | None, file_format: str, drawn: str) -> Path:
    """Return the file or folder to write: by default inside a run, or in the working folder."""
    if folder is None and out is None:
        return Path(f"{name}-{drawn}{_ENDINGS[file_format]}")
    target = out or (folder or Path()) / ("samples" if file_format == "grid" else drawn)
    target = target if target.name else target / drawn  # the working folder, or the root
    if file_format == "grid" and target.suffix != ".png":
        return target / f"{drawn}.png"
    if file_format == "npz" and target.suffix != ".npz":
        return target.with_name(f"{target.name}.npz")  # run-0.5 has no ending to replace
    return target
