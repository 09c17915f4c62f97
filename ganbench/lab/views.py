# SPDX-License-Identifier: MIT
"""Which view shows which kind of data."""

from __future__ import annotations

from ganbench.data.dataset import Dataset
from ganbench.errors import ConfigError
from ganbench.gan import DataSpec, Loss
from ganbench.lab.image_view import ImageView
from ganbench.lab.points_view import PointsView
from ganbench.lab.sequence_view import SequenceView
from ganbench.lab.view import View
from ganbench.state import State

VIEWS: dict[str, type[View]] = {"points": PointsView, "image": ImageView, "sequence": SequenceView}
"""The view of each kind of data that the lab shows."""


def make_view(state: State, dataset: Dataset, loss: Loss) -> View:
    """Return the view of a run.

    Raises:
        ConfigError: The lab does not show such data.
    """
    return view_class(state.data)(state, dataset, loss)


def view_class(data: DataSpec) -> type[View]:
    """Return the view of a kind of data.

    Raises:
        ConfigError: The lab does not show such data.
    """
    if data.kind not in VIEWS:
        raise ConfigError(f"The lab shows points, images and sequences, not {data.plural}.")
    return VIEWS[data.kind]
