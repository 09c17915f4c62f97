# SPDX-License-Identifier: MIT
"""The options that verbs share: one letter, one sentence and one help panel everywhere."""

from __future__ import annotations

import inspect
import math
import shlex
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand, TyperOption

from ganbench.cli.results import results_apart
from ganbench.errors import ConfigError, GanbenchError, StoppedError
from ganbench.paths import expand
from ganbench.typed_values import MOST_COUNT, MOST_JOBS, MOST_SAMPLES, MOST_SEED, MOST_THREADS

WHAT = "What"
LENGTH = "How long and how much"
MEASURING = "Measuring"
WHERE = "Where and how"
OUTPUT = "Output"
PANELS = (WHAT, LENGTH, MEASURING, WHERE, OUTPUT)
"""The panels of every verb's help, in their order."""

_MOST = {"samples": MOST_SAMPLES, "count": MOST_SAMPLES, "threads": MOST_THREADS}
_MOST |= {"jobs": MOST_JOBS, "seed": MOST_SEED, "rounds": 10_000, "seconds": 3600}
"""The largest numbers of options, where they are not ``MOST_COUNT``; help need not show them."""

ModelName = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        help="Name of a GAN (see ganbench ls models), or ./file.py.",
        metavar="NAME",
        rich_help_panel=WHAT,
    ),
]
DatasetName = Annotated[
    str,
    typer.Option(
        "--dataset",
        "-d",
        help="Name of a dataset; a folder of images or sounds; a zip, tar, npz or npy file.",
        metavar="NAME",
        rich_help_panel=WHAT,
    ),
]
TrickNames = Annotated[
    list[str] | None,
    typer.Option(
        "--trick",
        "-t",
        help="Trick to add: name or name:key=value. name:off removes one of the model's own "
        "(repeatable).",
        metavar="NAME",
        rich_help_panel=WHAT,
    ),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Change a setting: recipe.prior=uniform, loss=hinge (repeatable).",
        metavar="KEY=VALUE",
        rich_help_panel=WHAT,
    ),
]
DataRoot = Annotated[
    Path | None,
    typer.Option(help="Folder with downloaded datasets.", metavar="DIR", rich_help_panel=WHAT),
]
ValueRangeOption = Annotated[
    str | None,
    typer.Option(
        "--range",
        help="Lowest and highest value of samples that are floats, where that is not -1,1.",
        metavar="LOW,HIGH",
        rich_help_panel=WHAT,
    ),
]
Kimg = Annotated[
    float | None,
    typer.Option(
        help="Length of training, in thousands of real images shown.",
        metavar="N",
        rich_help_panel=LENGTH,
    ),
]
BatchSize = Annotated[
    int | None,
    typer.Option(
        "--batch-size",
        "-b",
        help="Real images in a batch.",
        metavar="N",
        rich_help_panel=LENGTH,
    ),
]
Metrics = Annotated[
    str | None,
    typer.Option(
        help="Metrics, separated by commas: fid,kid,lpips (see ganbench ls metrics).",
        metavar="NAMES",
        rich_help_panel=MEASURING,
    ),
]
Evaluations = Annotated[
    int | None,
    typer.Option(
        help="How often to measure during training (default: 4, or 0 if a metric is slow).",
        min=0,
        metavar="N",
        rich_help_panel=MEASURING,
    ),
]
MeasuredSamples = Annotated[
    int | None,
    typer.Option(
        "--samples",
        help="Number of generated samples to measure (default: 5000; 2500 points; 26,000 of "
        "stacked digits).",
        min=2,
        metavar="N",
        rich_help_panel=MEASURING,
    ),
]
RealSplit = Annotated[
    str | None,
    typer.Option(
        help="Split of the data that metrics compare with: test (default: the one that is "
        "trained on).",
        metavar="NAME",
        rich_help_panel=MEASURING,
    ),
]
Loggers = Annotated[
    str | None,
    typer.Option(
        "--log",
        help="Loggers, separated by commas: tensorboard,wandb,mlflow (see ganbench ls loggers).",
        metavar="NAMES",
        rich_help_panel=OUTPUT,
    ),
]
Device = Annotated[
    str,
    typer.Option(
        help="Device that computes: auto, cpu, cuda, cuda:1 or mps.",
        metavar="NAME",
        rich_help_panel=WHERE,
    ),
]
_PRECISIONS = "Precision of training: fp32, medium (fp32 that multiplies rounded factors)"
PrecisionName = Annotated[
    str | None,
    typer.Option(help=f"{_PRECISIONS} or bf16.", metavar="NAME", rich_help_panel=WHERE),
]
TunedPrecision = Annotated[
    str | None,
    typer.Option(
        help=f"{_PRECISIONS}, bf16, or auto: the fastest here, by measurement.",
        metavar="NAME",
        rich_help_panel=WHERE,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        help="CPU threads (default: as many as are free and make it faster).",
        min=1,
        metavar="N",
        rich_help_panel=WHERE,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="Folder to write to.", metavar="DIR", rich_help_panel=OUTPUT),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        "-n",
        help="Print what would be done, and stop.",
        metavar="",
        rich_help_panel=OUTPUT,
    ),
]
JsonFlag = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print one JSON document to stdout.",
        metavar="",
        rich_help_panel=OUTPUT,
    ),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Show no progress.", metavar="", rich_help_panel=OUTPUT),
]


SEVERAL = ("NAMES", "SETS", "LIST")
"""The metavars of options that hold several values, joined with commas."""


