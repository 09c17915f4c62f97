# SPDX-License-Identifier: MIT
"""What tests compare of two runs: tensors bit for bit, rows without their times."""

import torch
from torch import nn


def networks_of(state):
    """Return both players, their partners, and the modules that tricks have gathered."""
    gathered = {
        f"memory/{trick}/{name}": value
        for trick, memory in state.memory.items()
        for name, value in memory.items()
        if isinstance(value, nn.Module)
    }
    partners = {f"partners/{name}": partner for name, partner in state.partners.items()}
    players = {"generator": state.generator, "discriminator": state.discriminator}
    return {**players, **partners, **gathered}


def weights_of(state):
    """Return a copy of every tensor of the networks of a state, by name."""
    return {
        f"{name}/{key}": value.detach().clone()
        for name, network in networks_of(state).items()
        for key, value in network.state_dict().items()
    }


def learned_of(state):
    """Return a copy of the weights of a state and of every tensor that tricks have gathered."""
    gathered = {
        f"memory/{trick}/{name}": value.detach().clone()
        for trick, memory in state.memory.items()
        for name, value in memory.items()
        if isinstance(value, torch.Tensor)
    }
    return {**weights_of(state), **gathered}


def tensors_of(state):
    """Return a copy of all that a checkpoint of a state must hold except streams, by name.

    These are the weights, the optimizers' moments, and what tricks have gathered.
    """
    moments = {
        f"{role}/{index}/{key}": value
        for role, optimizer in state.optimizers.items()
        for index, values in optimizer.state_dict()["state"].items()
        for key, value in values.items()
    }
    moments = {
        name: value.detach().clone() if isinstance(value, torch.Tensor) else value
        for name, value in moments.items()
    }
    return {**learned_of(state), **moments}


def differing(first, second):
    """Return the names of values that only one of two mappings has, or that are not equal.

    Tensors are compared bit for bit.
    """
    return [
        name
        for name in {**first, **second}
        if name not in first or name not in second or not _equal(first[name], second[name])
    ]


def _equal(value, other):
    return torch.equal(value, other) if isinstance(value, torch.Tensor) else value == other


def without_times(row):
    """Return a row of statistics or measurements without the values that depend on the clock."""
    return {key: value for key, value in row.items() if "second" not in key}
