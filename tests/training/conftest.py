# SPDX-License-Identifier: MIT
"""A small GAN on points, and trainers of it."""

import math

import pytest
import torch

from ganbench.config import Recipe, adam
from ganbench.data.dataset import Dataset
from ganbench.gan import GAN, DataSpec, Mixture
from ganbench.losses import non_saturating
from ganbench.nn import MLP
from ganbench.progress import Progress
from ganbench.records.run_folder import RunFolder
from ganbench.training.build import build_state
from ganbench.training.trainer import Schedule, Trainer
from ganbench.trick_config import make_trick

CPU = torch.device("cpu")
ANGLES = [2 * math.pi * index / 8 for index in range(8)]
SPEC = DataSpec(
    "points",
    "1",
    (2,),
    classes=8,
    mixture=Mixture(tuple((math.cos(one), math.sin(one)) for one in ANGLES), 0.01),
)


class Listener(Progress):
    """Keeps what it hears."""

    def __init__(self):
        self.ticks = []
        self.measurements = []

    def tick(self, row, share, seconds_left):
        self.ticks.append((row, share, seconds_left))

    def measured(self, kimg, metrics):
        self.measurements.append((kimg, metrics))


class Bench:
    """Makes datasets, states and trainers of one small GAN."""

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
        recipe = Recipe(**{**settings, **recipe})
        gan = GAN(
            generator=lambda latent_dim: MLP((latent_dim,), [16, 16], (2,)),
            discriminator=lambda shape: MLP(shape, [16, 16], (1,)),
            loss=loss,
            recipe=recipe,
        )
        made = [make_trick(one) for one in tricks]
        return build_state(gan, SPEC, recipe=recipe, tricks=made, loss=loss, seed=seed, device=CPU)

    def trainer(self, state=None, *, name="run", dataset=None, **given):
        schedule = {"ticks": 10, "snapshots": 0, "evaluations": 0, "checkpoint_seconds": 1e9}
        settings = {
            "seed": 0,
            "schedule": Schedule(**{**schedule, **given.pop("schedule", {})}),
            "snapshot": lambda at, kimg: None,
            "evaluate": lambda at: {},
            "progress": Listener(),
            **given,
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


@pytest.fixture
def weights_of():
    """Every tensor that a checkpoint of a state would hold, by name."""

    def collect(state):
        found = {}
        networks = {"generator": state.generator, "discriminator": state.discriminator}
        for name, network in networks.items():
            found |= {f"{name}/{key}": value for key, value in network.state_dict().items()}
        for role, optimizer in state.optimizers.items():
            for index, moments in optimizer.state_dict()["state"].items():
                found |= {f"{role}/{index}/{key}": value for key, value in moments.items()}
        for trick, memory in state.memory.items():
            for name, kept in memory.items():
                values = kept if isinstance(kept, torch.Tensor) else kept.state_dict()
                for key, value in values.items() if isinstance(values, dict) else [("", values)]:
                    found[f"memory/{trick}/{name}/{key}"] = value
        return {
            name: value.detach().clone() if isinstance(value, torch.Tensor) else value
            for name, value in found.items()
        }

    return collect


@pytest.fixture
def same():
    """Assert that two collections of tensors agree in every bit."""

    def check(first, second):
        assert first.keys() == second.keys()
        for name, value in first.items():
            if isinstance(value, torch.Tensor):
                assert torch.equal(value, second[name]), name
            else:
                assert value == second[name], name

    return check
