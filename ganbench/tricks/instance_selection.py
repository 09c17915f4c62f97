# SPDX-License-Identifier: MIT
"""Instance selection: training leaves out the examples that are least like the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from ganbench.gan import Batch
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Trick

_RESOLUTION = 16


@register("instance-selection")
@dataclass(frozen=True)
class InstanceSelection(Trick):
    """Trains on the examples with the highest density under a Gaussian fitted to all data.

    Paper: DeVries, Drozdzal and Taylor, 2020, arXiv:2007.15255

    Keeps the ``share`` of examples with the smallest ``(f - m)^T C^-1 (f - m)``, with the mean m
    and covariance C of the features f. Where examples have labels, the Gaussian is fitted to the
    examples of each class, and that share of each class is kept, as in the authors' code. The
    paper's features are a classifier's; here they are the first ``components`` principal components
    of the examples, images averaged down to at most 16 by 16 pixels. ``share`` is 0.5 in the paper,
    and trades variety for quality: measures that compare with all of the data may worsen.
    """

    share: Annotated[float, Field(gt=0, le=1)] = 0.5
    components: Annotated[int, Field(ge=1)] = 64

    neutral: ClassVar = {"share": 1.0}

    def subset(self, examples: Batch, state: State) -> Tensor | None:
        """Return the indices of the densest examples, of each class where there are labels."""
        if self.share == 1:
            return None
        images, labels = examples.images, examples.labels
        if labels is None:
            densest = self._densest(images)
        else:
            classes = [
                (labels == label).nonzero().squeeze(1) for label in sorted(set(labels.tolist()))
            ]
            densest = torch.cat([members[self._densest(images[members])] for members in classes])
        indices: Tensor = densest.sort().values
        state.group.broadcast([indices])  # processes on different machines may round differently
        return indices

    def _densest(self, images: Tensor) -> Tensor:
        """Return the indices of the examples to keep of some (N, *shape), at least one."""
        kept = max(1, round(self.share * len(images)))
        indices: Tensor = self.distances(images).topk(kept, largest=False).indices
        return indices

    def distances(self, images: Tensor) -> Tensor:
        """Return the squared Mahalanobis distance (N,) of each example (N, *shape)."""
        values = reduced(images).double()
        centered = values - values.mean(0)  # (N, D)
        covariance = centered.mT @ centered / len(centered)
        variances, directions = torch.linalg.eigh(covariance)  # in ascending order
        # Directions without variance, such as pixels that are always black, tell nothing.
        telling = variances > 1e-9 * variances[-1]
        variances, directions = variances[telling], directions[:, telling]
        coordinates = centered @ directions[:, -self.components :]
        distances: Tensor = (coordinates.square() / variances[-self.components :]).sum(1)
        return distances


def reduced(images: Tensor) -> Tensor:
    """Return examples (N, *shape) as rows of values, images averaged down to 16 by 16 pixels."""
    if images.ndim == 4 and max(images.shape[2:]) > _RESOLUTION:
        images = adaptive_avg_pool2d(images, _RESOLUTION)
    return images.flatten(1)
