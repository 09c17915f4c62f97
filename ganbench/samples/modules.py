# SPDX-License-Identifier: MIT
"""Generators that are torch modules, from memory or from a TorchScript archive.

A TorchScript archive is a program: it computes whatever its author wrote, although nothing in it
is unpickled as Python and ``torch.load`` is never called. Open only archives that you trust.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganbench.data.value_range import ValueRange
from ganbench.errors import ConfigError, InputError, error_text
from ganbench.records.generator_facts import PriorName
from ganbench.records.json_values import parse_json
from ganbench.samples.generator_samples import (
    DRAWN,
    PER_CALL,
    GeneratedSamples,
    labels_to_draw,
    latents,
    weights_version,
)

_LATENT_ATTRIBUTES = ("latent_dim", "latent_size", "z_dim", "dim_z", "nz")


def load_torchscript(path: Path, device: torch.device) -> tuple[nn.Module, dict[str, Any]]:
    """Return the module of a TorchScript archive, and its metadata.

    The metadata is the extra file ``ganbench.json`` of the archive: ``latent_dim``, ``classes``,
    or the whole description that an export of ganbench has.

    Raises:
        InputError: the file is no TorchScript archive.
    """
    extra = {"ganbench.json": ""}
    try:
        with warnings.catch_warnings():  # torch calls its own format deprecated on every load
            warnings.simplefilter("ignore")
            with path.open("rb") as file:  # because torch takes no path that is not UTF-8
                module: nn.Module = torch.jit.load(  # type: ignore[no-untyped-call]
                    file, map_location=device, _extra_files=extra
                )
    except (RuntimeError, ValueError, OSError) as error:
        raise InputError(
            f"{path} is no TorchScript archive; a file of weights alone cannot be run.",
            "Export the generator: torch.jit.trace(generator, z).save('generator.pt')",
        ) from error
    text = extra["ganbench.json"]
    try:
        metadata = parse_json(text) if text else {}
    except ValueError as error:
        raise InputError(f"The metadata ganbench.json in {path} is not valid JSON.") from error
    return module, metadata if isinstance(metadata, dict) else {}


def module_samples(
    module: nn.Module,
    *,
    name: str,
    count: int | None,
    seed: int,
    device: torch.device,
    latent_dim: int | None,
    classes: int | None,
    value_range: ValueRange | None = None,
    version: str = "",
    prior: PriorName = "",
    label: int | None = None,
) -> GeneratedSamples:
    """Return samples that a module draws from latents (B, d) or (B, d, 1, 1).

    Args:
        module: The generator; it is put into evaluation mode and moved to ``device``.
        name: Its name in errors and protocols.
        count: The number of samples, None for the default.
        seed: The seed of the latents and labels.
        device: The device to draw on.
        latent_dim: The latent size d. If it is None, an attribute of the module says it
            (``latent_dim``, ``z_dim``, ``nz`` ...), or the shape of its first weight, if that
            works.
        classes: The number of classes; the module is then called with labels (B,) int64 as well,
            each class with equal probability.
        value_range: The values of black and white in floating-point images, None for [-1, 1].
        version: What pins the module; if it is empty, the hash of its weights does.
        prior: The distribution of the latents, standard normal if it is empty.
        label: The class to draw; None draws all with equal probability.

    Raises:
        ConfigError: the latent size is unknown and must be given, or there is no such class.
        InputError: the module fails, or returns something other than samples.
    """
    module = module.eval().to(device)
    count = DRAWN if count is None else count
    if label is not None and not classes:
        raise ConfigError(f"{name} draws no classes, or its number of classes is not known.")
    labels = labels_to_draw(count, classes, seed, label) if classes else None

    def run(index: int, shape: tuple[int, ...]) -> Any:
        z = latents(index, shape, seed, prior=prior or "normal").to(device)
        if labels is None:
            return module(z)
        return module(z, torch.from_numpy(_part(labels, index)).to(device))

    if not latent_dim:
        sizes = (_size_attribute(module, attribute) for attribute in _LATENT_ATTRIBUTES)
        latent_dim = next(filter(None, sizes), None)
    shape = _latent_shape(name, module, run, latent_dim)
    return GeneratedSamples(
        lambda index: run(index, shape),
        name=name,
        count=count,
        labels=None if labels is None else labels[:count],
        classes=classes or 0,
        value_range=value_range,
        version=version or weights_version(module),
    )


def _part(labels: NDArray[np.int64], index: int) -> NDArray[np.int64]:
    return labels[index * PER_CALL : (index + 1) * PER_CALL]


def _size_attribute(module: nn.Module, attribute: str) -> int | None:
    value = getattr(module, attribute, None)
    return value if isinstance(value, int) and value > 0 else None


def _latent_shape(
    name: str,
    module: nn.Module,
    run: Callable[[int, tuple[int, ...]], Any],
    latent_dim: int | None,
) -> tuple[int, ...]:
    """Return the shape of one latent: the first with which the module draws samples."""
    sizes = [latent_dim] if latent_dim else _guessed_sizes(module)
    failure: Exception | None = None
    for shape in [shape for size in sizes for shape in ((size,), (size, 1, 1))]:
        try:
            with torch.no_grad():
                drawn = run(0, shape)
        except Exception as error:  # noqa: BLE001 - whatever a foreign module raises
            failure = failure or error
            continue
        drawn = drawn[0] if isinstance(drawn, tuple | list) and drawn else drawn
        if isinstance(drawn, Tensor) and drawn.ndim in {2, 3, 4} and len(drawn) == PER_CALL:
            return shape
    if latent_dim is None:
        raise ConfigError(
            f"The latent size of {name} is not known.", "For example: --latent-dim 128"
        )
    reason = f": {error_text(failure)}" if failure else ""
    raise InputError(
        f"{name} draws no samples from latents ({PER_CALL}, {latent_dim}){reason}.",
        "Give the right size with --latent-dim; a conditional generator also needs its number of "
        "classes.",
    )


def _guessed_sizes(module: nn.Module) -> list[int]:
    """Return latent sizes that the first weight suggests, the likeliest first."""
    weights = (weight for weight in module.parameters() if weight.ndim in {2, 4})
    first = next(weights, None)
    if first is None:
        return []
    # A linear layer's weight is (out, in), a transposed convolution's is (in, out, k, k).
    return [first.shape[1]] if first.ndim == 2 else [first.shape[0], first.shape[1]]
