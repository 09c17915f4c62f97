# SPDX-License-Identifier: MIT
"""Samples that a generator draws, whatever it is written in.

They are drawn in batches of 64, each from random streams of its own: sample i is the same in
every reading, for every chunk size, and for every number of samples that is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganbench.errors import GanbenchError, InputError
from ganbench.samples.sample_set import CHUNK, Chunk, Facts, Samples
from ganbench.samples.value_layout import (
    check_range,
    check_type,
    layout_of,
    sample_kind,
    to_samples,
)
from ganbench.streams import stream_seed

DRAWN = 5000
"""Samples that are drawn where no number is asked for."""
PER_CALL = 64
"""Samples that a generator is asked for at once."""

DrawSamples = Callable[[int], Any]
"""Draws the batch of that number, PER_CALL samples: images (B, C, H, W) or points (B, D)."""

Generate = Callable[[int, torch.Generator], Any]
"""A user's generator: so many samples, drawn from that random stream."""


class GeneratedSamples(Samples):
    """What ``draw`` draws, ``count`` samples of it; ``name`` is what errors call the generator.

    The first batch is drawn at once, so that a mistake is known before anything else is done.

    Raises:
        InputError: the generator fails, returns something else than samples, or values that are
            not finite or not in [-1, 1].
    """

    def __init__(
        self,
        draw: DrawSamples,
        *,
        name: str,
        count: int = DRAWN,
        labels: NDArray[np.int64] | None = None,
        classes: int = 0,
    ) -> None:
        self._draw = draw
        self._name = name
        self._count = count
        self.labels = labels
        self.skipped = {}
        values = self._drawn(0)
        shape = tuple(values.shape)
        kind = sample_kind(layout_of(shape, f"What {name} draws", channels_first=True))
        check_type(values.dtype, kind, f"What {name} draws")
        self.facts = Facts(name, "", kind, shape=shape[1:], classes=classes)
        self._first = to_samples(values, kind)
        if kind == "images":
            check_range(values, f"What {name} draws")

    def __len__(self) -> int:
        return self._count

    def chunks(self, size: int = CHUNK) -> Iterator[Chunk]:
        """Draw, batch by batch.

        Raises:
            InputError: as above.
        """
        held: list[Tensor] = []
        start = 0
        for batch in self._batches():
            held.append(batch)
            while (waiting := sum(map(len, held))) >= size:
                values = torch.cat(held) if len(held) > 1 else held[0]
                held = [values[size:]] if waiting > size else []
                yield Chunk(values[:size], np.arange(start, start + size))
                start += size
        if held:
            values = torch.cat(held)
            yield Chunk(values, np.arange(start, start + len(values)))

    def _batches(self) -> Iterator[Tensor]:
        for index in range(-(-self._count // PER_CALL)):
            left = self._count - index * PER_CALL
            yield (self._first if index == 0 else self._batch(index))[:left]

    def _batch(self, index: int) -> Tensor:
        values = self._drawn(index)
        shape = tuple(values.shape[1:])
        if shape != self.facts.shape:
            raise InputError(
                f"{self._name} drew samples of the shape {self.facts.shape} first, and {shape} "
                "later."
            )
        check_type(values.dtype, self.facts.kind, f"What {self._name} draws")
        return to_samples(values, self.facts.kind)

    def _drawn(self, index: int) -> Tensor:
        try:
            with torch.no_grad():
                values = self._draw(index)
        except GanbenchError:
            raise
        except Exception as error:  # a user's own code, or an exported network: anything
            raise InputError(f"{self._name} failed to draw: {cause(error)}.") from error
        if isinstance(values, tuple | list) and values:
            values = values[0]  # some networks return more than their images
        if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
            values = torch.from_numpy(np.ascontiguousarray(values))
        if not isinstance(values, Tensor):
            raise InputError(
                f"{self._name} returned {type(values).__name__}; a tensor of images (B, C, H, W) "
                "or points (B, D) was expected."
            )
        if values.ndim < 2 or len(values) != PER_CALL:
            raise InputError(
                f"{self._name} returned {tuple(values.shape)} when {PER_CALL} samples were "
                "asked for."
            )
        return values


def from_callable(generate: Generate, seed: int, device: torch.device) -> DrawSamples:
    """Return a user's ``generate(count, generator)`` as a function that draws batches.

    ``generator`` is a stream on ``device``. For code that ignores it torch's global stream is
    set as well, and put back afterwards.
    """

    def draw(index: int) -> Any:
        own = stream_seed(seed, f"samples/{index}")
        with _global_stream(own, device):
            return generate(PER_CALL, torch.Generator(device).manual_seed(own))

    return draw


def latents(
    index: int, shape: tuple[int, ...], seed: int, *, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Return the standard normal latents (PER_CALL, *shape) of a batch, on the CPU."""
    stream = torch.Generator().manual_seed(stream_seed(seed, f"latents/{index}"))
    return torch.randn(PER_CALL, *shape, generator=stream).to(dtype)


def uniform_labels(count: int, classes: int, seed: int) -> NDArray[np.int64]:
    """Return labels (n,), n >= count a multiple of PER_CALL, each class with the same chance."""
    rounded = -(-count // PER_CALL) * PER_CALL
    raw = np.random.PCG64([seed, classes]).random_raw(rounded)
    return (raw % classes).astype(np.int64)


def cause(error: Exception) -> str:
    """Return what an error of foreign code says, as the end of a sentence."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # An error from within TorchScript begins with lines of where, and ends with what.
    said = lines[-1] if lines and lines[0].startswith("The following operation") else lines[:1]
    text = said if isinstance(said, str) else "".join(said)
    return f"{type(error).__name__}: {text}".rstrip(".: ")


@contextmanager
def _global_stream(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's global streams, those of the CPU and of the device, and restore them."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)
        if devices:
            torch.cuda.manual_seed(seed)
        yield
