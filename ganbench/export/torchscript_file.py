# SPDX-License-Identifier: MIT
"""A generator as a TorchScript archive, which torch and libtorch run without its code."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganbench.errors import ContractError, error_text, foreign_errors
from ganbench.export.plain_generator import ExportedGenerator
from ganbench.records.atomic_files import replacing
from ganbench.records.json_values import json_text
from ganbench.runtime.global_random import seeded
from ganbench.samples.modules import load_torchscript

METADATA = "ganbench.json"
"""The extra file of the archive that describes the generator."""


def write_torchscript(exported: ExportedGenerator, document: Mapping[str, Any], path: Path) -> None:
    """Trace a generator for batches of any size, and write the archive with its description.

    Raises:
        ContractError: The generator cannot be traced, or takes batches of one size alone.
        StorageError: The file cannot be written.
    """
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # torch calls its own format deprecated
        with foreign_errors(_untraceable):
            module = torch.jit.trace(  # type: ignore[no-untyped-call]
                exported.network, exported.inputs, check_trace=False
            )
        _check_batches(exported, module)
        buffer = io.BytesIO()  # because torch takes no path that is not UTF-8
        torch.jit.save(module, buffer, _extra_files={METADATA: json_text(document)})
    with replacing(path) as temporary:
        temporary.write_bytes(buffer.getvalue())


@torch.no_grad()
def run_torchscript(exported: ExportedGenerator, path: Path) -> Tensor:
    """Return what an archive makes of the inputs that the generator was exported with."""
    module, _ = load_torchscript(path, torch.device("cpu"))
    with seeded(0, torch.device("cpu")):
        examples: Tensor = module(*exported.inputs)
    return examples


def _check_batches(exported: ExportedGenerator, module: torch.jit.ScriptModule) -> None:
    """Refuse a trace that has the size of its batch built in."""
    few = tuple(tensor[:3] for tensor in exported.inputs)
    made = []
    for network in (exported.network, module):
        with seeded(0, torch.device("cpu")), foreign_errors(_of_one_size):
            made.append(network(*few))
    if made[0].shape != made[1].shape or not torch.equal(*made):
        raise _of_one_size()


def _of_one_size(error: BaseException | None = None) -> ContractError:
    return ContractError(
        "The generator cannot be exported to TorchScript: its code fixes the size of a batch, as "
        "len(latents) does.",
        "Write latents.shape[0] in its place, or export its weights: --to safetensors",
    )


def _untraceable(error: BaseException) -> ContractError:
    return ContractError(
        f"The generator cannot be exported to TorchScript: {error_text(error)}.",
        "Export its weights: --to safetensors",
    )
