# SPDX-License-Identifier: MIT
"""The contract, checked once: at construction, and during the first iteration.

Afterwards nothing is checked: the step is as fast as if nobody had looked. A breach is one sentence
that names the file, the part, what was expected and what came.
"""

from __future__ import annotations

import inspect
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

import ganbench
from ganbench.config import Recipe, join_words
from ganbench.data.foreign_code import cause
from ganbench.errors import ContractError, GanbenchError
from ganbench.gan import GAN, Batch, DataSpec, Loss, Partner, Role
from ganbench.state import State
from ganbench.trick import HOOKS, Hooks, StepRule, Trick, hooks_name
from ganbench.trick_class import check_hooks
from ganbench.turn import Seen, Turn

_NOT_THE_USERS = (
    str(Path(ganbench.__file__).parent),
    str(Path(torch.__file__).parents[1]),
    sysconfig.get_path("stdlib"),
    "<frozen",
)
"""Folders whose code is not the user's: ganbench, installed packages, Python itself."""


def check_gan(gan: GAN, data: DataSpec) -> None:
    """Refuse a GAN whose fields are not what the contract says.

    Raises:
        ContractError: A field is of another type, or the data lack what the model needs.
    """
    expected: dict[str, tuple[type, ...]] = {
        "loss": (Loss,),
        "recipe": (Recipe,),
        "hooks": (Hooks, type(None)),
    }
    for field, kinds in expected.items():
        _expect(f"GAN.{field}", getattr(gan, field), kinds)
    for field in ("generator", "discriminator"):
        if isinstance(build := getattr(gan, field), nn.Module) or not callable(build):
            raise ContractError(
                f"GAN.{field} is {_described(build)}; a function that builds the network was "
                "expected.",
                f"For example: {field}=lambda size: MyNetwork(size)",
            )
    if gan.hooks is not None:
        check_hooks(type(gan.hooks), HOOKS)
    for trick in gan.tricks:
        _expect("an item of GAN.tricks", trick, (Trick,))
    if isinstance(gan.hooks, Trick):
        raise ContractError(
            f"GAN.hooks is the trick {hooks_name(gan.hooks)}; Hooks were expected.",
            "A trick, which a user can remove, belongs in GAN.tricks.",
        )
    for name, partner in gan.partners.items():
        _expect(f"the partner {name!r}", partner, (Partner,))
        if partner.learns_with not in get_args(Role):
            raise ContractError(
                f"The partner {name!r} learns with {partner.learns_with!r}; "
                f"{' or '.join(get_args(Role))} was expected."
            )
        if name in get_args(Role):
            raise ContractError(f"A partner cannot be called {name!r}: that is a player.")
    _check_condition(gan, data)


def _check_condition(gan: GAN, data: DataSpec) -> None:
    """Refuse a conditional GAN on data without classes or sources."""
    if gan.conditional not in (True, False, "source"):
        raise ContractError(
            f"GAN.conditional is {gan.conditional!r}; True, False or 'source' was expected."
        )
    if gan.conditional is True and not data.classes:
        raise ContractError(
            f"The model is conditional on classes, and {data.name} has none.",
            "Choose a dataset with labels, or a model without them: ganbench ls",
        )
    if gan.conditional == "source" and data.source is None:
        raise ContractError(
            f"The model makes images from other images, and {data.name} has no pairs.",
            "Pairs are 'images' and 'sources' in an npz file, one source for each image.",
        )


def built(name: str, build: Callable[[], nn.Module]) -> nn.Module:
    """Build a network, and refuse anything that is not a network that can learn.

    Args:
        name: ``generator``, ``discriminator``, or the name of a partner.
        build: Builds the network.

    Raises:
        ContractError: The function failed, or returned something else.
    """
    with _sentences(f"to build the {name}"):
        network = build()
    _expect(f"what builds the {name}", network, (nn.Module,), verb="returned")
    if not any(weight.requires_grad for weight in network.parameters()):
        raise ContractError(f"The {name} has no weights that can learn.")
    return network


def check_memory(state: State) -> None:
    """Refuse what a checkpoint cannot hold among the things that hooks have gathered.

    Raises:
        ContractError: A value is neither a tensor nor a module, or is new since ``start``.
    """
    for name, memory in state.memory.items():
        for key, value in memory.items():
            _expect(f"the memory {key!r} of {name}", value, (Tensor, nn.Module))
        if added := memory.keys() - state.memory_names[name]:
            raise ContractError(
                f"{name} keeps {join_words(sorted(added))} in its memory, which start did not "
                "return: a resumed run would lack it.",
                "Return everything from start, with its first value.",
            )


def first_iteration(state: State, iterate: StepRule, next_batch: Callable[[], Batch]) -> None:
    """Make an iteration in which everything that hooks and networks return is checked.

    The iteration itself is the same as any other.

    Raises:
        ContractError: Something was not as the contract says, or the user's code failed.
    """
    moved = dict.fromkeys(state.updates, False)

    def inspected(hooks: Hooks, hook: str, result: Any, arguments: tuple[Any, ...]) -> None:
        check = _CHECKS.get(hook)
        if check is not None:
            check(f"the hook {hook} of {_named(hooks)}", result, arguments)

    def observed(turn: Turn, *, retain_graph: bool = False) -> None:
        _check_objective(turn)
        backward(turn, retain_graph=retain_graph)
        weights = state.parameters(turn.role)
        moved[turn.role] |= any(weight.grad is not None for weight in weights)

    backward = state.backward
    state.tricks.inspect = inspected
    vars(state)["backward"] = observed
    try:
        with _checked_outputs(state), _sentences("in the first iteration"):
            iterate(state, next_batch)
    finally:
        state.tricks.inspect = None
        del vars(state)["backward"]
    for role, has_moved in moved.items():
        if state.updates[role] and not has_moved:
            raise ContractError(
                f"The {role} gets no gradient: its weights would never move.",
                f"Look for .detach(), torch.no_grad() or .item() on the way from the {role} to "
                "the loss.",
            )
    check_memory(state)


