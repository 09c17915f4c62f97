# SPDX-License-Identifier: MIT
"""How tricks change networks, and the images that the discriminator sees."""

import copy

import numpy as np
import pytest
import torch
from small_states import state_of
from torch import nn
from torch.nn.functional import pad
from torch.nn.utils import parametrize

from ganbench import registry
from ganbench.config import Recipe, sgd
from ganbench.errors import ConfigError
from ganbench.gan import GAN, Batch, DataSpec
from ganbench.losses import wasserstein
from ganbench.nn import MLP, ConvDiscriminator, ConvGenerator
from ganbench.step import discriminator_objective, update
from ganbench.tricks.diffaugment import DiffAugment
from ganbench.tricks.gradient_penalty import GradientPenalty
from ganbench.tricks.instance_noise import InstanceNoise
from ganbench.tricks.pacgan import PacGAN
from ganbench.tricks.r1 import R1
from ganbench.tricks.spectral_norm import SpectralNorm
from ganbench.turn import Seen, Turn

pytestmark = pytest.mark.usefixtures("float64")

RATE = 0.1


def linear(shape):
    return nn.Linear(shape[0], 1, bias=False)


def build(*tricks, shape=(2,), discriminator=linear, generator=None, batch_size=6, **flags):
    gan = GAN(
        generator=generator or (lambda latent_dim: MLP((latent_dim,), (4,), shape)),
        discriminator=discriminator,
        loss=wasserstein,
        recipe=Recipe(
            kimg=1,
            batch_size=batch_size,
            latent_dim=3,
            generator_optimizer=sgd(RATE),
            discriminator_optimizer=sgd(RATE),
        ),
        **flags,
    )
    return state_of(gan, DataSpec("some", "1", shape), tricks, seed=2)


def normal(*size, seed=0):
    return torch.randn(*size, generator=torch.Generator().manual_seed(seed))


def seen_by_discriminator(state):
    """Return a list to which every input of the discriminator is appended from now on."""
    seen = []
    state.discriminator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    return seen


# -- spectral normalization ------------------------------------------------------------------------


