# SPDX-License-Identifier: MIT
"""Drawing: the same samples for the same seed, uint8 by one rule."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from ganbench.data import open_dataset
from ganbench.errors import ConfigError
from ganbench.gan import DataSpec, Mixture
from ganbench.kinds import kind_of
from ganbench.records.own_files import MANIFEST
from ganbench.sampling.draw import DRAW_BATCH, draw, stream
from ganbench.sampling.sample_files import write_files, write_npz
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
    first = draw(state, 40, seed=1, purpose="a").samples
    assert first.shape == (40, *data.shape)
    assert first.dtype == (torch.uint8 if data.is_image else torch.float32)
    assert torch.equal(first, draw(state, 40, seed=1, purpose="a").samples)
    assert not torch.equal(first, draw(state, 40, seed=2, purpose="a").samples)
    assert not torch.equal(first, draw(state, 40, seed=1, purpose="b").samples)


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
        drawn = draw(state, count, seed=3).samples
        random = stream(state, 3, "samples")
        latents = torch.cat([state.prior(DRAW_BATCH, random), state.prior(7, random)])
        images = state.generator(latents).double()
    expected = torch.floor((127.5 * images + 128).clamp(0, 255)).to(torch.uint8)
    assert (drawn.int() - expected.int()).abs().max() <= 1
    assert (drawn == expected).float().mean() > 0.999


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
    samples = draw(state, 600, seed=0).samples
    assert len(samples) == 600
    zeros = (samples.reshape(600, -1) == (128 if samples.dtype == torch.uint8 else 0)).all(1)
    assert 200 < zeros.sum() < 400
    if not np.isfinite(value):
        assert samples.dtype == torch.float32
        assert not samples.isfinite().all()
    made = kind_of(data).picture(samples, data)
    assert made.width >= 480


def test_a_sample_that_is_not_finite_does_not_change_the_others():
    state = replace(state_of(GRAY), generator=Broken(GRAY.shape, float("nan"), above=3.0))
    samples = draw(state, 8 * DRAW_BATCH, seed=0).samples
    broken = ~samples.isfinite().flatten(1).all(1)
    whole = (~broken).view(8, DRAW_BATCH).all(1)
    assert 0 < whole.sum() < 8, "some batches are finite, some are not"
    assert samples.dtype == torch.float32
    assert samples[~broken].abs().max() < 1.01 / 255


# -- classes ---------------------------------------------------------------------------------------

CLASSES = DataSpec("classes", "1", (1, 2, 2), classes=12)


class Level(nn.Module):
    """A generator whose images are as bright as their class: -1 for class 0, 1 for the last."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, latents, labels):
        level = 2 * labels / 11 - 1 + self.weight
        return level.reshape(-1, 1, 1, 1).expand(-1, 1, 2, 2)


def conditional():
    state = state_of(CLASSES)
    state.conditional = True
    state.generator = Level()
    return state


def brightness(labels):
    return (127.5 * (2 * labels / 11 - 1) + 128).clamp(0, 255).to(torch.uint8)


def test_labels_are_those_of_the_samples():
    drawn = draw(conditional(), 600, seed=1)
    assert len(drawn) == len(drawn.labels) == 600
    assert set(drawn.labels.tolist()) == set(range(12))
    assert torch.equal(drawn.samples[:, 0, 0, 0], brightness(drawn.labels))


def test_a_class_is_drawn_on_request():
    drawn = draw(conditional(), 300, seed=1, label=7)
    assert (drawn.labels == 7).all()
    assert (drawn.samples == brightness(torch.tensor(7))).all()


def test_a_class_that_there_is_not():
    with pytest.raises(ConfigError, match="no class 12: classes has the classes 0 to 11"):
        draw(conditional(), 3, seed=1, label=12)
    with pytest.raises(ConfigError, match="draws no classes"):
        draw(state_of(GRAY), 3, seed=1, label=0)


def test_files_of_classes_open_as_data_with_labels(tmp_path):
    drawn = draw(conditional(), 60, seed=1)
    write_npz(drawn, CLASSES, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as file:
        assert np.array_equal(file["labels"], drawn.labels.numpy())
    write_files(drawn, CLASSES, tmp_path / "files")
    assert sorted(path.name for path in (tmp_path / "files").iterdir()) == [
        MANIFEST,
        *(f"{label:02d}" for label in sorted(set(drawn.labels.tolist()))),
    ]
    for name in ("a.npz", "files"):
        source = open_dataset(str(tmp_path / name))
        assert source.spec.classes == 12
        loaded = source.load("train")
        assert torch.equal(loaded.values[:, 0, 0, 0], brightness(loaded.labels))
