# SPDX-License-Identifier: MIT
"""``ganbench export``: write a trained generator in a format that others read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ganbench.cli import options
from ganbench.cli.options import OUTPUT, WHAT
from ganbench.cli.output import console, print_json

EXAMPLES = """\
Examples:

ganbench export runs/dcgan-mnist5k-seed0-1a2b3c4d --to onnx --out dcgan.onnx

ganbench export runs/acgan-mnist5k-seed0-1a2b3c4d --to torchscript

ganbench export runs/dcgan-mnist5k-seed0-1a2b3c4d --to hub-folder --half --out my-dcgan

ganbench export dcgan@mnist5k --to onnx
"""


def command(
    run: Annotated[
        str,
        typer.Argument(
            help="Folder of a run, finished or not; a pretrained generator (see ganbench ls "
            "pretrained); an exported one."
        ),
    ],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            help="onnx, torchscript, safetensors, or hub-folder (the layout of a Hugging Face "
            "repository, with a model card).",
            metavar="NAME",
            show_default=False,
            rich_help_panel=WHAT,
        ),
    ],
    half: Annotated[
        bool,
        typer.Option(
            "--half",
            help="Store matrices and kernels in half precision (safetensors and hub-folder).",
            metavar="",
            rich_help_panel=WHAT,
        ),
    ] = False,
    data_root: options.DataRoot = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="File or folder to write (default: one here, named after the run).",
            metavar="PATH",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    as_json: options.JsonFlag = False,
) -> None:
    """Write the generator that a run samples with as a file for other programs.

    The file says what the generator takes and returns, so that ganbench sample and ganbench eval
    need no further option. 64 of its samples are compared with the run's own. Averaged weights (the
    trick ema) are exported where the run samples with them; what a file cannot hold, such as
    rejection sampling, is left out with a sentence.
    """
    from ganbench.cli.output import remark
    from ganbench.harness.export_run import export_run
    from ganbench.records.exported_run import find_run
    from ganbench.runtime.threads import set_threads

    set_threads(None)
    export = export_run(find_run(run), to=to, out=out, half=half, data_root=data_root)
    for note in export.notes:
        remark(note)
    if as_json:
        print_json(
            {
                "run": run,
                "to": export.form,
                "out": str(export.path),
                "size_bytes": export.size_bytes,
                "difference": export.difference,
                "notes": list(export.notes),
            }
        )
        return
    console().print(f"{export.form}: {export.path}", soft_wrap=True)
    console().print(f"{export.size_bytes / 1e6:.2f} MB; {export.agreement}")
