# SPDX-License-Identifier: MIT
"""From a suite to cells that can be carried out: all mistakes are found before training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ganbench.analysis.gates import Bound, check_known, parse_bound
from ganbench.errors import UnknownNameError, suggest
from ganbench.harness.matrix import Cell, baselines
from ganbench.harness.preflight import check_cells
from ganbench.harness.run_options import RunOptions
from ganbench.harness.scheduler import Policy, Scheduler
from ganbench.harness.search import check_no_range
from ganbench.harness.suite import Suite, SuiteFile


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


def plan_comparison(
    suite: Suite,
    run_options: RunOptions,
    *,
    suite_file: SuiteFile | None = None,
    policy: Policy = Policy(),  # noqa: B008 - frozen
    bounds: Sequence[str] = (),
) -> PlannedComparison:
    """Resolve the cells, and find all mistakes before the first cell is trained.

    Args:
        suite: the axes, and how cells are carried out.
        run_options: how each cell is run.
        suite_file: the file of the suite, so that mistakes are told with their lines.
        policy: which cells are carried out, and for how long.
        bounds: the values of ``--fail-if-worse``.

    Raises:
        GanbenchError: a mistake, or all of them.
    """
    check_no_range(suite.vary)
    cells = (
        suite_file.cells(suite, run_options.open) if suite_file else suite.cells(run_options.open)
    )
    parsed_bounds = tuple(parse_bound(text) for text in bounds)
    wanted = check_cells(cells, run_options)
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
        plain = "Add none to --tricks, or choose another --baseline. " if baseline == "none" else ""
        raise UnknownNameError(
            f"No variant is called '{baseline}'. {suggest(baseline, names)}".strip(),
            f"{plain}There are: {', '.join(names)}.",
        )
