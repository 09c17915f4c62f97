# SPDX-License-Identifier: MIT
"""Every registered model on every kind of data that it takes; a new model is included by itself."""

import ast
import copy
import itertools
import re
from pathlib import Path

import pytest
import torch
from small_models import small, takes
from small_states import state_of
from torch import nn

import ganbench
from ganbench import registry
from ganbench.config import adam
from ganbench.errors import ConfigError
from ganbench.gan import GAN, Batch, DataSpec, Mixture
from ganbench.step import alternate, gradients
from ganbench.training.build import create

ZOO = sorted(
    path for path in Path(registry.models.entry("vanilla").path).parent.glob("*.py")
    if path.name != "__init__.py"
)  # fmt: skip
MODELS = registry.models.names()
SHAPES = {
    "gray-28": (1, 28, 28),
    "color-28": (3, 28, 28),
    "gray-32": (1, 32, 32),
    "color-32": (3, 32, 32),
    "color-64": (3, 64, 64),
    "color-128": (3, 128, 128),
    "color-33x50": (3, 33, 50),
    "points": (2,),
    "pairs-32": (3, 32, 32),
    "sound": (1, 256),
    "text": (5, 12),
}
SOURCES = {"pairs-32": (1, 32, 32)}


RESTING = {"progan"}
"""Models of which some layers rest at any moment, with no gradient, because they grow."""


TWO_PASSES = {"logan"}
"""Models whose fakes take two passes: over latents of the prior, then over improved ones."""


def data_of(kind):
    shape = SHAPES[kind]
    mixture = Mixture(((-1.0, 0.0), (1.0, 0.0)), 0.1) if kind == "points" else None
    alphabet = tuple("abcde") if kind == "text" else None
    source = SOURCES.get(kind)
    return DataSpec(kind, "1", shape, classes=2, mixture=mixture, alphabet=alphabet, source=source)


def values_of(shape, count):
    return None if shape is None else torch.rand(count, *shape).mul_(2).sub_(1)


def build(model, data, **changes):
    gan = small(model, data)
    recipe = gan.recipe.model_copy(update={"kimg": 0.1, **changes})
    return gan, state_of(gan, data, gan.tricks, recipe=recipe)


CASES = [case for case in itertools.product(MODELS, SHAPES) if case != ("vanilla", "color-128")]
"""All cases except a perceptron with 75 million weights."""


@pytest.fixture(params=CASES, ids="-".join)
def taken(request):
    """Return a model, and data that it takes."""
    model, kind = request.param
    data = data_of(kind)
    refusal = None
    try:
        assert isinstance(create(model, data), GAN)
    except ConfigError as error:
        refusal = error
    assert (refusal is None) == takes(model, data)
    if refusal is not None:
        assert refusal.hint, "a refusal says what to use instead"
        pytest.skip(f"{model} refuses {kind}")
    return model, data


def test_one_step_runs_and_moves_every_weight(taken):
    model, data = taken
    torch.manual_seed(0)
    changes = {"discriminator_steps": 1} if data.resolution > 32 else {}  # large ones take long
    # Several points of a wide range, so that narrow perceptrons do not compute one linear function
    # of real and fake examples: their biases would cancel in a loss of differences.
    count, spread = (2, 1) if data.is_image else (16, 4)
    gan, state = build(model, data, batch_size=count, **changes)
    for network in (state.generator, state.discriminator, *state.partners.values()):
        for name, weight in network.named_parameters():
            if not weight.any() and not name.endswith("bias"):
                nn.init.normal_(weight, 0, 0.1)  # zeros hide what they act on for a step
    before = {role: [w.detach().clone() for w in state.parameters(role)] for role in state.updates}
    examples, source = values_of(data.shape, count) * spread, values_of(data.source, count)
    values = Batch(examples, torch.arange(count) % 2, source=source)

    def batch():
        return values

    latents = state.prior(4, torch.Generator().manual_seed(1))
    labels = torch.arange(4) % 2 if gan.conditional is True else None
    source = values_of(data.source, 4)
    with torch.no_grad():
        examples, _ = state.generate(
            latents, state.condition_of(Batch(latents, labels, source=source))
        )
    assert examples.shape == (4, *data.shape)
    if data.is_image:
        assert examples.abs().max() <= 1
    state.tricks.step_rule(alternate)(state, batch)
    assert state.updates["discriminator"] == state.recipe.discriminator_steps
    for role, weights in before.items():
        for index, (old, new) in enumerate(zip(weights, state.parameters(role), strict=True)):
            assert new.isfinite().all()
            # The last bias of a critic cancels in E[D(x)] - E[D(G(z))].
            moved = old.numel() == 1 or not torch.equal(old, new)
            moved = moved or (model in RESTING and new.grad is None)
            assert moved, f"{role} {index} {tuple(old.shape)} did not move"
    logits = state.sampler().judge(Batch(examples, labels, source, latents))
    assert 4 % len(logits) == 0  # with PacGAN, a logit for each pack
    assert logits.isfinite().all()


LARGE = [kind for kind in SHAPES if data_of(kind).is_image and data_of(kind).resolution > 32]


@pytest.mark.parametrize(
    "taken", [case for case in CASES if case[1] in LARGE], ids="-".join, indirect=True
)
def test_large_images_are_trained_on_for_as_long_as_small_ones_at_least(taken):
    model, data = taken
    assert create(model, data).recipe.kimg >= create(model, data_of("color-32")).recipe.kimg


