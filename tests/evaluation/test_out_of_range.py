# SPDX-License-Identifier: MIT
"""Values that no metric can compute with."""

import math

import numpy as np
import pytest

from ganbench import evaluate
from ganbench.errors import GanbenchError, InputError
from ganbench.evaluation.out_of_range import numbers_of


@pytest.mark.parametrize("metric", ["fid", "kid", "mind", "precision", "coverage"])
@pytest.mark.parametrize("scale", [1e30, 1e38, 1e200])
def test_huge_points_are_measured_or_refused_in_a_sentence(scale, metric):
    points = np.random.default_rng(0).normal(size=(40, 2))
    for fake, real in ((points * scale, points), (points, points * scale)):
        values, reasons = [], []
        try:
            result = evaluate(fake=fake, real=real, metrics=[metric], progress=False)
            values = [record["value"] for record in result["metrics"].values()]
            reasons = [reason["message"] for reason in result["unmeasured"].values()]
        except GanbenchError as error:
            reasons = [error.message]
        assert len(values) + len(reasons) >= 1
        assert all(map(math.isfinite, values))
        assert all(reason.rstrip().endswith(".") for reason in reasons)


def test_an_overflow_is_told_with_the_metric_and_the_samples():
    with (
        pytest.raises(InputError, match=r"kid cannot be computed of mine: OverflowError"),
        numbers_of("kid", "mine"),
    ):
        math.exp(1e10)
    with (
        pytest.raises(InputError, match=r"fid cannot be computed of mine: LinAlgError: Matrix"),
        numbers_of("fid", "mine"),
    ):
        np.linalg.cholesky(-np.eye(2))
    with pytest.raises(TypeError), numbers_of("fid", "mine"):
        raise TypeError  # a mistake in the code is no fault of the values
