# SPDX-License-Identifier: MIT
"""Denoising in few steps: the diffusion and its inverse by their definitions, and networks."""

import math

import pytest
import torch
from torch import nn

from ganbench.nn.denoising import (
    DenoisingGenerator,
    DenoisingMLP,
    DenoisingUNet,
    Diffusion,
)

COUNT = 200_000


@pytest.mark.parametrize("steps", [1, 4])
def test_variances_are_those_of_the_paper(steps):
    """Beta of step t is ``1 - exp(-0.1 / T - (20 - 0.1) (2 t - 1) / (2 T^2))``."""
    times = torch.arange(steps + 1)
    kept = Diffusion(steps).kept(times)
    assert kept[0] == 1
    for time in range(1, steps + 1):
        exponent = 0.1 / steps + 0.5 * 19.9 * (2 * time - 1) / steps**2
        beta = 1 - math.exp(-exponent)
        assert 1 - kept[time] / kept[time - 1] == pytest.approx(beta, rel=1e-4)
    assert kept[-1] < 1e-4


@pytest.mark.parametrize("time", [1, 2, 4])
def test_the_step_before_has_the_law_of_the_diffusion(time):
    """A chain x_0, x_{t-1}, x_t and one that goes to x_t first have equal moments."""
    random = torch.Generator().manual_seed(0)
    diffusion, times = Diffusion(4), torch.full((COUNT,), time)
    noise = torch.randn(3, COUNT, 1, generator=random)
    examples = torch.full((COUNT, 1), 0.7)
    earlier = diffusion.noised(examples, times - 1, noise[0])
    step = diffusion.kept(times)[0] / diffusion.kept(times - 1)[0]
    expected = torch.cat([earlier, step.sqrt() * earlier + (1 - step).sqrt() * noise[1]], 1)
    later = diffusion.noised(examples, times, noise[0])
    drawn = torch.cat([diffusion.before(examples, (later, times), noise[2]), later], 1)
    torch.testing.assert_close(drawn.mean(0), expected.mean(0), atol=0.01, rtol=0)
    torch.testing.assert_close(drawn.T.cov(), expected.T.cov(), atol=0.01, rtol=0)


def test_a_single_step_before_an_example_there_is_no_noise():
    diffusion, ones = Diffusion(4), torch.ones(3, dtype=torch.int64)
    examples, noise = torch.randn(3, 2), torch.randn(3, 2)
    noisy = diffusion.noised(examples, ones, noise)
    assert torch.equal(diffusion.before(examples, (noisy, ones), noise), examples)


class Known(nn.Module):
    """A denoiser that knows the data, a point, and keeps what it was asked."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def forward(self, examples, times, latents):
        self.asked.append((examples, times, latents))
        return torch.full_like(examples, 0.7)


def test_samples_take_all_steps_with_latents_of_their_own():
    torch.manual_seed(0)
    denoiser = Known()
    generator = DenoisingGenerator(denoiser, (1,), Diffusion(4))
    latents = torch.randn(COUNT, 3)
    assert torch.equal(generator(latents), torch.full((COUNT, 1), 0.7))
    assert [int(times[0]) for _, times, _ in denoiser.asked] == [4, 3, 2, 1]
    assert torch.equal(denoiser.asked[0][2], latents)
    assert not torch.equal(denoiser.asked[1][2], latents)
    for examples, times, _ in denoiser.asked[1:]:
        kept = Diffusion(4).kept(times)[0]
        assert examples.mean().item() == pytest.approx(0.7 * kept.sqrt().item(), abs=0.02)
        assert examples.var().item() == pytest.approx(1 - kept.item(), abs=0.02)


def test_noisy_examples_are_guessed_once_and_returned():
    denoiser = Known()
    generator = DenoisingGenerator(denoiser, (1,), Diffusion(4))
    noisy = torch.randn(5, 1), torch.tensor([1, 2, 3, 4, 4])
    guesses, made = generator(torch.randn(5, 3), noisy)
    assert made is noisy
    assert len(denoiser.asked) == 1
    assert guesses.shape == (5, 1)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 28), (1, 33, 50)])
def test_a_guess_depends_on_image_time_and_latent(shape):
    torch.manual_seed(0)
    network = DenoisingUNet(6, shape, steps=4, width=4)
    images, latents, times = torch.randn(2, *shape), torch.randn(2, 6), torch.tensor([1, 4])
    guesses = network(images, times, latents)
    assert guesses.shape == images.shape
    assert guesses.abs().max() <= 1
    for changed in (
        (images + 0.1, times, latents),
        (images, times.flip(0), latents),
        (images, times, latents.flip(0)),
    ):
        assert not torch.allclose(network(*changed), guesses)


def test_points_are_guessed_by_a_perceptron():
    torch.manual_seed(0)
    network = DenoisingMLP(3, (2,), steps=4, width=8)
    points, latents = torch.randn(2, 2), torch.randn(2, 3)
    first = network(points, torch.tensor([1, 1]), latents)
    assert first.shape == (2, 2)
    assert not torch.allclose(first, network(points, torch.tensor([2, 1]), latents))
