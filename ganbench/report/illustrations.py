# SPDX-License-Identifier: MIT
"""The pictures of runs in a report, and the links to their recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ganbench.report.closer_looks import LookPicture
from ganbench.report.pictures import Picture
from ganbench.report.strip import Strip


@dataclass(frozen=True)
class Illustrations:
    """Pictures of runs, and links to what plays them, each by the names of the runs.

    ``grids`` are the final samples, ``strips`` the samples along training of some of the runs,
    ``looks`` what their networks were drawn for, ``recordings`` the links to the pages that play
    them.
    """

    grids: Mapping[str, Picture] = field(default_factory=dict)
    strips: Mapping[str, Strip] = field(default_factory=dict)
    looks: Mapping[str, Sequence[LookPicture]] = field(default_factory=dict)
    recordings: Mapping[str, str] = field(default_factory=dict)
