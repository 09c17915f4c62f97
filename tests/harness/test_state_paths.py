# SPDX-License-Identifier: MIT
"""Steps along paths: slerp by its definition, lines between styles, one noise for both images."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from ganbench.errors import ConfigError
from ganbench.gan import DataSpec
from ganbench.harness.state_paths import StatePaths, slerp
from ganbench.samples.latent_paths import PathKind
from ganbench.sampling.draw import stream
from ganbench.training.build import build_state, create

GRAY = DataSpec("gray", "1", (1, 8, 8), classes=3)


class Styled(nn.Module):
    """A linear generator behind a mapping network, with noise of its own."""

    def __init__(self, noise: float = 0.0) -> None:
        super().__init__()
        self.mapping = nn.Linear(64, 5, bias=False)
        self.synthesis = nn.Linear(5, 64, bias=False)
        self.noise = noise

    def forward(self, latents, labels=None):
        images = self.synthesis(self.mapping(latents)).view(-1, 1, 8, 8)
        return images + self.noise * torch.randn_like(images)


def state_of(generator=None, model="vanilla", **settings):
    gan = create(model, GRAY)
    recipe = gan.recipe.model_copy(update={"latent_dim": 64, **settings})
    state = build_state(
        gan, GRAY, recipe=recipe, tricks=gan.tricks, loss=gan.loss, seed=0,
        device=torch.device("cpu"),
    )  # fmt: skip
    return state if generator is None else replace(state, generator=generator)


def steps(state, kind, count=70, seed=0, epsilon=1e-2):
    batches = list(StatePaths(state, seed).steps(kind, count, epsilon=epsilon))
    return tuple(torch.cat(side) for side in zip(*batches, strict=True))


def test_slerp_follows_the_great_circle_and_its_ends():
    random = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 6, 9, generator=random, dtype=torch.float64).unbind()
    ones = torch.ones(6, 1, dtype=torch.float64)
    assert torch.allclose(slerp(first, second, 0 * ones), first)
    assert torch.allclose(slerp(first, second, ones), second)
    unit = [side / side.norm(dim=1, keepdim=True) for side in (first, second)]
    share = torch.rand(6, 1, generator=random, dtype=torch.float64)
    omega = torch.acos((unit[0] * unit[1]).sum(dim=1, keepdim=True))
    expected = ((1 - share) * omega).sin() * unit[0] + (share * omega).sin() * unit[1]
    assert torch.allclose(slerp(*unit, share), expected / omega.sin())


def test_lines_between_styles_are_straight():
    generator = Styled()
    before, after = steps(state_of(generator), PathKind("w", ends_only=True), epsilon=1.0)
    first = torch.randn(64, 64, generator=stream(state_of(generator), 0, "paths"))
    assert torch.allclose(before[:64], generator(first).detach(), atol=1e-6)
    small = steps(state_of(generator), PathKind("w", ends_only=True), epsilon=0.25)
    assert torch.allclose(small[1] - small[0], (after - before) / 4, atol=1e-5)
    anywhere = steps(state_of(generator), PathKind("w"), epsilon=0.25)
    assert not torch.allclose(anywhere[0][:64], before[:64], atol=1e-3)
    # On a line, a step is the same wherever it begins.
    moved, at_end = anywhere[1] - anywhere[0], small[1] - small[0]
    assert torch.allclose(moved[:64], at_end[:64], atol=1e-5)


@pytest.mark.parametrize("space", ["z", "w"])
def test_both_images_have_the_same_noise(space):
    state = state_of(Styled(noise=1.0))
    before, after = steps(state, PathKind(space), epsilon=0.0)
    assert torch.equal(before, after)
    assert (before - steps(state_of(Styled()), PathKind(space))[0]).abs().mean() > 0.3


@pytest.mark.parametrize("space", ["z", "w"])
def test_paths_are_a_function_of_the_seed(space):
    state = state_of(model="stylegan2")
    before, after = steps(state, PathKind(space), 5)
    assert before.shape == (5, 1, 8, 8)
    assert not torch.equal(before, after)
    assert torch.equal(before, steps(state, PathKind(space), 5)[0])
    assert not torch.equal(before, steps(state, PathKind(space), 5, seed=1)[0])
    assert state.generator.training


def test_generators_without_such_paths_say_so():
    with pytest.raises(ConfigError, match="no mapping network"):
        steps(state_of(), PathKind("w"))
    with pytest.raises(ConfigError, match="not normal"):
        steps(state_of(prior="uniform"), PathKind("z"))


def test_a_sampler_that_chooses_its_latents_is_refused():
    state = state_of()
    sampler = state.sampler()

    def draw(own, count, generator):
        return replace(sampler.draw(own, count, generator), latents=torch.zeros(count, 64))

    class Choosing(type(state)):
        def sampler(self):
            return sampler.replace(draw=draw)

    state.__class__ = Choosing
    with pytest.raises(ConfigError, match="chooses latents of its own"):
        steps(state, PathKind("z"))
