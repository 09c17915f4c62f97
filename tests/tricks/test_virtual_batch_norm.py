# SPDX-License-Identifier: MIT
"""Virtual batch normalization, against statistics of the reference batch and each example."""

import pytest
import torch
from small_states import state_of
from torch import nn
from torch.nn.functional import relu

from ganbench.config import Recipe, sgd
from ganbench.errors import ConfigError
from ganbench.gan import GAN, Batch, DataSpec
from ganbench.losses import wasserstein
from ganbench.nn import MLP, ConvGenerator
from ganbench.step import gradients
from ganbench.tricks.ema import EMA
from ganbench.tricks.virtual_batch_norm import VirtualBatchNorm

pytestmark = pytest.mark.usefixtures("float64")

IMAGES = DataSpec("images", "1", (1, 8, 8))
POINTS = DataSpec("points", "1", (2,), classes=2)


def layers(latent_dim):
    return nn.Sequential(nn.Linear(latent_dim, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))


def maps(latent_dim):
    return ConvGenerator(latent_dim, IMAGES.shape, width=3)


def build(*tricks, generator=layers, data=POINTS, seed=1, **settings):
    gan = GAN(
        generator=generator,
        discriminator=lambda shape: MLP(shape, (5,), (1,)),
        loss=wasserstein,
        recipe=Recipe(
            kimg=1,
            batch_size=6,
            latent_dim=3,
            prior="uniform",
            generator_optimizer=sgd(0.1),
            discriminator_optimizer=sgd(0.1),
        ),
        **settings,
    )
    return state_of(gan, data, tricks, seed=seed)


def with_reference(values, reference):
    """Normalize each of some values (B, C, ...) by all values of a reference batch and its own.

    The means of the reference and the example count as ``size`` and one of ``size + 1`` examples.
    """
    rows = []
    for example in values:
        together = torch.cat([reference, example[None]])  # (size + 1, C, ...)
        dims = [0, *range(2, together.ndim)]
        mean, variance = together.mean(dims), together.var(dims, correction=0)
        shape = (-1, *[1] * (example.ndim - 1))
        rows.append((example - mean.view(shape)) / (variance.view(shape) + 1e-5).sqrt())
    return torch.stack(rows)


def test_samples_and_gradients_of_vectors():
    state, plain = build(VirtualBatchNorm(size=7)), build()
    first, norm, _, last = plain.generator
    with torch.no_grad():
        for network in (state.generator.network, plain.generator):
            network[1].weight.copy_(torch.tensor([0.5, 1.5, 2.0, -1.0]))
            network[1].bias.copy_(torch.tensor([0.1, -0.1, 0.2, 0.3]))
    turn = gradients(state, "generator", Batch(torch.randn(6, 2)))
    inner = first(turn.latents)
    reference = first(state.generator.reference)
    normalized = with_reference(inner, reference) * norm.weight + norm.bias
    fakes = last(relu(normalized))
    torch.testing.assert_close(turn.fake.images, fakes)
    loss = -state.discriminator(fakes).mean()
    for weight, slope in zip(
        state.parameters("generator"),
        torch.autograd.grad(loss, plain.parameters("generator")),
        strict=True,
    ):
        torch.testing.assert_close(weight.grad, slope)  # through the reference batch as well


def test_maps():
    state = build(VirtualBatchNorm(size=4), generator=maps, data=IMAGES)
    norm = next(module for module in state.generator.modules() if hasattr(module, "size"))
    values = torch.randn(4 + 3, norm.weight.numel(), 5, 5)
    expected = with_reference(values[4:], values[:4])
    normalized = norm(values)[4:] - norm.bias[:, None, None]
    torch.testing.assert_close(normalized / norm.weight[:, None, None], expected)


def test_no_sample_depends_on_the_others_or_on_the_mode():
    generator = build(VirtualBatchNorm(size=5), generator=maps, data=IMAGES).generator
    latents = torch.randn(6, 3)
    torch.testing.assert_close(generator(latents)[2:3], generator(latents[2:3]))
    assert torch.equal(generator(latents), generator.eval()(latents))


def test_the_reference_comes_from_the_prior_and_from_the_seed():
    first, again, other = (build(VirtualBatchNorm(), seed=seed) for seed in (1, 1, 2))
    reference = first.generator.reference
    assert reference.shape == (64, 3)
    assert reference.abs().max() <= 1
    assert reference.std() > 0.4
    assert torch.equal(reference, again.generator.reference)
    assert not torch.equal(reference, other.generator.reference)
    assert "reference" in first.generator.state_dict()


def test_a_reference_that_a_run_has_brought_stays():
    """A run that goes on from another one starts its tricks with the weights of that run."""
    state = build(VirtualBatchNorm(size=4))
    state.generator.reference.fill_(0.5)
    VirtualBatchNorm(size=4).start(state)
    assert (state.generator.reference == 0.5).all()


def test_the_average_of_the_generator_has_the_same_reference():
    state = build(VirtualBatchNorm(size=4), EMA())
    average = state.memory_of(EMA())["generator"]
    assert torch.equal(average.reference, state.generator.reference)


def test_what_has_no_reference_is_refused():
    with pytest.raises(ConfigError, match="the generator has none"):
        build(VirtualBatchNorm(), generator=lambda latent_dim: MLP((latent_dim,), (4,), (2,)))
    with pytest.raises(ConfigError, match="the model is conditional"):
        build(VirtualBatchNorm(), conditional=True)

    class WithStyles(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = layers(3)

        def forward(self, latents):
            return self.layers(latents), latents

    state = build(VirtualBatchNorm(size=4), generator=lambda latent_dim: WithStyles())
    with pytest.raises(ConfigError, match="maps latents to examples alone"):
        state.generator(torch.randn(2, 3))
