# SPDX-License-Identifier: MIT
"""Data that a PyTorch user has in memory, read in one way for training and for evaluation.

An array, a tensor, a dataset, a DataLoader, a Hugging Face dataset and a list of images all
become one array of examples with labels. Datasets are read whole, under fixed random states, so
that the same data have the same identity each time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset
from torch.utils.data import Dataset as TorchDataset

from ganbench.data.foreign_code import fixed_random_state
from ganbench.data.item_reader import label_array, split_item, tensor_array, value_array
from ganbench.data.value_layout import checked_labels
from ganbench.errors import ConfigError, InputError, error_text, foreign_errors
from ganbench.gan import DataKind

GATHERED_BYTES = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
"""Most bytes of examples that are gathered: half of this machine's memory."""


@dataclass(frozen=True)
class Examples:
    """Examples in memory, not yet checked.

    ``values`` (N, ...) are of any layout and type, ``labels`` (N,) int64 or None. ``name`` says
    where they come from: ``array``, ``dataset-CIFAR10``. ``channels_first`` says that the
    channels of images come before height and width where both layouts are possible. ``kind`` is
    None where the shape must tell; ``alphabet`` and ``rate`` are as in ``DataSpec``. ``sources``
    are the other images of pairs.
    """

    name: str
    values: NDArray[Any]
    labels: NDArray[np.int64] | None = None
    channels_first: bool = False
    kind: DataKind | None = None
    alphabet: tuple[str, ...] | None = None
    rate: int | None = None
    sources: Examples | None = None


def read_examples(source: object) -> Examples | None:
    """Read data in memory whole; return None where ``source`` is not data.

    Args:
        source: An array, a tensor, a map-style or iterable dataset, a DataLoader, or any sequence
            of items: images, points, tuples (image, label), or dictionaries with ``image``.

    Raises:
        InputError: items of other types or of different shapes, none at all, more than fit into
            memory, or an error in the dataset's own code.
    """
    if isinstance(source, np.ndarray):
        return Examples("array", source)
    if isinstance(source, Tensor):
        try:
            return Examples("tensor", tensor_array(source), channels_first=True)
        except ValueError as error:
            raise InputError(f"The tensor {error}.") from error
    if isinstance(source, DataLoader):
        name = _dataset_name(source.dataset)
        with fixed_random_state(), _seeded_generator(source):
            return _gathered(name, _batches(name, source))
    if _has_items(source):
        name = "list" if isinstance(source, list | tuple) else _dataset_name(source)
        with fixed_random_state():
            return _gathered(name, _items(name, source))
    return None


def _gathered(name: str, blocks: Iterator[Examples]) -> Examples:
    """Join blocks of examples, which must be alike; gray images become RGB among color ones."""
    gathered: list[Examples] = []
    held_bytes = 0
    for block in blocks:
        first = gathered[0] if gathered else block
        if block.values.dtype != first.values.dtype or not _same_size(block, first):
            shapes = [f"{part.values.dtype} {part.values.shape[1:]}" for part in (first, block)]
            raise InputError(
                f"{block.name} is {shapes[1]}, and the first of them is {shapes[0]}.",
                "Give all examples one size and type, for example in the dataset's transform.",
            )
        if (block.labels is None) != (first.labels is None):
            raise InputError(f"Some items of {name} have labels, and some have none.")
        held_bytes += block.values.nbytes
        if held_bytes > GATHERED_BYTES:
            raise InputError(
                f"{name} holds more than {GATHERED_BYTES / 1e9:.2g} GB, which is half of this "
                "machine's memory.",
                "Name a smaller part of it; for evaluation write the images into a folder.",
            )
        gathered.append(block)
    if not gathered:
        raise InputError(f"{name} holds no examples.")
    values = np.concatenate(_colored([block.values for block in gathered]))
    labels = _joined_labels(name, gathered)
    return Examples(name, values, labels, channels_first=gathered[0].channels_first)


def _same_size(block: Examples, other: Examples) -> bool:
    """Tell whether examples have one shape, or are gray and color images of one size."""
    gray, color = sorted((block.values.shape[1:], other.values.shape[1:]), key=len)
    return gray == color or (len(gray) == 2 and color == (*gray, 3))


