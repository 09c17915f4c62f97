# SPDX-License-Identifier: MIT
"""Data of which only the description is at hand, as an exported generator carries it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from ganbench.data.dataset import Dataset, Source
from ganbench.data.open_data import open_dataset
from ganbench.errors import GanbenchError, InputError, MissingDataError, UnknownNameError
from ganbench.gan import DataSpec, Mixture
from ganbench.records.json_values import as_mapping, as_text, as_whole

_LARGEST_SIZE = 1 << 24
"""The most values of an example, and the most classes: a description may come from anywhere."""


class DescribedSource(Source):
    """Data that are opened by their name when they are needed, and described until then.

    Args:
        spec: The description.
        name: The name that opens the data.
        root: The folder that is searched first for downloaded datasets.
    """

    def __init__(self, spec: DataSpec, name: str, root: Path | None = None) -> None:
        super().__init__(root)
        self._spec = spec
        self._name = name

    @property
    def spec(self) -> DataSpec:
        """The description, whatever the data on this machine are."""
        return self._spec

    @cached_property
    def opened(self) -> Source:
        """The data as they are on this machine.

        Raises:
            MissingDataError: No name opens them: they were in memory.
            GanbenchError: They are not here.
        """
        try:
            return open_dataset(self._name, self.root)
        except UnknownNameError as error:
            raise in_memory_before(self._name) from error

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits of the data on this machine."""
        return self.opened.splits

    def load(self, split: str) -> Dataset:
        """Load a split of the data on this machine."""
        return self.opened.load(split)


def in_memory_before(name: str) -> MissingDataError:
    """Return the error of a command that needs data which only their own process could open."""
    return MissingDataError(
        f"The generator was trained on data in memory, called '{name}', which no name opens.",
        "Pass them: ganbench.load_run(path, data=...), eval --real FILE, run --dataset FILE.",
    )


def spec_record(spec: DataSpec) -> dict[str, Any]:
    """Return a description as plain data; what is empty is left out."""
    return {key: value for key, value in asdict(spec).items() if value not in (None, 0)}


def read_spec(record: Mapping[str, Any], origin: Path) -> DataSpec:
    """Return the description that ``spec_record`` has written.

    Args:
        record: The plain data.
        origin: The file that they come from, for messages.

    Raises:
        InputError: They describe no data.
    """
    try:
        spec = _read(record)
    except (ArithmeticError, GanbenchError, LookupError, TypeError, ValueError) as error:
        raise InputError(f"{origin} describes no data that a generator could draw.") from error
    if min(spec.shape) < 1 or max(spec.size, spec.classes) > _LARGEST_SIZE:
        raise InputError(f"{origin} describes examples of the shape {spec.shape}.")
    return spec


def _read(record: Mapping[str, Any]) -> DataSpec:
    mixture = as_mapping(record.get("mixture"))
    alphabet, source = record.get("alphabet"), record.get("source")
    return DataSpec(
        name=as_text(record["name"]),
        version=as_text(record["version"]),
        shape=_sizes(record["shape"]),
        classes=max(0, as_whole(record.get("classes")) or 0),
        network=as_text(record.get("network")) or None,
        mixture=_mixture(mixture) if mixture else None,
        alphabet=None if alphabet is None else tuple(map(str, alphabet)),
        rate=as_whole(record.get("rate")),
        source=None if source is None else _sizes(source),
    )


def _sizes(values: Any) -> tuple[int, ...]:
    sizes = [as_whole(value) for value in values]
    if any(size is None for size in sizes):
        raise ValueError(f"{values!r} is no shape")
    return tuple(size for size in sizes if size is not None)


def _mixture(record: Mapping[str, Any]) -> Mixture:
    centers = tuple(tuple(float(value) for value in center) for center in record["centers"])
    return Mixture(centers, float(record["sigma"]))
