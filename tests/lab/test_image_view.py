# SPDX-License-Identifier: MIT
"""Images: the range of their scores, and the nearest ones, found a few at a time."""

from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ganbench.gan import Batch
from ganbench.lab import image_view as module
from ganbench.lab.image_view import NEIGHBORS, ImageView
from ganbench.lab.verdict_scale import VerdictScale


@pytest.mark.parametrize("count", [3, 256, 257, 1000])
def test_neighbors_are_those_of_all_images_at_once(monkeypatch, count):
    monkeypatch.setattr(module, "evaluating", lambda state: nullcontext())
    random = torch.Generator().manual_seed(0)
    values = torch.randint(0, 256, (count, 3, 6, 6), generator=random, dtype=torch.uint8)
    fakes = torch.rand((2, 3, 6, 6), generator=random) * 2 - 1
    sizes = []

    class Images:
        def __len__(self):
            return count

        def batch(self, places):
            sizes.append(len(places))
            return Batch(values[places].float() / 127.5 - 1)

    images = Images()
    images.values = values
    view = SimpleNamespace(
        state=None,
        dataset=images,
        fixed=SimpleNamespace(fakes=lambda state: Batch(fakes)),
        plain=lambda images: images,
    )
    found = ImageView.neighbors(view, 1)
    *compared, last = sizes
    assert set(compared) == {min(256, count)}
    assert last == min(NEIGHBORS, count)
    every = values.float() / 127.5 - 1
    distances = (every - fakes[1]).square().flatten(1).sum(1)
    nearest = distances.topk(min(NEIGHBORS, count), largest=False).indices
    assert torch.equal(found, every[nearest])


@pytest.mark.parametrize(
    ("probability", "scores", "expected"),
    [
        (True, [-3.0, 3.0], None),
        (False, [0.25, 0.5], [0.25, 0.75]),  # outputs that look like probabilities
        (False, [-2.0, float("nan")], [-2.0, 0.75]),
    ],
)
def test_raw_scores_have_a_range_and_probabilities_none(probability, scores, expected):
    scale = VerdictScale(probability=probability, undecided=0.0)
    reals = Batch(torch.zeros(2, 1, 4, 4))
    view = SimpleNamespace(scale=scale, reals=reals)
    given = torch.tensor(scores), torch.tensor([0.5, 0.75])
    picture = ImageView.picture(view, reals, *given)
    assert picture.header["heat_range"] == expected
    assert picture.header["heat_level"] == scale.level(given[1], given[0])
    np.testing.assert_array_equal(picture.arrays["scores"], scale.shown(given[0]))
    assert ImageView.picture(view, reals, None, given[1]).header["heat_range"] is None
