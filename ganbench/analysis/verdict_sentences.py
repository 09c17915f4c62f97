# SPDX-License-Identifier: MIT
"""Verdicts in plain English, with their numbers."""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.analysis import number_text
from ganbench.analysis.comparison import ALPHA, Comparison
from ganbench.analysis.failures import Trouble, excess_p_value
from ganbench.analysis.paired_values import PairedValues
from ganbench.analysis.significance import PairedDifference
from ganbench.config import join_words


def verdict_sentence(
    comparison: Comparison, opening: str, shown: PairedValues | None, *, failing: bool
) -> str:
    """Return the sentences on a verdict.

    Args:
        comparison: the comparison.
        opening: the treatment, with the word of the verdict if there is one.
        shown: the pairs that show a difference; None if none is shown.
        failing: whether the verdict is that the treatment fails.
    """
    if failing:
        return _failing(comparison, opening)
    if comparison.pairs is None:
        return _without_pairs(comparison, opening)
    if shown is None:
        return _unclear(comparison, opening, comparison.pairs)
    return _clear(comparison, opening, shown)


def scope_text(
    primary: Sequence[str], *, named: bool, tests: int, datasets: int, columns: int
) -> str:
    """Return what verdicts are about, and how much was looked at.

    >>> scope_text(["fid"], named=True, tests=1, datasets=1, columns=1)
    'The primary metric is fid, as named. One test was made. One column of metrics was looked at.'

    Args:
        primary: the primary metric of each dataset on which treatments were compared.
        named: whether the metric was named, not chosen by default.
        tests: the number of tests on primary metrics.
        datasets: the number of datasets on which treatments were compared.
        columns: the number of columns of metrics in which they were, on all datasets.
    """
    metrics = list(dict.fromkeys(primary))
    chosen = "as named" if named else "the default where none is named"
    noun = "metric is" if len(metrics) == 1 else "metrics are"
    sentences = [f"The primary {noun} {join_words(metrics)}, {chosen}."] if metrics else []
    if tests == 1:
        sentences.append("One test was made.")
    elif tests:
        on = f", on {datasets} datasets" if datasets > 1 else ""
        sentences.append(f"p values are corrected for all {tests} tests on it{on}.")
    if columns == 1:
        return " ".join([*sentences, "One column of metrics was looked at."])
    looked = f"{columns:,} columns of metrics were looked at"
    exploratory = columns - len(primary)
    if not exploratory:
        return " ".join([*sentences, f"{looked}."])
    rest = "one of them is" if exploratory == 1 else f"{exploratory:,} of them are"
    sentences.append(
        f"{looked}; {rest} exploratory. Among so many, chance alone may look like an effect: "
        "“may help” is a question for new seeds, not an answer."
    )
    return " ".join(sentences)


def _clear(comparison: Comparison, opening: str, shown: PairedValues) -> str:
    """Return the sentence on a difference that is shown."""
    rises = "rises" if shown.paired.difference.value > 0 else "falls"
    by_unfailed = shown is comparison.unfailed
    corrected = comparison.unfailed_corrected if by_unfailed else comparison.t_corrected
    text = (
        f"{opening}: {comparison.column.name} {rises} {_from_to(comparison, shown)}, "
        f"{_difference(shown)}, over {_seeds(shown.paired.n)}; "
        f"{_tests(shown.paired, corrected, comparison.family)}."
    )
    if by_unfailed and comparison.pairs:
        every = comparison.pairs
        text += (
            f" Over all {_seeds(every.paired.n)}, with the runs that collapsed, it goes "
            f"{_from_to(comparison, every)}, {_difference(every)}; "
            f"p {_equals(comparison.t_corrected)}."
        )
    return f"{text}{_omitted(comparison)}{_troubles(comparison)}"


def _unclear(comparison: Comparison, opening: str, pairs: PairedValues) -> str:
    """Return the sentence on a difference that is not shown, and on what could have been."""
    n = pairs.paired.n
    nothing = f"{opening}: no difference that {n} seed{'s' if n > 1 else ''} can show"
    metric = comparison.column.name
    after = (
        f"{_ratio(comparison, pairs)}{_conditional(comparison)}{_omitted(comparison)}"
        f"{_troubles(comparison)}"
    )
    if n > 1 and not any(pairs.differences.values()):
        return f"{nothing}: {metric} is the same in all of them.{after}"
    change = f"{nothing}: {metric} goes {_from_to(comparison, pairs)}, {_difference(pairs)}"
    if n == 1:
        return f"{change}.{after}"
    tests = _tests(pairs.paired, comparison.t_corrected, comparison.family)
    return f"{change}; {tests}.{_detectable(comparison, pairs)}{after}"


def _without_pairs(comparison: Comparison, opening: str) -> str:
    """Return the sentence on a treatment that has no pair of values with its baseline."""
    if not comparison.lost:
        return f"{opening}: no seed in common with {comparison.baseline}."
    return (
        f"{opening}: no pair has two values of {comparison.column.name}, so there is no "
        f"difference to test.{_troubles(comparison)}"
    )


