# SPDX-License-Identifier: MIT
"""From a name to a GAN, and from a GAN to a training state ready for its first step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import nn

from ganbench import registry
from ganbench.backbone import AUTO
from ganbench.config import (
    OptimizerSpec,
    PlainValue,
    Precision,
    Recipe,
    RunConfig,
    TrickConfig,
    parse_trick,
)
from ganbench.data import open_dataset
from ganbench.errors import ConfigError, ContractError
from ganbench.gan import GAN, DataSpec, Loss, Role
from ganbench.model_parameters import resolve_parameters
from ganbench.nn.synchronized import synchronize_batch_norm
from ganbench.runtime.execution import USUAL, Execution
from ganbench.runtime.global_random import seeded
from ganbench.runtime.process_group import ALONE, ProcessGroup
from ganbench.source_digest import source_digest
from ganbench.state import State
from ganbench.streams import Streams, stream_seed
from ganbench.training.breach import one_sentence
from ganbench.training.contract import (
    built,
    check_gan,
    check_memory,
    check_optimizer,
    check_start,
)
from ganbench.training.distributed import check_parts
from ganbench.training.optimizers import make_optimizer
from ganbench.trick import Hooks, Trick, Tricks, TrickState, hooks_name, require_order
from ganbench.trick_config import rebuild_tricks
from ganbench.user_code import call_model, place_of


def create(
    model: str,
    data: DataSpec | str = "mnist5k",
    parameters: Mapping[str, Any] | None = None,
) -> GAN:
    """Return the GAN variant called ``model`` for some data.

    Args:
        model: A registered name, or ``./file.py``.
        data: What is known of the data, or the name of a dataset.
        parameters: Parameters of the model by name; the others have their defaults.

    Raises:
        UnknownNameError: No model or dataset has that name.
        ConfigError: The model does not work with the data, or the function returned no GAN.
    """
    spec = open_dataset(data).spec if isinstance(data, str) else data
    function = registry.models.get(model)
    gan = call_model(function, spec, resolve_parameters(model, function, parameters or {}))
    if not isinstance(gan, GAN):
        raise ConfigError(f"The model '{model}' returned {type(gan).__name__}, not a GAN.")
    try:
        check_gan(gan, spec)
    except ContractError as error:
        raise ContractError(f"{place_of(function)}: {error.message}", error.hint) from error
    return gan


def resolve_loss(gan: GAN, name: str) -> Loss:
    """Return the loss of that name: the model's own, or a registered one.

    Raises:
        UnknownNameError: No loss has that name.
    """
    if name == gan.loss.name:
        return gan.loss
    loss: Loss = registry.losses.get(name)
    return loss


def source_hash(model: str) -> str:
    """Return sixteen hex digits of the SHA-256 of a model's source."""
    return source_digest(registry.models, model)


def trick_sources(tricks: Iterable[TrickConfig]) -> dict[str, str]:
    """Return the hash of the source of each trick that is not part of ganbench, by name.

    A trick in a user's file changes when the file does; a trick that is part of ganbench changes
    with ganbench's version.
    """
    entries = {trick.name: registry.tricks.entry(trick.name) for trick in tricks}
    return {
        name: source_digest(registry.tricks, name)
        for name, entry in sorted(entries.items())
        if not registry.tricks.is_own(entry)
    }


def loss_source(gan: GAN, name: str) -> str:
    """Return the hash of a loss's source; empty if the model or ganbench defines the loss."""
    if name == gan.loss.name or registry.losses.is_own(registry.losses.entry(name)):
        return ""
    return source_digest(registry.losses, name)


def backbone_source(parameters: Mapping[str, PlainValue]) -> str:
    """Return the hash of the source of a model's backbone; empty if ganbench defines it."""
    name = parse_trick(str(parameters.get("backbone", AUTO))).name
    if name == AUTO or registry.backbones.is_own(registry.backbones.entry(name)):
        return ""
    return source_digest(registry.backbones, name)


def build(
    config: RunConfig,
    data: DataSpec,
    device: torch.device,
    group: ProcessGroup = ALONE,
    execution: Execution = USUAL,
) -> State:
    """Build the training state that a run's configuration describes.

    Args:
        config: The configuration of the run.
        data: What is known of the data.
        device: Where the networks and their optimizers live.
        group: The processes that share each batch.
        execution: How a step is computed.

    Raises:
        ConfigError: The model, the loss, the tricks, the recipe and the data do not fit together.
    """
    gan = create(config.model, data, config.parameters)
    return build_state(
        gan,
        data,
        recipe=config.recipe,
        tricks=rebuild_tricks(gan.tricks, config.tricks),
        loss=resolve_loss(gan, config.loss),
        seed=config.seed,
        device=device,
        precision=config.precision,
        group=group,
        execution=execution,
    )


