# SPDX-License-Identifier: MIT
"""The command line: one module per verb; heavy modules are imported inside the handlers."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout
from typing import Annotated

import typer
from typer.exceptions import TyperException

from ganbench import __version__
from ganbench.cli import (
    compare,
    doctor,
    eval,
    ls,
    options,
    report,
    run,
    sample,
    show,
    throughput,
    weights,
)
from ganbench.cli.output import complain, print_error
from ganbench.errors import ConfigError, GanbenchError
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
for verb in (run, eval, sample, compare, throughput, report, ls, show, doctor):
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
    """Run the command line; a user's mistake is a sentence and an exit code, never a traceback."""
    if launched().first:
        _exit(_run())
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        code = _run()  # of several processes the first speaks for all
    _exit(code)


def _exit(code: int) -> None:
    """End the command; nothing is imported that is not there, such as torch."""
    if training := sys.modules.get("ganbench.training.distributed"):
        training.end_process(code)
    sys.exit(code)


def _run() -> int:
    """Run the command line and return its exit code."""
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except GanbenchError as error:
        print_error(error.kind, error.message, error.hint)
        code = error.exit_code
    except TyperException as error:
        code = _print_usage_error(error)
    except KeyboardInterrupt:
        code = 130
    except (BrokenPipeError, SystemExit):
        # typer and rich end like this when the reader of a pipe, such as head, has seen enough.
        _discard_output()
        code = 0
    except OSError as error:
        _discard_output()
        complain(f"The operating system refused: {error}.", "See ganbench doctor.")
        code = 1
    return code if isinstance(code, int) else 0


def _discard_output() -> None:
    """Flush stdout; if that fails, point it nowhere, because Python would try again at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_usage_error(error: TyperException) -> int:
    """Print the mistake that the parser found, and return the exit code."""
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    if not message:  # a bare command has printed its help already
        return 2
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "ganbench"
    print_error("usage", message.replace("\n", " "), f"See {path} --help.")
    return 2
