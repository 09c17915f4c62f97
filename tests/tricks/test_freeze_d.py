# SPDX-License-Identifier: MIT
"""FreezeD: which weights of the discriminator move."""

import pytest
import torch
from small_models import small, takes
from small_states import state_of
from torch.nn.utils import parametrize

from ganbench import registry
from ganbench.config import Recipe, adam
from ganbench.errors import ConfigError
from ganbench.gan import GAN, Batch, DataSpec
from ganbench.losses import non_saturating
from ganbench.nn import ConvDiscriminator, ConvGenerator
from ganbench.step import update
from ganbench.tricks.freeze_d import FreezeD
from ganbench.tricks.multi_scale import MultiScale
from ganbench.tricks.several_discriminators import DiscriminatorEnsemble
from ganbench.tricks.spectral_norm import SpectralNorm
from ganbench.tricks.weight_norm import WeightNorm

IMAGES = DataSpec("images", "1", (1, 16, 16))


def build(*tricks):
    gan = GAN(
        generator=lambda latent_dim: ConvGenerator(latent_dim, IMAGES.shape, width=2),
        discriminator=lambda shape: ConvDiscriminator(shape, width=2),
        loss=non_saturating,
        recipe=Recipe(
            kimg=1,
            batch_size=4,
            latent_dim=3,
            generator_optimizer=adam(1e-3),
            discriminator_optimizer=adam(1e-3),
        ),
    )
    return state_of(gan, IMAGES, tricks)


def moving(state):
    """Return the names of the weights that an update of the discriminator moves."""
    weights = dict(state.discriminator.named_parameters())
    before = {name: weight.detach().clone() for name, weight in weights.items()}
    stream = torch.Generator().manual_seed(0)
    update(state, "discriminator", Batch(torch.rand(4, 1, 16, 16, generator=stream)))
    return {name for name, weight in weights.items() if not torch.equal(weight, before[name])}


@pytest.mark.parametrize(
    ("tricks", "first"),
    [
        ([DiscriminatorEnsemble(number=2)], ["networks.0.layers.0", "networks.1.layers.0"]),
        ([MultiScale(scales=2)], ["discriminators.0.layers.0", "discriminators.1.layers.0"]),
        (
            [DiscriminatorEnsemble(number=2), MultiScale(scales=2)],
            [f"networks.{n}.discriminators.{m}.layers.0" for n in (0, 1) for m in (0, 1)],
        ),
    ],
)
def test_each_of_several_discriminators_has_its_first_layers_frozen(tricks, first):
    frozen, plain = moving(build(FreezeD(), *tricks)), moving(build(*tricks))
    assert {name.removesuffix(".weight").removesuffix(".bias") for name in plain - frozen} == set(
        first
    )


FIRST = {"layers.0.weight", "layers.0.bias"}
SECOND = {"layers.2.weight", "layers.3.weight", "layers.3.bias"}  # with its normalization
LAST = {"layers.6.weight", "layers.6.bias"}


@pytest.mark.parametrize(
    ("layers", "expected"), [(0, FIRST | SECOND | LAST), (1, SECOND | LAST), (2, LAST)]
)
def test_the_first_layers_stay(layers, expected):
    state = build(FreezeD(layers=layers))
    assert moving(state) == expected
    held = state.optimizers["discriminator"].param_groups[0]["params"]
    assert len(held) == len(expected)


def test_the_others_move_as_they_would():
    frozen, plain = build(FreezeD(layers=1)), build()
    for state in (frozen, plain):
        moving(state)
    first, second = (state.discriminator.state_dict() for state in (frozen, plain))
    assert all(torch.equal(first[name], second[name]) for name in SECOND | LAST)


@pytest.mark.parametrize("trick", [SpectralNorm(), WeightNorm()])
def test_normalized_weights_stay_as_well(trick):
    moved = moving(build(FreezeD(layers=2), trick))
    assert moved
    assert all(name.startswith("layers.6.") for name in moved)


def test_a_discriminator_that_could_not_learn_is_refused():
    with pytest.raises(ConfigError, match="would freeze 3 layers, and the discriminator has 3"):
        build(FreezeD(layers=3))


SPEC = DataSpec("images", "1", (1, 16, 16), classes=2)


def first_layers(state):
    """Return the names of the layers that images meet first in a pass, one of each judge."""
    names = [name for name, part in state.discriminator.named_modules() if weighted(part)]
    called = []
    for name in names:
        part = state.discriminator.get_submodule(name)
        part.register_forward_pre_hook(lambda *_, name=name: called.append(name))
    for part in state.discriminator.modules():
        if hasattr(part, "level"):  # of a network that grows
            part.level.fill_(100.0)
            part.level.clamp_(max=len(part.from_image) - 1)
    with state.streams.networks():
        update(state, "discriminator", Batch(torch.rand(4, 1, 16, 16), torch.tensor([0, 1, 1, 0])))
    judges = getattr(state.discriminator, "judges", "")
    if not judges:
        return {called[0]}
    numbers = dict(state.discriminator.get_submodule(judges).named_children())
    heads = [f"{judges}.{number}." for number in numbers]
    return {next(name for name in called if name.startswith(head)) for head in heads}


def weighted(part):
    """Tell whether a part of a network has a matrix of weights, perhaps normalized."""
    weight = dict(part.named_parameters(recurse=False)).get("weight")
    return parametrize.is_parametrized(part) or (weight is not None and weight.ndim > 1)


@pytest.mark.parametrize("model", [name for name in registry.models.names() if takes(name, SPEC)])
def test_the_layer_that_an_image_meets_first_is_frozen_in_every_model(model):
    """A forward pass tells which it is, whatever the order in which a network lists its parts."""
    gan = small(model, SPEC)
    state, plain = (state_of(gan, SPEC, [*gan.tricks, *more]) for more in ([FreezeD()], []))
    learning = [weight.requires_grad for weight in plain.discriminator.parameters()]
    frozen = {
        name.replace(".parametrizations.weight", "").rpartition(".")[0]
        for (name, weight), learned in zip(
            state.discriminator.named_parameters(), learning, strict=True
        )
        if learned and not weight.requires_grad
    }
    layers = {name for name, part in state.discriminator.named_modules() if weighted(part)}
    first = first_layers(state)
    assert frozen & layers == first
    holders = {name for name in frozen - layers if any(each.startswith(name) for each in first)}
    assert not holders, "what holds the first layer may have weights at its end"
