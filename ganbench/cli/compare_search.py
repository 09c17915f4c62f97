# SPDX-License-Identifier: MIT
"""``ganbench compare --search``: the budget, the rungs, and the best configuration run again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from ganbench.analysis.stats import mean_interval
from ganbench.cli.output import (
    complain,
    console,
    format_number,
    print_json,
    print_notices,
    remark,
)
from ganbench.config import counted
from ganbench.evaluation.requests import Request
from ganbench.harness.matrix import Cell
from ganbench.harness.preflight import check_cells
from ganbench.harness.run_metrics import WantedMetrics
from ganbench.harness.run_options import RunOptions
from ganbench.harness.scheduler import CellState, Policy, Scheduler
from ganbench.harness.search import Found, Results, SearchPlan, parse_search
from ganbench.records.primary_metric import Choice, primary_rank, record_choices
from ganbench.records.run_folder import FAILURES

if TYPE_CHECKING:
    from ganbench.harness.suite import Suite

CellWatch = Callable[[Scheduler], list[CellState]]
"""Carries out the cells of a scheduler, and shows them meanwhile."""


def run_search(
    suite: Suite,
    run_options: RunOptions,
    policy: Policy,
    watch: CellWatch,
    *,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Print the budget, carry out the search, and print its result.

    Args:
        suite: What is searched; ``suite.search`` says how.
        run_options: How each cell is run.
        policy: Which cells are carried out, and for how long.
        watch: Carries out cells.
        dry_run: Print the budget alone.
        as_json: Print a JSON document.
        quiet: Print no budget.

    Raises:
        GanbenchError: The search has a mistake; it is found before anything is trained.
    """
    assert suite.search is not None
    plan = SearchPlan(suite, parse_search(suite.search), run_options.open)
    cells = [cell for tried in plan.first.values() for each in tried for cell in each.cells]
    wanted = check_cells(cells, run_options)
    if not quiet:
        print_notices(notice for cell in cells for notice in cell.arm.notices)
    primary = _primary(suite.metric, [each.requests for each in wanted.values()])
    if dry_run and as_json:
        print_json({"search": _plan_record(plan, primary)})
        return
    if dry_run or not quiet:
        for line in _budget(plan, primary):
            console(stderr=not dry_run).print(line, soft_wrap=True)
    if dry_run:
        console().print("Nothing was trained: this was a dry run.")
        return

    carry_out = _Rungs(run_options, wanted, policy, watch)
    found: list[Found] = []
    status = "done"
    try:
        found = plan.carry_out(carry_out, primary.name, primary.metric.better)
    except _UnfinishedError as unfinished:
        status = unfinished.status
        remark("The search is not at its end; repeat the command to go on.")
    else:
        choice = Choice(suite.metric or "", suite.baseline or "")
        record_choices(run_options.out, {cell.config.dataset: choice for cell in cells})
    if as_json:
        best = [_found_record(each) for each in found]
        print_json({"search": _plan_record(plan, primary), "status": status, "best": best})
    else:
        for each in found:
            console().print(sentence(each, primary.name, len(plan.configurations)), soft_wrap=True)
    if status == "interrupted":
        raise typer.Exit(130)
    if carry_out.failed:
        raise typer.Exit(1)


class _Rungs:
    """Carries out the cells of one rung after another, under one limit.

    Args:
        run_options: How each cell is run.
        wanted: The metrics that each cell must have, by dataset.
        policy: Which cells are carried out; the limit is for all rungs together.
        watch: Carries out cells.
    """

    def __init__(
        self,
        run_options: RunOptions,
        wanted: Mapping[str, WantedMetrics],
        policy: Policy,
        watch: CellWatch,
    ) -> None:
        self._run_options, self._wanted, self._policy = run_options, wanted, policy
        self._watch = watch
        self.failed = False
        """Whether a cell failed or took too long."""

    def __call__(self, cells: Sequence[Cell]) -> Results:
        """Return the results of the cells of a rung.

        Raises:
            _UnfinishedError: Some are still to come.
        """
        scheduler = Scheduler(cells, self._run_options, self._wanted, policy=self._policy)
        states = self._watch(scheduler)
        if self._policy.limit is not None:
            left = self._policy.limit - scheduler.begun
            self._policy = replace(self._policy, limit=left)
        self.failed |= any(state.status in FAILURES for state in states)
        return _results(states)


