# SPDX-License-Identifier: MIT
"""Pairs of images: which are refused, and how they go through a comparison in batches."""

from __future__ import annotations

import pytest
import torch

from ganbench.errors import InputError
from ganbench.evaluation.pair_network import check_pairs, compare_in_batches


def images(count, channels=3):
    random = torch.Generator().manual_seed(count)
    return torch.randint(0, 256, (count, channels, 4, 5), generator=random, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (images(2), images(3), "others of the same shape"),
        (images(2), images(2, 1), "others of the same shape"),
        (images(2).float(), images(2), "uint8"),
        (images(2), images(2).float(), "uint8"),
    ],
)
def test_images_that_cannot_be_compared_are_refused(first, second, message):
    with pytest.raises(InputError, match=message):
        check_pairs(first, second)


@pytest.mark.parametrize(("size", "batches"), [(3, [3, 3, 1]), (7, [7]), (100, [7])])
def test_batches_join_in_order(size, batches):
    seen = []

    def compare(first, second):
        seen.append(len(first))
        return (first.double() - second.double()).mean(dim=(1, 2, 3))

    first, second = images(7), images(7).flip(0)
    expected = compare(first, second)
    seen.clear()
    assert torch.equal(compare_in_batches(compare, first, second, size=size), expected)
    assert seen == batches
