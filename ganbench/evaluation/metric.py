# SPDX-License-Identifier: MIT
"""The contract of a metric: the evidence that it needs, and the value that it returns.

A metric is a registered class. It states its facts as class variables, and computes::

    @register("brightness")
    class Brightness(Metric):
        '''Mean of all pixels, between 0 (black) and 1 (white).'''

        better = "higher"
        needs = ("features",)
        network = "pixels"
        compares = False

        def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
            pixels = require_float64(fake.features, "features", metric=self.name, least=1)
            return Value(float(pixels.mean()), note="no interval: pixels are not independent")

It reads no files, runs no network, and draws no samples: one pass over the samples gathers the
evidence for all metrics. The protocol, the floor, and the record of the measurement are made for
it. Where a formula gives the floor, the metric may override ``floor``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from ganbench import registry
from ganbench.evaluation.evidence import Evidence
from ganbench.records.measurement import Better
from ganbench.samples.latent_paths import PathKind

Need = Literal[
    "moments",
    "features",
    "probabilities",
    "pairs",
    "class-pairs",
    "counterparts",
    "z-paths",
    "z-path-ends",
    "w-paths",
    "w-path-ends",
]
"""A kind of evidence that a metric asks for, and the fields of ``Evidence`` that answer it.

- ``moments``, ``features``, ``probabilities``: the fields of these names, by a feature network.
  With ``moments`` comes ``probe``.
- ``pairs``: ``distances`` within random, disjoint pairs of the set, by a pair network;
  ``class-pairs``: within pairs that share their class; ``counterparts``: from each sample to the
  real one of the same name.
- ``z-paths`` and the like: ``distances`` of small steps along paths through a generator's latents.
"""

ROW_NEEDS: tuple[Need, ...] = ("features", "probabilities")
"""The needs that are answered by an array with a row for each sample."""

PATH_NEEDS: Mapping[Need, PathKind] = {
    "z-paths": PathKind("z"),
    "z-path-ends": PathKind("z", ends_only=True),
    "w-paths": PathKind("w"),
    "w-path-ends": PathKind("w", ends_only=True),
}
"""The needs that a generator must answer, and the paths that they ask for."""

PointSupport = Literal["no", "mixture", "features"]
"""Whether a metric also measures points.

``no``: images only. ``mixture``: points of a known mixture, by ``Evidence.points`` and
``Evidence.mixture``. ``features``: any points, taken as their own features.
"""


@dataclass(frozen=True)
class Value:
    """The number that a metric returns, with its uncertainty.

    Attributes:
        value: The number; NaN where the samples have none.
        low: Lower end of the 95 % interval, None where there is no interval.
        high: Upper end of the 95 % interval, None where there is no interval.
        note: How the interval was made, or why there is none.
        bias: Measured difference between the value that is expected at this number of samples
            and the value at infinitely many, in the unit of the value; None where the metric has
            no bias, or where it was not measured.
        warning: A sentence that a reader must not miss, empty where there is nothing to say.
    """

    value: float
    low: float | None = None
    high: float | None = None
    note: str = ""
    bias: float | None = None
    warning: str = ""


@dataclass(frozen=True)
class Floor:
    """The value that real samples get in place of the generated ones.

    Attributes:
        value: The number, None where there is none.
        note: The counts that it holds for and how it was made, or why there is none.
    """

    value: float | None
    note: str


FLOOR_SEED = 0
"""Floors are drawn from a seed of their own, so that they are the same next to every run."""


def no_floor(reason: str) -> Floor:
    """Return the floor of a metric that has none, for this reason."""
    return Floor(None, f"none: {reason}")


class Metric(ABC):
    """A number about samples. A subclass states its facts, sets ``better``, and computes.

    The docstring of a subclass is its documentation: the first line says what the number is, and
    a line ``Paper: ...`` cites its source. State the range, the conventions that distinguish the
    number from others of the same name, and what the interval covers.
    """

    version: ClassVar[int] = 1
    """Part of the protocol. Raise it with every change that moves a value."""

    unit: ClassVar[str] = ""
    """The unit of the value, such as ``share`` or ``nats``."""

    better: ClassVar[Better]
    """Whether a ``higher`` or a ``lower`` value is better."""

    needs: ClassVar[tuple[Need, ...]] = ()
    """The evidence that the metric asks of images; empty for a metric of points alone."""

    points: ClassVar[PointSupport] = "no"
    """Whether and how the metric also measures points."""

    network: ClassVar[str | None] = "inception"
    """The network whose numbers carry the metric's plain name, ``fid``.

    With another network the number is called ``fid@mnist-cnn``. None means that any classifier
    of the dataset's classes will do.
    """

    compares: ClassVar[bool] = True
    """Whether the metric compares with real samples rather than describe the generated ones."""

    holds_out: ClassVar[bool] = False
    """Whether the metric also compares with real samples that were not trained on."""

    about_training: ClassVar[bool] = False
    """Whether the number means something only next to the real samples that were trained on."""

    parameters: ClassVar[str] = ""
    """Settings that the protocol must name besides the network and the counts: ``k=5/<``."""

    @property
    def name(self) -> str:
        """The name under which the metric is registered."""
        return registry.name_of(self)

    @abstractmethod
    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the value for the generated samples.

        Args:
            real: Evidence of the real samples. Where ``compares`` is False it must not be read.
            fake: Evidence of the generated samples, with the same fields.
            seed: Seeds resampling. It may move the interval, but never the value.

        Raises:
            ConfigError: The evidence lacks a field that the metric needs.
            InputError: There are too few samples, or some are not finite.
        """

    def floor(self, real: Evidence, n_fake: int) -> Floor | None:
        """Return the value that samples of the real distribution are expected to get.

        None, the default, means that no formula gives it: then real samples are held out.

        Args:
            real: Evidence of the real samples, all of which are the reference.
            n_fake: The number of generated samples.

        Raises:
            ConfigError: The evidence lacks a field that the metric needs.
            InputError: There are too few samples, or some are not finite.
        """
        return None
