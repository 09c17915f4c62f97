# SPDX-License-Identifier: MIT
"""From the flags of ``ganbench compare`` to the suite that they stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ganbench.cli.idle_options import refuse_idle
from ganbench.errors import ConfigError
from ganbench.harness.suite import Suite, SuiteFile, find_suite, make_suite
from ganbench.typed_values import parse_value

if TYPE_CHECKING:
    import typer


def find_suite_file(name: str | None) -> SuiteFile | None:
    """Open the suite of a name or a path, if one is given."""
    return SuiteFile(find_suite(name)) if name is not None else None


def choose_suite(
    suite_file: SuiteFile | None, flags: Mapping[str, Any], settings: dict[str, Any]
) -> Suite:
    """Return the suite of a file as the flags change it, or the suite of the flags alone.

    Args:
        suite_file: the result of ``find_suite_file``.
        flags: keys of a suite, with the values that were typed; None where nothing was.
        settings: from ``--set`` and the flags that stand for settings.

    Raises:
        ConfigError: all mistakes in the suite.
    """
    changes = {key: value for key, value in flags.items() if value is not None}
    if suite_file is not None:
        return suite_file.read(changes, settings)
    if "models" not in changes:
        raise ConfigError(
            "Neither a suite nor a model is named.",
            "For example: ganbench compare --model vanilla --tricks none,ema",
        )
    return make_suite({**changes, "set": settings})


def check_search(
    baseline: str | None, bounds: Sequence[str] | None, power: str | None, effect: str | None
) -> None:
    """Refuse flags that are about a comparison, and not about a search.

    Raises:
        ConfigError: one of them is given.
    """
    flags = {
        "--baseline": baseline,
        "--fail-if-worse": bounds,
        "--power": power,
        "--effect": effect,
    }
    for flag in (flag for flag, value in flags.items() if value):
        raise ConfigError(
            f"{flag} is about a comparison, and --search chooses a configuration.",
            f"Search first; then compare the best configuration with {flag}.",
        )


def refuse_what_is_idle(
    context: typer.Context,
    backend: str,
    jobs: int | None,
    *,
    power: str | None,
    effect: str | None,
) -> None:
    """Refuse options that have no effect: where nothing is trained, or in this very process.

    Raises:
        ConfigError: One was typed.
    """
    if power is not None or effect is not None:
        idle = {"timeout", "limit", "force", "retry_failed", "fail_if_worse", "jobs", "log"}
        where = f"with {'--effect' if power is None else '--power'}, which trains nothing"
        refuse_idle(context, idle | {"dry_run"}, where)
    if backend == "inline":
        idle = {"timeout"} if jobs in {None, 1} else {"jobs", "timeout"}
        where = "with --backend inline, where each cell runs to its end before the next begins"
        refuse_idle(context, idle, where)


def parse_axes(texts: Sequence[str]) -> dict[str, list[Any]]:
    """Read axes such as ``learning_rate=1e-4,2e-4``.

    Values in brackets may hold commas of their own.

    >>> parse_axes(["batch_size=16,32", "betas=[0,0.9],[0.5,0.9]"])
    {'batch_size': [16, 32], 'betas': [[0, 0.9], [0.5, 0.9]]}

    Raises:
        ConfigError: a key or its values are missing, or a key is there twice.
    """
    axes: dict[str, list[Any]] = {}
    for text in texts:
        key, _, listed = text.partition("=")
        values = parse_value(f"[{listed}]")
        if isinstance(values, str):
            values = [parse_value(part) for part in listed.split(",")]
        if not key.strip() or not listed.strip():
            raise ConfigError(
                f"'{text}' is not an axis: a key and its values were expected.",
                "For example: --vary learning_rate=1e-4,2e-4,1e-3",
            )
        if key.strip() in axes:
            raise ConfigError(
                f"--vary {key.strip()} is given twice.",
                f"Give all its values at once: --vary {key.strip()}=1,2",
            )
        axes[key.strip()] = values
    return axes


def parse_seconds(text: str | None) -> float | None:
    """Read a time in seconds, or with s, m or h behind the number.

    >>> parse_seconds("90"), parse_seconds("30m"), parse_seconds("2h")
    (90.0, 1800.0, 7200.0)

    Raises:
        ConfigError: it is not a positive time.
    """
    if text is None:
        return None
    units = {"s": 1, "m": 60, "h": 3600}
    number = text[:-1] if text[-1:] in units else text
    try:
        seconds = float(number) * units.get(text[-1:], 1)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise ConfigError(
            f"'{text}' is not a time: seconds, 30m or 2h were expected.",
            "For example: --timeout 30m",
        )
    return seconds
