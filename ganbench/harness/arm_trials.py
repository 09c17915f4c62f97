# SPDX-License-Identifier: MIT
"""Short trials of the arms of a matrix before their cells are trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from ganbench.data.dataset import Dataset
from ganbench.harness.matrix import Arm
from ganbench.harness.run_options import RunOptions

Outcome = TypeVar("Outcome")


def try_arms(
    arms: Iterable[Arm], options: RunOptions, trial: Callable[[Arm, Dataset], Outcome]
) -> dict[Arm, Outcome]:
    """Try each arm on the data that it trains on, and return the outcomes.

    An arm is left out if its data cannot be read or its model's code raises anything: the reason
    is told when its cells are trained, and takes nothing from other models.

    Args:
        arms: The arms; data that several train on are loaded once.
        options: How the cells are run.
        trial: What is done with an arm and its data.
    """
    datasets: dict[str, Dataset] = {}
    outcomes: dict[Arm, Outcome] = {}
    for arm in arms:
        try:
            if arm.dataset not in datasets:
                source = options.open(arm.dataset)
                datasets[arm.dataset] = source.load(source.splits[0])
            outcomes[arm] = trial(arm, datasets[arm.dataset])
        except (Exception, SystemExit):  # noqa: BLE001 - whatever a user's code raises
            continue
    return outcomes
