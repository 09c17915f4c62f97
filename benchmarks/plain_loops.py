# SPDX-License-Identifier: MIT
"""Loops as people write them, with what they waste: the article's, and those after the tutorials.

A loop is an iterator: each ``next`` makes one iteration and gives the number of real images that
the discriminator was shown.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from PIL import Image
from problems import BATCH, Problem, adam, article_networks
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import ToTensor

from ganbench.data.dataset import Dataset as Images
from ganbench.kinds.eight_bit import to_network


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
    """Iterate like the article."""
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


def plain(problem: Problem) -> Iterator[int]:
    """Iterate like PyTorch's tutorials and the code that follows them, in fp32."""
    return plain_wasserstein(problem) if problem.wasserstein else plain_logistic(problem)


def plain_batches(problem: Problem) -> Iterator[Tensor]:
    """Yield whole batches of a float tensor in memory, in a new order in each epoch."""
    data = to_network(problem.images.values)
    while True:
        order = torch.randperm(len(data))
        for start in range(0, len(data) - BATCH + 1, BATCH):
            yield data[order[start : start + BATCH]]


def plain_logistic(problem: Problem) -> Iterator[int]:
    """Iterate like the DCGAN tutorial; R1 is a forward pass of its own."""
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
    """Iterate like widespread code for WGAN-GP: some critic steps, then a generator step."""
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
