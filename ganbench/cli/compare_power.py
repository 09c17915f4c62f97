# SPDX-License-Identifier: MIT
"""The output of ``ganbench compare --power``: how many seeds would find an effect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ganbench.analysis import number_text
from ganbench.analysis.comparison import ALPHA
from ganbench.analysis.power import SeedsNeeded, parse_effect, parse_power, seeds_needed
from ganbench.analysis.significance import MOST_PLANNED
from ganbench.cli.output import MOST_TABLE_ROWS, add_rest_row, console, print_json
from ganbench.errors import MissingDataError
from ganbench.harness.compare import compared_datasets

if TYPE_CHECKING:
    from rich.table import Table

    from ganbench.harness.comparison_plan import PlannedComparison


def print_seeds_needed(
    planned: PlannedComparison, power_text: str, effect_text: str, *, as_json: bool
) -> None:
    """Print how many seeds each comparison needs, from the runs that are stored.

    Args:
        planned: the comparison, of which nothing is carried out.
        power_text: the value of ``--power``.
        effect_text: the value of ``--effect``.
        as_json: whether a JSON document is printed in place of a table.

    Raises:
        ConfigError: a value is not what it should be.
        MissingDataError: the stored runs make no two pairs.
    """
    power, effect = parse_power(power_text), parse_effect(effect_text)
    suite = planned.suite
    matrix = compared_datasets(planned.scheduler, suite.baseline, suite.metric)
    tests = max(suite.comparisons, matrix.tests, 1)
    plans = seeds_needed(matrix, effect, power, tests)
    if not plans:
        raise MissingDataError(
            f"No two runs of a variant in {planned.scheduler.out_as_typed} make pairs with runs of "
            "its baseline that differ, from whose spread a number of seeds would follow.",
            "Repeat the command without --power and --effect, on two seeds or more.",
        )
    if as_json:
        print_json(
            {
                "power": power,
                "effect": effect.text,
                "level": ALPHA / tests,
                "tests": tests,
                "plans": [_record(plan) for plan in plans],
            }
        )
        return
    screen = console()
    for dataset in dict.fromkeys(plan.dataset for plan in plans):
        of_dataset = [plan for plan in plans if plan.dataset == dataset]
        screen.print_table(_table(of_dataset, effect.text), least=("spread", "pairs"))
    correction = f", corrected for {tests} comparisons," if tests > 1 else ""
    screen.print(
        f"With that many seeds, the paired t test{correction} finds a true difference of this "
        f"size with a probability of {power:g}. The interval reflects the spread, of which a few "
        "pairs give only a rough estimate."
    )


def _record(plan: SeedsNeeded) -> dict[str, Any]:
    """Return a plan as it is in the JSON."""
    comparison = plan.verdict.comparison
    return {
        "dataset": plan.dataset,
        "metric": comparison.column.metric,
        "protocol": comparison.column.protocol,
        "variant": comparison.variant,
        "baseline": comparison.baseline,
        "n": plan.pairs.paired.n,
        "deviation": plan.deviation,
        "difference": plan.difference,
        "seeds": plan.seeds,
        "low": plan.low,
        "high": plan.high,
    }


def _table(plans: Sequence[SeedsNeeded], effect: str) -> Table:
    """Return the plans of one dataset as a table, a row for each variant."""
    from rich.table import Table

    column = plans[0].verdict.comparison.column
    table = Table(
        title=f"Seeds that find {effect} of {column.name} on {plans[0].dataset}"
        if effect.endswith("%")
        else f"Seeds that find a difference of {effect} in {column.name} on {plans[0].dataset}",
        title_justify="left",
        title_style="bold",
    )
    table.add_column("variant")
    for heading in ("pairs", "spread", "difference", "seeds", "95 % interval"):
        table.add_column(heading, justify="right")
    for plan in plans[:MOST_TABLE_ROWS]:
        table.add_row(
            plan.verdict.comparison.variant,
            str(plan.pairs.paired.n),
            number_text.amount(plan.deviation),
            number_text.amount(plan.difference),
            _count(plan.seeds),
            f"[{_count(plan.low)}, {_count(plan.high)}]",
        )
    add_rest_row(table, len(plans))
    return table


def _count(seeds: int | None) -> str:
    """Return a number of seeds as a table shows it."""
    return f"> {MOST_PLANNED:,}" if seeds is None else f"{seeds:,}"
