# SPDX-License-Identifier: MIT
"""A training state as one safetensors file: written whole or not at all, never pickled."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from ganbench.config import canonical_json
from ganbench.errors import DamagedRunError, StorageError
from ganbench.records.atomic_files import replacing
from ganbench.state import State


def save_checkpoint(state: State, path: Path, facts: Mapping[str, Any]) -> None:
    """Write all that training needs to go on, bit for bit, and ``facts`` of the caller's.

    Of several processes all must call, as each has random streams; the first writes.

    Raises:
        StorageError: the folder cannot be written or the disk is full; the old file stays.
    """
    scalars: dict[str, Any] = {
        "facts": dict(facts),
        "images_seen": state.images_seen,
        "updates": state.updates,
    }
    tensors = dict(_tensors(state))
    for role, optimizer in state.optimizers.items():
        moments, rest = _split_optimizer(optimizer)
        scalars[f"optimizer/{role}"] = rest
        tensors |= {f"optimizer/{role}/{name}": value for name, value in moments.items()}
    if state.group.first:
        write_tensors(path, tensors, {"state": json.dumps(scalars)})


def load_checkpoint(state: State, path: Path) -> dict[str, Any]:
    """Put a freshly built state where a checkpoint left it; return the caller's facts.

    Raises:
        DamagedRunError: the file is cut short, or belongs to another model.
    """
    tensors, metadata = read_tensors(path, state.device)
    try:
        scalars = json.loads(metadata["state"])
        state.images_seen = scalars["images_seen"]
        state.updates.update(scalars["updates"])
        for name, network in _networks(state):
            network.load_state_dict(_under(tensors, name))
        for role, optimizer in state.optimizers.items():
            moments = _under(tensors, f"optimizer/{role}")
            _load_optimizer(optimizer, moments, scalars[f"optimizer/{role}"])
        for trick, memory in state.memory.items():
            for name, kept in memory.items():
                if isinstance(kept, nn.Module):
                    kept.load_state_dict(_under(tensors, f"memory/{trick}/{name}"))
                else:
                    memory[name] = tensors[f"memory/{trick}/{name}"]
        positions = {name: one.cpu() for name, one in _under(tensors, "streams").items()}
        state.streams.load_state_dict(positions)
        state.statistics.load(_under(tensors, "statistics"))
    except (KeyError, RuntimeError, ValueError) as error:
        raise DamagedRunError(
            f"{path} does not fit this run: {str(error).splitlines()[0]}.",
            "It may have been written by another version; train without --resume.",
        ) from error
    facts: dict[str, Any] = scalars["facts"]
    return facts


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """Write named tensors as safetensors, atomically (StorageError as in ``save_checkpoint``)."""
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path) as temporary:
        try:
            save_file(whole, temporary, metadata)
        except SafetensorError as error:  # it reports a full disk in words of its own
            raise StorageError(
                f"{path} cannot be written: {error}.", "Free some space, then use --resume."
            ) from error


def read_tensors(path: Path, device: torch.device) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read named tensors and metadata from safetensors.

    Raises:
        DamagedRunError: the file is missing, cut short or of another format.
    """
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise DamagedRunError(
            f"{path} is missing or damaged: {error}.",
            "Nothing was changed. Restore the file, or train without --resume.",
        ) from error


def _networks(state: State) -> Iterator[tuple[str, nn.Module]]:
    yield "generator", state.generator
    yield "discriminator", state.discriminator
    for name, partner in state.partners.items():
        yield f"partner/{name}", partner


def _tensors(state: State) -> Iterator[tuple[str, Tensor]]:
    for name, network in _networks(state):
        for key, value in network.state_dict().items():
            yield f"{name}/{key}", value
    for trick, memory in state.memory.items():
        for name, kept in memory.items():
            if isinstance(kept, nn.Module):
                for key, value in kept.state_dict().items():
                    yield f"memory/{trick}/{name}/{key}", value
            else:
                yield f"memory/{trick}/{name}", kept
    for name, position in state.streams.state_dict().items():
        yield f"streams/{name}", position
    for name, means in state.statistics.observations(state.group).items():
        yield f"statistics/{name}", means


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors below a prefix, by the rest of their names."""
    start = prefix + "/"
    return {key[len(start) :]: value for key, value in tensors.items() if key.startswith(start)}


def _split_optimizer(optimizer: Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Part an optimizer's state into tensors, and the rest as JSON."""
    whole = optimizer.state_dict()
    tensors: dict[str, Tensor] = {}
    others: dict[str, Any] = {}
    for index, values in whole["state"].items():
        for name, value in values.items():
            if isinstance(value, Tensor):
                tensors[f"{index}/{name}"] = value
            else:
                others[f"{index}/{name}"] = value
    return tensors, {"groups": whole["param_groups"], "values": others}


def _load_optimizer(
    optimizer: Optimizer, tensors: Mapping[str, Tensor], rest: Mapping[str, Any]
) -> None:
    """Put an optimizer's state back, each moment in the memory layout of its weight."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Any]] = {}
    for key, value in [*tensors.items(), *rest["values"].items()]:
        index, _, name = key.partition("/")
        weight = weights[int(index)]
        if isinstance(value, Tensor) and value.shape == weight.shape:
            value = torch.empty_like(weight, dtype=value.dtype).copy_(value)
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": rest["groups"]})


def export_generator(network: nn.Module, path: Path, facts: Mapping[str, Any]) -> None:
    """Write the weights of one network, and what it is: equal weights and facts, equal bytes."""
    # One entry, because safetensors writes several in an order that changes from run to run.
    write_tensors(path, network.state_dict(), {"facts": canonical_json(facts)})
