# SPDX-License-Identifier: MIT
"""Verdicts in plain English, with their numbers."""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.analysis import number_text
from ganbench.analysis.comparison import ALPHA, Comparison
from ganbench.analysis.failures import FailureTest, Trouble
from ganbench.analysis.paired_values import PairedValues
from ganbench.config import counted, join_words


def difference_sentence(comparison: Comparison, opening: str, *, shown: bool) -> str:
    """Return the sentences on a difference.

    Args:
        comparison: the comparison.
        opening: the treatment, with the word of the verdict if a difference is shown.
        shown: whether a difference is shown.
    """
    pairs = comparison.deciding
    if pairs is None:
        return _without_pairs(comparison, opening)
    if shown:
        return _clear(comparison, opening, pairs)
    return _unclear(comparison, opening, pairs)


def scope_text(
    primary: Sequence[str], *, named: Sequence[bool], tests: int, datasets: int, columns: int
) -> str:
    """Return what verdicts are about, and how much was looked at.

    >>> print(scope_text(["fid"], named=[True], tests=0, datasets=1, columns=1))
    The primary metric is fid, chosen for this comparison. One column of metrics was looked at.

    Args:
        primary: the primary metric of each dataset on which treatments were compared.
        named: whether the metric of each of them was named, not chosen by default.
        tests: the number of tests on primary metrics.
        datasets: the number of datasets on which treatments were compared.
        columns: the number of columns of metrics in which they were, on all datasets.
    """
    metrics = list(dict.fromkeys(primary))
    chosen = "chosen for this comparison" if all(named) else "the default where none is named"
    if any(named) and not all(named):
        chosen = "named on some datasets, the default where none is named"
    noun = "metric is" if len(metrics) == 1 else "metrics are"
    sentences = [f"The primary {noun} {join_words(metrics)}, {chosen}."] if metrics else []
    if tests == 1:
        sentences.append("One test was made.")
    elif tests:
        on = f", on {datasets} datasets" if datasets > 1 else ""
        them = "it" if len(metrics) == 1 else "them"
        sentences.append(f"p values are corrected for all {tests} tests on {them}{on}.")
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


def _clear(comparison: Comparison, opening: str, pairs: PairedValues) -> str:
    """Return the sentence on a difference that is shown."""
    rises = "rises" if pairs.paired.difference.value > 0 else "falls"
    return (
        f"{opening}: {comparison.column.name} {rises} {_from_to(comparison, pairs)}, "
        f"{_difference(pairs)}, over {_seeds(pairs.paired.n)}; {_tests(comparison, pairs)}."
        f"{_beside(comparison)}{_troubles(comparison)}"
    )


def _unclear(comparison: Comparison, opening: str, pairs: PairedValues) -> str:
    """Return the sentence on a difference that is not shown, and on what could have been."""
    n = pairs.paired.n
    nothing = f"{opening}: no difference that {n} seed{'s' if n > 1 else ''} can show"
    alone = pairs.paired.t_p_value
    if comparison.family > 1 and alone is not None and alone < ALPHA:
        nothing += f" among {comparison.family} tests"
    metric = comparison.column.name
    after = f"{_ratio(comparison, pairs)}{_beside(comparison)}{_troubles(comparison)}"
    if n > 1 and not any(pairs.differences.values()):
        return f"{nothing}: {metric} is the same in all of them.{after}"
    change = f"{nothing}: {metric} goes {_from_to(comparison, pairs)}, {_difference(pairs)}"
    if n == 1:
        return f"{change}.{after}"
    return f"{change}; {_tests(comparison, pairs)}.{_detectable(comparison, pairs)}{after}"


def _without_pairs(comparison: Comparison, opening: str) -> str:
    """Return the sentence on a treatment that has no pair of values with its baseline."""
    if not comparison.lost:
        return f"{opening}: no seed in common with {comparison.baseline}."
    return (
        f"{opening}: no pair has two values of {comparison.column.name}, so there is no "
        f"difference to test.{_troubles(comparison)}"
    )


def failing_sentence(comparison: Comparison, opening: str) -> str:
    """Return the sentences on a treatment whose runs go wrong more often, or less often.

    Args:
        comparison: the comparison.
        opening: the treatment, with the word of the verdict.
    """
    treatment, baseline = comparison.troubles
    text = (
        f"{opening}: {_counts(treatment)} diverged or collapsed{_share(treatment)}, "
        f"{baseline.count} of {baseline.runs} of {comparison.baseline}{_share(baseline)}; "
        f"Boschloo's exact test p {_failure_test(comparison.failure_test)}."
    )
    pairs = comparison.deciding
    if pairs is None:
        return f"{text} No pair has two values of {comparison.column.name}."
    tests = f"; {_tests(comparison, pairs)}" if pairs.paired.n > 1 else ""
    which = "with values" if pairs is comparison.pairs else "in which no run failed"
    return (
        f"{text} Over the {_seeds(pairs.paired.n)} {which} {comparison.column.name} goes "
        f"{_from_to(comparison, pairs)}, {_difference(pairs)}{tests}.{_beside(comparison)}"
    )


