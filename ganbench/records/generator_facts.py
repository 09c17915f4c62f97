# SPDX-License-Identifier: MIT
"""What the file of an exported generator says about itself, so that it needs no further option."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ganbench.records.json_values import as_mapping, as_number, as_text, as_whole, parse_json

PriorName = Literal["", "normal", "uniform", "own"]
"""The distribution of each value of a latent: N(0, 1), uniform in [-1, 1], or the model's own,
which no file can hold; empty where a file does not say."""

ConditionName = Literal["", "labels", "source"]
"""What a generator gets next to its latents."""

_PRIORS: Mapping[str, PriorName] = {name: name for name in ("normal", "uniform", "own")}
_CONDITIONS: Mapping[str, ConditionName] = {name: name for name in ("labels", "source")}


@dataclass(frozen=True)
class GeneratorFacts:
    """A generator as its users see it: what it takes, and what it returns.

    ``shape`` is the shape of one example, (C, H, W) or (D,), and ``value_range`` holds the values
    of black and white. A fact that a file does not state is empty: ``""``, 0, ``()`` or None.
    """

    latent_dim: int = 0
    prior: PriorName = ""
    condition: ConditionName = ""
    classes: int = 0
    kind: str = ""
    shape: tuple[int, ...] = ()
    value_range: tuple[float, float] | None = None

    def record(self) -> dict[str, Any]:
        """Return the facts as plain data."""
        value_range = None if self.value_range is None else list(self.value_range)
        return {**vars(self), "shape": list(self.shape), "value_range": value_range}

    @staticmethod
    def read(document: object) -> GeneratorFacts:
        """Read the facts from a file's metadata, whoever wrote it.

        Exported generators have them under ``generator``; other files may have ``latent_dim`` and
        ``classes`` alone. A fact that is missing or of a wrong type stays empty.
        """
        metadata = as_mapping(document)
        facts = as_mapping(metadata.get("generator")) or metadata
        return GeneratorFacts(
            latent_dim=_count(facts.get("latent_dim")),
            prior=_PRIORS.get(as_text(facts.get("prior")), ""),
            condition=_CONDITIONS.get(as_text(facts.get("condition")), ""),
            classes=_count(facts.get("classes")),
            kind=as_text(facts.get("kind")),
            shape=_shape(facts.get("shape")),
            value_range=_range(facts.get("value_range")),
        )

    @staticmethod
    def of_json(text: str) -> GeneratorFacts:
        """Read the facts from a JSON text; all stay empty if it is not valid."""
        try:
            return GeneratorFacts.read(parse_json(text))
        except ValueError:
            return GeneratorFacts()


def _count(value: object) -> int:
    return max(0, as_whole(value) or 0)


def _shape(value: object) -> tuple[int, ...]:
    sizes = [_count(size) for size in value] if isinstance(value, list) else []
    return tuple(sizes) if all(sizes) else ()


def _range(value: object) -> tuple[float, float] | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    low, high = map(as_number, value)
    return (low, high) if low is not None and high is not None and low < high else None
