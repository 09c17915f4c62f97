# SPDX-License-Identifier: MIT
"""The contract, checked when a model is built; the rest is checked in the first iteration.

A breach is one sentence that names the file, the part, what was expected and what came.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganbench.config import Recipe, join_words
from ganbench.errors import ContractError
from ganbench.gan import GAN, DataSpec, Loss, Partner, Role
from ganbench.state import State
from ganbench.training.breach import capital, in_words, name_and_file, one_sentence, require_type
from ganbench.trick import HOOKS, Hooks, Trick, hooks_name
from ganbench.trick_class import check_hooks


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
        require_type(f"GAN.{field}", getattr(gan, field), kinds)
    for field in ("generator", "discriminator"):
        if isinstance(build := getattr(gan, field), nn.Module) or not callable(build):
            raise ContractError(
                f"GAN.{field} is {in_words(build)}; a function that builds the network was "
                "expected.",
                f"For example: {field}=lambda size: MyNetwork(size)",
            )
    if gan.hooks is not None:
        check_hooks(type(gan.hooks), HOOKS)
    for trick in gan.tricks:
        require_type("an item of GAN.tricks", trick, (Trick,))
    if isinstance(gan.hooks, Trick):
        raise ContractError(
            f"GAN.hooks is the trick {hooks_name(gan.hooks)}; Hooks were expected.",
            "A trick, which a user can remove, belongs in GAN.tricks.",
        )
    for name, partner in gan.partners.items():
        require_type(f"the partner {name!r}", partner, (Partner,))
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
    with one_sentence("to be built", f"the {name}"):
        network = build()
    require_type(f"what builds the {name}", network, (nn.Module,), verb="returned")
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
            require_type(f"the memory {key!r} of {name}", value, (Tensor, nn.Module))
        if added := memory.keys() - state.memory_names[name]:
            raise ContractError(
                f"{name} keeps {join_words(sorted(added))} in its memory, which start did not "
                "return: a resumed run would lack it.",
                "Return everything from start, with its first value.",
            )


def check_start(hooks: Hooks, memory: Any) -> None:
    """Refuse what holds no memory.

    Raises:
        ContractError: The hook returned something else.
    """
    require_type(f"the hook start of {name_and_file(hooks)}", memory, (dict,), verb="returned")


def check_optimizer(hooks: Hooks, result: Any) -> None:
    """Refuse what is no optimizer.

    Raises:
        ContractError: The hook returned something else.
    """
    require_type(
        f"the hook optimizer of {name_and_file(hooks)}", result, (Optimizer,), verb="returned"
    )


def check_subset(hooks: Hooks, indices: Any, count: int) -> None:
    """Refuse what are not indices of examples.

    Raises:
        ContractError: They are not int64 (N,), or lie outside, or are none.
    """
    part = f"the hook subset of {name_and_file(hooks)}"
    require_type(part, indices, (Tensor,), verb="returned")
    if indices.dtype != torch.int64 or indices.ndim != 1:
        raise ContractError(
            f"{capital(part)} returned {in_words(indices)}; indices (N,) of type int64 were "
            "expected.",
            "A mask becomes indices by mask.nonzero().flatten()",
        )
    if not len(indices):
        raise ContractError(f"{capital(part)} selected no example.")
    if int(indices.min()) < 0 or int(indices.max()) >= count:
        raise ContractError(f"{capital(part)} returned indices outside 0 to {count - 1}.")
