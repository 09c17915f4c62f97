# SPDX-License-Identifier: MIT
"""The sentences that page and Markdown share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganbench.config import join
from ganbench.records.record import RunRecord
from ganbench.report.budgets import EqualBudgets
from ganbench.report.numbers import amount

HOW_TO_READ = (
    "Each number is the mean over seeds, after training; in brackets is its 95 % interval by "
    "Student's t: where the mean of many more seeds may well lie. One seed has no interval. "
    "The formula knows no bounds: the interval of a count of modes can reach past the last mode.",
    "↑ means that more is better, ↓ that less is. Bold is the best mean. Where intervals "
    "overlap, another set of seeds may well give another order: see the differences, seed by "
    "seed.",
    "The floor is the metric on real data against other real data: what a perfect generator "
    "would get from so many samples.",
    "A run that diverged or collapsed is a result. One that diverged has no metrics, so a mean "
    "over “4 of 5” is a mean over those that went well.",
    "Numbers are comparable only where their protocols are the same; each dataset lists its own. "
    "Seconds are of training alone, and comparable only within one environment.",
    "A sign-flip test of n pairs cannot give a p value below 2/2ⁿ: 0.25 with three seeds, 0.0625 "
    "with five. A p value that cannot be small is no sign that there is no difference.",
)

LOSSES_NOTE = (
    "Losses tell whether two players are in balance, not how good the samples are, and they are "
    "not comparable between loss functions."
)

CURVES_NOTE = (
    "Thin: one seed each. Thick: their mean, at the points that all seeds have. Gray dashes: the "
    "floor."
)


def sentence(runs: Sequence[RunRecord]) -> str:
    """Return what is to be seen, in one sentence."""
    named = [run for run in runs if run.dataset]
    variants = list(dict.fromkeys(run.variant for run in named))
    sets = list(dict.fromkeys(run.dataset for run in named))
    seeds = {run.seed for run in named if run.seed is not None}
    shown = join(variants) if len(variants) <= 4 else f"{len(variants)} GAN variants"
    if not variants:
        return f"{counted(len(runs), 'run')}, none of which can be read."
    on = join(sets) if len(sets) <= 4 else f"{len(sets)} datasets"
    over = f", over {counted(len(seeds), 'seed')}" if len(seeds) > 1 else ""
    return (
        f"{shown} on {on}: {counted(len(runs), 'run')}{over}, with what they reached, "
        "how they got there, and what their samples look like."
    )


def counted(count: int, noun: str) -> str:
    """Return a count with its noun.

    >>> counted(1, "run"), counted(3, "run")
    ('1 run', '3 runs')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


STATUS_WORDS = {"running": "unfinished"}


def statuses(found: Mapping[str, int]) -> str:
    """Return how many runs ended how.

    >>> statuses({"done": 4, "diverged": 1})
    '4 done, 1 diverged'
    """
    return ", ".join(f"{count} {STATUS_WORDS.get(name, name)}" for name, count in found.items())


def machine(environment: Mapping[str, Any]) -> str:
    """Return an environment in one line: device, threads, processor, torch."""
    packages = environment.get("packages")
    torch = packages.get("torch") if isinstance(packages, Mapping) else None
    facts = environment.get("torch")
    gpu = facts.get("gpu") if isinstance(facts, Mapping) else None
    device = str(environment.get("device") or "unknown device")
    threads = environment.get("threads")
    parts = [
        f"{device} ({gpu})" if gpu else device,
        counted(threads, "thread") if isinstance(threads, int) else "",
        str(environment.get("processor") or ""),
        f"torch {torch}" if torch else "",
        f"Python {environment['python']}" if environment.get("python") else "",
    ]
    return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class Settings:
    """The settings of several variants: what is the same for all, and what differs by variant."""

    same: Mapping[str, str]
    differing: Mapping[str, tuple[str, ...]]


