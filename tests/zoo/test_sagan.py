# SPDX-License-Identifier: MIT
"""SAGAN in a GAN: both networks normalized, two learning rates, classes where there are some."""

import pytest
import torch
from small_models import small
from small_states import state_of
from torch import nn
from torch.nn.utils import parametrize

from ganbench.gan import Batch, DataSpec
from ganbench.nn.residual import ClassBatchNorm2d
from ganbench.nn.self_attention import SelfAttention2d
from ganbench.step import alternate, gradients
from ganbench.training.build import create

LABELED = DataSpec("images", "1", (1, 16, 16), classes=3)
PLAIN = DataSpec("images", "1", (1, 16, 16))
LABELS = torch.tensor([0, 2, 1, 1])


def state(data):
    gan = small("sagan", data)
    recipe = gan.recipe.model_copy(update={"batch_size": 4})
    return state_of(gan, data, gan.tricks, recipe=recipe)


def batch_of(data):
    random = torch.Generator().manual_seed(0)
    images = torch.rand(4, *data.shape, generator=random) * 2 - 1
    return Batch(images, LABELS if data.classes else None)


@pytest.mark.parametrize("data", [LABELED, PLAIN], ids=["labeled", "plain"])
def test_every_layer_of_both_networks_has_a_spectral_norm_of_one(data):
    trained = state(data)
    for network in (trained.generator, trained.discriminator):
        kinds = (nn.Linear, nn.Conv2d)
        if network is trained.discriminator:
            kinds = (*kinds, nn.Embedding)  # those of the generator are gains and biases
        layers = [layer for layer in network.modules() if isinstance(layer, kinds)]
        assert sum(isinstance(layer, SelfAttention2d) for layer in network.modules()) == 1
        for layer in layers:
            assert parametrize.is_parametrized(layer, "weight")
            layer.train()
            for _ in range(200):
                weight = layer.weight
            assert abs(torch.linalg.matrix_norm(weight.flatten(1), 2) - 1) < 1e-2


@pytest.mark.parametrize("backbone", ["auto", "resnet:width=4"])
def test_the_discriminator_learns_four_times_as_fast_in_as_many_updates(backbone):
    recipe = create("sagan", PLAIN, {"backbone": backbone}).recipe
    assert recipe.generator_optimizer.learning_rate == 1e-4
    assert recipe.discriminator_optimizer.learning_rate == 4e-4
    assert recipe.generator_optimizer.betas == recipe.discriminator_optimizer.betas == (0.0, 0.9)
    trained = state(PLAIN)
    alternate(trained, lambda: batch_of(PLAIN))
    assert trained.updates == {"discriminator": 1, "generator": 1}


@pytest.mark.parametrize("data", [LABELED, PLAIN], ids=["labeled", "plain"])
def test_the_loss_is_a_hinge_and_labels_reach_both_networks_where_there_are_some(data):
    trained = state(data)
    turn = gradients(trained, "discriminator", batch_of(data))
    real, fake = turn.real.logits, turn.fake.logits
    expected = (1 - real).relu().mean() + (1 + fake).relu().mean()
    torch.testing.assert_close(turn.terms, {"adversarial": expected})
    turn = gradients(trained, "generator", batch_of(data))
    torch.testing.assert_close(turn.terms, {"adversarial": -turn.fake.logits.mean()})
    condition = turn.fake.seen.condition
    assert torch.equal(condition, LABELS) if data.classes else condition is None


def class_norms(network):
    return [layer for layer in network.modules() if isinstance(layer, ClassBatchNorm2d)]


def test_gains_start_at_one_and_biases_at_zero_and_each_class_learns_its_own():
    trained = state(LABELED)
    norms = class_norms(trained.generator)
    assert len(norms) == 4  # of two blocks
    for norm in norms:
        for layer in (norm.gain, norm.bias):
            assert not parametrize.is_parametrized(layer)
            assert not layer.weight.any()
    labels = torch.tensor([0, 2, 0, 2])
    batch = Batch(batch_of(LABELED).images, labels)
    gradients(trained, "generator", batch)
    for norm in norms:
        for layer in (norm.gain, norm.bias):
            assert layer.weight.grad.any(1).tolist() == [True, False, True]


def test_a_class_acts_through_the_gains_and_biases_of_the_generator():
    trained = state(LABELED)
    generator = trained.generator.eval()
    for norm in class_norms(generator):
        nn.init.normal_(norm.gain.weight, 0, 0.1)
    latents = torch.randn(2, trained.recipe.latent_dim)
    first, second = (generator(latents, torch.tensor([0, label])) for label in (0, 1))
    assert torch.equal(first[0], second[0])
    assert not torch.allclose(first[1], second[1])
