# SPDX-License-Identifier: MIT
"""The GANs that ``training_speed.py`` trains, and what all loops share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from ganbench import create, open_dataset
from ganbench.config import OptimizerSpec, parse_trick
from ganbench.data.dataset import Dataset
from ganbench.gan import GAN
from ganbench.registry import name_of
from ganbench.trick import Trick
from ganbench.trick_config import merge_tricks

BATCH = 64
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Problem:
    """A GAN to train: a model of the zoo, a dataset, and tricks in addition to the model's own."""

    model: str
    dataset: str
    added_tricks: tuple[str, ...] = ()

    @cached_property
    def images(self) -> Dataset:
        """The training split."""
        return open_dataset(self.dataset).load("train")

    @cached_property
    def gan(self) -> GAN:
        """The zoo's entry; every loop follows its recipe."""
        return create(self.model, self.images.spec)

    @cached_property
    def tricks(self) -> dict[str, Trick]:
        """All tricks by name, the model's own and the added ones."""
        added = [parse_trick(text) for text in self.added_tricks]
        return {name_of(trick): trick for trick in merge_tricks(self.gan.tricks, added)}

    @property
    def wasserstein(self) -> bool:
        """Whether the loss is the difference of means."""
        return self.gan.loss.name == "wasserstein"

    def weight(self, name: str) -> float:
        """Return the weight of a penalty; 0 if the problem is without it."""
        penalty: Any = self.tricks.get(name)
        return float(penalty.weight) if penalty else 0.0

    def networks(self) -> tuple[nn.Module, nn.Module]:
        """Return a generator and a discriminator for the loops written by hand."""
        if self.model == "vanilla":
            return article_networks(sigmoid=False)
        generator = self.gan.generator(self.gan.recipe.latent_dim)
        discriminator = self.gan.discriminator(self.images.spec.shape)
        if "spectral-norm" in self.tricks:
            for layer in list(discriminator.modules()):
                if isinstance(layer, nn.Linear | nn.Conv2d):
                    spectral_norm(layer)
        return generator, discriminator


PROBLEMS = {
    "vanilla": Problem("vanilla", "mnist5k"),
    "dcgan": Problem("dcgan", "mnist5k@32"),
    "wgan-gp": Problem("wgan-gp", "mnist5k@32"),
    "dcgan+sn+r1": Problem("dcgan", "mnist5k@32", ("spectral-norm", "r1")),
}


def article_networks(*, sigmoid: bool) -> tuple[nn.Sequential, nn.Sequential]:
    """Return the article's generator and discriminator."""
    generator = nn.Sequential(
        nn.Linear(100, 256), nn.LeakyReLU(0.2, inplace=True),
        nn.Linear(256, 512), nn.LeakyReLU(0.2, inplace=True),
        nn.Linear(512, 1024), nn.LeakyReLU(0.2, inplace=True),
        nn.Linear(1024, 784), nn.Tanh(), nn.Unflatten(1, (1, 28, 28)),
    )  # fmt: skip
    discriminator = nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 512), nn.LeakyReLU(0.2, inplace=True),
        nn.Linear(512, 256), nn.LeakyReLU(0.2, inplace=True),
        nn.Linear(256, 1), *([nn.Sigmoid()] if sigmoid else []),
    )  # fmt: skip
    return generator, discriminator


def adam(network: nn.Module, spec: OptimizerSpec, *, fused: bool | None = None) -> torch.optim.Adam:
    """Return Adam with a recipe's rate and betas."""
    return torch.optim.Adam(
        network.parameters(), lr=spec.learning_rate, betas=spec.betas, fused=fused
    )
