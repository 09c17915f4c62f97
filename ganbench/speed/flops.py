# SPDX-License-Identifier: MIT
"""Counting floating-point operations."""

from __future__ import annotations

from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode


class Flops(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts floating-point operations while it is entered, by torch's formulas.

    A multiplication and the addition that follows it are two. torch's own counter also keeps
    account by modules; that is why it cannot follow a gradient in a leaf, which penalties take.
    """

    total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Carry an operation out, and count it."""
        # It imports triton, which takes a fifth of a second, and every run imports this module.
        from torch.utils.flop_counter import flop_registry

        output = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.total += int(formula(*args, **(kwargs or {}), out_val=output))
        return output
