# SPDX-License-Identifier: MIT
"""Images: the same latents in every frame, real ones, and what the discriminator thinks of each."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from ganbench.gan import Batch
from ganbench.kinds.eight_bit import channels_last
from ganbench.lab.view import View, ViewPicture
from ganbench.training.trainer import evaluating

NEIGHBORS = 5
_LOOKED_THROUGH = 20_000
"""How many training images are looked through for the nearest."""
_COMPARED_AT_ONCE = 256


class ImageView(View):
    """Shows images (C, H, W), and the plane of two directions among the latents."""

    data: ClassVar = "images"
    count: ClassVar = 64
    drawn: ClassVar = 64

    def picture(
        self, fakes: Batch, scores: Tensor | None, real_scores: Tensor | None
    ) -> ViewPicture:
        """Return the images and their scores."""
        picture = ViewPicture(header={"heat_range": None, "heat_level": None})
        picture.arrays = {
            "fake": channels_last(fakes.images.cpu()),
            "real": channels_last(self.reals.images.cpu()),
        }
        if scores is not None:
            picture.arrays["scores"] = self.scale.shown(scores)
        if real_scores is not None:
            picture.arrays["real_scores"] = self.scale.shown(real_scores)
        if scores is not None and real_scores is not None:
            picture.header["heat_level"] = self.scale.level(real_scores, scores)
            every = [picture.arrays[name] for name in ("scores", "real_scores")]
            picture.header["heat_range"] = self.scale.limits(np.concatenate(every))
        return picture

    def plain(self, images: Tensor) -> Any:
        """Return images as lists of rows of pixels of channels, from 0 to 255."""
        return channels_last(images.cpu()).tolist()

    def on_plane(self, u: float, v: float) -> Tensor:
        """Return the latent (1, latent_dim) at a place of a plane through the origin.

        The plane is spanned by the first two fixed latents.
        """
        first, second = self.fixed.latents[:1], self.fixed.latents[1:2]
        return u * first + v * second

    def neighbors(self, index: int) -> Any:
        """Return the training images that are nearest, pixel by pixel, to a fake that is shown."""
        with evaluating(self.state):
            image = self.fixed.fakes(self.state).images[index]
        count = min(_LOOKED_THROUGH, len(self.dataset))
        device = self.dataset.values.device
        distances = torch.empty(count, device=device)
        for first in range(0, count, _COMPARED_AT_ONCE):  # all as floats can take gigabytes
            last = min(first + _COMPARED_AT_ONCE, count)
            # As many as before: torch adds up one image alone in another order, which rounds.
            places = torch.arange(max(0, last - _COMPARED_AT_ONCE), last, device=device)
            reals = self.dataset.batch(places).images
            distances[places] = (reals - image).square().flatten(1).sum(1)
        nearest = distances.topk(min(NEIGHBORS, count), largest=False).indices
        return self.plain(self.dataset.batch(nearest).images)
