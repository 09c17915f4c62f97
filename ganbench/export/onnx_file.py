# SPDX-License-Identifier: MIT
"""A generator as an ONNX file, which other frameworks run; needs the extra ``onnx``."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganbench.errors import ConfigError, ContractError, MissingDataError, error_text, foreign_errors
from ganbench.export.document import OWN
from ganbench.export.plain_generator import ExportedGenerator
from ganbench.records.atomic_files import opened, replacing
from ganbench.records.json_values import json_text

METADATA_KEY = "ganbench"
"""The key of the metadata that describes the generator."""
_LARGEST_BYTES = 1 << 31
"""The most bytes of a message in the format of ONNX files."""
_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
_OUTPUTS = {"image": "images", "points": "points", "sequence": "sequences", "video": "videos"}


def _check(exported: ExportedGenerator) -> None:
    """Refuse what cannot be an ONNX file, before anything is computed.

    Raises:
        MissingDataError: A package of the extra ``onnx`` is missing.
        ConfigError: The generator draws random numbers, which an ONNX file cannot repeat.
    """
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise MissingDataError(
            f"An export to ONNX needs {missing[0]}, which is not installed.",
            'pip install "ganbench[onnx]"',
        )
    if exported.random:
        raise ConfigError(
            "This generator draws random numbers in its layers, which an ONNX file cannot seed: "
            "the same latents would make other samples each time.",
            "Export it for torch: --to torchscript",
        )


def write_onnx(exported: ExportedGenerator, document: Mapping[str, Any], path: Path) -> None:
    """Write a generator that takes batches of any size, with its description.

    Raises:
        MissingDataError: A package of the extra ``onnx`` is missing.
        ConfigError: The generator draws random numbers, which an ONNX file cannot repeat.
        ContractError: The generator cannot be exported, or takes batches of one size alone.
        StorageError: The file cannot be written.
    """
    _check(exported)
    batch = {0: torch.export.Dim("batch")}
    with _quietly(), foreign_errors(_failed):
        program = torch.onnx.export(
            exported.network,
            exported.inputs,
            input_names=exported.input_names,
            output_names=[_OUTPUTS[exported.facts.kind]],
            dynamic_shapes=tuple(batch for _ in exported.inputs),
            dynamo=True,
            verbose=False,
        )
        assert program is not None
        metadata = program.model.metadata_props
        metadata[METADATA_KEY] = json_text(document)
        if exported.facts.classes:
            metadata["classes"] = str(exported.facts.classes)
        content = program.model_proto.SerializeToString()
    few = [tensor[:3] for tensor in exported.inputs]
    with foreign_errors(_of_one_size):
        _run(content, exported.input_names, few)
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def run_onnx(exported: ExportedGenerator, path: Path) -> Tensor:
    """Return what onnxruntime makes of the inputs that the generator was exported with."""
    with foreign_errors(_failed):
        return _run(path.read_bytes(), exported.input_names, exported.inputs)


def is_own_onnx(path: Path) -> bool:
    """Tell whether a file holds the description that ``write_onnx`` puts into its metadata.

    Raises:
        DamagedRunError: It cannot be read, is no plain file, or is too large.
    """
    beginning = json_text(OWN).removesuffix("}").encode()
    with opened(path, _LARGEST_BYTES) as file:
        return beginning in file.read()


def _run(content: bytes, names: Sequence[str], inputs: Sequence[Tensor]) -> Tensor:
    """Return what onnxruntime makes of inputs, by the bytes of a file."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors are raised; nothing is printed as well
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    arrays = (tensor.numpy() for tensor in inputs)
    return torch.from_numpy(session.run(None, dict(zip(names, arrays, strict=True)))[0])


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep what torch's exporter prints, warns and logs from the user."""
    level = logging.root.manager.disable
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(level)


def _of_one_size(error: BaseException) -> ContractError:
    return ContractError(
        "The generator cannot be exported to ONNX: its code fixes the size of a batch, as "
        "len(latents) does.",
        "Write latents.shape[0] in its place, or export its weights: --to safetensors",
    )


def _failed(error: BaseException) -> ContractError:
    return ContractError(
        f"The generator cannot be exported to ONNX: {error_text(error)}.",
        "Export it for torch: --to torchscript",
    )
