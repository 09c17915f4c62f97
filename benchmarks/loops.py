# SPDX-License-Identifier: MIT
"""The loops that ``training_speed.py`` measures: the same GANs, trained by four kinds of code.

A loop is an iterator: each ``next`` makes one iteration and gives the number of real images that
the discriminator was shown. ``article`` and ``plain`` are written as they are found, with what
they waste; ``Careful`` is ganbench's arithmetic without ganbench; ``ganbench`` is its step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.nn.utils.parametrizations import spectral_norm
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import ToTensor

from ganbench import create, open_dataset
from ganbench.config import OptimizerSpec, Precision, parse_trick
from ganbench.data.batches import Batches
from ganbench.data.dataset import Dataset as Images
from ganbench.data.dataset import to_network
from ganbench.gan import GAN, Batch
from ganbench.registry import name_of
from ganbench.state import State
from ganbench.step import alternate
from ganbench.training.build import build_state
from ganbench.trick import Trick
from ganbench.trick_config import merge_tricks

BATCH = 64
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Problem:
    """A GAN to train: a model of the zoo, a dataset, and tricks beside the model's own."""

    model: str
    dataset: str
    asked: tuple[str, ...] = ()

    @cached_property
    def images(self) -> Images:
        """The split that is trained on."""
        return open_dataset(self.dataset).load("train")

    @cached_property
    def gan(self) -> GAN:
        """The zoo's entry, whose recipe every loop follows."""
        return create(self.model, self.images.spec)

    @cached_property
    def tricks(self) -> dict[str, Trick]:
        """All tricks by name, the model's own and those asked for."""
        found = merge_tricks(self.gan.tricks, [parse_trick(text) for text in self.asked])
        return {name_of(trick): trick for trick in found}

    @property
    def wasserstein(self) -> bool:
        """Whether the loss is the difference of means."""
        return self.gan.loss.name == "wasserstein"

    def weight(self, trick: str) -> float:
        """The weight of a penalty, 0 where the problem is without."""
        found: Any = self.tricks.get(trick)
        return float(found.weight) if found else 0.0

    def networks(self) -> tuple[nn.Module, nn.Module]:
        """Return a generator and a discriminator as the loops written by hand train them."""
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


def adam(network: nn.Module, spec: OptimizerSpec, **how: bool) -> torch.optim.Adam:
    """Return Adam with a recipe's rate and betas."""
    return torch.optim.Adam(network.parameters(), lr=spec.learning_rate, betas=spec.betas, **how)


# -- the article -----------------------------------------------------------------------------


class Pictures(Dataset[tuple[Tensor, int]]):
    """The digits as torchvision serves them: a PIL image made and transformed for each access."""

    def __init__(self, images: Images) -> None:
        self.pixels = images.values[:, 0].numpy()
        self.transform = ToTensor()

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.pixels[index])), 0


def article(problem: Problem) -> Iterator[int]:
    """Iterate as the article does."""
    loader = DataLoader(Pictures(problem.images), batch_size=BATCH, shuffle=True)
    generator, discriminator = article_networks(sigmoid=True)
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    d_optimizer = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    adversarial = nn.BCELoss()
    while True:
        for index, (real, _) in enumerate(loader):
            valid, fake = torch.ones((len(real), 1)), torch.zeros((len(real), 1))
            real_loss = adversarial(discriminator(real), valid)
            drawn = generator(torch.randn(len(real), 100))
            d_loss = 0.5 * (real_loss + adversarial(discriminator(drawn), fake))
            d_optimizer.zero_grad()
            d_loss.backward()
            d_optimizer.step()
            drawn = generator(torch.randn(len(real), 100))
            g_loss = adversarial(discriminator(drawn), valid)
            g_optimizer.zero_grad()
            g_loss.backward()
            g_optimizer.step()
            print(
                f"[Epoch 0/1] [Batch {index}/{len(loader)}] "
                f"[D loss: {d_loss.item()}] [G loss: {g_loss.item()}]"
            )
            yield len(real)


# -- what people write by hand ---------------------------------------------------------------


def plain(problem: Problem) -> Iterator[int]:
    """Iterate as PyTorch's tutorials and the code that follows them do, in fp32."""
    return plain_wasserstein(problem) if problem.wasserstein else plain_logistic(problem)