def _failing(comparison: Comparison, opening: str) -> str:
    """Return the sentence on a treatment whose runs go wrong more often."""
    treatment, baseline = comparison.troubles
    p_value = excess_p_value(treatment, baseline)
    chance = "" if p_value < ALPHA else ", so that it may be chance"
    text = (
        f"{opening}: {_counts(treatment)} diverged or collapsed{_share(treatment)}, "
        f"{baseline.count} of {baseline.runs} of {comparison.baseline}{_share(baseline)}; "
        f"Boschloo's exact test p {_equals(p_value)}{chance}."
    )
    pairs = comparison.pairs
    if pairs is None:
        return f"{text} No run of it has a value of {comparison.column.name}."
    tests = _tests(pairs.paired, comparison.t_corrected, comparison.family)
    return (
        f"{text} Over the {_seeds(pairs.paired.n)} with values {comparison.column.name} goes "
        f"{_from_to(comparison, pairs)}, {_difference(pairs)}"
        f"{f'; {tests}' if pairs.paired.n > 1 else ''}."
        f"{_conditional(comparison)}{_omitted(comparison)}"
    )


def _conditional(comparison: Comparison) -> str:
    """Return the sentence on the pairs in which no run failed; empty if these are all pairs."""
    unfailed = comparison.unfailed
    if unfailed is None:
        return ""
    n = unfailed.paired.n
    tests = f"; p {_equals(comparison.unfailed_corrected)}" if n > 1 else ""
    return (
        f" Conditional on not failing, over the {_seeds(n)} in which no run did, it goes "
        f"{_from_to(comparison, unfailed)}, {_difference(unfailed)}{tests}."
    )


def _omitted(comparison: Comparison) -> str:
    """Return that a difference is conditional, as failed runs have no value; otherwise empty."""
    if not comparison.omits_failures or not comparison.pairs:
        return ""
    count = len(comparison.failed - comparison.differences.keys())
    return (
        f" That is conditional on not failing: {_seeds(count)} with a failed run "
        f"{'has' if count == 1 else 'have'} no pair of values."
    )


def _ratio(comparison: Comparison, pairs: PairedValues) -> str:
    """Return that the ratio shows what the difference does not; empty if it does not, either."""
    corrected = comparison.ratio_corrected
    if pairs.ratio is None or corrected is None or corrected >= ALPHA:
        return ""
    return (
        f" As a ratio it is {number_text.mean_text(pairs.ratio.ratio)} "
        f"{number_text.interval_text(pairs.ratio.ratio)} times the baseline, p "
        f"{_equals(corrected)} by the paired t test of logarithms; it decides only where a ratio "
        "was chosen before."
    )


def _detectable(comparison: Comparison, pairs: PairedValues) -> str:
    """Return the sentence on the true difference that would show; empty if it is unknown."""
    if comparison.detectable is None:
        return ""
    mean = abs(pairs.means[1])
    share = f" ({number_text.percent(comparison.detectable / mean)})" if mean else ""
    return (
        f" A true difference of {number_text.amount(comparison.detectable, 2)}{share} would show "
        "in four of five such experiments."
    )


def _from_to(comparison: Comparison, pairs: PairedValues) -> str:
    """Return the means over the pairs: from the baseline's to the treatment's."""
    difference = pairs.paired.difference
    finest = number_text.decimals(difference.low, difference.high, difference.value)
    after, before = (
        number_text.fixed(mean, max(finest, number_text.decimals(None, None, mean) - 1))
        for mean in pairs.means
    )
    unit = f" {comparison.column.unit}" if comparison.column.unit else ""
    return f"from {before} to {after}{unit}"


def _difference(pairs: PairedValues) -> str:
    """Return the difference with its interval, and in percent of the baseline."""
    text = number_text.signed_text(pairs.paired.difference)
    if not pairs.relative:
        return text
    return f"{text} ({number_text.percent(pairs.relative, signed=True)})"


def _seeds(count: int) -> str:
    return _counted(count, "shared seed")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _tests(paired: PairedDifference, corrected: float | None, family: int) -> str:
    """Return the p value that decides, and next to it the permutation test's."""
    alone = paired.t_p_value
    smallest = number_text.p_text(paired.smallest_p_value)
    permutation = f"permutation p {_equals(paired.p_value)} (least {smallest})"
    if alone is None:
        return f"all differences are the same, so that no t test applies; {permutation}"
    if family == 1:
        return f"paired t test p {_equals(corrected)}; {permutation}"
    text = f"p {_equals(corrected)} after Holm's correction for {family} tests"
    if alone < ALPHA <= (corrected or 0):
        text += f", on its own p {_equals(alone)}"
    return f"{text}; {permutation}"


def _equals(p_value: float | None) -> str:
    """Return a p value with its sign: = 0.02, or < 0.001."""
    text = number_text.p_text(p_value)
    return text if text.startswith("<") else f"= {text}"


def _troubles(comparison: Comparison) -> str:
    """Return a sentence on runs that diverged or collapsed; empty if none did."""
    treatment, baseline = comparison.troubles
    if not (treatment.count or baseline.count):
        return ""
    return (
        f" {_counts(treatment)} diverged or collapsed, "
        f"{baseline.count} of {baseline.runs} of {comparison.baseline}."
    )


def _counts(trouble: Trouble) -> str:
    return f"{trouble.count} of {trouble.runs} run{'' if trouble.runs == 1 else 's'}"


def _share(trouble: Trouble) -> str:
    """Return the exact interval of a share of runs."""
    interval = trouble.interval
    if interval is None:
        return ""
    return f" [{number_text.percent(interval.low)}, {number_text.percent(interval.high)}]"
