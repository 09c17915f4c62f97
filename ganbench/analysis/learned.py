# SPDX-License-Identifier: MIT
"""How well each model of the zoo learned digits by its own recipe, measured in runs."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from ganbench.analysis.zoo_lists import read_list, zoo_document
from ganbench.config import Record, counted


class Learned(Record):
    """What a run of a model drew at its end, and when it first drew every mode.

    Seconds are seconds of training, on ``threads`` threads of ``processor``. ``metric`` and
    ``value`` are the run's primary metric at its end.
    """

    model: str
    dataset: str
    seed: int
    kimg: float = Field(gt=0)
    seconds: float = Field(gt=0)
    threads: int = Field(gt=0)
    processor: str
    modes: int = Field(ge=0)
    """The modes that its samples held at the end, as a classifier counts them."""
    modes_corrected: int | None = Field(None, ge=0)
    """The modes that remain of these with the classifier's errors taken out; None if not known."""
    of: int = Field(gt=0)
    """The modes that the data have."""
    metric: str
    value: float
    all_after_kimg: float | None = None
    """The first evaluation at which every mode was there; None if there was none."""
    all_after_seconds: float | None = None
    why: str = Field("", pattern=r"^(\S.*\.)?$")
    """What is known of the reason where modes are missing."""

    @property
    def complete(self) -> bool:
        """Whether every mode was there at some evaluation."""
        return self.all_after_kimg is not None

    @property
    def summary(self) -> str:
        """What was measured, in one sentence or two.

        >>> facts = {"model": "a", "dataset": "b", "seed": 0, "kimg": 40, "seconds": 90.4, "of": 10}
        >>> facts |= {"threads": 1, "processor": "c", "metric": "fid@mnist-cnn", "value": 18.21}
        >>> Learned(**facts, modes=10, all_after_kimg=20.03, all_after_seconds=56.8).summary
        'all 10 modes of b after 57 s (20 kimg) on 1 thread; at 40 kimg fid@mnist-cnn 18.2.'
        >>> Learned(**facts, modes=4, modes_corrected=2).summary.partition(" after")[0]
        "4 of 10 modes of b (2 with the classifier's errors taken out)"
        >>> Learned(**facts, modes=1, why="It is slow.").summary
        '1 of 10 modes of b after 90 s (40 kimg) on 1 thread; fid@mnist-cnn 18.2. It is slow.'
        """
        value = f"{self.metric} {self.value:.3g}"
        corrected = ""
        if self.modes_corrected not in (None, self.modes):
            corrected = f"{self.modes_corrected} with the classifier's errors taken out"
        if self.all_after_kimg is None or self.all_after_seconds is None:
            after = f"{self.seconds:.0f} s ({self.kimg:.3g} kimg)"
            end = f"on {counted(self.threads, 'thread')}; {value}."
            seen = f"{self.modes} of {self.of} modes of {self.dataset}"
            found = f"{seen}{f' ({corrected})' if corrected else ''} after {after} {end}"
        else:
            after = f"{self.all_after_seconds:.0f} s ({self.all_after_kimg:.3g} kimg)"
            kept = "" if self.modes == self.of else f"{self.modes} of them"
            left = ", ".join(filter(None, [kept, corrected, value]))
            end = f"on {counted(self.threads, 'thread')}; at {self.kimg:.3g} kimg {left}."
            found = f"all {self.of} modes of {self.dataset} after {after} {end}"
        return f"{found} {self.why}".strip()


def read_learned(document: Mapping[str, Any]) -> dict[str, Learned]:
    """Read a TOML document with ``[[run]]`` tables, by model.

    Raises:
        ConfigError: A run is wrong or incomplete, a model has two, or the document holds no list
            of runs.
    """
    return read_list(document, "run", Learned, "model")


@functools.cache
def known_learned() -> Mapping[str, Learned]:
    """Return what the zoo's models were measured to learn, by model."""
    return read_learned(zoo_document("learned.toml"))
