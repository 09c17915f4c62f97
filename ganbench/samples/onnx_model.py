# SPDX-License-Identifier: MIT
"""Generators in ONNX files, however they were trained; needs the extra ``onnx``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganbench.errors import ConfigError, InputError, MissingDataError
from ganbench.samples.generator_samples import (
    DRAWN,
    PER_CALL,
    GeneratedSamples,
    cause,
    latents,
    uniform_labels,
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
) -> GeneratedSamples:
    """Return what an ONNX file draws: its input is standard normal latents (B, d), (B, d, 1, 1).

    A second input of integers (B,) or (B, 1) is labels, each of ``classes`` with the same
    chance; where ``classes`` is None the file's metadata must have it, under ``classes``. The
    first output is images (B, C, H, W) or (B, H, W, C), or points (B, D).

    Raises:
        MissingDataError: onnxruntime is not installed.
        ConfigError: the latent size or the number of classes is not known and has to be given.
        InputError: the file cannot be run, has other inputs, or returns no samples.
    """
    session = _session(path, device)
    floats, integers = _inputs(path, session)
    latent = (floats.name, _latent_shape(path, floats, latent_dim), _FLOATS[floats.type])
    count = DRAWN if count is None else count
    classes = _classes(path, session, classes) if integers else None
    labels = uniform_labels(count, classes, seed) if classes else None
    step = floats.shape[0] if isinstance(floats.shape[0], int) else PER_CALL
    if step < 1:
        raise InputError(f"{path} takes batches of {step} latents, which makes no sense.")

    def draw(index: int) -> NDArray[Any]:
        name, shape, dtype = latent
        feed = {name: latents(index, shape, seed, dtype=dtype).numpy()}
        if integers and labels is not None:
            part = labels[index * PER_CALL : (index + 1) * PER_CALL].astype(
                _INTEGERS[integers.type]
            )
            feed[integers.name] = part.reshape(-1, *[1] * (len(integers.shape) - 1))
        return _run(session, feed, step)

    return GeneratedSamples(
        draw,
        name=path.name,
        count=count,
        labels=None if labels is None else labels[:count],
        classes=classes or 0,
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
    options.log_severity_level = 4  # what goes wrong is raised; nothing is printed besides
    wanted = ["CUDAExecutionProvider"] if device.type == "cuda" else []
    there = onnxruntime.get_available_providers()
    providers = [one for one in wanted if one in there] + ["CPUExecutionProvider"]
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # onnxruntime raises kinds of its own
        raise InputError(f"{path} cannot be run by onnxruntime: {cause(error)}.") from error


def _inputs(path: Path, session: Any) -> tuple[Any, Any | None]:
    """Return the input for latents, and that for labels or None."""
    inputs = session.get_inputs()
    floats = [one for one in inputs if one.type in _FLOATS]
    integers = [one for one in inputs if one.type in _INTEGERS]
    if len(floats) != 1 or len(integers) > 1 or len(floats) + len(integers) != len(inputs):
        listed = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs) or "nothing"
        raise InputError(
            f"{path} takes {listed}; latents as floats, and labels as integers or none, were "
            "expected."
        )
    return floats[0], integers[0] if integers else None


def _latent_shape(path: Path, latent: Any, given: int | None) -> tuple[int, ...]:
    """Return the shape of one latent, (d,) or (d, 1, 1)."""
    inner = list(latent.shape[1:])
    if not inner or any(isinstance(size, int) and size < 1 for size in inner):
        raise InputError(f"{path} takes latents of the shape {latent.shape}; (B, d) was expected.")
    if not isinstance(inner[0], int):
        if given is None:
            raise ConfigError(
                f"The latent size of {path} is not known: its input is {latent.shape}.",
                "Give it: --latent-dim 128, for example.",
            )
        inner[0] = given
    if given is not None and inner[0] != given:
        raise ConfigError(f"{path} takes latents of size {inner[0]}, and {given} was given.")
    return tuple(size if isinstance(size, int) else 1 for size in inner)


def _classes(path: Path, session: Any, given: int | None) -> int:
    text = session.get_modelmeta().custom_metadata_map.get("classes", "")
    known = given or (int(text) if text.isascii() and text.isdigit() else 0)
    if not known:
        raise ConfigError(
            f"{path} takes labels, and its number of classes is not known.",
            "Give it: classes=10, or as 'classes' in the metadata of the file.",
        )
    return known


def _run(session: Any, feed: dict[str, NDArray[Any]], step: int) -> NDArray[Any]:
    """Return images (PER_CALL, C, H, W) or points, run in parts where the batch size is fixed."""
    parts = []
    for start in range(0, PER_CALL, step):
        part = {name: _padded(values[start : start + step], step) for name, values in feed.items()}
        drawn = np.asarray(session.run(None, part)[0])
        parts.append(drawn[: min(step, PER_CALL - start)])
    images = np.concatenate(parts)
    if images.ndim == 4 and images.shape[1] not in {1, 3} and images.shape[3] in {1, 3}:
        return images.transpose(0, 3, 1, 2)
    return images


def _padded(values: NDArray[Any], length: int) -> NDArray[Any]:
    """Repeat the last row up to a fixed batch size."""
    missing = length - len(values)
    return np.concatenate([values, np.repeat(values[-1:], missing, axis=0)]) if missing else values
