# SPDX-License-Identifier: MIT
"""Reflection at both ends of an interval."""

from __future__ import annotations

from torch import Tensor


def mirrored(places: Tensor, last: int) -> Tensor:
    """Return places of any distance, folded into [0, last] as if a mirror stood at either end.

    >>> import torch
    >>> mirrored(torch.tensor([-2, 0, 3, 4, 9]), 3)
    tensor([2, 0, 3, 2, 3])
    """
    return last - (places.remainder(max(2 * last, 1)) - last).abs()
