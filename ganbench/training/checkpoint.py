# SPDX-License-Identifier: MIT
"""A training state as one safetensors file, which is written whole or not at all.

Nothing is pickled.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from ganbench.config import canonical_json
from ganbench.data.described_source import spec_record
from ganbench.errors import ConfigError, DamagedRunError, StorageError, UnreadableRunError
from ganbench.images_per_update import Counts
from ganbench.records.atomic_files import check_regular_file, replacing, unread
from ganbench.records.json_values import as_whole, json_text, parse_json
from ganbench.state import State
from ganbench.training.build import start_memory
from ganbench.trick import hooks_name

_MISFITS = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What torch and Python raise where the contents of a file are not those of a state."""


def save_checkpoint(state: State, path: Path, facts: Mapping[str, Any]) -> None:
    """Write everything that training needs to continue, bit for bit.

    With several processes all must call this, because each has its own random streams; the first
    process writes.

    Args:
        state: The training state.
        path: The file to write.
        facts: JSON values of the caller's, which ``load_checkpoint`` returns.

    Raises:
        StorageError: The folder cannot be written, or the disk is full; the old file stays.
    """
    scalars: dict[str, Any] = {
        "facts": dict(facts),
        "images_seen": state.images_seen,
        "updates": state.updates,
        "other_pace": asdict(state.other_pace),
        "data": spec_record(state.data),
    }
    tensors = _tensors(state)
    for role, optimizer in state.optimizers.items():
        moments, rest = _split_optimizer(optimizer)
        scalars[f"optimizer/{role}"] = rest
        tensors |= {f"optimizer/{role}/{name}": value for name, value in moments.items()}
    if state.group.first:
        write_tensors(path, tensors, {"state": json_text(scalars)})


def load_checkpoint(state: State, path: Path, *, streams: bool = True) -> dict[str, Any]:
    """Restore a newly built state from a checkpoint, and return the caller's facts.

    Args:
        state: The state, as it was built.
        path: The file to read.
        streams: Whether the random streams are restored, too. Training needs them in order to go
            on; a GPU's streams fit no CPU, where one may well want to draw samples.

    Raises:
        DeviceError: The streams are those of another kind of device.
        DamagedRunError: The file is missing or cut short, or belongs to another model.
    """
    tensors, metadata = read_tensors(path, state.device)
    try:
        scalars = parse_json(metadata["state"])
        _restore(state, tensors, scalars)
        if streams:
            positions = {name: value.cpu() for name, value in _under(tensors, "streams").items()}
            state.streams.load_state_dict(positions)
        facts = dict(scalars["facts"])
    except _MISFITS as error:
        raise misfit(path, str(error) or type(error).__name__) from error
    return facts


def continue_from(
    state: State,
    path: Path,
    *,
    same_optimizers: Collection[str],
    same_pace: bool,
    streams: bool,
) -> dict[str, Any]:
    """Let a newly built state go on from the checkpoint of another run; return its facts.

    The weights and the count of images are carried over, and what a trick has gathered where the
    state has the same trick. Other tricks start with the weights as they now are. Learning rates
    and other settings of optimizers are the state's own.

    Args:
        state: The state, as it was built.
        path: The checkpoint of the other run.
        same_optimizers: The optimizers, by player or partner, whose moments are carried over.
        same_pace: Whether as many images are shown for each update as in the other run.
        streams: Whether the random streams go on, too.

    Raises:
        ConfigError: The networks are not those of the other run.
        DamagedRunError: The file is missing or damaged.
    """
    tensors, metadata = read_tensors(path, state.device)
    try:
        scalars = parse_json(metadata["state"])
        _restore_counts(state, scalars)
        if not same_pace:
            state.other_pace = Counts(state.images_seen, dict(state.updates))
        for prefix, module in _networks(state):
            _load_weights(module, _under(tensors, prefix), prefix)
        for name in same_optimizers:
            optimizer = state.optimizers[name]
            moments = _under(tensors, f"optimizer/{name}")
            groups = optimizer.state_dict()["param_groups"]
            values = scalars[f"optimizer/{name}"]["values"]
            _load_optimizer(optimizer, moments, {"groups": groups, "values": values})
        for hooks in state.tricks:
            if not _carry_memory(state, hooks_name(hooks), tensors):
                state.memory[hooks_name(hooks)].update(start_memory(hooks, state))
        if streams:
            positions = {name: value.cpu() for name, value in _under(tensors, "streams").items()}
            state.streams.load_state_dict(positions)
        return dict(scalars["facts"])
    except _MISFITS as error:
        raise misfit(path, str(error) or type(error).__name__) from error


