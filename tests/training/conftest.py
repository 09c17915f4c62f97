# SPDX-License-Identifier: MIT
"""A small GAN on points, with trainers for it."""

import math

import pytest
import torch
from small_states import state_of

from ganbench.config import Recipe, adam
from ganbench.data.dataset import Dataset
from ganbench.gan import GAN, DataSpec, Mixture
from ganbench.losses import non_saturating
from ganbench.nn import MLP
from ganbench.progress import Progress
from ganbench.records.run_folder import RunFolder
from ganbench.training.trainer import Schedule, Trainer
from ganbench.trick_config import make_trick

ANGLES = [2 * math.pi * index / 8 for index in range(8)]
SPEC = DataSpec(
    "points",
    "1",
    (2,),
    classes=8,
    mixture=Mixture(tuple((math.cos(angle), math.sin(angle)) for angle in ANGLES), 0.01),
)


class Listener(Progress):
    """Keeps every report of progress."""

    def __init__(self):
        self.ticks = []
        self.measurements = []

    def tick(self, row, share, seconds_left):
        self.ticks.append((row, share, seconds_left))

    def measured(self, kimg, metrics):
        self.measurements.append((kimg, metrics))


class Bench:
    """Makes datasets, states and trainers of a small GAN."""

    def __init__(self, folder):
        self.folder = folder

    def dataset(self, count=100, seed=0):
        random = torch.Generator().manual_seed(seed)
        labels = torch.randint(8, (count,), generator=random)
        centers = torch.tensor(SPEC.mixture.centers)
        noise = torch.randn(count, 2, generator=random)
        return Dataset(SPEC, "train", centers[labels] + 0.01 * noise, labels)

    def state(self, tricks=(), seed=0, loss=non_saturating, **recipe):
        settings = {
            "kimg": 0.4,
            "batch_size": 8,
            "latent_dim": 2,
            "generator_optimizer": adam(1e-3, (0.5, 0.999)),
            "discriminator_optimizer": adam(1e-3, (0.5, 0.999)),
        }
        gan = GAN(
            generator=lambda latent_dim: MLP((latent_dim,), [16, 16], (2,)),
            discriminator=lambda shape: MLP(shape, [16, 16], (1,)),
            loss=loss,
            recipe=Recipe(**{**settings, **recipe}),
        )
        return state_of(gan, SPEC, [make_trick(trick) for trick in tricks], seed=seed)

    def trainer(self, state=None, *, name="run", dataset=None, **arguments):
        schedule = {"ticks": 10, "snapshots": 0, "evaluations": 0, "checkpoint_seconds": 1e9}
        settings = {
            "seed": 0,
            "schedule": Schedule(**{**schedule, **arguments.pop("schedule", {})}),
            "snapshot": lambda state, kimg: None,
            "evaluate": lambda state: {},
            "progress": Listener(),
            **arguments,
        }
        return Trainer(
            state or self.state(),
            self.dataset() if dataset is None else dataset,
            RunFolder(self.folder / name),
            **settings,
        )


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)
