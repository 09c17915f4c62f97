# SPDX-License-Identifier: MIT
"""What a frame shows, whatever the kind of data: the part that all views share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganbench.data.dataset import Dataset
from ganbench.gan import Batch, Loss, Role
from ganbench.lab.fixed_latents import FixedLatents, scores_of
from ganbench.lab.network_statistics import ActivationMeter, box_statistics
from ganbench.lab.verdict_scale import VerdictScale
from ganbench.state import State
from ganbench.training.trainer import evaluating

Layer = TypeVar("Layer")


@dataclass
class ViewPicture:
    """What a view adds to a frame: fields of the header, numbers, and arrays."""

    header: dict[str, Any] = field(default_factory=dict)
    numbers: dict[str, float | None] = field(default_factory=dict)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)


class View(ABC):
    """Shows the state of a run; it changes nothing, and draws from no random stream of training.

    Args:
        state: The training state.
        dataset: What the run is trained on.
        loss: The run's loss, before tricks change it.
    """

    data: ClassVar[str]
    """What the page calls the kind of data: points, images or sequence."""
    count: ClassVar[int]
    """How many fakes are shown."""
    drawn: ClassVar[int]
    """How many fakes are drawn; numbers are of them all."""

    def __init__(self, state: State, dataset: Dataset, loss: Loss) -> None:
        self.state = state
        self.dataset = dataset
        self.scale = VerdictScale.of(loss)
        self._left_out: set[str] = set()
        with evaluating(state):
            self.fixed = FixedLatents.draw(state, self.drawn)
        indices = torch.arange(min(self.count, len(dataset)), device=dataset.values.device)
        self.reals = dataset.batch(indices)

    @property
    def bounds(self) -> list[list[float]] | None:
        """The lowest and highest value of each axis, where the data are points."""
        return None

    @property
    def modes(self) -> int | None:
        """How many modes the data have; None where nobody knows."""
        return None

    def frame(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the header and the arrays of a frame of the moment."""
        meter, state = ActivationMeter(), self.state
        with evaluating(state):
            with meter.watching("generator", state.generator):
                fakes = self.fixed.fakes(state)
            shown = _first(fakes, self.count)
            with meter.watching("discriminator", state.discriminator):
                fake_scores = self.layer("scores", lambda: scores_of(state, shown))
            real_scores = self.layer("real_scores", lambda: scores_of(state, self.reals))
            picture = self.picture(fakes, fake_scores, real_scores)
        header = {
            **picture.header,
            "numbers": {**_losses(state), **picture.numbers},
            "boxes": box_statistics(state, meter),
        }
        return header, picture.arrays

    @abstractmethod
    def picture(
        self, fakes: Batch, scores: Tensor | None, real_scores: Tensor | None
    ) -> ViewPicture:
        """Return what is special to the kind of data.

        Args:
            fakes: The fakes of all fixed latents.
            scores: The discriminator's output for the fakes that are shown, (n,).
            real_scores: Its output for the real examples that are shown, (n,).
        """

    @abstractmethod
    def plain(self, images: Tensor) -> Any:
        """Return examples (n, *shape) as JSON values, as the page shows them."""

    def layer(self, name: str, make: Callable[[], Layer]) -> Layer | None:
        """Return a part of the picture, or None where the model has no such part.

        Some discriminators judge nothing but what the generator made, or need what only training
        has at hand; what fails once is not tried again.
        """
        if name in self._left_out:
            return None
        try:
            return make()
        except Exception:  # noqa: BLE001 - any error of a model's own code means the same
            self._left_out.add(name)
            return None

    def probe(self, latents: Tensor) -> Mapping[str, Any]:
        """Return what the generator makes of a latent (1, latent_dim), and its score."""
        with evaluating(self.state):
            fakes = self.fixed.around(latents.to(self.state.device)).fakes(self.state)
            scores = self.layer("probe", lambda: scores_of(self.state, _for_packs(fakes)))
        score = None if scores is None else float(self.scale.shown(scores)[0])
        return {
            "latent": latents[0].tolist(),
            "fake": self.plain(fakes.images[:1])[0],
            "score": score,
        }


def _for_packs(batch: Batch) -> Batch:
    """Return a batch of one example as one of several, which any pack divides."""
    return batch.take(torch.zeros(12, dtype=torch.int64, device=batch.images.device))


def _first(batch: Batch, count: int) -> Batch:
    return batch.take(torch.arange(min(count, len(batch)), device=batch.images.device))


def _losses(state: State) -> dict[str, float | None]:
    """Return the losses of the last update, without the terms that tricks add."""
    roles: tuple[Role, ...] = ("discriminator", "generator")
    losses = {role: state.statistics.last(f"loss/{role}/adversarial") for role in roles}
    return {
        f"{role}_loss": None if loss is None else float(loss.float().mean())
        for role, loss in losses.items()
    }


def as_floats(images: Tensor) -> NDArray[np.float32]:
    """Return a tensor as a float32 array on the CPU."""
    array: NDArray[np.float32] = images.detach().float().cpu().numpy()
    return array