def _load_weights(module: nn.Module, weights: dict[str, Tensor], name: str) -> None:
    """Load the weights of another run's network.

    Raises:
        ConfigError: It is another network.
    """
    if _shapes(module.state_dict()) != _shapes(weights):
        raise ConfigError(
            f"The network '{name}' has other weights than in the run that --from names.",
            "Change only what leaves the networks as they are: length, rates, loss, most tricks.",
        )
    module.load_state_dict(weights)


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in tensors.items()}


def _carry_memory(state: State, trick: str, tensors: Mapping[str, Tensor]) -> bool:
    """Restore what a trick has gathered in another run, if all of it is there and fits."""
    gathered = _under(tensors, f"memory/{trick}")
    memory = state.memory[trick]
    modules = {name: value for name, value in memory.items() if isinstance(value, nn.Module)}
    expected = {name for name, value in memory.items() if isinstance(value, Tensor)}
    for name, module in modules.items():
        if _shapes(module.state_dict()) != _shapes(_under(gathered, name)):
            return False
        expected |= {f"{name}/{key}" for key in module.state_dict()}
    if not expected or expected != set(gathered):
        return False
    for name, value in memory.items():
        if isinstance(value, nn.Module):
            value.load_state_dict(_under(gathered, name))
        elif isinstance(value, Tensor):
            memory[name] = gathered[name]
    return True


def misfit(path: Path, reason: str) -> DamagedRunError:
    """Return the error that says why a checkpoint does not fit a run."""
    return DamagedRunError(
        f"{path} does not fit this run: {reason.splitlines()[0][:200]}.",
        "It may have been written by another version; train again without --resume.",
    )


def _count(value: object) -> int:
    """Return a whole number from zero, as a checkpoint states one.

    Raises:
        ValueError: It is anything else.
    """
    count = as_whole(value)
    if count is None or count < 0:
        raise ValueError(f"{value!r} is no count")
    return count


def _restore(state: State, tensors: Mapping[str, Tensor], scalars: Mapping[str, Any]) -> None:
    """Put the contents of a checkpoint into a newly built state."""
    _restore_counts(state, scalars)
    for prefix, module in _modules(state):
        module.load_state_dict(_under(tensors, prefix))
    for role, optimizer in state.optimizers.items():
        moments = _under(tensors, f"optimizer/{role}")
        _load_optimizer(optimizer, moments, scalars[f"optimizer/{role}"])
    for trick, memory in state.memory.items():
        for name, value in memory.items():
            if isinstance(value, Tensor):
                memory[name] = tensors[f"memory/{trick}/{name}"]
    state.statistics.load(_under(tensors, "statistics"))


def _restore_counts(state: State, scalars: Mapping[str, Any]) -> None:
    """Restore how many images were seen and how many updates were made."""
    state.images_seen = _count(scalars["images_seen"])
    state.updates.update({role: _count(scalars["updates"][role]) for role in state.updates})
    if other := scalars.get("other_pace"):  # checkpoints of earlier versions have none
        updates = {role: _count(other["updates"][role]) for role in state.updates}
        state.other_pace = Counts(_count(other["images"]), updates)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """Write named tensors as a safetensors file, atomically.

    Tensors that share memory, such as tied weights, are written each for itself: the format knows
    no other way, and a network whose weights are tied ties them again.

    Raises:
        StorageError: The folder cannot be written, or the disk is full; the old file stays.
    """
    on_cpu: dict[str, Tensor] = {}
    storages: set[int] = set()
    for name, tensor in tensors.items():
        copy = tensor.detach().cpu().contiguous()
        if copy.untyped_storage().data_ptr() in storages:
            copy = copy.clone()
        storages.add(copy.untyped_storage().data_ptr())
        on_cpu[name] = copy
    with replacing(path) as temporary:
        try:
            save_file(on_cpu, temporary, metadata)
        except SafetensorError as error:  # a full disk, which the library reports in its own way
            raise StorageError(
                f"{path} cannot be written: {error}.", "Free some space, then use --resume."
            ) from error


