# SPDX-License-Identifier: MIT
"""Points: as they are, and where they lie in the plane."""

import numpy as np
import torch

from ganbench.gan import DataSpec, Mixture
from ganbench.kinds import kind_of
from ganbench.kinds.points import plane

RING = DataSpec("ring", "1", (2,), mixture=Mixture(((-1.0, 0.0), (1.0, 0.0), (0.0, 1.0)), 0.1))


def test_points_lie_where_their_coordinates_say():
    center = np.array(plane(torch.tensor([[0.0, 0.5]] * 400), RING, size=100).convert("RGB"))
    blue = np.argwhere((center[:, :, 2] > 150) & (center[:, :, 0] < 80))
    # Centers span [-1, 1] in both axes, the margin is a quarter of 2 on each side: [-1.5, 1.5].
    row, column = blue.mean(0)
    assert abs(column - 50) < 1.5
    assert abs(row - 100 * (1.5 - 0.5) / 3) < 1.5


def test_points_of_any_dimension_have_a_picture():
    for size in (1, 3):
        made = plane(torch.zeros(5, size), DataSpec("points", "1", (size,)))
        assert made.size == (480, 480)
        blank = plane(torch.full((5, size), 1e9), DataSpec("points", "1", (size,)))
        assert np.array(made).tolist() != np.array(blank).tolist()


def test_points_are_seen_and_stored_as_they_are():
    kind, points = kind_of(RING), torch.tensor([[7.0, -3.0], [float("inf"), 0.0]])
    assert kind.to_network(points, RING) is points
    assert torch.equal(kind.to_samples(points, RING), points)
    assert kind.valid(points, RING).tolist() == [True, False]
    assert kind.file_writer(RING) is None
    assert (kind.pictured, kind.measured(RING)) == (2500, 2500)


def test_one_mode_is_shown_with_its_surroundings():
    spec = DataSpec("one", "1", (2,), mixture=Mixture(((3.0, 3.0),), 0.1))
    seen = np.array(plane(torch.full((400, 2), 3.0), spec, size=100).convert("RGB"))
    blue = np.argwhere((seen[:, :, 2] > 150) & (seen[:, :, 0] < 80))
    assert np.abs(blue.mean(0) - 50).max() < 1.5
    beside = np.array(plane(torch.full((400, 2), 3.4), spec, size=100).convert("RGB"))
    row, column = np.argwhere((beside[:, :, 2] > 150) & (beside[:, :, 0] < 80)).mean(0)
    # [2.6, 3.4] and a margin of a quarter of that on each side: [2.4, 3.6].
    assert abs(column - 100 * (3.4 - 2.4) / 1.2) < 1.5
    assert abs(row - 100 * (3.6 - 3.4) / 1.2) < 1.5
