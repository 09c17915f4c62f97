# SPDX-License-Identifier: MIT
"""Variants that are a loss, a penalty or a trick on a backbone: what each player minimizes."""

import re
import tomllib
from inspect import signature

import pytest
import torch
from documents import ROOT
from small_models import small
from small_states import state_of
from torch import nn
from torch.nn.functional import softplus
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils import parametrize

from ganbench import registry
from ganbench.config import adam, rmsprop
from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.harness.builtin_suites import builtin_suites
from ganbench.runtime.process_group import ProcessGroup
from ganbench.step import alternate, gradients
from ganbench.training.build import create
from ganbench.training.distributed import check_parts
from ganbench.trick import Tricks
from ganbench.turn import Turn

POINTS = DataSpec("points", "1", (2,))
IMAGES = DataSpec("images", "1", (1, 16, 16))
IMAGES_WITH_CLASSES = DataSpec("images", "1", (1, 16, 16), classes=3)
BATCH = Batch(torch.randn(6, 2, generator=torch.Generator().manual_seed(0)))

LOSSES = {
    "hinge": (lambda r, f: (1 - r).relu().mean() + (1 + f).relu().mean(), lambda r, f: -f.mean()),
    "wasserstein": (lambda r, f: f.mean() - r.mean(), lambda r, f: -f.mean()),
    "logarithm": (
        lambda r, f: softplus(-r).mean() + softplus(f).mean(),
        lambda r, f: softplus(-f).mean(),
    ),
    "pairs": (lambda r, f: softplus(f - r).mean(), lambda r, f: softplus(r - f).mean()),
    "average": (
        lambda r, f: softplus(f.mean() - r).mean() + softplus(f - r.mean()).mean(),
        lambda r, f: softplus(r.mean() - f).mean() + softplus(r - f.mean()).mean(),
    ),
}
MODELS = {
    "wgan": ("wasserstein", {"weight-clipping"}, 5),
    "wgan-lp": ("wasserstein", {"gradient-penalty"}, 5),
    "wgan-div": ("wasserstein", {"wgan-div"}, 5),
    "hinge": ("hinge", set(), 1),
    "dragan": ("logarithm", {"dragan"}, 1),
    "sngan": ("hinge", {"spectral-norm"}, 5),
    "ragan": ("average", set(), 1),
    "rpgan": ("pairs", set(), 1),
    "pacgan": ("logarithm", {"pacgan"}, 1),
    "unrolled": ("logarithm", {"unrolled"}, 1),
    "logan": ("hinge", {"logan", "spectral-norm"}, 1),
}
"""The loss of each model, its tricks, and the discriminator's steps in an iteration."""


def state_with_tricks(model, data=POINTS):
    gan = small(model, data)
    recipe = gan.recipe.model_copy(update={"batch_size": 6})
    return state_of(gan, data, gan.tricks, recipe=recipe)


@pytest.mark.parametrize("backbone", ["dcgan", "fastgan"])
def test_no_batch_norm_under_a_penalty_on_gradients(backbone):
    """Batch normalization couples the examples, of each of which a penalty wants the gradient."""
    penalized = set()
    for model in registry.models.names():
        if "backbone" not in signature(registry.models.get(model)).parameters:
            continue
        data = IMAGES_WITH_CLASSES
        gan = create(model, data, {"backbone": backbone})
        if any(trick.differentiates for trick in gan.tricks):
            penalized.add(model)
            layers = gan.discriminator(data.shape).modules()
            assert not any(isinstance(layer, _BatchNorm) for layer in layers), model
    assert {"r3gan", "stylegan2-ada", "wgan-gp"} <= penalized


@pytest.mark.parametrize("name", ["zoo-losses", "zoo-fashion"])
def test_docs_say_which_models_of_a_suite_have_no_batch_norm(name):
    models = tomllib.loads(builtin_suites()[name].read_text())["models"]
    without = set()
    for model in models:
        gan = create(model, IMAGES, {"backbone": "dcgan"})
        layers = gan.discriminator(IMAGES.shape).modules()
        if not any(isinstance(layer, _BatchNorm) for layer in layers):
            without.add(model)
    text = " ".join((ROOT / "docs/zoo.md").read_text().split())
    pattern = {
        "zoo-losses": "those of ([^.;]*) have no batch normalization",
        "zoo-fashion": "batch normalization except with ([^.;]*);",
    }[name]
    named = set(re.findall("`([^`]*)`", re.search(pattern, text)[1]))
    unmeasured = {"r3gan"} if name == "zoo-fashion" else set()
    assert named == without - unmeasured