def _check_objective(turn: Turn) -> None:
    """Refuse terms of an objective that are not finite scalars."""
    for name, term in turn.terms.items():
        part = f"the {turn.role}'s term {name}"
        _expect(part, term, (Tensor,))
        if term.ndim:
            raise ContractError(
                f"{_capital(part)} has the shape {tuple(term.shape)}; a scalar was expected.",
                "Take its mean over the examples: .mean()",
            )
        # Later on it is the training that diverges, which is a result.
        if not any(turn.state.updates.values()) and not bool(term.isfinite()):
            raise ContractError(
                f"{_capital(part)} is {term.item():g} in the first update.",
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
        _expect("the generator", images, (Tensor,), verb="returned")
        expected = (len(inputs[0]), *shape)
        if tuple(images.shape) != expected:
            raise ContractError(
                f"The generator returned {tuple(images.shape)} for latents "
                f"{tuple(inputs[0].shape)}; {expected} was expected."
            )
        _expect_floats("the generator", images)

    def judged(network: nn.Module, inputs: Any, output: Any) -> None:
        logits = output[0] if isinstance(output, tuple) else output
        _expect("the discriminator", logits, (Tensor,), verb="returned")
        _expect_floats("the discriminator", logits)
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
    _expect(part, result, (Tensor,), verb="returned")
    _same_shape(part, result, arguments[0])


def _check_batch(part: str, result: Any, arguments: tuple[Any, ...]) -> None:
    _expect(part, result, (Batch,), verb="returned")
    _same_shape(part, result.images, arguments[0].images)


def _check_seen(part: str, result: Any, arguments: tuple[Any, ...]) -> None:
    _expect(part, result, (Seen,), verb="returned")


def _check_terms(part: str, result: Any, arguments: tuple[Any, ...]) -> None:
    _expect(part, result, (Mapping,), verb="returned")


def _check_nothing(part: str, result: Any, arguments: tuple[Any, ...]) -> None:
    if result is not None:
        raise ContractError(
            f"{_capital(part)} returned {_described(result)}, which is ignored; it changes things "
            "in place."
        )


def check_start(hooks: Hooks, memory: Any) -> None:
    """Refuse what holds no memory.

    Raises:
        ContractError: The hook returned something else.
    """
    _expect(f"the hook start of {_named(hooks)}", memory, (dict,), verb="returned")


def check_optimizer(hooks: Hooks, result: Any) -> None:
    """Refuse what is no optimizer.

    Raises:
        ContractError: The hook returned something else.
    """
    _expect(f"the hook optimizer of {_named(hooks)}", result, (Optimizer,), verb="returned")


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


def check_subset(hooks: Hooks, indices: Any, count: int) -> None:
    """Refuse what are not indices of examples.

    Raises:
        ContractError: They are not int64 (N,), or lie outside, or are none.
    """
    part = f"the hook subset of {_named(hooks)}"
    _expect(part, indices, (Tensor,), verb="returned")
    if indices.dtype != torch.int64 or indices.ndim != 1:
        raise ContractError(
            f"{_capital(part)} returned {_described(indices)}; indices (N,) of type int64 were "
            "expected.",
            "A mask becomes indices by mask.nonzero().flatten()",
        )
    if not len(indices):
        raise ContractError(f"{_capital(part)} selected no example.")
    if int(indices.min()) < 0 or int(indices.max()) >= count:
        raise ContractError(f"{_capital(part)} returned indices outside 0 to {count - 1}.")


@contextmanager
def _sentences(when: str) -> Iterator[None]:
    """Turn an error into one sentence that names the user's file and line, if they take part."""
    try:
        yield
    except GanbenchError:
        raise
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        users = [frame for frame in frames if not frame.filename.startswith(_NOT_THE_USERS)]
        last = users[-1] if users else None
        place = f"{last.filename}, line {last.lineno}, {last.name}" if last else "Something"
        raise ContractError(
            f"{place} failed {when}: {cause(error)}.",
            "Shapes and types are in the contract: CONTRIBUTING.md.",
        ) from error


def _expect(part: str, value: object, kinds: tuple[type, ...], *, verb: str = "is") -> None:
    """Refuse a value that is of none of some types."""
    if not isinstance(value, kinds):
        names = " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds)
        raise ContractError(
            f"{_capital(part)} {verb} {_described(value)}; {names} was expected.",
        )


def _expect_floats(part: str, values: Tensor) -> None:
    if not values.is_floating_point():
        raise ContractError(
            f"{_capital(part)} returned {values.dtype}; floating-point numbers were expected."
        )


def _same_shape(part: str, values: Tensor, expected: Tensor) -> None:
    if values.shape != expected.shape:
        raise ContractError(
            f"{_capital(part)} returned {tuple(values.shape)}; {tuple(expected.shape)} was "
            "expected."
        )


def _described(value: object) -> str:
    """Return a value in a few words."""
    if isinstance(value, Tensor):
        return f"a tensor {tuple(value.shape)} of {value.dtype}"
    if value is None:
        return "None"
    if isinstance(value, str | bool | int | float):
        return f"{value!r}"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    return f"a {type(value).__name__}"


def _named(hooks: Hooks) -> str:
    """Return the name of hooks, and the file that defines them."""
    module = sys.modules.get(type(hooks).__module__)
    file = getattr(module, "__file__", None) or inspect.getfile(type(hooks))
    return f"{hooks_name(hooks)} ({Path(file).name})"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
