# SPDX-License-Identifier: MIT
"""The weights of a generator as one safetensors file that says which generator they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.errors import DamagedRunError
from ganbench.export.plain_generator import ExportedGenerator
from ganbench.records.exported_run import FACTS, ExportedRun
from ganbench.records.json_values import json_text
from ganbench.state import State
from ganbench.training.checkpoint import read_tensors, write_tensors

_ROUNDED = torch.float16


def halved(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights with matrices and kernels in half precision.

    Vectors stay as they are: gains, biases and running variances are few, and sensitive.
    """
    return {
        name: tensor.to(_ROUNDED) if tensor.dtype == torch.float32 and tensor.ndim > 1 else tensor
        for name, tensor in tensors.items()
    }


def write_weights_file(
    tensors: Mapping[str, Tensor], document: Mapping[str, Any], path: Path
) -> None:
    """Write the weights of a generator with its description: equal content, equal bytes.

    Raises:
        StorageError: The file cannot be written.
    """
    write_tensors(path, tensors, {FACTS: json_text(document)})


@torch.no_grad()
def load_exported(state: State, run: ExportedRun) -> None:
    """Put exported weights into the generator that a newly built state samples with.

    Raises:
        DamagedRunError: The file is missing or damaged, or holds another generator.
    """
    tensors, _ = read_tensors(run.generator_file, state.device)
    network = state.sampler().generator
    expected = network.state_dict()
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    if shapes != {name: tensor.shape for name, tensor in expected.items()}:
        raise DamagedRunError(
            f"{run.generator_file} does not hold the weights of the model "
            f"'{run.description().model}' as it is here.",
            "It may have been exported by another version of ganbench, or of the model's file.",
        )
    load_weights(network, tensors)


def load_weights(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Load weights into a network, in the network's own precision."""
    own = network.state_dict()
    network.load_state_dict({name: tensors[name].to(own[name].dtype) for name in own})


@torch.no_grad()
def examples_of(exported: ExportedGenerator, tensors: Mapping[str, Tensor]) -> Tensor:
    """Return the examples (B, *shape) of a generator with other weights; it gets its own back."""
    network = exported.network.generator
    kept = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    try:
        load_weights(network, tensors)
        return exported.run()
    finally:
        load_weights(network, kept)
