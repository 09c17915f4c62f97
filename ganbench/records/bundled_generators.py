# SPDX-License-Identifier: MIT
"""The pretrained generators that are bundled with ganbench, listed in ``zoo/weights.toml``."""

from __future__ import annotations

import importlib.util
import tomllib
from functools import cache
from pathlib import Path

from ganbench.config import Record, validate
from ganbench.entries import canonical

LARGEST_BYTES = 3_000_000
"""The most bytes that the weights of one generator may have."""
LARGEST_TOTAL_BYTES = 30_000_000
"""The most bytes that all of them may have."""


class DataTerms(Record):
    """Under which terms a dataset is published, and who says so."""

    title: str
    license: str
    """An SPDX identifier."""
    holder: str
    source: str


class PretrainedGenerator(Record):
    """A bundled generator: what it draws, how large it is, and how good it was when measured.

    ``sha256`` is the hash of its weights' file. ``pixels`` are values of its first samples with
    seed 0, which a later version must still draw: see ``ganbench.export.fingerprint``.
    ``gray_levels`` is the most by which half precision moved a pixel; None where weights are not in
    half precision, because it would move one further.
    """

    model: str
    dataset: str
    classes: int
    """The number of classes that can be asked for; 0 where none can."""
    kimg: float
    parameters: int
    size_bytes: int
    sha256: str
    license: str
    metric: str
    value: float
    low: float | None = None
    high: float | None = None
    pixels: tuple[float, ...]
    gray_levels: int | None = None

    @property
    def metric_text(self) -> str:
        """The primary metric with its interval."""
        between = "" if self.low is None else f" [{self.low:.4g}, {self.high:.4g}]"
        return f"{self.metric} {self.value:.4g}{between}"

    @property
    def summary(self) -> str:
        """One sentence on what it draws."""
        by_class = f", one of {self.classes} classes on request" if self.classes else ""
        return f"{self.model} after {self.kimg:g} kimg of {self.dataset}{by_class}."


def pretrained_generators() -> dict[str, PretrainedGenerator]:
    """Return the bundled generators by name, ``MODEL@DATASET``.

    Raises:
        ConfigError: ``zoo/weights.toml`` has a key too many or too few.
    """
    tables = _document().get("pretrained", {})
    return {name: validate(PretrainedGenerator, tables[name], f"{name}: ") for name in tables}


def data_terms() -> dict[str, DataTerms]:
    """Return the terms of datasets by name, as far as they are known.

    Raises:
        ConfigError: ``zoo/weights.toml`` has a key too many or too few.
    """
    tables = _document().get("data", {})
    return {name: validate(DataTerms, tables[name], f"{name}: ") for name in tables}


def pretrained_folder(name: str) -> Path | None:
    """Return the folder of the bundled generator of that name, or None."""
    name = canonical(name)
    return zoo_folder() / "pretrained" / name if name in pretrained_generators() else None


def zoo_folder() -> Path:
    """Return the folder of the zoo, which is found without importing it."""
    zoo = importlib.util.find_spec("ganbench.zoo")
    assert zoo is not None
    assert zoo.origin is not None
    return Path(zoo.origin).parent


@cache
def _document() -> dict[str, dict[str, dict[str, object]]]:
    return tomllib.loads((zoo_folder() / "weights.toml").read_text(encoding="utf-8"))
