# SPDX-License-Identifier: MIT
"""From the flags of ``ganbench compare`` to cells that can be carried out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganbench.analysis.gates import Bound, check_known, parse_bound
from ganbench.errors import ConfigError, UnknownNameError, suggest
from ganbench.harness.matrix import Cell, baselines, check_options
from ganbench.harness.run_options import RunOptions
from ganbench.harness.scheduler import Policy, Scheduler
from ganbench.harness.search import check_no_range
from ganbench.harness.suite import Suite, SuiteFile, find_suite, make_suite
from ganbench.typed_values import parse_value


@dataclass(frozen=True)
class PlannedComparison:
    """A comparison without mistakes: its cells, and the bounds on its results."""

    suite: Suite
    scheduler: Scheduler
    bounds: tuple[Bound, ...]

    @property
    def notices(self) -> list[str]:
        """What a user should know of how the data were read."""
        arms = (state.cell.arm for state in self.scheduler.states)
        return [notice for arm in arms for notice in arm.notices]


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


def check_search(bounds: Sequence[str] | None, power: str | None, effect: str | None) -> None:
    """Refuse flags that are about a comparison, and not about a search.

    Raises:
        ConfigError: one of them is given.
    """
    flags = {"--fail-if-worse": bounds, "--power": power, "--effect": effect}
    for flag in (flag for flag, value in flags.items() if value):
        raise ConfigError(
            f"{flag} is about a comparison, and --search chooses a configuration.",
            f"Search first; then compare the best configuration with {flag}.",
        )


def parse_axes(texts: Sequence[str]) -> dict[str, list[Any]]:
    """Read axes such as ``learning_rate=1e-4,2e-4``.

    Values in brackets may hold commas of their own.

    >>> parse_axes(["batch_size=16,32", "betas=[0,0.9],[0.5,0.9]"])
    {'batch_size': [16, 32], 'betas': [[0, 0.9], [0.5, 0.9]]}

    Raises:
        ConfigError: a key or its values are missing.
    """
    axes = {}
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


def plan_comparison(
    suite: Suite,
    suite_file: SuiteFile | None,
    run_options: RunOptions,
    policy: Policy,
    bounds: Sequence[str],
) -> PlannedComparison:
    """Resolve the cells, and find all mistakes before the first cell is trained.

    Args:
        suite: the axes, and how cells are carried out.
        suite_file: the file of the suite, so that mistakes are told with their lines.
        run_options: how each cell is run.
        policy: which cells are carried out, and for how long.
        bounds: the values of ``--fail-if-worse``.

    Raises:
        GanbenchError: a mistake, or all of them.
    """
    data_root = run_options.data_root
    check_no_range(suite.vary)
    cells = suite_file.cells(suite, data_root) if suite_file else suite.cells(data_root)
    parsed_bounds = tuple(parse_bound(text) for text in bounds)
    wanted = check_options(cells, run_options)
    metrics = list(dict.fromkeys(name for each in wanted.values() for name in each.names))
    check_known(parsed_bounds, metrics)
    _check_metric(suite.metric, metrics)
    _check_baseline(suite.baseline, cells)
    return PlannedComparison(
        suite, Scheduler(cells, run_options, wanted, policy=policy), parsed_bounds
    )


def _check_metric(metric: str | None, measured: Sequence[str]) -> None:
    if metric is not None and metric not in measured:
        raise UnknownNameError(
            f"'{metric}' is not among the metrics that are measured. "
            f"{suggest(metric, measured)}".strip(),
            f"There are: {', '.join(measured)}.",
        )


def _check_baseline(baseline: str | None, cells: Sequence[Cell]) -> None:
    names = baselines(list(dict.fromkeys(cell.arm for cell in cells)))
    if baseline is not None and baseline not in names:
        raise UnknownNameError(
            f"No variant is called '{baseline}'. {suggest(baseline, names)}".strip(),
            f"There are: {', '.join(names)}.",
        )