def running_statistics(network):
    return {name: value for name, value in network.named_buffers() if ".running_" in f".{name}"}


@pytest.mark.parametrize("role", ["discriminator", "generator"])
@pytest.mark.parametrize("model", [model for model in MODELS if model not in TWO_PASSES])
def test_samples_are_drawn_with_the_statistics_of_what_the_prior_makes(model, role):
    """Those of an update are those of one pass over its latents, whatever else it generated."""
    data = data_of("gray-32")
    torch.manual_seed(0)
    try:
        _, state = build(model, data, batch_size=4)
    except ConfigError:
        pytest.skip(f"{model} takes other data")
    if not running_statistics(state.generator):
        pytest.skip(f"the generator of {model} keeps no statistics")
    alone = copy.deepcopy(state.generator)
    batch = Batch(values_of(data.shape, 4), torch.arange(4) % 2)
    turn = gradients(state, role, batch)
    with torch.no_grad():
        alone(*[each for each in (turn.latents, turn.condition) if each is not None])
    torch.testing.assert_close(running_statistics(state.generator), running_statistics(alone))


@pytest.mark.parametrize("path", ZOO, ids=lambda path: path.stem)
def test_a_file_holds_one_model_and_names_its_paper(path):
    entries = list(registry.scan(path, "zoo"))
    assert [entry.name for entry in entries] == [registry.canonical(path.stem)]
    assert re.search(r"arXiv:\d{4}\.\d{4,5}$", entries[0].paper)
    assert re.search(r", (19|20)\d\d, arXiv", entries[0].paper)
    module = ast.get_docstring(ast.parse(path.read_text()))
    assert "\nPaper: " in module
    assert "Departs from" in module
    assert entries[0].summary.endswith(".")


def linear_sizes(network):
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    return [(layer.in_features, layer.out_features) for layer in layers]


def test_vanilla_has_the_layers_of_the_article():
    gan = ganbench.create("vanilla", data_of("gray-28"))
    generator, discriminator = gan.generator(gan.recipe.latent_dim), gan.discriminator((1, 28, 28))
    assert linear_sizes(generator) == [(100, 256), (256, 512), (512, 1024), (1024, 784)]
    assert linear_sizes(discriminator) == [(784, 512), (512, 256), (256, 1)]
    kinds = [type(layer).__name__ for layer in generator.layers]
    assert kinds == ["Flatten", *["Linear", "LeakyReLU"] * 3, "Linear", "Tanh"]
    kinds = [type(layer).__name__ for layer in discriminator.layers]
    assert kinds == ["Flatten", *["Linear", "LeakyReLU"] * 2, "Linear"]
    slopes = {
        layer.negative_slope
        for network in (generator, discriminator)
        for layer in network.modules()
        if isinstance(layer, nn.LeakyReLU)
    }
    assert slopes == {0.2}
    count = 101 * 256 + 257 * 512 + 513 * 1024 + 1025 * 784
    assert sum(weight.numel() for weight in generator.parameters()) == count == 1_486_352
    count = 785 * 512 + 513 * 256 + 257
    assert sum(weight.numel() for weight in discriminator.parameters()) == count == 533_505


def test_the_recipes_are_the_papers():
    gray, points = data_of("gray-28"), data_of("points")
    for model in ("vanilla", "dcgan"):
        recipe = create(model, gray).recipe
        assert recipe.generator_optimizer == recipe.discriminator_optimizer
        assert recipe.generator_optimizer == adam(2e-4, (0.5, 0.999))
        assert recipe.discriminator_steps == 1
        assert recipe.latent_dim == 100
        assert create(model, gray).loss.name == "non-saturating"
    for data, weight in ((gray, 10.0), (points, 0.1)):
        gan = create("wgan-gp", data)
        assert gan.loss.name == "wasserstein"
        assert gan.recipe.discriminator_steps == 5
        assert [registry.name_of(trick) for trick in gan.tricks] == ["gradient-penalty"]
        assert gan.tricks[0].weight == weight
    assert create("wgan-gp", gray).recipe.generator_optimizer == adam(1e-4, (0.0, 0.9))


def test_a_critic_under_a_penalty_has_no_batch_normalization():
    for kind in ("gray-28", "color-64"):
        gan = create("wgan-gp", data_of(kind))
        critic = gan.discriminator(SHAPES[kind])
        assert not [layer for layer in critic.modules() if isinstance(layer, nn.BatchNorm2d)]


def test_dcgan_refuses_points_and_images_that_cannot_be_halved():
    with pytest.raises(ConfigError, match="dcgan draws images, and points holds points"):
        create("dcgan", data_of("points"))
    gan = create("dcgan", DataSpec("tiny", "1", (1, 5, 30)))
    with pytest.raises(ConfigError, match="5 x 30 pixels"):
        gan.generator(4)


@pytest.mark.parametrize("model", ["began", "msggan", "stylegan2"])
@pytest.mark.parametrize(
    ("shape", "held"), [((2,), "points"), ((1, 64), "sequences"), ((1, 4, 16, 16), "videos")]
)
def test_models_for_images_say_what_other_data_hold(model, shape, held):
    with pytest.raises(ConfigError, match=f"{model} draws images, and given holds {held}"):
        create(model, DataSpec("given", "1", shape))
