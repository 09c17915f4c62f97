# SPDX-License-Identifier: MIT
"""What ADA and bCR do to images, compared with numpy, with grid_sample and with formulas."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from dirac_gan import dirac
from small_states import state_of
from torch import nn
from torch.nn.functional import grid_sample

from ganbench import registry
from ganbench.config import Recipe, sgd
from ganbench.errors import ConfigError
from ganbench.gan import GAN, Batch, DataSpec
from ganbench.losses import wasserstein
from ganbench.step import update
from ganbench.trick import Hooks
from ganbench.tricks import ada
from ganbench.tricks.ada import ADA, _weights
from ganbench.tricks.bcr import BCR
from ganbench.tricks.diffaugment import DiffAugment
from ganbench.tricks.instance_noise import InstanceNoise
from ganbench.turn import Turn

pytestmark = pytest.mark.usefixtures("float64")

OFF = {"flip": False, "rotation": False, "translation": 0, "scale": 0, "color": 0}


def augment(images, p=1.0, **parameters):
    stream = torch.Generator().manual_seed(0)
    return ADA(**{**OFF, **parameters}).augment(images, torch.tensor(p), stream)


def normal(*size):
    return torch.randn(*size, generator=torch.Generator().manual_seed(1))


# -- ADA -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
def test_ada_at_a_probability_of_zero_is_the_identity_bit_for_bit(channels):
    images = normal(5, channels, 6, 6)
    everything = {"flip": True, "rotation": True, "translation": 0.3, "scale": 0.5, "color": 1}
    assert torch.equal(augment(images, 0.0, **everything), images)
    assert not torch.equal(augment(images, 0.5, **everything), images)


def test_ada_leaves_the_others_as_they_are_where_products_round(monkeypatch):
    """As products of TF32 do: only images that are moved or scaled may differ."""
    monkeypatch.setattr(ada, "_weights", lambda *line: _weights(*line) * (1 + 1e-3))
    images = normal(200, 1, 6, 6)
    assert torch.equal(augment(images, 0.0, translation=0.3, scale=0.5), images)
    changed = (augment(images, 0.3, translation=0.3, scale=0.5) != images).any((1, 2, 3))
    assert changed.double().mean().item() == pytest.approx(1 - 0.7**2, abs=0.1)


@pytest.mark.parametrize("p", [1.0, 0.4])
def test_ada_turns_by_quarters_and_reflects(p):
    image = torch.arange(9.0).reshape(1, 3, 3)
    images = image.expand(40_000, 1, 3, 3)
    quarters = [image.rot90(count, (1, 2)) for count in range(4)]
    shares = matches(augment(images, p, rotation=True), quarters)
    np.testing.assert_allclose(shares, [1 - 0.75 * p, *[0.25 * p] * 3], atol=0.01)
    shares = matches(augment(images, p, flip=True), [image, image.flip(2)])
    np.testing.assert_allclose(shares, [1 - p / 2, p / 2], atol=0.01)


def matches(images, candidates):
    """Return the share of images that equal each candidate."""
    return [(images == candidate).all((1, 2, 3)).double().mean().item() for candidate in candidates]


def test_ada_translates_by_whole_pixels_and_fills_by_reflection():
    image = normal(1, 8, 8)
    padded = np.pad(image.numpy(), ((0, 0), (2, 2), (2, 2)), mode="reflect")
    shifted = [
        torch.tensor(padded[:, 2 - down : 10 - down, 2 - right : 10 - right].copy())
        for down in (-2, -1, 0, 1, 2)
        for right in (-2, -1, 0, 1, 2)
    ]
    shares = np.array(matches(augment(image.expand(20_000, 1, 8, 8), translation=0.25), shifted))
    ends = np.array([1, 2, 2, 2, 1]) / 8  # a uniform shift in [-2, 2], rounded
    np.testing.assert_allclose(shares.reshape(5, 5), np.outer(ends, ends), atol=0.01)


def test_ada_resamples_as_grid_sample_does():
    """Which interpolates and reflects as well, but has no second derivative."""
    images = normal(6, 2, 7, 9)
    shifts = {7: torch.tensor([0.0, 1, -2, 3, 0, -1]), 9: torch.tensor([2.0, 0, 1, -4, 0, 3])}
    factors = torch.tensor([1.0, 0.4, 1.7, 0.8, 2.5, 1.0])
    rows, columns = (_weights(size, shifts[size], factors) for size in (7, 9))
    resampled = rows[:, None] @ images @ columns[:, None].mT

    def sources(size):
        half = (size - 1) / 2
        place = (torch.arange(size) - half) / factors[:, None] - shifts[size][:, None]
        return place / half  # (B, size) in [-1, 1] inside the image

    grid = torch.stack(
        [
            sources(9)[:, None, :].expand(6, 7, 9),
            sources(7)[:, :, None].expand(6, 7, 9),
        ],
        -1,
    )
    expected = grid_sample(images, grid, padding_mode="reflection", align_corners=True)
    torch.testing.assert_close(resampled, expected)


def test_ada_scales_log_normally():
    ramp = torch.arange(9.0).expand(20_000, 1, 9, 9) - 4
    slope = augment(ramp, scale=0.2)[:, 0, 4, 4:6].diff(dim=1).squeeze(1)  # 1 / scale
    exponents = -slope.log2()
    assert exponents.mean().item() == pytest.approx(0, abs=0.01)
    assert exponents[slope < 1].square().mean().sqrt().item() == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_ada_changes_colors_as_it_says(strength):
    image = torch.tensor([[0.1, 0.5], [-0.3, 0.2], [0.4, 0.9]]).reshape(3, 1, 2)
    changed = augment(image.expand(50_000, 3, 1, 2), color=strength)
    gray, gray_before = changed.mean(1), image.mean(0)  # (N, 1, 2)
    contrast = (gray.diff() / gray_before.diff()).flatten()
    brightness = gray[:, 0, 0] / contrast - gray_before[0, 0]
    chroma = (changed[:, 0, 0, 0] - gray[:, 0, 0]) / (image[0, 0, 0] - gray_before[0, 0])
    saturation = chroma / contrast
    for values, deviation in (
        (brightness, 0.2), (contrast.log2(), 0.5), (saturation.log2(), 1.0),
    ):  # fmt: skip
        assert values.mean().item() == pytest.approx(0, abs=0.02)
        assert values.std().item() == pytest.approx(strength * deviation, rel=0.02)
    single = augment(image[:1].expand(2000, 1, 1, 2), p=0.3, color=strength)
    kept = (single == image[:1]).all((1, 2, 3)).double().mean().item()
    assert kept == pytest.approx(0.7**2, abs=0.03), "each with a probability of its own"


def test_ada_can_be_differentiated_twice():
    images = normal(2, 3, 4, 4).requires_grad_()

    def everything(images):
        return augment(images, 0.9, flip=True, rotation=True, translation=0.3, scale=0.3, color=1)

    assert torch.autograd.gradcheck(everything, images)
    assert torch.autograd.gradgradcheck(lambda x: everything(x).square(), images)


# -- bCR -------------------------------------------------------------------------------------------

IMAGES = DataSpec("images", "1", (1, 4, 4))


def build(*tricks, data=IMAGES, discriminator=None, **settings):
    gan = GAN(
        generator=lambda latent_dim: nn.Sequential(
            nn.Linear(latent_dim, 16), nn.Unflatten(1, IMAGES.shape)
        ),
        discriminator=discriminator
        or (lambda shape: nn.Sequential(nn.Flatten(), nn.Linear(16, 1))),
        loss=wasserstein,
        recipe=Recipe(
            kimg=1,
            batch_size=6,
            latent_dim=3,
            generator_optimizer=sgd(0.1),
            discriminator_optimizer=sgd(0.1),
        ),
        **settings,
    )
    return state_of(gan, data, tricks, seed=2)


def test_bcr_is_zero_at_the_identity():
    identity = BCR(translation=0.0)
    turn = Turn(build(identity), "discriminator", Batch(normal(6, 1, 4, 4)))
    terms = identity.discriminator_terms(turn)
    assert [term.item() for term in terms.values()] == [0, 0]
    state, plain = build(identity), build()
    for role in ("discriminator", "generator"):
        update(state, role, Batch(normal(6, 1, 4, 4)))
        update(plain, role, Batch(normal(6, 1, 4, 4)))
    weights = (state.parameters("discriminator"), plain.parameters("discriminator"))
    for changed, unchanged in zip(*weights, strict=True):
        torch.testing.assert_close(changed, unchanged)


@pytest.mark.parametrize(("real", "fake"), [(10.0, 10.0), (3.0, 0.0), (0.0, 2.0)])
def test_bcr_by_hand(real, fake):
    """The update of a linear discriminator, w . x + b, whose penalty has the slope 2 d (x - Tx)."""
    bcr = BCR(real=real, fake=fake, flip=True)
    state, plain = build(bcr), build()
    batch = Batch(normal(6, 1, 4, 4))
    (weight, _) = plain.parameters("discriminator")
    weight = weight.detach().clone()
    fakes = plain.generator(plain.draw_latents(6)).detach()
    slope = (fakes.mean(0) - batch.images.mean(0)).reshape(1, 16)
    stream = plain.streams["trick/bcr"]
    for images, strength in ((batch.images, real), (fakes, fake)):
        if strength:
            moved = images - bcr.augment(images, stream)
            distance = moved.reshape(6, 16) @ weight.mT  # (6, 1)
            assert (distance != 0).sum() >= 3
            slope = slope + strength * (2 * distance * moved.reshape(6, 16)).mean(0)
    update(state, "discriminator", batch)
    torch.testing.assert_close(state.parameters("discriminator")[0], weight - 0.1 * slope)


def test_bcr_reflects_half_of_the_images():
    image = normal(1, 4, 4)
    images = BCR(translation=0.0, flip=True).augment(
        image.expand(10_000, 1, 4, 4), torch.Generator().manual_seed(0)
    )
    np.testing.assert_allclose(matches(images, [image, image.flip(2)]), [0.5, 0.5], atol=0.02)


def test_bcr_moves_images_as_if_a_mirror_stood_at_their_border():
    """Padding by torch is the other implementation; both directions are drawn independently."""
    image = normal(2, 9, 7)
    padded = nn.functional.pad(image[None], (2, 2, 3, 3), mode="reflect")[0]
    places = [(down, right) for down in range(7) for right in range(5)]
    windows = [padded[:, down : down + 9, right : right + 7] for down, right in places]
    images = BCR(translation=0.3).augment(
        image.expand(20_000, 2, 9, 7), torch.Generator().manual_seed(0)
    )
    np.testing.assert_allclose(matches(images, windows), np.full(35, 1 / 35), atol=0.005)


class Shown(Hooks):
    """Shows each image with a condition, after noise if it is drawn."""

    def __init__(self, condition=None, noise=0.0):
        self.condition = condition
        self.noise = noise

    def see(self, seen, scored, turn):
        images = seen.images
        if self.noise:
            noise = torch.randn(images.shape, generator=turn.random(self))
            images = images + self.noise * noise
        return seen.replace(images=images, condition=self.condition)


class WithCondition(nn.Module):
    """A discriminator that does not use what it is shown with an image."""

    def __init__(self):
        super().__init__()
        self.network = nn.Sequential(nn.Flatten(), nn.Linear(16, 1))

    def forward(self, images, condition=None):
        return self.network(images)


AUGMENTING = [DiffAugment(), ADA(), BCR()]


@pytest.mark.parametrize("kind", [tuple, list])
@pytest.mark.parametrize("trick", [*AUGMENTING, InstanceNoise()])
def test_one_image_of_several_is_not_augmented_alone(trick, kind):
    """Smaller copies would tell the discriminator what the largest image was."""
    shown = Shown(kind([torch.zeros(6, 1, 2, 2)]))
    state = build(trick, hooks=shown, discriminator=lambda shape: WithCondition())
    with pytest.raises(ConfigError, match="changes one image of each example") as error:
        update(state, "discriminator", Batch(normal(6, 1, 4, 4)))
    assert error.value.hint == f"Remove the trick: --trick {registry.name_of(trick)}:off"
    single = Shown(torch.zeros(6, 3))
    state = build(trick, hooks=single, discriminator=lambda shape: WithCondition())
    update(state, "discriminator", Batch(normal(6, 1, 4, 4)))


@pytest.mark.parametrize("trick", AUGMENTING)
def test_an_image_is_not_augmented_without_its_source(trick):
    data = replace(IMAGES, source=(1, 4, 4))
    with pytest.raises(ConfigError, match="but not its source"):
        build(trick, data=data, conditional="source")
    build(InstanceNoise(), data=data, conditional="source")


def test_bcr_refuses_a_model_that_changes_images_at_random():
    """Two passes of one image would differ, by more than its augmentation."""
    update(build(BCR(), hooks=Shown()), "discriminator", Batch(normal(6, 1, 4, 4)))
    state = build(BCR(), hooks=Shown(noise=0.1))
    with pytest.raises(ConfigError, match="at random") as error:
        update(state, "discriminator", Batch(normal(6, 1, 4, 4)))
    assert error.value.hint == "Remove the trick: --trick bcr:off"


def test_bcr_needs_images():
    with pytest.raises(ConfigError, match="bcr augments images"):
        dirac(BCR())
