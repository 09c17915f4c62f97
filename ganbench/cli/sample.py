# SPDX-License-Identifier: MIT
"""``ganbench sample``: draw samples from a trained run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganbench.cli import options
from ganbench.cli.options import LENGTH, OUTPUT, WHAT
from ganbench.cli.output import console, print_json, remark

if TYPE_CHECKING:
    from ganbench.records.run_folder import RunFolder

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
    from ganbench.harness.changed_sources import changed_code
    from ganbench.harness.plan import plan_of
    from ganbench.harness.stored_run import load_state
    from ganbench.records.own_files import check_target
    from ganbench.records.run_folder import open_run
    from ganbench.runtime.device import choose_device
    from ganbench.runtime.threads import set_threads
    from ganbench.sampling.draw import draw
    from ganbench.sampling.sample_files import (
        required_writer,
        write_files,
        write_npz,
        write_picture,
        written_by_ganbench,
    )
    from ganbench.training.trainer import evaluating

    folder = open_run(run)
    target = _target(folder, out, file_format, seed, label)
    if out is not None and file_format != "files":
        check_target(target, written_by_ganbench)  # before anything is drawn
    set_threads(threads)
    plan = plan_of(folder.description())
    for sentence in changed_code(plan):
        remark(f"{sentence}.")
    state = load_state(
        plan,
        folder,
        choose_device(device),
        sampling=[parse_trick(text) for text in trick or []],
    )
    if file_format == "files":
        required_writer(state.data)  # refused before anything is drawn
    with evaluating(state):
        drawn = draw(state, count, seed=seed, label=label)
    if file_format == "grid":
        write_picture(drawn, state.data, target)
    elif file_format == "npz":
        write_npz(drawn, state.data, target)
    else:
        # The default folder, which is inside the run, holds nothing but samples.
        places = target.rglob("*") if out is None else ()
        earlier = [path.relative_to(target).as_posix() for path in places if path.is_file()]
        write_files(drawn, state.data, target, earlier)
    if as_json:
        print_json({"run": str(run), "count": count, "seed": seed, "out": str(target)})
        return
    console().print(f"{count} samples: {target}", soft_wrap=True)


def _target(
    folder: RunFolder, out: Path | None, file_format: str, seed: int, label: int | None
) -> Path:
    """Return the file or folder to write: by default one inside the run."""
    name = f"drawn-seed{seed}" if label is None else f"drawn-class{label}-seed{seed}"
    target = out or folder.path / ("samples" if file_format == "grid" else name)
    target = target if target.name else target / name  # the working folder, or the root
    if file_format == "grid" and target.suffix != ".png":
        return target / f"{name}.png"
    if file_format == "npz" and target.suffix != ".npz":
        return target.with_suffix(".npz")
    return target
