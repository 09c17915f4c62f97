# SPDX-License-Identifier: MIT
"""DP-SGD: no single example can move the discriminator far, and noise hides how far it did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from ganbench.config import Recipe
from ganbench.errors import ConfigError
from ganbench.gan import GAN, DataSpec
from ganbench.nn.synchronized import has_batch_norm
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Trick, TrickState, refusal
from ganbench.tricks.pacgan import PacGAN
from ganbench.turn import Turn

_LOOKING = (
    *("subset", "step_rule", "latents", "condition", "reals", "see", "opponent"),
    *("discriminator_terms", "generator_terms"),
)
"""Hooks through which real examples may reach a player in other ways than by its loss."""


@register("dp-sgd")
@dataclass(frozen=True)
class DPSGD(Trick):
    """Clips each example's gradient of the discriminator, and adds noise to their mean.

    Paper: Abadi et al., 2016, arXiv:1607.00133

    ``(sum_i g_i * min(1, clip / |g_i|) + noise * clip * N(0, I)) / B``, where g_i is the gradient
    of the loss of the i-th real example with the i-th fake, in all of the discriminator's weights.
    The generator learns from the discriminator alone (arXiv:1802.06739). ``noise`` is the noise
    multiplier; which epsilon it buys depends on the number of updates and on the share of the data
    in a batch, and must be computed by an accountant: ganbench states none. The paper's accountant
    assumes that each batch is drawn by chance, each example independently; batches here have a
    fixed size and go through the data in a random order, which needs an accountant for shuffled
    batches. Checkpoints, and the losses and logits that a run records, are not private. An update
    takes one pass for each example.
    """

    clip: Annotated[float, Field(gt=0)] = 1.0
    noise: Annotated[float, Field(ge=0)] = 1.0

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse models whose generator is told something of the real examples.

        Raises:
            ConfigError: The model is conditional.
        """
        if gan.conditional:
            raise ConfigError(
                "dp-sgd lets only the discriminator learn from real examples, and this model's "
                "generator is told their labels or sources.",
                "Remove the trick: --trick dp-sgd:off",
            )

    def start(self, state: State) -> TrickState:
        """Refuse what shows real examples to a player, or mixes them, in other ways.

        Raises:
            ConfigError: A hook, the loss or the discriminator does so.
        """
        others = [
            hooks
            for hooks in state.tricks
            if any(hooks in state.tricks.having(name) for name in _LOOKING)
            or (isinstance(hooks, PacGAN) and hooks.size > 1)
        ]
        if others:
            raise refusal(
                "dp-sgd",
                others,
                "dp-sgd clips what each example adds to the discriminator's loss, and {others} "
                "would let examples act in other ways.",
            )
        loss, reason = state.loss, ""
        if loss.paired or not loss.mean:
            reason = f"and the loss {loss.name} compares examples"
        elif has_batch_norm(state.discriminator) or _mixes_examples(state):
            reason = "and the discriminator computes over a batch"
        if reason:
            raise ConfigError(
                f"dp-sgd needs a gradient for each example by itself, {reason}.",
                "Remove the trick, or choose another model: --trick dp-sgd:off",
            )
        return {}

    def gradients(self, turn: Turn) -> None:
        """Replace the discriminator's gradient by the noisy mean of clipped gradients."""
        if turn.role != "discriminator":
            return
        state, count = turn.state, len(turn.real.images)
        weights = state.parameters("discriminator")
        sums = [torch.zeros_like(weight) for weight in weights]
        norms = []
        for index in range(count):
            gradients = self._of_example(turn, index, weights)
            norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
            for total, gradient in zip(sums, gradients, strict=True):
                total.add_(gradient * (self.clip / norm).clamp(max=1.0))
            norms.append(norm)
        # Of several processes, each adds its share of the noise's variance.
        deviation = self.noise * self.clip * state.group.size**-0.5
        stream = turn.random(self)
        for total in sums:
            noise = torch.randn(
                total.shape, generator=stream, device=total.device, dtype=total.dtype
            )
            total.add_(noise, alpha=deviation).div_(count)
        for weight, mean in zip(weights, state.group.average(sums), strict=True):
            weight.grad = mean
        state.statistics.add("dp-sgd/norm", torch.stack(norms))

    def _of_example(self, turn: Turn, index: int, weights: list[Any]) -> tuple[Tensor, ...]:
        """Return the gradients of the loss of one real example and one fake."""
        state = turn.state
        with state.casting():
            logits = [
                turn.judge(scored.images[index : index + 1].detach()).logits
                for scored in (turn.real, turn.fake)
            ]
            loss = state.loss.discriminator(*logits)
        return torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True)


@torch.no_grad()
def _mixes_examples(state: State) -> bool:
    """Tell whether the discriminator's logit of an example depends on the others of a batch."""
    network = state.discriminator
    training = network.training
    examples = torch.rand(4, *state.data.shape, device=state.device) * 2 - 1
    network.eval()  # dropout would differ from pass to pass
    together, alone = (_logits(network(part)) for part in (examples, examples[:1]))
    network.train(training)
    return not torch.allclose(together[: len(alone)], alone, rtol=1e-3, atol=1e-5)


def _logits(output: Any) -> Tensor:
    """Return the logits of a discriminator's output, without its extras."""
    logits: Tensor = output[0] if isinstance(output, tuple) else output
    return logits
