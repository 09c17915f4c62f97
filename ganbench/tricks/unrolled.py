# SPDX-License-Identifier: MIT
"""Unrolled GANs: the generator meets the discriminator as it will be some steps later."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.func import functional_call
from torch.optim import SGD, Optimizer, RMSprop

from ganbench.gan import Condition
from ganbench.nn.synchronized import has_batch_norm
from ganbench.registry import register
from ganbench.state import State
from ganbench.step import discriminator_objective
from ganbench.trick import Discriminate, Trick, TrickState, refusal
from ganbench.turn import Turn

NamedTensors = dict[str, Tensor]
Rule = Callable[[Tensor, dict[str, Any], dict[str, Any]], tuple[Tensor, dict[str, Any]]]
"""Maps a gradient, the moments so far and the settings to a direction and the next moments."""


@register("unrolled")
@dataclass(frozen=True)
class Unrolled(Trick):
    """Trains the generator through several steps that the discriminator would make in response.

    Paper: Metz et al., 2017, arXiv:1611.02163

    ``f(theta_G, theta_D^k(theta_G, theta_D))``: k = ``steps`` differentiable steps of the
    discriminator's whole objective, penalties included, on the current batch. The gradient runs
    through all of them; the discriminator itself does not move. The inner ``rule`` continues from
    the state of the discriminator's own optimizer (``own``, as in the authors' code), or is plain
    ``sgd``; an inner ``learning_rate`` of 0 means the discriminator's. ``steps`` is usually 5 to
    10, and an update of the generator costs that many more. Partner networks are not unrolled, and
    the inner steps know the optimizer alone: not what tricks do to gradients, or once weights have
    moved, such as ``optimistic-adam``, ``gradient-clipping`` and ``weight-clipping``.
    f is the generator's own loss, of its fakes. In the paper's minimax game it has the term of the
    real examples as well, which depends on the generator through the steps.
    """

    steps: Annotated[int, Field(ge=0)] = 5
    rule: Literal["own", "sgd"] = "own"
    learning_rate: Annotated[float, Field(ge=0)] = 0.0

    neutral: ClassVar = {"steps": 0}

    def start(self, state: State) -> TrickState:
        """Refuse what the inner steps cannot follow.

        Raises:
            ConfigError: The discriminator has batch normalization, and a penalty differentiates it,
                or a trick shows it other fakes than the generator's, which could not respond.
        """
        others = state.tricks.having("fakes")
        if self.steps and others:
            raise refusal(
                "unrolled",
                others,
                "unrolled follows the discriminator's steps on the generator's own fakes, and "
                "{others} replaces some of them.",
            )
        terms = state.tricks.having("discriminator_terms")
        penalties = [hooks for hooks in terms if hooks.differentiates]
        if self.steps and penalties and has_batch_norm(state.discriminator):
            raise refusal(
                "unrolled",
                penalties,
                "unrolled cannot differentiate through {others} in a discriminator with batch "
                "normalization, which has no third derivative in torch.",
            )
        return {}

    def opponent(self, turn: Turn) -> Discriminate | None:
        """Return the discriminator after its steps, as a function of the generator's weights."""
        if not self.steps:
            return None
        state = turn.state
        network, optimizer = state.discriminator, state.optimizers["discriminator"]
        weights: NamedTensors = {
            name: weight for name, weight in network.named_parameters() if weight.requires_grad
        }
        rule = _sgd if self.rule == "sgd" else rule_of(optimizer)
        groups = {weight: group for group in optimizer.param_groups for weight in group["params"]}
        settings = {name: self._settings(groups[weight]) for name, weight in weights.items()}
        moments = {name: dict(optimizer.state.get(weight, {})) for name, weight in weights.items()}
        # Running means and power iterations continue in copies: the real ones must not move.
        buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}
        for step in range(self.steps):
            # Terms that are due in every n-th update count the inner steps as updates.
            made = {**state.updates, "discriminator": state.updates["discriminator"] + step}
            discriminate = _with_weights(network, weights, buffers)
            gradients = _gradients(turn, replace(state, updates=made), weights, discriminate)
            for name, gradient in gradients.items():
                setting = settings[name]
                decayed = gradient + setting["weight_decay"] * weights[name]
                direction, moments[name] = rule(decayed, moments[name], setting)
                weights[name] = weights[name] - setting["lr"] * direction
        return _with_weights(network, weights, buffers)

    def _settings(self, group: dict[str, Any]) -> dict[str, Any]:
        """Return the settings of the inner rule, taken from the discriminator's optimizer."""
        settings = {**group, "lr": self.learning_rate or group["lr"]}
        return settings | {"momentum": 0.0, "weight_decay": 0.0} if self.rule == "sgd" else settings