@pytest.mark.parametrize("model", MODELS)
def test_what_each_player_minimizes(model):
    loss, tricks, steps = MODELS[model]
    for data in (POINTS, IMAGES):
        gan = create(model, data)
        assert {registry.name_of(trick) for trick in gan.tricks} == tricks
        assert gan.recipe.discriminator_steps == steps
    state = state_with_tricks(model)
    for role, expected in zip(("discriminator", "generator"), LOSSES[loss], strict=True):
        turn = gradients(state, role, BATCH)
        value = expected(turn.real.logits, turn.fake.logits)
        torch.testing.assert_close(turn.terms["adversarial"], value)
        penalties = turn.terms.keys() - {"adversarial"}
        penalized = tricks & {"gradient-penalty", "wgan-div", "dragan"}
        assert {name.partition("/")[0] for name in penalties} == (
            penalized if role == "discriminator" else set()
        )


@pytest.mark.parametrize(("data", "limit"), [(POINTS, 0.1), (IMAGES, 0.01)])
def test_wgan_clips_its_critic(data, limit):
    state = state_with_tricks("wgan", data)
    batch = Batch(torch.rand(6, *data.shape) * 2 - 1)
    alternate(state, lambda: batch)
    weights = torch.cat([weight.flatten() for weight in state.parameters("discriminator")])
    assert weights.abs().max().item() == pytest.approx(limit)
    assert max(weight.abs().max() for weight in state.parameters("generator")) > limit
    recipe = create("wgan", IMAGES).recipe
    assert recipe.generator_optimizer == recipe.discriminator_optimizer == rmsprop(5e-5)


def test_dragan_penalizes_images_as_in_the_paper_and_points_less():
    for data, weight in ((IMAGES, 10.0), (POINTS, 0.1)):
        gan = create("dragan", data)
        assert [trick.weight for trick in gan.tricks] == [weight]
    assert create("dragan", IMAGES).recipe.generator_optimizer == adam(1e-4, (0.5, 0.9))


@pytest.mark.parametrize("model", ["wgan-lp", "wgan-div", "dragan", "sngan", "logan"])
def test_a_critic_of_bounded_slope_has_no_batch_normalization(model):
    network = create(model, IMAGES).discriminator(IMAGES.shape)
    assert not [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]


def test_sngan_normalizes_each_layer_of_a_residual_discriminator():
    state = state_with_tricks("sngan", IMAGES)
    assert type(state.discriminator).__name__ == "ResidualDiscriminator"
    layers = [each for each in state.discriminator.modules() if isinstance(each, nn.Conv2d)]
    assert len(layers) == 7
    assert all(parametrize.is_parametrized(each, "weight") for each in layers)
    assert create("sngan", IMAGES).recipe.generator_optimizer == adam(2e-4, (0.0, 0.9))


def test_pacgan_judges_pairs_of_examples():
    state = state_with_tricks("pacgan")
    turn = Turn(state, "discriminator", BATCH)
    packs = torch.cat([BATCH.images[::2], BATCH.images[1::2]], 1)  # (3, 4)
    torch.testing.assert_close(turn.real.logits, state.discriminator.network(packs))


def test_unrolled_looks_five_steps_ahead():
    state = state_with_tricks("unrolled")
    turn = gradients(state, "generator", BATCH)
    met = turn.fake.logits
    assert not torch.equal(met, state.discriminate(turn.fake.images))
    state.recipe = state.recipe.model_copy(update={"discriminator_steps": 5})
    for weight in state.parameters("generator"):
        weight.grad = None
    # Five plain steps on this batch and these fakes, as the trick foresees them.
    for _ in range(5):
        inner = Turn(state, "discriminator", BATCH, fakes=turn.fake.batch)
        total = softplus(-inner.real.logits).mean() + softplus(inner.fake.logits).mean()
        weights = state.parameters("discriminator")
        for weight, gradient in zip(
            weights, torch.autograd.grad(total, weights, retain_graph=True), strict=True
        ):
            weight.grad = gradient
        state.optimizers["discriminator"].step()
    torch.testing.assert_close(met, state.discriminate(turn.fake.images), rtol=1e-3, atol=1e-5)


def test_logan_moves_latents_by_natural_gradient_ascent():
    state = state_with_tricks("logan")
    turn = Turn(state, "discriminator", BATCH)
    assert turn.latents.abs().max() <= 1
    latents = turn.latents.detach()
    plain = state_with_tricks("logan")
    drawn = plain.draw_latents(6).requires_grad_()
    assert not torch.equal(drawn, latents)
    logits = plain.discriminate(plain.generate(drawn)[0])
    (slope,) = torch.autograd.grad(logits.sum(), drawn)
    step = 0.9 / (0.1 + slope.square().sum(1, keepdim=True)) * slope
    torch.testing.assert_close(latents, (drawn + step).clamp(-1, 1))


@pytest.mark.parametrize("model", ["ragan", "mmdgan"])
def test_a_loss_of_a_whole_batch_is_not_computed_from_parts(model):
    gan = create(model, POINTS)
    with pytest.raises(ConfigError, match=f"'{gan.loss.name}' is not a mean over examples"):
        check_parts(gan.recipe, gan.loss, Tricks([]), ProcessGroup(size=2))