class Layers(nn.Module):
    """One layer of each kind, whose weights are read; it is never called."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(5, 7)
        self.convolution = nn.Conv2d(3, 4, 3)
        self.transposed = nn.ConvTranspose2d(3, 4, 3)
        self.embedding = nn.Embedding(6, 5)


def test_spectral_norm_is_one():
    network = SpectralNorm().wrap_discriminator(lambda shape: Layers(), None)((5,))
    before = copy.deepcopy(network)
    for _ in range(300):  # reading a weight in training mode is a power iteration
        matrices = [
            network.linear.weight,
            network.convolution.weight.flatten(1),
            network.transposed.weight.transpose(0, 1).flatten(1),
            network.embedding.weight,
        ]
    for matrix in matrices:
        assert torch.linalg.matrix_norm(matrix, 2).item() == pytest.approx(1.0, abs=1e-6)
    network.eval()
    assert torch.equal(network.linear.weight, network.linear.weight)
    assert "linear.parametrizations.weight.0._u" in network.state_dict()
    first, last = (net.linear.parametrizations.weight[0]._u for net in (before, network))
    assert not torch.equal(first, last)


class FreeEnd(Layers):
    """A network of which one layer is to stay as it is."""

    free_layers = ("linear",)


def test_layers_that_a_part_of_a_network_names_are_not_normalized():
    network = nn.Sequential(FreeEnd(), nn.Linear(7, 1))
    normalized = SpectralNorm().wrap_discriminator(lambda shape: network, None)((5,))
    free = {
        name
        for name, layer in normalized[0].named_children()
        if not parametrize.is_parametrized(layer)
    }
    assert free == {"linear"}
    assert parametrize.is_parametrized(normalized[1])


def test_spectral_norm_update():
    """For D(x) = w . x / |w|, the gradient g in w/|w| becomes (g - (g . w) w / |w|^2) / |w|."""
    state = build(SpectralNorm())
    weight = state.discriminator.weight.detach()
    original = state.discriminator.parametrizations.weight.original
    start = original.detach().clone()
    torch.testing.assert_close(weight, start / start.norm())
    turn = Turn(build(SpectralNorm()), "discriminator", Batch(normal(6, 2)))
    slope = turn.fake.images.detach().mean(0) - turn.real.images.detach().mean(0)
    unit = (start / start.norm())[0]
    update(state, "discriminator", Batch(normal(6, 2)))
    expected = start[0] - RATE * (slope - (slope @ unit) * unit) / start.norm()
    torch.testing.assert_close(original.detach()[0], expected)


def test_spectral_norm_of_a_single_weight_never_moves_it():
    """It is its own norm: D(x) = sign(w) x."""
    state = build(SpectralNorm(), shape=(1,))
    before = state.discriminator.parametrizations.weight.original.item()
    update(state, "discriminator", Batch(normal(6, 1)))
    after = state.discriminator.parametrizations.weight.original.item()
    assert after == pytest.approx(before, abs=1e-15)
    assert state.discriminator.weight.item() == pytest.approx(np.sign(before))


def test_spectral_norm_refuses_weights_that_begin_at_zero():
    """Zero divided by zero would be the first thing that the network computes."""

    def network(shape):
        layers = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
        nn.init.zeros_(layers[1].weight)
        return layers

    with pytest.raises(ConfigError, match="those of the layer 1 begin at zero"):
        SpectralNorm().wrap_discriminator(network, None)((3,))


@pytest.mark.parametrize("name", ["stylegan2", "progan"])
def test_spectral_norm_refuses_weights_with_an_equalized_learning_rate(name):
    """It used to normalize none of their layers, and said nothing."""
    data = DataSpec("images", "1", (1, 16, 16))
    with pytest.raises(ConfigError, match="so does the equalized learning rate"):
        state_of(registry.models.get(name)(data), data, [SpectralNorm()])


def test_spectral_norm_keeps_the_initial_weights():
    plain, normalized = build().discriminator, build(SpectralNorm()).discriminator
    assert torch.equal(plain.weight, normalized.parametrizations.weight.original)


@pytest.mark.parametrize("both", [False, True])
def test_spectral_norm_of_the_generator_is_asked_for(both):
    state = build(SpectralNorm(generator=both))
    keys = state.generator.state_dict()
    assert any("parametrizations" in key for key in keys) is both


def test_spectral_norm_leaves_the_embeddings_of_a_generator_alone():
    """Even where they begin at zero, as deviations of gains from one do."""

    def embedded(latent_dim):
        network = Layers()
        nn.init.zeros_(network.embedding.weight)
        return network

    network = SpectralNorm(generator=True).wrap_generator(embedded, None)(5)
    normalized = {
        name for name, layer in network.named_children() if parametrize.is_parametrized(layer)
    }
    assert normalized == {"linear", "convolution", "transposed"}


# -- packing ---------------------------------------------------------------------------------------


def test_pacgan_judges_consecutive_points_together():
    state = build(PacGAN(size=3))
    points = normal(6, 2)
    weight = state.discriminator.network.weight[0]
    assert weight.shape == (6,)
    expected = torch.stack([torch.cat([*points[:3]]) @ weight, torch.cat([*points[3:]]) @ weight])
    torch.testing.assert_close(state.discriminate(points)[:, 0], expected)


def test_pacgan_stacks_images_along_channels():
    state = build(
        PacGAN(size=2),
        shape=(3, 16, 16),
        discriminator=lambda shape: ConvDiscriminator(shape, width=2, norm="none"),
    )
    images = normal(6, 3, 16, 16)
    packs = torch.stack([torch.cat([images[i], images[i + 1]]) for i in (0, 2, 4)])
    torch.testing.assert_close(state.discriminate(images), state.discriminator.network(packs))


def test_penalties_span_the_pack():
    """The gradient of D(x_1, x_2) = w . (x_1, x_2) is all of w."""
    state = build(PacGAN(size=2), GradientPenalty(weight=3.0), R1(weight=0.8))
    terms = discriminator_objective(Turn(state, "discriminator", Batch(normal(6, 2))))
    norm = state.discriminator.network.weight.norm()
    torch.testing.assert_close(terms["gradient-penalty/penalty"], 3 * (norm - 1).square())
    torch.testing.assert_close(terms["r1/penalty"], 0.4 * norm.square())


def test_a_pack_is_interpolated_along_one_line():
    state = build(PacGAN(size=2), GradientPenalty())
    seen = seen_by_discriminator(state)
    fakes = Batch(torch.ones(6, 2))
    discriminator_objective(Turn(state, "discriminator", Batch(torch.zeros(6, 2)), fakes=fakes))
    packs = seen[2].reshape(3, 4)  # with 0 for real and 1 for fake, the share along the line
    assert (packs == packs[:, :1]).all()
    assert len(packs.unique()) == 3
    assert ((packs > 0) & (packs < 1)).all()


def test_pacgan_refuses():
    with pytest.raises(ConfigError, match="multiple of 4, not 6") as raised:
        build(PacGAN(size=4))
    assert "--batch-size 8" in raised.value.hint
    with pytest.raises(ConfigError, match="conditional"):
        build(PacGAN(size=2), conditional=True)


# -- instance noise --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("images_seen", "sigma"), [(0, 0.4), (100, 0.3), (200, 0.2), (400, 0.0), (900, 0.0)]
)
def test_instance_noise(images_seen, sigma):
    """Gaussian, newly drawn, and falling to zero over 40 % of a training of 1000 images."""
    trick = InstanceNoise(sigma=0.4, until=0.4)
    state = build(trick)
    state.images_seen = images_seen
    turn = Turn(state, "discriminator", Batch(torch.zeros(50_000, 2)))
    assert trick.sigma_now(state) == pytest.approx(sigma)
    seen = Seen(turn.batch.images)
    first, second = (trick.see(seen, turn.real, turn).images for _ in range(2))
    assert first.std().item() == pytest.approx(sigma, rel=0.01)
    assert first.mean().item() == pytest.approx(0, abs=0.01)
    assert torch.equal(first, second) is (sigma == 0)
    assert torch.corrcoef(first.T)[0, 1].abs() < 0.02 or sigma == 0


@pytest.mark.parametrize("trick", [InstanceNoise(), DiffAugment()], ids=["noise", "diffaugment"])
def test_views_are_what_both_players_see(trick):
    """Real and fake images are viewed in both turns; the images themselves stay as they are."""
    state = build(
        trick,
        shape=(1, 16, 16),
        discriminator=lambda shape: ConvDiscriminator(shape, width=2, norm="none"),
        generator=lambda latent_dim: ConvGenerator(latent_dim, (1, 16, 16), width=2),
    )
    seen = seen_by_discriminator(state)
    for role in ("discriminator", "generator"):
        turn = Turn(state, role, Batch(normal(6, 1, 16, 16)))
        raw = [turn.fake.images.detach().clone(), turn.batch.images.clone()]
        turn.fake.logits, turn.real.logits  # noqa: B018
        assert torch.equal(raw[0], turn.fake.images)
        assert torch.equal(raw[1], turn.real.images)
        for view, images in zip(seen, raw, strict=True):
            assert view.shape == images.shape
            assert not torch.isclose(view, images).all(dim=(1, 2, 3)).any()
        seen.clear()


# -- DiffAugment -----------------------------------------------------------------------------------


def augment(images, **strengths):
    trick = DiffAugment(**{"color": 0.0, "translation": 0.0, "cutout": 0.0, **strengths})
    return trick.augment(images, torch.Generator().manual_seed(0))


def test_translation_moves_by_whole_pixels():
    images = normal(400, 2, 16, 12)
    moved = augment(images, translation=0.125)
    reach = {2: 2, 3: 2}  # int(0.125 * 16 + 0.5) and int(0.125 * 12 + 0.5)
    padded = pad(images, (2, 2, 2, 2))
    shifts = []
    for before, after in zip(padded, moved, strict=True):
        matches = [
            (down, right)
            for down in range(-reach[2], reach[2] + 1)
            for right in range(-reach[3], reach[3] + 1)
            if torch.equal(after, before[:, 2 - down : 18 - down, 2 - right : 14 - right])
        ]
        assert len(matches) == 1
        shifts += matches
    assert len(set(shifts)) == 25  # every shift occurs
    assert np.abs(np.mean(shifts, axis=0)).max() < 0.3


def test_cutout_is_one_rectangle_of_zeros():
    images = torch.rand(400, 2, 16, 10, generator=torch.Generator().manual_seed(0)) + 1
    cut = augment(images, cutout=0.5)
    hole = cut == 0
    assert torch.equal(cut[~hole], images[~hole])
    assert torch.equal(hole[:, 0], hole[:, 1])
    heights, widths = hole[:, 0].any(2).sum(1), hole[:, 0].any(1).sum(1)
    assert torch.equal(hole[:, 0].sum((1, 2)), heights * widths)  # full, hence a rectangle
    assert (heights.min(), heights.max()) == (4, 8)  # a half, or less at the border
    assert (widths.min(), widths.max()) == (3, 5)  # the middle pixel of five is in the image
    share = hole[:, 0].double().mean(0)
    assert share.min() > 0.02  # no pixel is safe
    assert share[8, 5] > share[0, 0]


def test_color_is_brightness_saturation_and_contrast():
    images = normal(300, 3, 4, 4)
    changed = augment(images, color=1.0)
    brightness = changed.mean((1, 2, 3)) - images.mean((1, 2, 3))
    assert (brightness.abs() <= 0.5).all()
    assert brightness.min() < -0.45
    assert brightness.max() > 0.45

    def parts(batch):  # hue around gray, and gray around the mean; each of them is scaled
        gray = batch.mean(1, keepdim=True)
        return batch - gray, gray - batch.mean((1, 2, 3), keepdim=True)

    (hue, light), (hue_before, light_before) = parts(changed), parts(images)
    contrast = (light * light_before).sum((1, 2, 3)) / light_before.square().sum((1, 2, 3))
    color = (hue * hue_before).sum((1, 2, 3)) / hue_before.square().sum((1, 2, 3))
    torch.testing.assert_close(light, contrast[:, None, None, None] * light_before)
    torch.testing.assert_close(hue, color[:, None, None, None] * hue_before)
    for factors, low, high in ((contrast, 0.5, 1.5), (color / contrast, 0.0, 2.0)):
        assert factors.min() >= low - 1e-9
        assert factors.max() <= high + 1e-9
        assert factors.std().item() == pytest.approx((high - low) / 12**0.5, rel=0.1)


def test_diffaugment_is_differentiable():
    """First and second derivatives, as penalties through it need them."""
    images = normal(2, 3, 6, 5).requires_grad_()
    for strengths in ({"color": 1.0}, {"translation": 0.3}, {"cutout": 0.5}):

        def view(images, strengths=strengths):
            full = {"color": 0.0, "translation": 0.0, "cutout": 0.0, **strengths}
            return DiffAugment(**full).augment(images, torch.Generator().manual_seed(1))

        assert torch.autograd.gradcheck(view, images)
        assert torch.autograd.gradgradcheck(lambda x, view=view: view(x).square(), images)


def test_diffaugment_refuses_points():
    with pytest.raises(ConfigError, match="points of 2 numbers"):
        build(DiffAugment())