def settings(configs: Sequence[Mapping[str, Any]]) -> Settings:
    """Return the settings of variants as text, one configuration for each."""
    flat = [_flat(config) for config in configs]
    keys = dict.fromkeys(key for one in flat for key in one)
    columns = {key: tuple(one.get(key, "–") for one in flat) for key in keys}
    return Settings(
        same={key: column[0] for key, column in columns.items() if len(set(column)) == 1},
        differing={key: column for key, column in columns.items() if len(set(column)) > 1},
    )


def _flat(config: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in config.items():
        if key in {"seed", "model", "dataset"}:
            continue
        if key == "tricks" and isinstance(value, list | tuple):
            tricks = [_trick(one) for one in value if isinstance(one, Mapping)]
            found["tricks"] = ", ".join(tricks) or "none"
        elif key == "recipe" and isinstance(value, Mapping):
            found |= {inner: _setting(nested) for inner, nested in value.items()}
        else:
            found[key] = _setting(value)
    return {key.replace("_", " "): shown for key, shown in found.items()}


def subtitle(config: Mapping[str, Any]) -> str:
    """Return loss and tricks of a variant in a few words."""
    tricks = config.get("tricks")
    names = (
        [str(one.get("name")) for one in tricks or () if isinstance(one, Mapping)]
        if isinstance(tricks, list | tuple)
        else []
    )
    return " · ".join([str(config.get("loss") or ""), *names]).strip(" ·")


def _trick(trick: Mapping[str, Any]) -> str:
    parameters = trick.get("parameters")
    listed = parameters.items() if isinstance(parameters, Mapping) else ()
    inside = ", ".join(f"{key}={_setting(value)}" for key, value in listed)
    return f"{trick.get('name')}({inside})" if inside else str(trick.get("name"))


_BELONGS_TO = {"betas": "adam", "momentum": "sgd", "alpha": "rmsprop"}


def _setting(value: Any) -> str:
    """Return a setting; of an optimizer only what its kind uses."""
    if isinstance(value, Mapping):
        kind = value.get("kind")
        shown = [
            f"{key}={_setting(inner)}"
            for key, inner in value.items()
            if key != "kind"
            and _BELONGS_TO.get(key, kind) == kind
            and not (key == "weight_decay" and inner == 0)
        ]
        return f"{kind or ''}({', '.join(shown)})"
    if isinstance(value, list | tuple):
        return "(" + ", ".join(_setting(inner) for inner in value) + ")"
    return f"{value:g}" if isinstance(value, float) else str(value)


def budgets_note(budgets: Sequence[EqualBudgets]) -> str:
    """Return what the columns of the comparison at equal budgets mean."""
    first = budgets[0]
    return (
        f"At the same time: {amount(first.time.limit)} s of training, the most that every variant "
        f"reached. At the same kimg: {amount(first.kimg.limit)} thousand real images shown to the "
        "discriminator, likewise, give or take an iteration. Each run counts with its last "
        "measurement up to there, one that had diverged by then with none; nothing is interpolated."
    )


def commits(runs: Iterable[RunRecord], environment: str) -> str:
    """Return the commits of ganbench at which runs were made in an environment."""
    found: dict[str, None] = {}
    for run in runs:
        checkout = run.environment.get("checkout")
        if run.environment_id == environment and isinstance(checkout, Mapping):
            commit = str(checkout.get("commit") or "no commit")[:12]
            found[f"{commit} with changes" if checkout.get("dirty") else commit] = None
    return ", ".join(found)


def paper_address(source: str) -> str:
    """Return the address of the paper that a source names by its arXiv id; empty without one.

    >>> paper_address("Lin et al., 2018, arXiv:1712.04086, table 1")
    'https://arxiv.org/abs/1712.04086'
    """
    match = re.search(r"arXiv:\s*(\d{4}\.\d{4,5})", source)
    return f"https://arxiv.org/abs/{match[1]}" if match else ""
