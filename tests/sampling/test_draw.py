# SPDX-License-Identifier: MIT
"""Drawing: the same samples for the same seed, uint8 by one rule, pictures pixel by pixel."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from ganbench.data.dataset import to_uint8
from ganbench.gan import DataSpec, Mixture
from ganbench.sampling.draw import DRAW_BATCH, draw, grid, picture, plane, stream
from ganbench.training.build import build_state, create
from ganbench.training.trainer import evaluating

GRAY = DataSpec("gray", "1", (1, 8, 8))
RING = DataSpec("ring", "1", (2,), mixture=Mixture(((-1.0, 0.0), (1.0, 0.0), (0.0, 1.0)), 0.1))


def state_of(data, model="vanilla", seed=0):
    gan = create(model, data)
    return build_state(
        gan, data, recipe=gan.recipe, tricks=gan.tricks, loss=gan.loss, seed=seed,
        device=torch.device("cpu"),
    )  # fmt: skip


@pytest.mark.parametrize("data", [GRAY, RING], ids=["images", "points"])
def test_samples_are_a_function_of_seed_and_purpose(data):
    state = state_of(data)
    first = draw(state, 40, seed=1, purpose="a")
    assert first.shape == (40, *data.shape)
    assert first.dtype == (torch.uint8 if data.is_image else torch.float32)
    assert torch.equal(first, draw(state, 40, seed=1, purpose="a"))
    assert not torch.equal(first, draw(state, 40, seed=2, purpose="a"))
    assert not torch.equal(first, draw(state, 40, seed=1, purpose="b"))


def test_drawing_touches_no_stream_of_training_nor_the_global_one():
    state = state_of(RING)
    state.draw_latents(3)
    before = {name: position.clone() for name, position in state.streams.state_dict().items()}
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    draw(state, 300, seed=0)
    assert torch.equal(torch.rand(3), expected)
    after = state.streams.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(position, before[name]) for name, position in after.items())


def test_samples_are_the_generators_images_by_the_one_rule():
    state = state_of(GRAY)
    count = DRAW_BATCH + 7  # more than one batch
    with evaluating(state):
        drawn = draw(state, count, seed=3)
        random = stream(state, 3, "samples")
        latents = torch.cat([state.prior(DRAW_BATCH, random), state.prior(7, random)])
        images = state.generator(latents).double()
    expected = torch.floor((127.5 * images + 128).clamp(0, 255)).to(torch.uint8)
    assert (drawn.int() - expected.int()).abs().max() <= 1
    assert (drawn == expected).float().mean() > 0.999


@pytest.mark.parametrize(
    ("value", "pixel"),
    [(-1.0, 0), (1.0, 255), (0.0, 128), (-9.0, 0), (9.0, 255), (-1 + 2 / 255, 1), (1 - 1e-6, 255)],
)
def test_the_rule_from_the_range_of_tanh_to_pixels(value, pixel):
    assert to_uint8(torch.full((1, 1, 1, 1), value)).item() == pixel


def test_pixels_come_back_from_the_range_of_the_networks():
    pixels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(pixels.float() * (2 / 255) - 1), pixels)


class Broken(nn.Module):
    """Draws zeros; where the first latent is high it draws something else."""

    def __init__(self, shape, value, above=0.0):
        super().__init__()
        self.shape, self.value, self.above = shape, value, above

    def forward(self, latents):
        images = torch.zeros(len(latents), *self.shape)
        images[latents[:, 0] > self.above] = self.value
        return images


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e38])
@pytest.mark.parametrize("data", [GRAY, RING], ids=["images", "points"])
def test_what_is_not_finite_is_drawn_as_it_is_and_pictured_without_a_crash(data, value):
    state = replace(state_of(data), generator=Broken(data.shape, value))
    samples = draw(state, 600, seed=0)
    assert len(samples) == 600
    zeros = (samples.reshape(600, -1) == (128 if samples.dtype == torch.uint8 else 0)).all(1)
    assert 200 < zeros.sum() < 400
    if not np.isfinite(value):
        assert samples.dtype == torch.float32
        assert not samples.isfinite().all()
    made = picture(samples, data)
    assert made.width >= 480


def test_a_sample_that_is_not_finite_does_not_change_the_others():
    state = replace(state_of(GRAY), generator=Broken(GRAY.shape, float("nan"), above=3.0))
    samples = draw(state, 8 * DRAW_BATCH, seed=0)
    broken = ~samples.isfinite().flatten(1).all(1)
    whole = (~broken).view(8, DRAW_BATCH).all(1)
    assert 0 < whole.sum() < 8, "some batches are finite, some are not"
    assert samples.dtype == torch.float32
    assert samples[~broken].abs().max() < 1.01 / 255


def test_a_grid_is_exact_to_the_pixel():
    images = torch.arange(1, 6, dtype=torch.uint8).mul(40).view(5, 1, 1, 1).expand(5, 1, 2, 3)
    made = np.array(grid(images, padding=1, least_width=1))
    # Three columns of 3 pixels and two rows of 2, with white lines of one pixel between.
    expected = np.full((2 * 3 + 1, 3 * 4 + 1), 255)
    for index, value in enumerate((40, 80, 120, 160, 200)):
        top, left = 1 + 3 * (index // 3), 1 + 4 * (index % 3)
        expected[top : top + 2, left : left + 3] = value
    assert made.tolist() == expected.tolist()


def test_a_grid_keeps_rows_columns_and_channels_apart():
    image = torch.arange(2 * 3 * 3, dtype=torch.uint8).view(1, 3, 2, 3)
    made = np.array(grid(image, padding=0, least_width=1))
    assert made.shape == (2, 3, 3)
    assert made.tolist() == image[0].permute(1, 2, 0).tolist()


def test_a_small_grid_is_enlarged_by_whole_pixels():
    images = torch.tensor([[0, 255], [255, 0]], dtype=torch.uint8).view(1, 1, 2, 2)
    made = np.array(grid(images, padding=0, least_width=10))
    assert made.tolist() == np.kron([[0, 255], [255, 0]], np.ones((5, 5), int)).tolist()


def test_points_lie_where_their_coordinates_say():
    center = np.array(plane(torch.tensor([[0.0, 0.5]] * 400), RING, size=100).convert("RGB"))
    blue = np.argwhere((center[:, :, 2] > 150) & (center[:, :, 0] < 80))
    # Centers span [-1, 1] in both axes, the margin is a quarter of 2 on each side: [-1.5, 1.5].
    row, column = blue.mean(0)
    assert abs(column - 50) < 1.5
    assert abs(row - 100 * (1.5 - 0.5) / 3) < 1.5


def test_points_of_any_dimension_have_a_picture():
    for size in (1, 3):
        made = plane(torch.zeros(5, size), DataSpec("points", "1", (size,)))
        assert made.size == (480, 480)
        blank = plane(torch.full((5, size), 1e9), DataSpec("points", "1", (size,)))
        assert np.array(made).tolist() != np.array(blank).tolist()