def build_state(
    gan: GAN,
    data: DataSpec,
    *,
    recipe: Recipe,
    tricks: Iterable[Trick],
    loss: Loss,
    seed: int,
    device: torch.device,
    precision: Precision = "fp32",
    group: ProcessGroup = ALONE,
    execution: Execution = USUAL,
) -> State:
    """Build networks, optimizers and the tricks' memories, calling the hooks in their order.

    Each network is initialized from its own random stream, so that a trick that changes one
    network leaves the initial weights of the others as they are.

    Args:
        gan: The model.
        data: What is known of the data.
        recipe: How to train, which may differ from the model's own recipe.
        tricks: All tricks, the model's own included.
        loss: The loss to train with.
        seed: The seed of all random streams, from 0 to 2**63 - 1.
        device: Where the networks and their optimizers live.
        precision: The precision of forward passes.
        group: The processes that share each batch.
        execution: How a step is computed.

    Raises:
        ConfigError: The model, the loss, the tricks, the recipe and the data do not fit together.
    """
    check_gan(gan, data)
    joined_tricks = Tricks(tricks, gan.hooks)
    check_together(joined_tricks, gan, loss, recipe, data)
    check_parts(recipe, loss, joined_tricks, group)
    networks = {
        name: execution.place(synchronize_batch_norm(network, group), device)
        for name, network in _networks(gan, data, recipe, joined_tricks, seed).items()
    }
    for network in networks.values():  # same seed, but perhaps not the same kind of machine
        group.broadcast([*network.parameters(), *network.buffers()])
    state = State(
        data=data,
        recipe=recipe,
        tricks=joined_tricks,
        generator=networks.pop("generator"),
        discriminator=networks.pop("discriminator"),
        partners=networks,
        learns_with={name: partner.learns_with for name, partner in gan.partners.items()},
        own_optimizers=frozenset(
            name for name, partner in gan.partners.items() if partner.optimizer is not None
        ),
        loss=loss,
        streams=Streams(seed, device, group),
        device=device,
        precision=precision,
        conditional=gan.conditional,
        latent_prior=gan.prior,
        group=group,
    )
    _equip(state, gan)
    return state


def check_together(tricks: Tricks, gan: GAN, loss: Loss, recipe: Recipe, data: DataSpec) -> None:
    """Let the variant's hooks and the tricks refuse what they do not work with.

    They see the model with the loss, the recipe and the tricks that it is trained with, which may
    be others than its own.

    Raises:
        ConfigError: They do not go together.
    """
    added = [hooks for hooks in tricks if isinstance(hooks, Trick)]
    trained = replace(gan, loss=loss, recipe=recipe, tricks=added)
    for hooks in tricks:
        require_order(hooks, loss)
        with one_sentence("to check the model", f"the hook check of {hooks_name(hooks)}"):
            hooks.check(trained, recipe, data)


def wrap_networks(gan: GAN, data: DataSpec, tricks: Tricks) -> GAN:
    """Return the model with the factories of networks that hooks make of its own."""
    generator, discriminator = gan.generator, gan.discriminator
    for hooks in tricks.having("wrap_generator"):
        generator = hooks.wrap_generator(generator, data)
    for hooks in tricks.having("wrap_discriminator"):
        discriminator = hooks.wrap_discriminator(discriminator, data)
    return replace(gan, generator=generator, discriminator=discriminator)


def _networks(
    gan: GAN, data: DataSpec, recipe: Recipe, tricks: Tricks, seed: int
) -> dict[str, nn.Module]:
    """Build the generator, the discriminator and the partners, by name."""
    wrapped = wrap_networks(gan, data, tricks)
    factories: dict[str, Callable[[], nn.Module]] = {
        "generator": lambda: wrapped.generator(recipe.latent_dim),
        "discriminator": lambda: wrapped.discriminator(data.shape),
        **{
            name: partial(partner.build, recipe.latent_dim, data.shape)
            for name, partner in gan.partners.items()
        },
    }
    return {name: _initialized(build, seed, name) for name, build in factories.items()}


def _equip(state: State, gan: GAN) -> None:
    """Add the optimizers and the tricks' memories to a new state, and let tricks wrap its loss."""
    specs: dict[str, tuple[OptimizerSpec, Role]] = {
        "generator": (state.recipe.generator_optimizer, "generator"),
        "discriminator": (state.recipe.discriminator_optimizer, "discriminator"),
    }
    for name, partner in gan.partners.items():
        if partner.optimizer is not None:
            specs[name] = (partner.optimizer, partner.learns_with)
    for name, (spec, role) in specs.items():
        optimizer = make_optimizer(spec, state.weights_of(name))
        for hooks in state.tricks.having("optimizer"):
            optimizer = hooks.optimizer(optimizer, role, state)
            check_optimizer(hooks, optimizer)
        state.optimizers[name] = optimizer
    for hooks in state.tricks:
        name = hooks_name(hooks)
        state.memory[name] = memory = start_memory(hooks, state)
        state.memory_names[name] = frozenset(memory)
    check_memory(state)
    state.loss = state.tricks.wrap_loss(state.loss, state)


def start_memory(hooks: Hooks, state: State) -> TrickState:
    """Return what a trick gathers from the start, by the networks as they are now."""
    with seeded(stream_seed(state.streams.seed, f"init/{hooks_name(hooks)}"), state.device):
        memory = hooks.start(state)
    check_start(hooks, memory)
    return memory


def _initialized(build: Callable[[], nn.Module], seed: int, name: str) -> nn.Module:
    """Build a network from its own random stream; torch's global stream is left as it was."""
    with seeded(stream_seed(seed, f"init/{name}"), torch.device("cpu")):
        return built(name, build)