class _UnfinishedError(Exception):
    """Cells of a rung are still to come, so that nothing can be chosen.

    Args:
        status: ``interrupted``, or ``limited`` where the limit was reached.
    """

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


def sentence(found: Found, metric: str, tried: int) -> str:
    """Return both numbers of the best configuration: as it was chosen, and on fresh seeds."""
    seeds = found.fresh_seeds
    again = (
        f"{_estimate(found.fresh)} on fresh seeds ({seeds[0]}–{seeds[-1]})"
        if len(found.fresh) == len(seeds)
        else f"only {len(found.fresh)} of {len(seeds)} fresh seeds have a value"
    )
    return (
        f"{found.group.label}: the best of {tried} configurations is {found.label}. {metric}: "
        f"{again}; {_estimate(found.searched)} in the search, which flatters it, as it was chosen "
        "by these values."
    )


def _estimate(values: Sequence[float]) -> str:
    estimate = mean_interval(values)
    if estimate.low is None or estimate.high is None:
        return f"{format_number(estimate.value)} ({counted(estimate.n, 'seed')}, no interval)"
    bounds = f"{format_number(estimate.low)} – {format_number(estimate.high)}"
    return f"{format_number(estimate.value)} ({bounds}, n = {len(values)})"


def _primary(metric: str | None, listed: Sequence[Sequence[Request]]) -> Request:
    """Return the metric by which configurations are chosen, which every dataset has.

    Raises:
        ConfigError: No metric is measured on every dataset, or the one in the suite is not.
    """
    from ganbench.errors import ConfigError

    shared = [
        request
        for request in listed[0]
        if all(request.name in {other.name for other in others} for others in listed)
    ]
    chosen = [request for request in shared if metric in {None, request.name}]
    if not chosen:
        names = ", ".join(request.name for request in shared)
        missing = f"{metric} is not" if metric else "there is none"
        raise ConfigError(
            f"A search chooses by a metric that is measured on every dataset, and {missing}.",
            f"There are: {names}." if names else "Name one: --metrics fid@pixels",
        )
    return min(chosen, key=lambda request: primary_rank(request.name))


def _budget(plan: SearchPlan, primary: Request) -> list[str]:
    """Return the size of the search in sentences."""
    seeds = len(plan.suite.seeds)
    arrow = "highest" if primary.metric.better == "higher" else "lowest"
    rungs = ", then ".join(f"{rung.count} at {_share(rung.share)}" for rung in plan.search.rungs)
    each = "" if len(plan.groups) == 1 else f", for each of {len(plan.groups)} combinations"
    return [
        f"Search: {rungs}, each with {counted(seeds, 'seed')}{each}; "
        f"the {arrow} mean {primary.name} wins, "
        f"and is trained again on {counted(seeds, 'fresh seed')}.",
        f"Budget: {counted(plan.runs, 'run')}, {plan.kimg:,.4g} kimg in all; "
        "stored runs are not trained again.",
    ]


def _share(share: float) -> str:
    return "full length" if share == 1 else f"1/{round(1 / share)} of the length"


def _results(states: Sequence[CellState]) -> Results:
    """Return the results of cells by identity.

    Raises:
        _UnfinishedError: Some are still to come.
    """
    statuses = {state.status for state in states}
    for state in states:
        if state.status in FAILURES:
            complain(f"{state.cell.label}: {state.problem}")
    for status in ("interrupted", "limited"):
        if status in statuses:
            raise _UnfinishedError(status)
    return {state.cell.identity: state.record for state in states if state.record}


def _plan_record(plan: SearchPlan, primary: Request) -> dict[str, Any]:
    return {
        "kind": plan.search.kind,
        "configurations": plan.configurations,
        "rungs": [{"count": rung.count, "share": rung.share} for rung in plan.search.rungs],
        "seeds": list(plan.suite.seeds),
        "fresh_seeds": list(plan.fresh_seeds),
        "metric": primary.name,
        "better": primary.metric.better,
        "runs": plan.runs,
        "kimg": plan.kimg,
    }


def _found_record(found: Found) -> dict[str, Any]:
    return {
        "model": found.group.model,
        "tricks": found.group.tricks,
        "dataset": found.group.dataset,
        "configuration": found.configuration,
        "searched": list(found.searched),
        "fresh": list(found.fresh),
    }