def plain_batches(problem: Problem) -> Iterator[Tensor]:
    """Yield whole batches of a float tensor that lies in memory, in a new order each epoch."""
    data = to_network(problem.images.values)
    while True:
        order = torch.randperm(len(data))
        for start in range(0, len(data) - BATCH + 1, BATCH):
            yield data[order[start : start + BATCH]]


def plain_logistic(problem: Problem) -> Iterator[int]:
    """Iterate as the DCGAN tutorial does; R1 is a forward pass of its own."""
    recipe, r1_weight = problem.gan.recipe, problem.weight("r1")
    net_g, net_d = problem.networks()
    optimizer_g = adam(net_g, recipe.generator_optimizer)
    optimizer_d = adam(net_d, recipe.discriminator_optimizer)
    criterion = nn.BCEWithLogitsLoss()
    for real in plain_batches(problem):
        ones, zeros = torch.ones(len(real)), torch.zeros(len(real))
        net_d.zero_grad()
        loss_real = criterion(net_d(real).view(-1), ones)
        loss_real.backward()
        fake = net_g(torch.randn(len(real), recipe.latent_dim))
        loss_fake = criterion(net_d(fake.detach()).view(-1), zeros)
        loss_fake.backward()
        loss_d = loss_real + loss_fake
        if r1_weight:
            real.requires_grad_()
            output = net_d(real)
            (slope,) = torch.autograd.grad(output.sum(), real, create_graph=True)
            penalty = slope.reshape(len(real), -1).pow(2).sum(1).mean()
            (r1_weight / 2 * penalty).backward()
        optimizer_d.step()
        net_g.zero_grad()
        loss_g = criterion(net_d(fake).view(-1), ones)
        loss_g.backward()
        optimizer_g.step()
        loss_d.item()
        loss_g.item()
        yield len(real)


def plain_wasserstein(problem: Problem) -> Iterator[int]:
    """Iterate as widespread code for WGAN-GP does: some critic steps, then a generator step."""
    recipe, weight = problem.gan.recipe, problem.weight("gradient-penalty")
    net_g, net_d = problem.networks()
    optimizer_g = adam(net_g, recipe.generator_optimizer)
    optimizer_d = adam(net_d, recipe.discriminator_optimizer)
    batches = plain_batches(problem)
    while True:
        for _ in range(recipe.discriminator_steps):
            real = next(batches)
            net_d.zero_grad()
            loss_real = -net_d(real).mean()
            loss_real.backward()
            fake = net_g(torch.randn(len(real), recipe.latent_dim))
            loss_fake = net_d(fake.detach()).mean()
            loss_fake.backward()
            penalty = weight * plain_penalty(net_d, real, fake.detach())
            penalty.backward()
            optimizer_d.step()
            loss_d = loss_real + loss_fake + penalty
        net_g.zero_grad()
        loss_g = -net_d(net_g(torch.randn(BATCH, recipe.latent_dim))).mean()
        loss_g.backward()
        optimizer_g.step()
        loss_d.item()
        loss_g.item()
        yield BATCH * recipe.discriminator_steps