def _colored(arrays: list[NDArray[Any]]) -> list[NDArray[Any]]:
    """Return arrays that are alike: gray images (B, H, W) as RGB where some are (B, H, W, 3)."""
    if len({array.ndim for array in arrays}) == 1:
        return arrays
    return [
        array if array.ndim == 4 else np.repeat(array[..., np.newaxis], 3, axis=3)
        for array in arrays
    ]


def _joined_labels(name: str, blocks: list[Examples]) -> NDArray[np.int64] | None:
    parts = [block.labels for block in blocks if block.labels is not None]
    if not parts:
        return None
    labels = np.concatenate(parts)
    if (labels == -1).all():  # how torchvision and Hugging Face mark examples without labels
        return None
    return checked_labels(labels, len(labels), name)


def _items(name: str, source: Any) -> Iterator[Examples]:
    """Yield the items of a dataset or sequence, each as a block of one example."""

    def read() -> Iterator[object]:
        if hasattr(source, "__getitem__") and not isinstance(source, IterableDataset):
            return (source[index] for index in range(len(source)))
        return iter(source)

    for index, item in enumerate(_guarded(name, "item", read)):
        yield _block(f"Item {index} of {name}", item, batched=False)


def _batches(name: str, loader: DataLoader[Any]) -> Iterator[Examples]:
    """Yield the batches of a DataLoader."""
    if loader.batch_sampler is None:
        raise ConfigError(
            "A DataLoader with batch_size=None makes no batches, so its items cannot be told "
            "from batches.",
            "Give its dataset instead: loader.dataset",
        )
    for index, batch in enumerate(_guarded(name, "batch", lambda: iter(loader))):
        yield _block(f"Batch {index} of {name}", batch, batched=True)


def _guarded(name: str, unit: str, read: Callable[[], Iterator[object]]) -> Iterator[object]:
    """Turn whatever a dataset's own code raises into one sentence."""
    count = 0

    def wording(error: BaseException) -> InputError:
        return InputError(f"{name} failed at {unit} {count}: {error_text(error)}.")

    with foreign_errors(wording):
        for item in read():
            yield item
            count += 1


def _block(where: str, item: object, *, batched: bool) -> Examples:
    """Return an item as a block of one example, or a batch as a block; ``where`` names it."""
    try:
        value, label = split_item(item)
        values, labels = value_array(value), label_array(label)
    except ValueError as error:
        raise InputError(f"{where} {error}.") from error
    values = np.array(values if batched else values[np.newaxis])  # a dataset may reuse its memory
    labels = None if labels is None else labels.reshape(-1)
    if not values.ndim:
        raise InputError(f"{where} holds a single number; an array of examples was expected.")
    if labels is not None and len(labels) != len(values):
        raise InputError(
            f"{where} has {len(labels)} labels for {len(values)} examples; one for each was "
            "expected."
        )
    return Examples(where, values, labels, channels_first=isinstance(value, Tensor))


def _has_items(source: object) -> bool:
    """Tell whether an object is a dataset or a sequence of items; what it holds is not asked."""
    if isinstance(source, TorchDataset):
        return True
    if isinstance(source, str | bytes | bytearray | Mapping | nn.Module | type):
        return False
    sequence = hasattr(source, "__len__") and hasattr(source, "__getitem__")
    return sequence or (hasattr(source, "features") and hasattr(source, "__iter__"))


def _dataset_name(dataset: object) -> str:
    """Return ``dataset-`` and the name that a Hugging Face dataset has, or that of its class."""
    known = getattr(getattr(dataset, "info", None), "dataset_name", None)
    return f"dataset-{known if isinstance(known, str) and known else type(dataset).__name__}"


@contextmanager
def _seeded_generator(loader: DataLoader[Any]) -> Iterator[None]:
    """Let a DataLoader that shuffles by a generator of its own give one order each time."""
    generator = loader.generator
    if generator is None:
        yield
        return
    state = generator.get_state()
    generator.manual_seed(0)
    try:
        yield
    finally:
        generator.set_state(state)
