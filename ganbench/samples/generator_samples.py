# SPDX-License-Identifier: MIT
"""Samples that a generator draws, whatever it is written in.

They are drawn in batches of 64, each from a random stream of its own. So sample i is the same in
every reading, for every chunk size, and for every number of samples that is asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganbench.data.value_layout import (
    channels_to_front,
    check_type,
    layout_of,
    sample_kind,
    sample_shape,
)
from ganbench.data.value_range import OVERSHOOT, ValueRange, check_range
from ganbench.errors import ConfigError, InputError, error_text, foreign_errors
from ganbench.records.generator_facts import GeneratorFacts, PriorName
from ganbench.runtime.global_random import seeded
from ganbench.samples.sample_set import CHUNK, Chunk, Facts, Samples, to_samples
from ganbench.streams import stream_seed

DRAWN = 5000
"""Samples that are drawn unless a number is asked for."""
PER_CALL = 64
"""Samples that a generator is asked for at once."""

DrawSamples = Callable[[int], Any]
"""Draws the batch of that number: PER_CALL images, with or without channels, or points."""

Generate = Callable[[int, torch.Generator], Any]
"""A user's generator: it returns that many samples, drawn from that random stream."""


class GeneratedSamples(Samples):
    """Samples that a function draws.

    The first batch is drawn at once, so that a mistake is known before anything else is done.

    Args:
        draw: Draws a batch by its number: images (B, H, W), (B, C, H, W) or (B, H, W, C), uint8
            or floats, or points (B, D).
        name: The generator's name in errors and protocols.
        count: The number of samples.
        labels: The classes (N,) that are drawn, or None.
        classes: The number of classes, 0 where it is unknown.
        value_range: The values of black and white in floating-point images, None for [-1, 1].
        version: What pins the generator, such as the hash of its weights; if it is empty, the hash
            of the first batch does.

    Raises:
        InputError: the generator fails, returns something other than samples, or values that are
            not finite or not in their range.
    """

    def __init__(
        self,
        draw: DrawSamples,
        *,
        name: str,
        count: int = DRAWN,
        labels: NDArray[np.int64] | None = None,
        classes: int = 0,
        value_range: ValueRange | None = None,
        version: str = "",
    ) -> None:
        self._draw = draw
        self._name = name
        self._count = count
        self._value_range = value_range
        self.labels = labels
        self.skipped = {}
        values = self._drawn(0)
        shape = tuple(values.shape)
        self._layout = layout_of(shape, self._batch_name, channels_first=True)
        self._drawn_shape = shape[1:]
        kind = sample_kind(self._layout)
        self.facts = Facts(
            name,
            version,
            kind,
            shape=sample_shape(shape, self._layout),
            classes=classes,
            drawn=True,
        )
        self.takes_range = kind == "images" and values.dtype.is_floating_point
        self._first = self._converted(values)
        if not version:
            digest = hashlib.sha256(self._first.numpy().tobytes()).hexdigest()[:16]
            self.facts = replace(self.facts, version=f"drawn-{digest}")
        if kind == "images" and value_range is None:
            part = f" in its first {len(values)} images"
            check_range(values, self._batch_name, None, overshoot=OVERSHOOT, part=part)

    def __len__(self) -> int:
        return self._count

    def chunks(self, size: int = CHUNK) -> Iterator[Chunk]:
        """Draw, batch by batch.

        Raises:
            InputError: the generator fails, or its values are not finite or not in their range.
        """
        waiting: list[Tensor] = []
        start = 0
        for batch in self._batches():
            waiting.append(batch)
            while (count := sum(map(len, waiting))) >= size:
                values = torch.cat(waiting) if len(waiting) > 1 else waiting[0]
                waiting = [values[size:]] if count > size else []
                yield Chunk(values[:size], np.arange(start, start + size))
                start += size
        if waiting:
            values = torch.cat(waiting)
            yield Chunk(values, np.arange(start, start + len(values)))

    def _batches(self) -> Iterator[Tensor]:
        for index in range(-(-self._count // PER_CALL)):
            remaining = self._count - index * PER_CALL
            batch = self._first if index == 0 else self._converted(self._drawn(index))
            yield batch[:remaining]

    @property
    def _batch_name(self) -> str:
        return f"The output of {self._name}"

    def _converted(self, values: Tensor) -> Tensor:
        """Return a batch as it was drawn as samples."""
        shape = tuple(values.shape[1:])
        if shape != self._drawn_shape:
            raise InputError(
                f"{self._name} drew samples of the shape {self._drawn_shape} first, and {shape} "
                "later."
            )
        check_type(values.dtype, self.facts.kind, self._batch_name)
        samples = to_samples(values, self.facts.kind, self._value_range)
        if self.facts.kind == "images" and self._value_range is not None:
            check_range(values, self._batch_name, self._value_range)
        return channels_to_front(samples, self._layout).contiguous()

    def _failure(self, error: BaseException) -> InputError:
        return InputError(f"{self._name} failed to draw: {error_text(error)}.")

    def _drawn(self, index: int) -> Tensor:
        with torch.no_grad(), foreign_errors(self._failure):
            values = self._draw(index)
        if isinstance(values, tuple | list) and values:
            values = values[0]  # some networks return more than their images
        if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
            values = torch.from_numpy(np.ascontiguousarray(values))
        if not isinstance(values, Tensor):
            raise InputError(
                f"{self._name} returned {type(values).__name__}; a tensor or an array of images "
                "(B, H, W), (B, C, H, W) or (B, H, W, C), or of points (B, D), was expected."
            )
        if values.ndim < 2 or len(values) != PER_CALL:
            raise InputError(
                f"{self._name} returned {tuple(values.shape)} when {PER_CALL} samples were "
                "asked for."
            )
        return values


def weights_version(module: nn.Module) -> str:
    """Return the hash of a module's weights and buffers, empty where it has none."""
    tensors = module.state_dict()
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return f"weights-{digest.hexdigest()[:16]}" if tensors else ""


def file_version(path: Path) -> str:
    """Return the hash of a generator's file."""
    with path.open("rb") as file:
        return f"file-{hashlib.file_digest(file, 'sha256').hexdigest()[:16]}"


def from_callable(generate: Generate, seed: int, device: torch.device) -> DrawSamples:
    """Return a user's ``generate(count, generator)`` as a function that draws batches.

    ``generator`` is a stream on the CPU, whatever the device: ``torch.randn(count, 64,
    generator=generator)`` works everywhere and draws the same on every machine. For code that
    ignores it, torch's global streams are seeded as well, that of ``device`` too, and restored
    afterwards.
    """

    def draw(index: int) -> Any:
        batch_seed = stream_seed(seed, f"samples/{index}")
        with seeded(batch_seed, device):
            return generate(PER_CALL, torch.Generator().manual_seed(batch_seed))

    return draw


def latents(
    index: int,
    shape: tuple[int, ...],
    seed: int,
    *,
    dtype: torch.dtype = torch.float32,
    prior: PriorName = "normal",
) -> Tensor:
    """Return the latents (PER_CALL, *shape) of a batch, on the CPU.

    They are standard normal, or uniform in [-1, 1] where ``prior`` says so.
    """
    stream = torch.Generator().manual_seed(stream_seed(seed, f"latents/{index}"))
    if prior == "uniform":
        drawn = torch.rand(PER_CALL, *shape, generator=stream).mul_(2).sub_(1)
    else:
        drawn = torch.randn(PER_CALL, *shape, generator=stream)
    return drawn.to(dtype)


def check_drawable(facts: GeneratorFacts, name: str) -> None:
    """Refuse a generator whose samples cannot be drawn from what its file says.

    Raises:
        ConfigError: Its latents have a distribution of the model's own.
        InputError: It draws neither images nor points, or needs an image for each sample.
    """
    if facts.prior == "own":
        raise ConfigError(
            f"{name} takes latents of a distribution that its model draws in a way of its own.",
            "Measure the run itself, or export it with --to safetensors.",
        )
    if facts.condition == "source":
        raise InputError(f"{name} makes each sample from another image, and has none of them.")
    if facts.kind not in {"", "image", "points"}:
        raise InputError(
            f"{name} draws examples of the kind {facts.kind}; a file of a generator is read where "
            "it draws images or points.",
            "Draw from the run itself, or export it with --to safetensors.",
        )


def labels_to_draw(
    count: int, classes: int, seed: int, label: int | None = None
) -> NDArray[np.int64]:
    """Return labels (n,): each class with equal probability, or one class alone.

    Args:
        count: The number of samples; n is the next multiple of PER_CALL.
        classes: The number of classes.
        seed: The seed of the labels.
        label: The class; None means all of them.

    Raises:
        ConfigError: There is no such class.
    """
    if label is not None and not 0 <= label < classes:
        raise ConfigError(f"There is no class {label}: the classes are 0 to {classes - 1}.")
    rounded = -(-count // PER_CALL) * PER_CALL
    if label is not None:
        return np.full(rounded, label, np.int64)
    raw = np.random.PCG64([seed, classes]).random_raw(rounded)
    return (raw % classes).astype(np.int64)