def _failure_test(test: FailureTest) -> str:
    """Return the p value that decides, and the one before the correction where they differ."""
    if test.family < 2:
        return _equals(test.p_value)
    return (
        f"{_equals(test.corrected)} after Holm's correction for {test.family} treatments, on its "
        f"own p {_equals(test.p_value)}"
    )


def _beside(comparison: Comparison) -> str:
    """Return what stands next to the deciding pairs where a run failed or has no value.

    That is what they are conditional on, and the other pairs; it is empty if there is nothing.
    """
    text = ""
    if failed := comparison.failed_left_out:
        text = f" The comparison is conditional on not failing: {_seeds(failed)} with a failed run "
        text += f"{'is' if failed == 1 else 'are'} left out."
    if missing := comparison.missing:
        text += f" {_seeds(missing)} {'is' if missing == 1 else 'are'} left out, as a run has no "
        text += f"value of {comparison.column.name}: the comparison is conditional on having one."
    if comparison.unfailed is None or comparison.pairs is None:
        return text
    by_unfailed = comparison.deciding is comparison.unfailed
    other = comparison.pairs if by_unfailed else comparison.unfailed
    n = other.paired.n
    which = (
        f"Over all {_seeds(n)} with values"
        if by_unfailed
        else f"Conditional on not failing, over the {_seeds(n)} in which no run did,"
    )
    alone = other.paired.t_p_value
    p_value = "" if alone is None else f"; on its own p {_equals(alone)}"
    return f"{text} {which} it goes {_from_to(comparison, other)}, {_difference(other)}{p_value}."


def _ratio(comparison: Comparison, pairs: PairedValues) -> str:
    """Return that the ratio shows what the difference does not; empty if it does not, either."""
    corrected = comparison.ratio_corrected
    if pairs.ratio is None or corrected is None or corrected >= ALPHA:
        return ""
    return (
        f" As a ratio it is {number_text.mean_text(pairs.ratio.ratio)} "
        f"{number_text.interval_text(pairs.ratio.ratio)} times the baseline, p "
        f"{_equals(corrected)} by the paired t test of logarithms, after Holm's correction. The "
        "verdict goes by differences."
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
    return counted(count, "shared seed")


def _tests(comparison: Comparison, pairs: PairedValues) -> str:
    """Return the p value that decides, and next to it the permutation test's."""
    paired, corrected = pairs.paired, comparison.t_corrected
    smallest = number_text.p_text(paired.smallest_p_value)
    permutation = f"permutation p {_equals(paired.p_value)} (least {smallest})"
    if paired.t_p_value is None:
        text = f"all differences are the same, so that no t test applies; {permutation}"
        if comparison.family > 1 and pairs is comparison.deciding:
            text += f", {_equals(corrected)} after Holm's correction for {comparison.family} tests"
        return text
    if comparison.family == 1:
        return f"paired t test p {_equals(corrected)}; {permutation}"
    text = f"p {_equals(corrected)} after Holm's correction for {comparison.family} tests"
    if paired.t_p_value < ALPHA <= (corrected or 0):
        text += f", on its own p {_equals(paired.t_p_value)}"
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
    text = (
        f" {_counts(treatment)} diverged or collapsed, "
        f"{baseline.count} of {baseline.runs} of {comparison.baseline}"
    )
    if treatment.share == baseline.share:
        return f"{text}."
    test = comparison.failure_test
    if test.corrected < ALPHA:
        return f"{text}; Boschloo's exact test p {_failure_test(test)}."
    chance = f"(Boschloo's exact test p {_failure_test(test)})"
    return f"{text}, which this many seeds cannot tell from chance {chance}."


def _counts(trouble: Trouble) -> str:
    return f"{trouble.count} of {trouble.runs} run{'' if trouble.runs == 1 else 's'}"


def _share(trouble: Trouble) -> str:
    """Return the exact interval of a share of runs."""
    interval = trouble.interval
    if interval is None:
        return ""
    return f" [{number_text.percent(interval.low)}, {number_text.percent(interval.high)}]"
