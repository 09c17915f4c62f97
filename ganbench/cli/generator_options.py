# SPDX-License-Identifier: MIT
"""The options of verbs that read a generator from a file that does not state everything."""

from __future__ import annotations

from typing import Annotated

import typer

from ganbench.cli.options import WHAT

LatentDim = Annotated[
    int | None,
    typer.Option(
        help="Latent size of a generator that does not state it.",
        min=1,
        metavar="N",
        rich_help_panel=WHAT,
    ),
]
ClassCount = Annotated[
    int | None,
    typer.Option(
        "--classes",
        help="Number of classes of a conditional generator that does not state it.",
        min=1,
        metavar="N",
        rich_help_panel=WHAT,
    ),
]
