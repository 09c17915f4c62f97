# SPDX-License-Identifier: MIT
"""The sentences that page and Markdown share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganbench.analysis.comparison import Comparison
from ganbench.analysis.equal_budgets import EqualBudgets
from ganbench.analysis.number_text import amount, percent, signed_text
from ganbench.analysis.stats import Estimate
from ganbench.analysis.verdicts import Verdict
from ganbench.config import join_words
from ganbench.records.run_record import RunRecord

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
    "Verdicts: runs of one seed share initial weights, batches and latents, so differences to the "
    "baseline are taken in pairs. A treatment helps or hurts where a two-sided paired t test has "
    "p < 0.05 after Holm's correction for all treatments that are held against the same baseline "
    "in the same metric on the same dataset. It fails where more of its runs than of the "
    "baseline's diverged or collapsed, by one in ten at least, and pairs are lost by it. "
    "Everything else is no difference that so many seeds can show, which is not the same as no "
    "difference.",
    "Beside the t test stands the exact permutation test, which assumes nothing of the "
    "distribution. Over n pairs it cannot give a p value below 2/2ⁿ: 0.25 with three seeds, 0.0625 "
    "with five. A p value that cannot be small is no sign that there is no difference.",
)

VERDICTS_NOTE = (
    "The verdict, and the mean difference over shared seeds in percent of the baseline. “Not "
    "shown”: the percentage is what these seeds gave, and so many seeds cannot show that it is "
    "more than chance."
)

EFFECTS_NOTE = (
    "Difference to the baseline, treatment minus baseline: each circle is one seed, the diamond "
    "their mean, the bar its 95 % t interval, not corrected for the number of treatments. A "
    "triangle at the border is a seed that lies beyond it, and a bar that ends there goes on. At "
    "the right is the verdict."
)

MULTIPLES_NOTE = (
    "Each panel is one variant: thin lines are its seeds, the thick one their mean, the band its "
    "95 % t interval at each point, as far as the axis goes; in gray is the baseline. Across: "
    "thousands of images."
)

SAMPLES_NOTE = "Runs of one seed draw the same latents, place by place."

STABILITY_NOTE = (
    "The share of runs that diverged, collapsed or failed, with its 95 % interval by Wilson: with "
    "few runs even none is compatible with many. The deviation is over seeds, within settings."
)

PROFILE_NOTE = (
    "The share of all runs, over seeds and settings, whose metric is at least as good as the value "
    "below; a run that diverged never is. Higher is better, and a trick that helps at one setting "
    "only stays low. The band is a 95 % bootstrap interval; in gray are the runs without tricks."
)

DIFFERENCES_NOTE = (
    "Mean difference over shared seeds with its 95 % t interval; p of the paired t test, alone and "
    "after Holm's correction; p of the exact sign-flip test, beside it the least that so many "
    "pairs can give. Detectable is the true difference that would be found in four of five such "
    "experiments. P(better) is the share of all pairs of runs in which the treatment is better, "
    "ties as a half."
)

ACROSS_NOTE = (
    "Values on different datasets have no common scale and are not averaged. The rank is that of "
    "the mean among these variants, averaged over the datasets; the ratio to the baseline is the "
    "geometric mean over datasets and shared seeds, with a 95 % t interval for other seeds on the "
    "same datasets."
)

LOSSES_NOTE = (
    "Losses tell whether two players are in balance, not how good the samples are, and they are "
    "not comparable between loss functions."
)

CURVES_NOTE = (
    "Thin: one seed each. Thick: their mean, at the points that all seeds have, in the band of its "
    "95 % t interval, as far as the axis goes. Gray dashes: the floor."
)


def sentence(runs: Sequence[RunRecord]) -> str:
    """Return what is to be seen, in one sentence."""
    named = [run for run in runs if run.dataset]
    variants = list(dict.fromkeys(run.variant for run in named))
    sets = list(dict.fromkeys(run.dataset for run in named))
    seeds = {run.seed for run in named if run.seed is not None}
    shown = join_words(variants) if len(variants) <= 4 else f"{len(variants)} GAN variants"
    if not variants:
        return f"{counted(len(runs), 'run')}, none of which can be read."
    on = join_words(sets) if len(sets) <= 4 else f"{len(sets)} datasets"
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


def change(one: Comparison) -> str:
    """Return a difference in percent of the baseline, or as it is where that is zero."""
    if one.paired is None:
        return "no pair"
    if one.relative is not None:
        return percent(one.relative, signed=True)
    return signed_text(one.paired.difference)


def share_interval(share: Estimate) -> str:
    """Return the interval of a share in percent.

    >>> share_interval(Estimate(0.2, 0.036, 0.62, 5, "Wilson"))
    '[3.6 %, 62 %]'
    """
    return f"[{percent(share.low)}, {percent(share.high)}]"


def further(found: Sequence[Verdict]) -> str:
    """Return how many further treatments came to which verdict."""
    counts = {one.word: 0 for one in found}
    for one in found:
        counts[one.word] += 1
    listed = join_words(f"{count:,} {word}" for word, count in counts.items())
    return f"Further treatments: {listed}."


def threads_warning(threads: Sequence[int]) -> str:
    """Return that runs of one dataset were trained with different numbers of threads."""
    return (
        "These runs were trained with different numbers of threads "
        f"({join_words(map(str, threads))}). The number changes the order of sums, so runs of one "
        "seed are not the same to the last bit even where nothing else differs."
    )


STATUS_WORDS = {"running": "unfinished"}


def statuses(found: Mapping[str, int]) -> str:
    """Return how many runs ended how.

    >>> statuses({"done": 4, "diverged": 1})
    '4 done, 1 diverged'
    """
    return ", ".join(f"{count:,} {STATUS_WORDS.get(name, name)}" for name, count in found.items())


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
class SettingsTable:
    """The settings of several variants: what is the same for all, and what differs by variant."""

    same: Mapping[str, str]
    differing: Mapping[str, tuple[str, ...]]


def settings_table(configs: Sequence[Mapping[str, Any]]) -> SettingsTable:
    """Return the settings of variants as text, one configuration for each."""
    flat = [_flat(config) for config in configs]
    keys = dict.fromkeys(key for one in flat for key in one)
    columns = {key: tuple(one.get(key, "–") for one in flat) for key in keys}
    return SettingsTable(
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


def subtitle(config: Mapping[str, Any], variant: str) -> str:
    """Return loss and tricks of a variant in a few words, without those that its label names."""
    names = [str(one.get("name")) for one in _tricks(config)]
    told = [name for name in names if name not in variant]
    return " · ".join([str(config.get("loss") or ""), *told]).strip(" ·")


def _tricks(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    tricks = config.get("tricks")
    listed = tricks if isinstance(tricks, list | tuple) else ()
    return [one for one in listed if isinstance(one, Mapping)]


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
