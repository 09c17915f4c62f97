# SPDX-License-Identifier: MIT
"""Are ``Careful`` and ganbench's step the same arithmetic? One update of each player, compared."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from loops import Careful, ganbench_state
from problems import BATCH, CPU, PROBLEMS, Problem
from torch import Tensor, nn

from ganbench.config import Precision
from ganbench.data.batches import Batches
from ganbench.runtime.execution import arithmetic
from ganbench.state import State
from ganbench.step import update
from ganbench.streams import Streams

TOLERANCE = 1e-4
"""How far apart the updates of careful and ganbench may be, as a share of their size."""


def check(problem: Problem, precision: Precision) -> dict[str, float]:
    """Let careful and ganbench make an update of each player from the same start.

    Compared are the changes of parameters and buffers, and the gradients, because Adam's first
    update does not tell a loss from its double.

    Returns:
        For each network the distance in its worst tensor, as a share of the tensor's size.
    """
    careful, state = Careful(problem, precision), ganbench_state(problem, precision)
    pairs = {
        "generator": (careful.generator, state.generator),
        "discriminator": (careful.discriminator, state.discriminator),
    }
    for by_hand, by_ganbench in pairs.values():
        copy(by_ganbench, by_hand)
    before = {role: tensors(by_ganbench) for role, (_, by_ganbench) in pairs.items()}
    make_updates(careful, state, problem, precision)
    return {
        role: max(
            distance(*(changes(before[role], network) for network in pair)),
            distance(*(gradients(network) for network in pair)),
        )
        for role, pair in pairs.items()
    }


def make_updates(careful: Careful, state: State, problem: Problem, precision: Precision) -> None:
    """Make an update of each player, by hand and by ganbench, with the same random numbers."""
    streams = Streams(0, CPU)
    noise, penalty = streams["noise"], streams["trick/gradient-penalty"]
    batch = Batches(problem.images, BATCH, seed=0).at(0)
    share = torch.rand(BATCH, generator=penalty) if careful.penalty else None
    size = (BATCH, careful.latent_dim)
    with arithmetic(precision):
        update(state, "discriminator", batch)
        latents = torch.randn(size, generator=noise)
        careful.discriminator_turn(batch.images.detach().clone(), latents, share)
        update(state, "generator", batch)
        careful.generator_turn(torch.randn(size, generator=noise))


def copy(source: nn.Module, target: nn.Module) -> None:
    """Copy parameters and buffers by their order: the two networks may name them differently."""
    with torch.no_grad():
        for original, copied in zip(
            [*source.parameters(), *source.buffers()],
            [*target.parameters(), *target.buffers()],
            strict=True,
        ):
            assert original.shape == copied.shape, (original.shape, copied.shape)
            copied.copy_(original)


def tensors(network: nn.Module) -> list[Tensor]:
    """Return copies of the parameters and buffers of a network."""
    return [
        tensor.detach().double().clone() for tensor in (*network.parameters(), *network.buffers())
    ]


def changes(before: list[Tensor], network: nn.Module) -> list[Tensor]:
    """Return the changes of the tensors of a network."""
    return [after - earlier for after, earlier in zip(tensors(network), before, strict=True)]


def gradients(network: nn.Module) -> list[Tensor]:
    """Return the gradients that an update has left in a network."""
    return [weight.grad.double() for weight in network.parameters() if weight.grad is not None]


def distance(by_hand: Iterable[Tensor], by_ganbench: Iterable[Tensor]) -> float:
    """Return the largest distance between two tensors, as a share of the second one's size."""
    return max(
        float((first - second).norm() / second.norm().clamp_min(1e-30))
        for first, second in zip(by_hand, by_ganbench, strict=True)
    )


def check_all(names: Sequence[str], precisions: Sequence[Precision]) -> dict[str, Any]:
    """Check every problem in every precision; end the program if the arithmetic differs."""
    checked = {
        name: {precision: check(PROBLEMS[name], precision) for precision in precisions}
        for name in names
    }
    for name, by_precision in checked.items():
        for precision, distances in by_precision.items():
            worst = max(distances.values())
            sentence = f"{name}, {precision}: updates differ by {worst:.1e} of their size"
            if not all(share <= TOLERANCE for share in distances.values()):
                raise SystemExit(f"careful and ganbench are not the same arithmetic: {sentence}")
            print(f"check: {sentence}", file=sys.stderr)
    return checked
