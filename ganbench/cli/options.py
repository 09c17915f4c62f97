# SPDX-License-Identifier: MIT
"""The options that verbs share: the same letter and the same sentence everywhere."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

ModelName = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        help="Name of a GAN (see ganbench ls models), or ./file.py.",
        metavar="NAME",
    ),
]
DatasetName = Annotated[
    str,
    typer.Option(
        "--dataset",
        "-d",
        help="Name of a dataset, a folder of images, or a .npz file.",
        metavar="NAME",
    ),
]
TrickNames = Annotated[
    list[str] | None,
    typer.Option(
        "--trick",
        "-t",
        help="Trick to add, as name or name:key=value; name:off takes away one of the model's.",
        metavar="NAME",
    ),
]
Kimg = Annotated[
    float | None,
    typer.Option(help="Length of training in thousands of real images shown.", metavar="N"),
]
BatchSize = Annotated[
    int | None, typer.Option("--batch-size", "-b", help="Real images in a batch.", metavar="N")
]
Device = Annotated[
    str, typer.Option(help="Where to compute: auto, cpu, cuda, cuda:1, mps.", metavar="NAME")
]
PrecisionName = Annotated[
    str | None,
    typer.Option(
        help="How passes are computed: fp32, medium (fp32 with rounded factors) or bf16.",
        metavar="NAME",
    ),
]
TunedPrecision = Annotated[
    str | None,
    typer.Option(
        help="How passes are computed: fp32, medium (fp32 with rounded factors), bf16, or auto, "
        "the fastest here by measurement.",
        metavar="NAME",
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(help="CPU threads; torch's own choice by default.", min=1, metavar="N"),
]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="Folder that is written to.", metavar="DIR")
]
DataRoot = Annotated[
    Path | None, typer.Option(help="Folder with downloaded datasets.", metavar="DIR")
]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Change a setting: recipe.prior=uniform, loss=hinge (repeatable).",
        metavar="KEY=VALUE",
    ),
]
Metrics = Annotated[
    str | None,
    typer.Option(
        help="Metrics, separated by commas: fid,kid,lpips (see ganbench ls metrics).",
        metavar="NAMES",
    ),
]
Evaluations = Annotated[
    int | None,
    typer.Option(
        help="How often to measure along the way: 4, or 0 where a metric is slow.",
        min=0,
        metavar="N",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", "-n", help="Print what would be done, and stop.")
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON document to stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]


def collect_settings(
    assignments: list[str] | None,
    *,
    kimg: float | None = None,
    batch_size: int | None = None,
    precision: str | None = None,
) -> dict[str, Any]:
    """Join ``--set`` with the flags that are short for some settings; the flags win."""
    from ganbench.config import parse_assignment

    joined = dict(parse_assignment(text) for text in assignments or [])
    short = {"recipe.kimg": kimg, "recipe.batch_size": batch_size, "precision": precision}
    return joined | {key: value for key, value in short.items() if value is not None}


def number_format(name: str) -> Literal["fp32", "bf16"]:
    """Return the number format of feature networks.

    Raises:
        ConfigError: there is none of that name.
    """
    formats: dict[str, Literal["fp32", "bf16"]] = {"fp32": "fp32", "bf16": "bf16"}
    if name in formats:
        return formats[name]
    from ganbench.errors import ConfigError

    raise ConfigError(f"Unknown precision '{name}'; fp32 or bf16 was expected.")


def names(text: str | None) -> tuple[str, ...] | None:
    """Split names at commas."""
    if text is None:
        return None
    return tuple(part.strip() for part in text.split(",") if part.strip())


def command_line() -> str:
    """Return the command as it was typed, with absolute paths reduced to their last part.

    It is recorded with the run, and a record must not carry the paths of a machine.
    """
    from ganbench.records.strip_paths import strip_paths

    return shlex.join(["ganbench", *(strip_paths(word) for word in sys.argv[1:])])