def read_tensors(path: Path, device: torch.device) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read named tensors and metadata from a safetensors file.

    Raises:
        DamagedRunError: The file is missing, cut short, or of another format.
        UnreadableRunError: This machine fails to read it, or has less memory than the file has
            bytes; the file may well be whole.
    """
    try:
        check_regular_file(path, status := path.stat(), sys.maxsize)
        if status.st_size > (memory := _memory_bytes()):
            raise UnreadableRunError(
                f"{path} has {status.st_size:,} bytes, and this machine has {memory:,} of memory.",
                "Nothing was changed. Read it on a machine with more memory.",
            )
        with _utf8_path(path) as place, safe_open(place, "pt", device=str(device)) as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        reason = getattr(error, "strerror", None) or error  # without the number and the path
        if (kind := unread(error)) is UnreadableRunError:
            raise kind(
                f"{path} cannot be read: {reason}.",
                "Nothing was changed. Repeat the command once the file can be read.",
            ) from error
        raise kind(
            f"{path} is missing or damaged: {reason}.",
            "Nothing was changed. Restore the file, or train again without --resume.",
        ) from error


def is_damaged(path: Path) -> bool:
    """Tell whether a file of tensors is missing, cut short or of another format."""
    try:
        read_tensors(path, torch.device("cpu"))
    except UnreadableRunError:
        return False
    except DamagedRunError:
        return True
    return False


def _memory_bytes() -> int:
    """Return the memory of this machine, or a number that nothing exceeds if it is not known."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return sys.maxsize


@contextmanager
def _utf8_path(path: Path) -> Iterator[Path]:
    """Yield a path of the same file that is UTF-8, because safetensors reads no other."""
    try:
        str(path).encode()
        yield path
    except UnicodeEncodeError:
        with path.open("rb") as file:
            yield Path(f"/dev/fd/{file.fileno()}")


def _networks(state: State) -> Iterator[tuple[str, nn.Module]]:
    """Yield every network by its prefix in the file."""
    yield "generator", state.generator
    yield "discriminator", state.discriminator
    for name, partner in state.partners.items():
        yield f"partner/{name}", partner


def _modules(state: State) -> Iterator[tuple[str, nn.Module]]:
    """Yield every network and every module that a trick has gathered, by its prefix in the file."""
    yield from _networks(state)
    for trick, memory in state.memory.items():
        for name, value in memory.items():
            if isinstance(value, nn.Module):
                yield f"memory/{trick}/{name}", value


def _tensors(state: State) -> dict[str, Tensor]:
    """Return every tensor of a state except the optimizers', by its name in the file."""
    tensors = {
        f"{prefix}/{key}": value
        for prefix, module in _modules(state)
        for key, value in module.state_dict().items()
    }
    for trick, memory in state.memory.items():
        for name, value in memory.items():
            if isinstance(value, Tensor):
                tensors[f"memory/{trick}/{name}"] = value
    positions = state.streams.state_dict()
    observations = state.statistics.observations(state.group)
    tensors |= {f"streams/{name}": position for name, position in positions.items()}
    tensors |= {f"statistics/{name}": means for name, means in observations.items()}
    return tensors


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors below a prefix, by the rest of their names."""
    start = prefix + "/"
    return {
        name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)
    }


def _split_optimizer(optimizer: Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Split an optimizer's state into its tensors, and the rest, which JSON can hold."""
    state = optimizer.state_dict()
    moments = {
        f"{index}/{name}": value
        for index, moments_of_weight in state["state"].items()
        for name, value in moments_of_weight.items()
    }
    tensors = {key: value for key, value in moments.items() if isinstance(value, Tensor)}
    others = {key: value for key, value in moments.items() if not isinstance(value, Tensor)}
    return tensors, {"groups": state["param_groups"], "values": others}


def _load_optimizer(
    optimizer: Optimizer, tensors: Mapping[str, Tensor], rest: Mapping[str, Any]
) -> None:
    """Restore an optimizer's state, each moment in the memory layout of its weight."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Any]] = {}
    for key, value in [*tensors.items(), *rest["values"].items()]:
        index, _, name = key.partition("/")
        weight = weights[int(index)]
        if isinstance(value, Tensor) and value.shape == weight.shape:
            value = torch.empty_like(weight, dtype=value.dtype).copy_(value)
        elif isinstance(value, Tensor) and value.ndim:
            raise ValueError(
                f"{key} has the shape {tuple(value.shape)}, and its weight {tuple(weight.shape)}"
            )
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": rest["groups"]})


def export_generator(network: nn.Module, path: Path, facts: Mapping[str, Any]) -> None:
    """Write the weights of a network with facts about it: equal weights and facts, equal bytes.

    Raises:
        StorageError: The folder cannot be written, or the disk is full; the old file stays.
    """
    # One entry of metadata, because safetensors writes several in an order that varies.
    write_tensors(path, network.state_dict(), {"facts": canonical_json(facts)})
