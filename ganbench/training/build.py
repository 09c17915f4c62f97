# SPDX-License-Identifier: MIT
"""From a name to a GAN, and from a GAN to a training state ready for its first step."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import nn

from ganbench import registry
from ganbench.config import Precision, Recipe, RunConfig, TrickConfig
from ganbench.data import open_dataset
from ganbench.errors import ConfigError
from ganbench.gan import GAN, DataSpec, Loss
from ganbench.nn.synchronized import synchronize_batch_norm
from ganbench.registry import name_of
from ganbench.runtime.execution import USUAL, Execution
from ganbench.runtime.process_group import ALONE, ProcessGroup
from ganbench.source_digest import source_digest
from ganbench.state import State
from ganbench.streams import Streams, stream_seed
from ganbench.training.distributed import check_parts
from ganbench.training.optimizers import make_optimizer
from ganbench.trick import Trick, Tricks
from ganbench.trick_config import rebuild_tricks


def create(model: str, data: DataSpec | str = "mnist5k") -> GAN:
    """Return the GAN variant called ``model`` (or in ``./file.py``) for some data.

    Raises:
        UnknownNameError: no such model or dataset.
        ConfigError: the model does not go with the data.
    """
    spec = open_dataset(data).spec if isinstance(data, str) else data
    gan = registry.models.get(model)(spec)
    if not isinstance(gan, GAN):
        raise ConfigError(f"The model '{model}' returned {type(gan).__name__}, not a GAN.")
    return gan


def resolve_loss(gan: GAN, name: str) -> Loss:
    """Return the loss that a run is trained with: the model's own, or the one of that name.

    Raises:
        UnknownNameError: there is no such loss.
    """
    if name == gan.loss.name:
        return gan.loss
    loss: Loss = registry.losses.get(name)
    return loss


def source_hash(model: str) -> str:
    """Return sixteen hex digits of the SHA-256 of a model's source."""
    return source_digest(registry.models, model)


def trick_sources(tricks: Iterable[TrickConfig]) -> dict[str, str]:
    """Return the hash of the source of each trick that is not ganbench's own, by name.

    A trick in a file of the user's changes when the file does; those that come with ganbench
    change with its version.
    """
    entries = {trick.name: registry.tricks.entry(trick.name) for trick in tricks}
    return {
        name: source_digest(registry.tricks, name)
        for name, entry in sorted(entries.items())
        if not registry.tricks.is_own(entry)
    }


def loss_source(gan: GAN, name: str) -> str:
    """Return the hash of the source of a loss that is neither the model's nor ganbench's own."""
    if name == gan.loss.name or registry.losses.is_own(registry.losses.entry(name)):
        return ""
    return source_digest(registry.losses, name)


def build(
    config: RunConfig,
    data: DataSpec,
    device: torch.device,
    group: ProcessGroup = ALONE,
    execution: Execution = USUAL,
) -> State:
    """Build the training state that a run's configuration describes.

    Raises:
        ConfigError: the model, the loss, the tricks, the recipe and the data do not fit.
    """
    gan = create(config.model, data)
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
    """Build networks, optimizers and memories, in the order in which the hooks are documented.

    Each network is initialized from a stream of its own, so that a trick which changes one
    network leaves the initial weights of the others as they are.
    """
    stack = Tricks(tricks)
    for trick in stack:
        trick.check(gan, recipe, data)
    check_parts(recipe, loss, stack, group)
    build_generator, build_discriminator = gan.generator, gan.discriminator
    for trick in stack.having("wrap_generator"):
        build_generator = trick.wrap_generator(build_generator, data)
    for trick in stack.having("wrap_discriminator"):
        build_discriminator = trick.wrap_discriminator(build_discriminator, data)
    networks = {
        "generator": _initialized(lambda: build_generator(recipe.latent_dim), seed, "generator"),
        "discriminator": _initialized(
            lambda: build_discriminator(data.shape), seed, "discriminator"
        ),
        **{name: _initialized(partner.build, seed, name) for name, partner in gan.partners.items()},
    }
    placed = {
        name: execution.place(synchronize_batch_norm(network, group), device)
        for name, network in networks.items()
    }
    for network in placed.values():  # of one seed, but perhaps not of one kind of machine
        group.broadcast([*network.parameters(), *network.buffers()])
    state = State(
        data=data,
        recipe=recipe,
        tricks=stack,
        generator=placed.pop("generator"),
        discriminator=placed.pop("discriminator"),
        partners=placed,
        learns_with={name: partner.learns_with for name, partner in gan.partners.items()},
        loss=loss,
        streams=Streams(seed, device, group),
        device=device,
        precision=precision,
        conditional=gan.conditional,
        group=group,
    )
    _equip(state)
    return state


def _equip(state: State) -> None:
    """Give a new state its optimizers, the tricks' memories and the loss as they change it."""
    specs = {
        "generator": state.recipe.generator_optimizer,
        "discriminator": state.recipe.discriminator_optimizer,
    }
    for role in state.updates:
        optimizer = make_optimizer(specs[role], state.parameters(role))
        for trick in state.tricks.having("optimizer"):
            optimizer = trick.optimizer(optimizer, role, state)
        state.optimizers[role] = optimizer
    for trick in state.tricks:
        state.memory[name_of(trick)] = trick.start(state)
    state.loss = state.tricks.wrap_loss(state.loss, state)


def _initialized(make: Callable[[], nn.Module], seed: int, name: str) -> nn.Module:
    """Build a network from its own random stream; torch's global one is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(seed, f"init/{name}"))
        return make()
