# SPDX-License-Identifier: MIT
"""The command line: one module per verb; heavy modules are imported inside the handlers."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout
from typing import Annotated

import typer

from ganbench import __version__
from ganbench.cli import (
    cite,
    compare,
    doctor,
    eval,
    export,
    lab,
    ls,
    options,
    report,
    run,
    sample,
    show,
    throughput,
    weights,
)
from ganbench.cli.last_gate import run_guarded
from ganbench.cli.results import prepare_streams
from ganbench.errors import ConfigError
from ganbench.runtime.cores import begin_watching
from ganbench.runtime.process_group import launched

app = typer.Typer(
    name="ganbench",
    help="Train, measure and compare GANs, with numbers that can be trusted.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Begin with [bold]ganbench run --model vanilla[/bold]: two minutes on two cores.",
)
for verb in (
    run,
    eval,
    sample,
    export,
    compare,
    throughput,
    report,
    lab,
    ls,
    show,
    cite,
    doctor,
):
    name = verb.__name__.rsplit(".", 1)[-1]
    app.command(name, cls=options.Verb, epilog=verb.EXAMPLES)(verb.command)
app.add_typer(weights.weights_app, name="weights")


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"ganbench {__version__}")
        raise typer.Exit


@app.callback()
def _check_processes(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version.",
            metavar="",
        ),
    ] = False,
) -> None:
    """Train, measure and compare GANs, with numbers that can be trusted."""
    processes = launched().size
    if processes > 1 and context.invoked_subcommand != "run":
        raise ConfigError(
            f"Only ganbench run trains with several processes, and torchrun started {processes} of "
            f"ganbench {context.invoked_subcommand}.",
            "Start it without torchrun.",
        )


def main() -> None:
    """Run the command line; every error is a sentence and an exit code, never a traceback."""
    begin_watching()
    prepare_streams()
    if launched().first:
        _exit(run_guarded(app))
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        code = run_guarded(app)  # of several processes the first speaks for all
    _exit(code)


def _exit(code: int) -> None:
    """End the command; nothing is imported that is not there, such as torch."""
    if training := sys.modules.get("ganbench.training.distributed"):
        training.end_process(code)
    sys.exit(code)
