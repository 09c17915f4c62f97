# SPDX-License-Identifier: MIT
"""pix2pix: its terms in closed form, and the pairs that its networks see."""

from dataclasses import dataclass

import pytest
import torch
from small_states import state_of
from torch import nn

from ganbench.errors import ConfigError, ContractError
from ganbench.gan import GAN, Batch, DataSpec
from ganbench.losses import wasserstein
from ganbench.registry import register
from ganbench.step import generator_objective, update
from ganbench.training.build import create
from ganbench.training.contract import check_gan
from ganbench.trick import Trick
from ganbench.tricks.r1 import R1
from ganbench.turn import Turn

DATA = DataSpec("pairs", "1", (3, 16, 16), source=(1, 16, 16))


def batch_of(count=4):
    random = torch.Generator().manual_seed(0)
    return Batch(
        torch.rand(count, 3, 16, 16, generator=random).mul(2).sub(1),
        source=torch.rand(count, 1, 16, 16, generator=random).mul(2).sub(1),
    )


def state(tricks=(), **parameters):
    gan = create("pix2pix", DATA, {"width": 4, **parameters})
    return state_of(gan, DATA, tricks)


@pytest.mark.parametrize("weight", [0.0, 3.0, 100.0])
def test_l1_is_the_mean_absolute_difference_from_the_true_images(weight):
    trained = state(l1=weight)
    batch = batch_of()
    turn = Turn(trained, "generator", batch)
    terms = generator_objective(turn)
    assert set(terms) == {"adversarial", "variant/l1"}
    distance = sum(
        (true - made).abs().sum().item()
        for true, made in zip(batch.images, turn.fake.images, strict=True)
    )
    assert terms["variant/l1"].item() == pytest.approx(weight * distance / (4 * 3 * 16 * 16))
    logits = turn.fake.logits  # (B, 1, h, w): the loss is the mean over all patches
    assert logits.shape[:2] == (4, 1)
    assert logits[0].numel() > 1
    expected = torch.log1p(torch.exp(-logits.double())).mean()
    assert terms["adversarial"].item() == pytest.approx(expected.item(), rel=1e-5)


@register("reversed-fakes")
@dataclass(frozen=True)
class ReversedFakes(Trick):
    """Shows the fakes in another order."""

    def fakes(self, batch, turn):
        """Reverse them."""
        return batch.take(torch.arange(len(batch) - 1, -1, -1))


@pytest.mark.parametrize("reverse", [False, True])
def test_each_image_is_judged_next_to_its_own_source(reverse):
    trained = state([ReversedFakes()] if reverse else [])
    made, judged = [], []
    trained.generator.register_forward_hook(
        lambda network, inputs, output: made.append((inputs[1].clone(), output.clone()))
    )
    trained.discriminator.register_forward_pre_hook(
        lambda network, inputs: judged.append([values.detach().clone() for values in inputs])
    )
    batch = batch_of()
    update(trained, "discriminator", batch)
    ((given, drawn),) = made
    assert torch.equal(given, batch.source)
    (real, real_source), (fake, fake_source) = judged
    assert torch.equal(real, batch.images)
    assert torch.equal(real_source, batch.source)
    order = [3, 2, 1, 0] if reverse else [0, 1, 2, 3]
    assert torch.equal(fake, drawn[order])
    assert torch.equal(fake_source, batch.source[order])


class LinearPatches(nn.Module):
    """Four logits (B, 1, 2, 2), each ``slope`` times the sum of a quarter of the image."""

    def __init__(self):
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(0.3))

    def forward(self, images, source):
        quarters = nn.functional.avg_pool2d(images.sum(1, keepdim=True), 8) * 64
        return self.slope * quarters


def test_r1_is_that_of_the_mean_of_an_examples_patches():
    pix2pix = create("pix2pix", DATA, {"width": 4})
    gan = GAN(
        generator=pix2pix.generator,
        discriminator=lambda shape: LinearPatches(),
        loss=wasserstein,
        recipe=pix2pix.recipe,
        conditional="source",
    )
    trained = state_of(gan, DATA, [R1(weight=2.0)])
    (term,) = (
        R1(weight=2.0).discriminator_terms(Turn(trained, "discriminator", batch_of())).values()
    )
    values = 3 * 16 * 16  # each has the slope 0.3 / 4 in the mean of four logits
    assert term.item() == pytest.approx(0.5 * 2.0 * values * (0.3 / 4) ** 2, rel=1e-5)


def test_data_without_pairs_are_refused():
    alone = DataSpec("digits", "1", (1, 16, 16))
    with pytest.raises(ConfigError, match="pix2pix makes images from other images, and digits"):
        create("pix2pix", alone)
    with pytest.raises(ContractError, match="digits has no pairs"):
        check_gan(create("pix2pix", DATA), alone)


def test_samples_need_sources():
    with pytest.raises(ConfigError, match="none of pairs are at hand"):
        state().sampler()(2, torch.Generator())