def plain_penalty(net_d: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Return the gradient penalty of WGAN-GP as it is usually written."""
    alpha = torch.rand(len(real), 1, 1, 1)
    interpolates = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    output = net_d(interpolates)
    (slope,) = torch.autograd.grad(
        outputs=output,
        inputs=interpolates,
        grad_outputs=torch.ones_like(output),
        create_graph=True,
        retain_graph=True,
    )
    return ((slope.reshape(len(real), -1).norm(2, dim=1) - 1) ** 2).mean()


# -- the same arithmetic as ganbench, by hand ------------------------------------------------


class Careful:
    """A GAN trained by hand with ganbench's arithmetic, and as economically.

    Logits and softplus; gradients in the weights of the player whose turn it is and in no others;
    no graph of the generator in the discriminator's turn; R1 in the pass that the real images make
    anyway; fused Adam; bytes in memory, converted batch by batch; convolutions channels-last.
    """

    def __init__(self, problem: Problem, precision: Precision) -> None:
        recipe = problem.gan.recipe
        self.values = problem.images.values
        self.wasserstein = problem.wasserstein
        self.r1, self.penalty = problem.weight("r1"), problem.weight("gradient-penalty")
        self.steps, self.latent_dim = recipe.discriminator_steps, recipe.latent_dim
        self.bf16 = precision == "bf16"
        self.generator, self.discriminator = (
            network.to(memory_format=torch.channels_last) if problem.model != "vanilla" else network
            for network in problem.networks()
        )
        self.g_weights = list(self.generator.parameters())
        self.d_weights = list(self.discriminator.parameters())
        self.g_optimizer = adam(self.generator, recipe.generator_optimizer, fused=True)
        self.d_optimizer = adam(self.discriminator, recipe.discriminator_optimizer, fused=True)

    def __iter__(self) -> Iterator[int]:
        while True:
            order = torch.randperm(len(self.values))
            last = len(order) - BATCH * self.steps
            for first in range(0, last + 1, BATCH * self.steps):
                for start in range(first, first + BATCH * self.steps, BATCH):
                    chosen = self.values.index_select(0, order[start : start + BATCH])
                    real = chosen.float().mul_(2 / 255).sub_(1)
                    latents = torch.randn(BATCH, self.latent_dim)
                    share = torch.rand(BATCH) if self.penalty else None
                    self.discriminator_turn(real, latents, share)
                self.generator_turn(torch.randn(BATCH, self.latent_dim))
                yield BATCH * self.steps

    def autocast(self) -> AbstractContextManager[Any]:
        """The context of a turn's forward passes, in which a weight is rounded once."""
        return torch.autocast("cpu", torch.bfloat16) if self.bf16 else nullcontext()

    def discriminator_turn(self, real: Tensor, latents: Tensor, share: Tensor | None) -> None:
        """Update the discriminator; ``share`` (B,) places the interpolates of WGAN-GP."""
        if self.r1:
            real.requires_grad_()
        with self.autocast():
            real_logits = self.discriminator(real).float()
            with torch.no_grad():
                fake = self.generator(latents).float()
            fake_logits = self.discriminator(fake).float()
            if share is not None:
                between = torch.lerp(real, fake, share.view(-1, 1, 1, 1)).requires_grad_()
                between_logits = self.discriminator(between).float()
        if self.wasserstein:
            loss = (-real_logits).mean() + fake_logits.mean()
        else:
            loss = softplus(-real_logits).mean() + softplus(fake_logits).mean()
        if share is not None:
            slopes = torch.linalg.vector_norm(slope(between_logits, between), dim=1)
            loss = loss + self.penalty * (slopes - 1).square().mean()
        if self.r1:
            squares = slope(real_logits, real).square().sum(1)
            loss = loss + 0.5 * self.r1 * squares.mean()
        descend(self.d_optimizer, self.d_weights, loss)

    def generator_turn(self, latents: Tensor) -> None:
        """Update the generator."""
        with self.autocast():
            logits = self.discriminator(self.generator(latents).float()).float()
        loss = (-logits).mean() if self.wasserstein else softplus(-logits).mean()
        descend(self.g_optimizer, self.g_weights, loss)


def slope(logits: Tensor, images: Tensor) -> Tensor:
    """Return the gradient of each logit in its image, (B, values), with its graph."""
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.reshape(len(images), -1)


def descend(optimizer: torch.optim.Optimizer, weights: list[nn.Parameter], loss: Tensor) -> None:
    """Move weights down the gradient of a loss, computing no other gradient."""
    for weight in weights:
        weight.grad = None
    torch.autograd.backward(loss, inputs=weights)
    optimizer.step()


# -- ganbench --------------------------------------------------------------------------------


def ganbench_state(problem: Problem, precision: Precision) -> State:
    """Return ganbench's training state with the recipe's defaults."""
    gan = problem.gan
    return build_state(
        gan,
        problem.images.spec,
        recipe=gan.recipe,
        tricks=problem.tricks.values(),
        loss=gan.loss,
        seed=0,
        device=CPU,
        precision=precision,
    )


def ganbench(problem: Problem, state: State) -> Iterator[int]:
    """Iterate as ``ganbench run`` does, statistics included."""
    batches = Batches(problem.images, BATCH, seed=0)

    def next_batch() -> Batch:
        batch = batches.at(state.images_seen)
        state.images_seen += len(batch)
        return batch

    iterate: Callable[[State, Callable[[], Batch]], None] = state.tricks.step_rule(alternate)
    while True:
        before = state.images_seen
        iterate(state, next_batch)
        yield state.images_seen - before
