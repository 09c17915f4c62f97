# SPDX-License-Identifier: MIT
"""Comparisons that tests of equal runs share: tensors bit for bit, rows without their times."""

import torch


def differing(first, second):
    """Return the names of values that only one of two mappings has, or that are not equal.

    Tensors are compared bit for bit.
    """
    return [
        name
        for name in {**first, **second}
        if name not in first or name not in second or not _equal(first[name], second[name])
    ]


def _equal(value, other):
    return torch.equal(value, other) if isinstance(value, torch.Tensor) else value == other


def without_times(row):
    """Return a row of statistics or measurements without the values that depend on the clock."""
    return {key: value for key, value in row.items() if "second" not in key}
