# SPDX-License-Identifier: MIT
"""The nearest training images are found a few at a time, and are the same as all at once."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch

from ganbench.gan import Batch
from ganbench.lab import image_view as module
from ganbench.lab.image_view import NEIGHBORS, ImageView


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
