# SPDX-License-Identifier: MIT
"""``ganbench sample``: draw samples from a trained run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ganbench.cli import options
from ganbench.cli.options import LENGTH, OUTPUT, WHAT
from ganbench.cli.output import console, print_json

EXAMPLES = """\
Examples:

ganbench sample runs/dcgan-mnist5k-seed0-1a2b3c4d

ganbench sample runs/dcgan-mnist5k-seed0-1a2b3c4d --count 1000 --format files --out images

ganbench sample runs/acgan-mnist5k-seed0-1a2b3c4d --class 3

ganbench sample runs/wgan-gp-ring8-seed0-1a2b3c4d --trick drs --format npz
"""


def command(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
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
    """Draw samples from a trained run: a grid, single files, or an array.

    --trick takes the tricks that act on sampling, such as truncation or drs.
    """
    from ganbench.errors import ConfigError

    if file_format not in {"grid", "files", "npz"}:
        raise ConfigError(f"Unknown format '{file_format}'; grid, files or npz was expected.")
    from ganbench.config import parse_trick
    from ganbench.harness.plan import plan_of
    from ganbench.harness.run import load_state
    from ganbench.records.run_folder import open_run
    from ganbench.runtime.device import choose_device
    from ganbench.runtime.threads import set_threads
    from ganbench.sampling.draw import draw
    from ganbench.sampling.sample_files import (
        required_writer,
        write_files,
        write_npz,
        write_picture,
    )
    from ganbench.training.trainer import evaluating

    folder = open_run(run)
    set_threads(threads)
    state = load_state(
        plan_of(folder.description()),
        folder,
        choose_device(device),
        sampling=[parse_trick(text) for text in trick or []],
    )
    if file_format == "files":
        required_writer(state.data)  # refused before anything is drawn
    with evaluating(state):
        drawn = draw(state, count, seed=seed, label=label)
    name = f"drawn-seed{seed}" if label is None else f"drawn-class{label}-seed{seed}"
    target = out or folder.path / ("samples" if file_format == "grid" else name)
    target = target if target.name else target / name  # the working folder, or the root
    if file_format == "grid":
        target = target / f"{name}.png" if target.suffix != ".png" else target
        write_picture(drawn, state.data, target)
    elif file_format == "npz":
        target = target if target.suffix == ".npz" else target.with_suffix(".npz")
        write_npz(drawn, state.data, target)
    else:
        write_files(drawn, state.data, target)
    if as_json:
        print_json({"run": str(run), "count": count, "seed": seed, "out": str(target)})
        return
    console().print(f"{count} samples: {target}", soft_wrap=True)
