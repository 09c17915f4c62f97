# SPDX-License-Identifier: MIT
"""The first iteration, in which everything that hooks and networks return is checked.

Afterwards nothing is checked: the step is as fast as if nobody had looked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from ganbench.errors import ContractError
from ganbench.gan import Batch
from ganbench.state import State
from ganbench.training.breach import (
    capital,
    in_words,
    name_and_file,
    one_sentence,
    require_floats,
    require_type,
    same_shape,
)
from ganbench.training.contract import check_memory
from ganbench.trick import Hooks, StepRule
from ganbench.turn import Seen, Turn


def first_iteration(state: State, iterate: StepRule, next_batch: Callable[[], Batch]) -> None:
    """Make an iteration in which everything that hooks and networks return is checked.

    The iteration itself is the same as any other. That every network gets a gradient is checked in
    the first of a run alone: a term may be computed in every sixteenth update, and a resumed run
    begins between two of them.

    Raises:
        ContractError: Something was not as the contract says, or the user's code failed.
    """
    owners = {
        name: [weight for weight in network.parameters() if weight.requires_grad]
        for name, network in _networks_of(state).items()
    }
    begins = not any(state.updates.values())
    learned: set[str] = set()
    before = _plain_values(state)

    def observed(turn: Turn, *, retain_graph: bool = False) -> None:
        _check_objective(turn)
        backward(turn, retain_graph=retain_graph)
        for owner, weights in owners.items():
            if any(weight.grad is not None for weight in weights):
                learned.add(owner)

    backward = state.backward
    state.tricks.inspect = _inspected
    replaced: dict[str, Callable[..., Any]] = {
        "backward": observed,
        "generate": _naming_call("generator", state.generate),
        "discriminate": _naming_call("discriminator", state.discriminate),
    }
    vars(state).update(replaced)
    try:
        with _checked_outputs(state), one_sentence("in the first iteration"):
            iterate(state, next_batch)
    finally:
        state.tricks.inspect = None
        for name in replaced:
            del vars(state)[name]
    for owner, weights in owners.items():
        if begins and weights and owner not in learned:
            raise ContractError(
                f"The {owner} gets no gradient: its weights would never move.",
                f"Look for .detach(), torch.no_grad() or .item() on the way from the {owner} to "
                "the loss.",
            )
    _check_plain_values(before, _plain_values(state))
    check_memory(state)


def _networks_of(state: State) -> dict[str, nn.Module]:
    """Return the networks of a state, by their names in sentences."""
    partners = {f"partner {name!r}": network for name, network in state.partners.items()}
    return {"generator": state.generator, "discriminator": state.discriminator, **partners}


def _inspected(hooks: Hooks, hook: str, arguments: tuple[Any, ...]) -> Any:
    """Return what a hook returns, once it has been checked."""
    part = f"the hook {hook} of {name_and_file(hooks)}"
    with one_sentence("in the first iteration", part):
        result = getattr(hooks, hook)(*arguments)
    if check := _CHECKS.get(hook):
        check(part, result, arguments)
    return result


def _naming_call(name: str, network: Callable[..., Any]) -> Callable[..., Any]:
    """Return a call of a network whose errors name the network and what it was given."""

    def call(values: Tensor, condition: Any = None) -> Any:
        given = f"{tuple(values.shape)}"
        if condition is not None:
            given += f" with the condition {in_words(condition)}"
        with one_sentence(f"for {given}", f"the {name}"):
            return network(values, condition)

    return call


def _plain_values(state: State) -> dict[str, str]:
    """Return the plain values that networks and hooks hold as attributes, by holder and name."""
    values = {
        f"{name}{'.' if path else ''}{path}: {key}": repr(value)
        for name, network in _networks_of(state).items()
        for path, module in network.named_modules()
        for key, value in vars(module).items()
        if isinstance(value, int | float) and not key.startswith("_") and key != "training"
    }
    for hooks in state.tricks:
        values |= {
            f"{name_and_file(hooks)}: {key}": repr(value)
            for key, value in getattr(hooks, "__dict__", {}).items()
            if isinstance(value, int | float | str | list | dict | set)
        }
    return values


def _check_plain_values(before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Refuse what changed in an iteration without being saved."""
    for name, value in after.items():
        if before.get(name) != value:
            holder, _, attribute = name.rpartition(": ")
            raise ContractError(
                f"The attribute {attribute} of {holder} changed in the first iteration: it is not "
                "saved, so a resumed run would differ.",
                "Hooks keep what they gather in start(state) and memory_of; a network keeps it in "
                "a buffer.",
            )