def _with_weights(network: nn.Module, weights: NamedTensors, buffers: NamedTensors) -> Discriminate:
    """Return a network as a function that uses other weights and buffers than its own."""
    values = {**weights, **buffers}

    def discriminate(images: Tensor, condition: Condition) -> Tensor | tuple[Tensor, Any]:
        arguments = (images,) if condition is None else (images, condition)
        output: Tensor | tuple[Tensor, Any] = functional_call(network, values, arguments)
        return output

    return discriminate


def _gradients(
    turn: Turn, state: State, weights: NamedTensors, discriminate: Discriminate
) -> NamedTensors:
    """Return the gradients of the discriminator's objective, which are differentiable.

    Args:
        turn: The generator's turn.
        state: Its state at the moment of the inner step.
        weights: The discriminator's weights at that moment.
        discriminate: The discriminator with these weights.
    """
    # The weights depend on the fakes by now. A penalty on the gradient at the fakes means the
    # gradient at fixed weights, so each inner step sees the fakes as a new tensor.
    images = turn.fake.images.view_as(turn.fake.images)
    inner = Turn(
        state,
        "discriminator",
        turn.batch,
        beside=turn,
        discriminate=discriminate,
        fakes=replace(turn.fake.batch, images=images),
    )
    total = torch.stack(list(discriminator_objective(inner).values())).sum()
    gradients = torch.autograd.grad(
        total, list(weights.values()), create_graph=True, allow_unused=True
    )
    named = {
        name: gradient
        for name, gradient in zip(weights, gradients, strict=True)
        if gradient is not None
    }
    # If several processes share the batch, the inner steps too are those of the whole batch.
    return dict(zip(named, turn.state.group.average(list(named.values())), strict=True))


def rule_of(optimizer: Optimizer) -> Rule:
    """Return the differentiable rule of an optimizer that a recipe can name."""
    if isinstance(optimizer, SGD):
        return _sgd
    return _rmsprop if isinstance(optimizer, RMSprop) else _adam


def _sgd(
    gradient: Tensor, moments: NamedTensors, settings: dict[str, Any]
) -> tuple[Tensor, NamedTensors]:
    """Return the direction of gradient descent, with momentum if it is set."""
    if not settings["momentum"]:
        return gradient, moments
    last = moments.get("momentum_buffer")
    direction = gradient if last is None else settings["momentum"] * last + gradient
    return direction, {"momentum_buffer": direction}


def _rmsprop(
    gradient: Tensor, moments: NamedTensors, settings: dict[str, Any]
) -> tuple[Tensor, NamedTensors]:
    """Return the direction of RMSprop."""
    square = moments.get("square_avg", torch.zeros_like(gradient))
    square = settings["alpha"] * square + (1 - settings["alpha"]) * gradient.square()
    return gradient / (_root(square) + settings["eps"]), {"square_avg": square}


def _adam(
    gradient: Tensor, moments: dict[str, Any], settings: dict[str, Any]
) -> tuple[Tensor, dict[str, Any]]:
    """Return the direction of Adam (arXiv:1412.6980, algorithm 1)."""
    first_decay, second_decay = settings["betas"]
    zero = torch.zeros_like(gradient)
    first = first_decay * moments.get("exp_avg", zero) + (1 - first_decay) * gradient
    second = moments.get("exp_avg_sq", zero)
    second = second_decay * second + (1 - second_decay) * gradient.square()
    count = torch.as_tensor(moments.get("step", 0)).to(gradient) + 1
    first_hat = first / _one_minus_power(first_decay, count)
    second_hat = second / _one_minus_power(second_decay, count)
    direction = first_hat / (_root(second_hat) + settings["eps"])
    return direction, {"step": count, "exp_avg": first, "exp_avg_sq": second}


def _one_minus_power(base: float, exponent: Tensor) -> Tensor:
    """Return ``1 - base ** exponent``, accurate where the base is near 1."""
    return -torch.expm1(exponent * math.log(base)) if base > 0 else 1 - base**exponent


def _root(square: Tensor) -> Tensor:
    """Return the square root, with slope 0 where it is 0: unused weights must not give NaN."""
    return square.clamp(min=torch.finfo(square.dtype).tiny).sqrt()
