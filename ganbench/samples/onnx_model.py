# SPDX-License-Identifier: MIT
"""Generators in ONNX files, however they were trained; needs the extra ``onnx``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganbench.data.value_range import ValueRange
from ganbench.errors import ConfigError, InputError, MissingDataError, error_text
from ganbench.records.generator_facts import GeneratorFacts
from ganbench.samples.generator_samples import (
    DRAWN,
    PER_CALL,
    GeneratedSamples,
    check_drawable,
    file_version,
    labels_to_draw,
    latents,
)

_FLOATS = {
    "tensor(float)": torch.float32,
    "tensor(float16)": torch.float16,
    "tensor(double)": torch.float64,
}
_INTEGERS = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}


def onnx_samples(
    path: Path,
    *,
    count: int | None,
    seed: int,
    device: torch.device,
    latent_dim: int | None,
    classes: int | None,
    value_range: ValueRange | None = None,
    label: int | None = None,
) -> GeneratedSamples:
    """Return samples that an ONNX file draws from latents.

    Its input is latents (B, d) or (B, d, 1, 1): standard normal, unless the file's metadata say
    that they are uniform, as in a file that ganbench exported. A second input of integers (B,) or
    (B, 1) is labels. The first output is images or points.

    Args:
        path: The ONNX file.
        count: The number of samples, None for the default.
        seed: The seed of the latents and labels.
        device: The device to draw on.
        latent_dim: The latent size d, where the file leaves it open.
        classes: The number of classes, each of which has equal probability; where it is None the
            file's metadata must have it, under ``classes``.
        value_range: The values of black and white in floating-point images; None means what the
            metadata say, or [-1, 1].
        label: The class to draw; None draws all with equal probability.

    Raises:
        MissingDataError: onnxruntime is not installed.
        ConfigError: the latent size or the number of classes is unknown and must be given, or
            there is no such class.
        InputError: the file cannot be run, has other inputs, or returns no samples.
    """
    session = _session(path, device)
    metadata = session.get_modelmeta().custom_metadata_map
    facts = GeneratorFacts.of_json(metadata.get("ganbench", "{}"))
    check_drawable(facts, str(path))
    latent_input, label_input = _inputs(path, session)
    shape = _latent_shape(path, latent_input, latent_dim)
    count = DRAWN if count is None else count
    classes = _classes(path, metadata, classes) if label_input else None
    if label is not None and not classes:
        raise ConfigError(f"{path} draws no classes: it takes no labels.")
    labels = labels_to_draw(count, classes, seed, label) if classes else None
    prior = facts.prior or "normal"
    batch_size = latent_input.shape[0] if isinstance(latent_input.shape[0], int) else PER_CALL
    if batch_size < 1:
        raise InputError(f"{path} takes batches of {batch_size} latents; 1 or more were expected.")

    def draw(index: int) -> NDArray[Any]:
        dtype = _FLOATS[latent_input.type]
        feed = {latent_input.name: latents(index, shape, seed, dtype=dtype, prior=prior).numpy()}
        if label_input and labels is not None:
            part = labels[index * PER_CALL : (index + 1) * PER_CALL]
            part = part.astype(_INTEGERS[label_input.type])
            feed[label_input.name] = part.reshape(-1, *[1] * (len(label_input.shape) - 1))
        return _run(session, feed, batch_size)

    return GeneratedSamples(
        draw,
        name=path.name,
        count=count,
        labels=None if labels is None else labels[:count],
        classes=classes or 0,
        value_range=value_range or facts.value_range,
        version=file_version(path),
    )


def _session(path: Path, device: torch.device) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingDataError(
            f"{path} needs onnxruntime, which is not installed.", 'pip install "ganbench[onnx]"'
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 4  # errors are raised; nothing is printed as well
    providers = ["CPUExecutionProvider"]
    cuda = "CUDAExecutionProvider"
    if device.type == "cuda" and cuda in onnxruntime.get_available_providers():
        providers.insert(0, cuda)
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # onnxruntime raises kinds of its own
        raise InputError(f"{path} cannot be run by onnxruntime: {error_text(error)}.") from error


def _inputs(path: Path, session: Any) -> tuple[Any, Any | None]:
    """Return the input for latents, and the input for labels or None."""
    inputs = session.get_inputs()
    floats = [node for node in inputs if node.type in _FLOATS]
    integers = [node for node in inputs if node.type in _INTEGERS]
    if len(floats) != 1 or len(integers) > 1 or len(floats) + len(integers) != len(inputs):
        listed = ", ".join(f"{node.name} {node.type} {node.shape}" for node in inputs)
        raise InputError(
            f"{path} takes {listed or 'nothing'}; latents as floats, and labels as integers or "
            "none, were expected."
        )
    return floats[0], integers[0] if integers else None


def _latent_shape(path: Path, latent_input: Any, latent_dim: int | None) -> tuple[int, ...]:
    """Return the shape of one latent, (d,) or (d, 1, 1)."""
    shape = list(latent_input.shape[1:])
    if not shape or any(isinstance(size, int) and size < 1 for size in shape):
        raise InputError(
            f"{path} takes latents of the shape {latent_input.shape}; (B, d) was expected."
        )
    if not isinstance(shape[0], int):
        if latent_dim is None:
            raise ConfigError(
                f"The latent size of {path} is not known: its input is {latent_input.shape}.",
                "For example: --latent-dim 128",
            )
        shape[0] = latent_dim
    if latent_dim is not None and shape[0] != latent_dim:
        raise ConfigError(f"{path} takes latents of size {shape[0]}, and {latent_dim} was given.")
    return tuple(size if isinstance(size, int) else 1 for size in shape)


def _classes(path: Path, metadata: Mapping[str, str], classes: int | None) -> int:
    """Return the number of classes: as asked for, or as the file's metadata say."""
    text = metadata.get("classes", "")
    classes = classes or (int(text) if text.isascii() and text.isdigit() else 0)
    if not classes:
        raise ConfigError(
            f"{path} takes labels, and its number of classes is not known.",
            "Give it as classes=10, or as 'classes' in the metadata of the file.",
        )
    return classes


def _run(session: Any, feed: dict[str, NDArray[Any]], batch_size: int) -> NDArray[Any]:
    """Return PER_CALL images or points, drawn in parts where the batch size is fixed."""
    parts = []
    for start in range(0, PER_CALL, batch_size):
        part = {
            name: _padded(values[start : start + batch_size], batch_size)
            for name, values in feed.items()
        }
        drawn = np.asarray(session.run(None, part)[0])
        parts.append(drawn[: min(batch_size, PER_CALL - start)])
    return np.concatenate(parts)


def _padded(values: NDArray[Any], length: int) -> NDArray[Any]:
    """Repeat the last row up to a fixed batch size."""
    missing = length - len(values)
    return np.concatenate([values, np.repeat(values[-1:], missing, axis=0)]) if missing else values