def _check_objective(turn: Turn) -> None:
    """Refuse terms of an objective that are not finite scalars."""
    for name, term in turn.terms.items():
        part = f"the {turn.role}'s term {name}"
        require_type(part, term, (Tensor,))
        if term.ndim:
            raise ContractError(
                f"{capital(part)} has the shape {tuple(term.shape)}; a scalar was expected.",
                "Take its mean over the examples: .mean()",
            )
        # Later on it is the training that diverges, which is a result.
        if not any(turn.state.updates.values()) and not bool(term.isfinite()):
            raise ContractError(
                f"{capital(part)} is {term.item():g} in the first update.",
                "Look at the loss, the scale of the networks' outputs, and the data's range.",
            )
        if not term.requires_grad and name == "adversarial":
            raise ContractError(
                f"The {turn.role}'s loss does not depend on the {turn.role}'s weights.",
                f"Look for .detach() or torch.no_grad() on the way from the {turn.role} to the "
                "loss.",
            )


@contextmanager
def _checked_outputs(state: State) -> Iterator[None]:
    """Check the shape and type of what both players' networks return."""
    shape = state.data.shape

    def generated(network: nn.Module, inputs: Any, output: Any) -> None:
        images = output[0] if isinstance(output, tuple) else output
        require_type("the generator", images, (Tensor,), verb="returned")
        expected = (len(inputs[0]), *shape)
        if tuple(images.shape) != expected:
            raise ContractError(
                f"The generator returned {tuple(images.shape)} for latents "
                f"{tuple(inputs[0].shape)}; {expected} was expected."
            )
        require_floats("the generator", images)

    def judged(network: nn.Module, inputs: Any, output: Any) -> None:
        logits = output[0] if isinstance(output, tuple) else output
        require_type("the discriminator", logits, (Tensor,), verb="returned")
        require_floats("the discriminator", logits)
        count = len(inputs[0])
        if not logits.ndim or not len(logits) or count % len(logits):
            raise ContractError(
                f"The discriminator returned logits {tuple(logits.shape)} for {count} examples; "
                f"({count}, ...) was expected."
            )

    checks = ((state.generator, generated), (state.discriminator, judged))
    handles = [
        network.register_forward_hook(check)
        for network, check in checks
        if getattr(network, "_compiled_call_impl", None) is None  # it would be compiled again
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _check_latents(part: str, result: Any, arguments: tuple[Any, ...]) -> None:
    require_type(part, result, (Tensor,), verb="returned")
    same_shape(part, result, arguments[0])


def _check_batch(part: str, result: Any, arguments: tuple[Any, ...]) -> None:
    require_type(part, result, (Batch,), verb="returned")
    same_shape(part, result.images, arguments[0].images)
    for name in ("labels", "source", "latents"):
        values = getattr(result, name)
        if values is not None and len(values) != len(result.images):
            raise ContractError(
                f"{capital(part)} returned {len(values)} {name} for {len(result.images)} examples."
            )


def _check_seen(part: str, result: Any, arguments: tuple[Any, ...]) -> None:
    require_type(part, result, (Seen,), verb="returned")
    if len(result.images) != len(arguments[0].images):
        raise ContractError(
            f"{capital(part)} returned {len(result.images)} examples; "
            f"{len(arguments[0].images)} were expected."
        )


def _check_terms(part: str, result: Any, arguments: tuple[Any, ...]) -> None:
    require_type(part, result, (Mapping,), verb="returned")


def _check_nothing(part: str, result: Any, arguments: tuple[Any, ...]) -> None:
    if result is not None:
        raise ContractError(
            f"{capital(part)} returned {in_words(result)}, which is ignored; it changes things "
            "in place."
        )


_CHECKS: dict[str, Callable[[str, Any, tuple[Any, ...]], None]] = {
    "latents": _check_latents,
    "fakes": _check_batch,
    "reals": _check_batch,
    "see": _check_seen,
    "discriminator_terms": _check_terms,
    "generator_terms": _check_terms,
    "gradients": _check_nothing,
    "after_step": _check_nothing,
}
