# SPDX-License-Identifier: MIT
"""Pictures that need the trained networks of a run, drawn for a report by whoever has these."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from PIL import Image

from ganbench.records.run_record import RunRecord
from ganbench.report.dataset.dataset_section import DatasetSection
from ganbench.report.pictures import LONGEST_SIDE, Picture, block_means

LookKind = Literal["interpolation", "neighbors", "plane"]

MOST_LOOKED_AT = 12
"""The most runs of a dataset that are looked at closely, one for each variant."""

MOST_LOOK_BYTES = 200_000
"""The most bytes that these pictures take together."""

LOOK_QUALITY = 60
"""The quality of WebP, out of 100, at which lines and samples look as they are."""


@dataclass(frozen=True)
class CloserLook:
    """A picture of what a run's networks have learned; ``note`` says what is in it in numbers."""

    kind: LookKind
    image: Image.Image
    note: str = ""


@dataclass(frozen=True)
class LookPicture:
    """A closer look as a small picture."""

    kind: LookKind
    picture: Picture
    note: str


LookCloser = Callable[[RunRecord], Iterable[CloserLook]]
"""Draws the closer looks at a run; none where its networks are not at hand."""


def look_pictures(
    sections: Sequence[DatasetSection], look: LookCloser | None
) -> dict[str, tuple[LookPicture, ...]]:
    """Return the closer looks at the best run of each variant, by the names of the runs.

    Args:
        sections: The datasets, which share the bytes equally.
        look: Draws them; None draws none.
    """
    pictures: dict[str, tuple[LookPicture, ...]] = {}
    if look is None:
        return pictures
    for section in sections:
        room = MOST_LOOK_BYTES // len(sections)
        for run in section.best_runs[:MOST_LOOKED_AT]:
            looks = tuple(_small(drawn) for drawn in look(run))
            size = sum(len(shown.picture.data) for shown in looks)
            if looks and size <= room:
                pictures[run.name] = looks
                room -= size
    return pictures


def _small(look: CloserLook) -> LookPicture:
    image = block_means(look.image.convert("RGB"), LONGEST_SIDE)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=LOOK_QUALITY, method=6)
    return LookPicture(look.kind, Picture("", buffer.getvalue(), *image.size), look.note)
