# SPDX-License-Identifier: MIT
"""BigGAN in a GAN: two updates to one, an average of weights, with and without classes."""

import pytest
import torch
from small_models import small
from small_states import state_of
from torch import nn
from torch.nn.utils import parametrize

from ganbench.gan import Batch, DataSpec
from ganbench.step import alternate, gradients
from ganbench.training.trainer import evaluating

LABELED = DataSpec("images", "1", (1, 16, 16), classes=3)
PLAIN = DataSpec("images", "1", (1, 16, 16))
LABELS = torch.tensor([0, 2, 1, 1])


def state(data):
    gan = small("biggan", data)
    recipe = gan.recipe.model_copy(update={"batch_size": 4})
    return state_of(gan, data, gan.tricks, recipe=recipe)


def batch_of(data):
    random = torch.Generator().manual_seed(0)
    images = torch.rand(4, *data.shape, generator=random) * 2 - 1
    return Batch(images, LABELS if data.classes else None)


@pytest.mark.parametrize("data", [LABELED, PLAIN], ids=["labeled", "plain"])
def test_the_discriminator_makes_two_updates_on_a_hinge(data):
    trained = state(data)
    alternate(trained, lambda: batch_of(data))
    assert trained.updates == {"discriminator": 2, "generator": 1}
    turn = gradients(trained, "discriminator", batch_of(data))
    expected = (1 - turn.real.logits).relu().mean() + (1 + turn.fake.logits).relu().mean()
    torch.testing.assert_close(turn.terms, {"adversarial": expected})


def test_the_logit_is_psi_plus_the_inner_product_with_the_embedded_class():
    trained = state(LABELED)
    network, images = trained.discriminator.eval(), batch_of(LABELED).images
    features = nn.functional.leaky_relu(network.network(images), 0.2)
    expected = network.psi(features) + (network.embed.weight[LABELS] * features).sum(1)[:, None]
    torch.testing.assert_close(network(images, LABELS), expected)


def test_samples_come_from_an_average_of_weights_that_a_half_life_makes():
    trained = state(PLAIN)
    before = [weight.detach().clone() for weight in trained.generator.parameters()]
    alternate(trained, lambda: batch_of(PLAIN))
    beta = 0.5 ** (1 / 0.05)  # the half-life is at most 0.05 times the images seen
    with evaluating(trained):
        average = trained.sampler().generator
    for old, new, mean in zip(
        before, trained.generator.parameters(), average.parameters(), strict=True
    ):
        torch.testing.assert_close(mean, beta * old + (1 - beta) * new)


def test_both_networks_are_normalized_except_the_generators_embedding():
    trained = state(LABELED)
    for network in (trained.generator, trained.discriminator):
        for layer in network.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d | nn.Embedding):
                free = network is trained.generator and isinstance(layer, nn.Embedding)
                assert parametrize.is_parametrized(layer, "weight") is not free


def test_without_classes_the_parts_of_the_latent_alone_modulate_the_blocks():
    trained = state(PLAIN)
    generator = trained.generator.eval()
    size = trained.recipe.latent_dim
    latents = torch.randn(1, size).repeat(3, 1)
    latents[1, -1] += 1  # of the last part, which acts in the last block alone
    latents[2, 0] += 1
    maps = {}
    for index, block in enumerate(generator.body.blocks):
        block.register_forward_hook(lambda _, given, output, at=index: maps.update({at: output}))
    generator(latents)
    assert torch.equal(maps[0][0], maps[0][1])
    assert not torch.allclose(maps[1][0], maps[1][1])
    assert not torch.allclose(maps[0][0], maps[0][2])
