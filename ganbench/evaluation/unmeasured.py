# SPDX-License-Identifier: MIT
"""Metrics that cannot be had: all of them in one error, with one command that gets the rest."""

from __future__ import annotations

from collections.abc import Mapping

from ganbench.errors import GanbenchError, MissingDataError
from ganbench.weights import MissingWeightsError
from ganbench.weights.catalogue import find_weights


def joined(failures: Mapping[str, GanbenchError]) -> GanbenchError:
    """Return one error for all metrics that cannot be had.

    It names each cause once, with the metrics that it stops. It is a ``MissingDataError`` if
    anything is missing from this machine, whose hint is the command that gets all of it.

    Args:
        failures: The error of each metric, by the name of the metric; at least one.
    """
    names: dict[str, list[str]] = {}
    for name, error in failures.items():
        names.setdefault(error.message, []).append(name)
    if len(names) == 1:
        (message,) = names
    else:
        causes = (f"{', '.join(of)}: {message.rstrip('.')}" for message, of in names.items())
        message = f"{'; '.join(causes)}."
    if any(isinstance(error, MissingDataError) for error in failures.values()):
        return MissingDataError(message, remedy(failures))
    first = next(iter(failures.values()))
    return type(first)(message, first.hint)


def remedy(failures: Mapping[str, GanbenchError]) -> str:
    """Return the one command that gets all that is missing, empty where nothing is."""
    commands: list[str] = []
    trunks: dict[str, None] = {}
    whole: dict[str, None] = {}
    for name, error in failures.items():
        if isinstance(error, MissingWeightsError):
            (whole if error.whole or _needs_whole(name, error) else trunks)[error.weights] = None
        elif isinstance(error, MissingDataError) and error.hint not in commands:
            commands.append(error.hint)
    if trunks := {weights: None for weights in trunks if weights not in whole}:
        commands.append(f"ganbench weights fetch {' '.join(trunks)}")
    if whole:
        commands.append(f"ganbench weights fetch {' '.join(whole)} --whole")
    return " && ".join(commands)


def _needs_whole(metric: str, error: MissingWeightsError) -> bool:
    """Tell whether a metric needs the upper layers, too, of weights of which nothing is here."""
    needing = find_weights(error.weights).whole_metrics
    return metric in needing or metric.partition("@")[0] in needing
