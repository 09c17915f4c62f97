# SPDX-License-Identifier: MIT
"""A verdict as plain data: one record, whoever prints it."""

from __future__ import annotations

from typing import Any

from ganbench.analysis.comparison import Comparison
from ganbench.analysis.paired_values import PairedValues
from ganbench.analysis.verdicts import Verdict


def verdict_record(dataset: str, verdict: Verdict) -> dict[str, Any]:
    """Return a comparison with its verdict as ``compare --json`` prints it.

    Args:
        dataset: the dataset that the verdict is about.
        verdict: the verdict.
    """
    comparison = verdict.comparison
    paired = comparison.paired
    return {
        "dataset": dataset,
        "metric": comparison.column.metric,
        "protocol": comparison.column.protocol,
        "variant": comparison.variant,
        "baseline": comparison.baseline,
        "primary": verdict.primary,
        **_pairs_record(comparison.pairs),
        "lost": comparison.lost,
        "p_value_holm": comparison.t_corrected,
        "permutation_p_value": paired.p_value if paired else None,
        "permutation_p_value_holm": comparison.corrected,
        "smallest_permutation_p_value": paired.smallest_p_value if paired else None,
        "ratio_p_value_holm": comparison.ratio_corrected,
        "tests": comparison.family,
        "detectable": comparison.detectable,
        "probability_of_improvement": comparison.improvement.probability,
        **_failures_record(comparison),
        **_pairs_record(comparison.unfailed, "unfailed_"),
        "verdict": verdict.word,
        "verdict_kind": verdict.kind,
        "conditional": verdict.conditional,
        "sentence": verdict.sentence,
    }


def _pairs_record(pairs: PairedValues | None, prefix: str = "") -> dict[str, Any]:
    """Return what pairs show, as difference and as ratio."""
    difference = pairs.paired.difference if pairs else None
    ratio = pairs.ratio if pairs else None
    record = {
        "n": difference.n if difference else 0,
        "difference": difference.value if difference else None,
        "low": difference.low if difference else None,
        "high": difference.high if difference else None,
        "relative": pairs.relative if pairs else None,
        "p_value": pairs.paired.t_p_value if pairs else None,
        "ratio": ratio.ratio.value if ratio else None,
        "ratio_low": ratio.ratio.low if ratio else None,
        "ratio_high": ratio.ratio.high if ratio else None,
        "ratio_p_value": ratio.p_value if ratio else None,
    }
    return {f"{prefix}{key}": value for key, value in record.items()}


def _failures_record(comparison: Comparison) -> dict[str, Any]:
    """Return how many runs of treatment and baseline diverged or collapsed."""
    record: dict[str, Any] = {}
    for prefix, trouble in zip(("", "baseline_"), comparison.troubles, strict=True):
        interval = trouble.interval
        record |= {
            f"{prefix}failed": trouble.count,
            f"{prefix}runs": trouble.runs,
            f"{prefix}failed_low": interval.low if interval else None,
            f"{prefix}failed_high": interval.high if interval else None,
        }
    return {
        **record,
        "missing": comparison.missing,
        "failed_p_value": comparison.failure_test.p_value,
        "failed_p_value_holm": comparison.failure_test.corrected,
        "fails": comparison.fails,
        "fails_less": comparison.fails_less,
    }
