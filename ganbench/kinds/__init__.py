# SPDX-License-Identifier: MIT
"""What an example is: how each kind of data is stored, seen by networks, shown and written."""

from ganbench.gan import DataSpec
from ganbench.kinds.image import ImageKind
from ganbench.kinds.kind import Kind
from ganbench.kinds.points import PointsKind
from ganbench.kinds.sequence import SequenceKind
from ganbench.kinds.video import VideoKind

__all__ = ["Kind", "kind_of"]

_KINDS: dict[str, Kind] = {
    "points": PointsKind(),
    "image": ImageKind(),
    "sequence": SequenceKind(),
    "video": VideoKind(),
}


def kind_of(data: DataSpec) -> Kind:
    """Return the rules of the kind that examples of a dataset are of."""
    return _KINDS[data.kind]