class Verb(TyperCommand):
    """A verb of the command line; its help is laid out for terminals of any width."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; an option that names several things is not given twice.

        Of a single value the last counts, as everywhere. Of several, the others would be left out.

        Raises:
            ConfigError: One is.
        """
        *_, given = self.make_parser(ctx).parse_args(args=list(args))
        for option in dict.fromkeys(given):
            if option.metavar in SEVERAL and given.count(option) > 1:
                raise ConfigError(
                    f"{max(option.opts, key=len)} is given {given.count(option)} times.",
                    "Give it once, and join the values with commas.",
                )
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Carry out the verb, with paths that are expanded and stdout kept for results.

        Raises:
            ConfigError: A number is too large.
            StoppedError: Ctrl-C was pressed.
            UserExitError: Code of the user's called ``sys.exit``.
        """
        _check_bounds(self.params, ctx.params)
        ctx.params = {name: _expanded(value) for name, value in ctx.params.items()}
        with results_apart():
            try:
                return super().invoke(ctx)
            except KeyboardInterrupt as error:
                raise StoppedError("Interrupted.") from error
            except SystemExit as error:
                frame = traceback.extract_tb(error.__traceback__)[-1]
                raise UserExitError(
                    f"{frame.filename}, line {frame.lineno}, ended the command by "
                    f"SystemExit({error.code!r})."
                ) from error

    def get_help_option(self, ctx: Any) -> TyperOption | None:
        """Return ``--help``, which is listed in the panel of the output."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.rich_help_panel = OUTPUT
            option.metavar = ""
        return option

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help; the lines of a paragraph are joined, and broken by the terminal."""
        paragraphs = inspect.cleandoc(self.help or "").split("\n\n")
        self.help = "\n\n".join(paragraph.replace("\n", " ") for paragraph in paragraphs)
        super().format_help(ctx, formatter)


class UserExitError(GanbenchError):
    """A user's code asked Python to exit, as if the command were done."""

    kind = "user-exit"


def _check_bounds(parameters: Sequence[Any], values: Mapping[str, Any]) -> None:
    """Refuse numbers beyond all memory and patience, before anything is allocated."""
    for parameter in parameters:
        value, most = values.get(parameter.name), _MOST.get(parameter.name, MOST_COUNT)
        if parameter.name != "kimg" and isinstance(value, int | float) and value > most:
            raise ConfigError(f"{parameter.opts[0]} is at most {most:,}.")


def _expanded(value: Any) -> Any:
    """Return a path, or all paths of a list, with the home that ``~`` stands for."""
    if isinstance(value, Path):
        return expand(value)
    return [_expanded(item) for item in value] if isinstance(value, list | tuple) else value


def collect_settings(
    assignments: list[str] | None,
    *,
    kimg: float | None = None,
    batch_size: int | None = None,
    precision: str | None = None,
) -> dict[str, Any]:
    """Return the settings of ``--set`` and of the flags that stand for settings, in their order.

    Of two spellings of a setting the later one counts, and the flags are last.
    """
    from ganbench.typed_values import changed_settings, parse_assignment

    settings: dict[str, Any] = {}
    for text in assignments or []:
        key, value = parse_assignment(text)
        settings = changed_settings(settings, {key: value})
    flags = {"recipe.kimg": kimg, "recipe.batch_size": batch_size, "precision": precision}
    given = {key: value for key, value in flags.items() if value is not None}
    return changed_settings(settings, given)


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


def value_range(text: str | None) -> tuple[float, float] | None:
    """Return the lowest and the highest value of samples, from ``--range LOW,HIGH``.

    >>> value_range("0,1")
    (0.0, 1.0)

    Raises:
        ConfigError: the text is not two finite numbers, the lower one first.
    """
    if text is None:
        return None
    try:
        low, high = (float(number) for number in text.split(","))
    except ValueError:
        low = high = math.nan
    if math.isfinite(high - low) and low < high:
        return low, high
    from ganbench.errors import ConfigError

    raise ConfigError(
        f"--range {text}: two numbers were expected, the lowest and the highest value.",
        "For example: --range 0,1",
    )


def names(text: str | None) -> tuple[str, ...] | None:
    """Return names that are separated by commas."""
    if text is None:
        return None
    return tuple(part.strip() for part in text.split(",") if part.strip())


def some_names(flag: str, text: str) -> tuple[str, ...]:
    """Return names that are separated by commas, at least one.

    Raises:
        ConfigError: The text names nothing.
    """
    if named := names(text):
        return named
    raise ConfigError(f"{flag} names nothing.", "Join several names with commas.")


def command_line() -> str:
    """Return the command as it was typed, with absolute paths reduced to their last part.

    It is recorded with the run, and a record must not carry the paths of a machine.
    """
    from ganbench.records.strip_paths import strip_paths

    return shlex.join(["ganbench", *(strip_paths(word) for word in sys.argv[1:])])


def typed_flags(context: typer.Context) -> dict[str, str]:
    """Return the options that were typed in a command, as flags, by the name of the parameter."""
    typed: dict[str, str] = {}
    for parameter in context.command.params:
        name = parameter.name or ""
        source = context.get_parameter_source(name)
        if isinstance(parameter, TyperOption) and source and source.name == "COMMANDLINE":
            turned_off = context.params.get(name) is False
            typed[name] = (parameter.secondary_opts if turned_off else parameter.opts)[0]
    return typed
