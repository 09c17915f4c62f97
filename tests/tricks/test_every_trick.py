# SPDX-License-Identifier: MIT
"""Properties of every registered trick; a new trick is included once it is registered."""

import functools
import itertools
import random
from dataclasses import fields

import pytest
import torch
from comparing import differing
from quick_tricks import QUICK
from small_states import state_of
from torch import nn

from ganbench import registry
from ganbench.config import Recipe, TrickConfig, adam, parse_trick
from ganbench.errors import ConfigError
from ganbench.gan import GAN, Batch, DataSpec
from ganbench.losses import non_saturating
from ganbench.nn import MLP, ConvDiscriminator, ConvGenerator
from ganbench.step import alternate, gradients
from ganbench.training.checkpoint import load_checkpoint, save_checkpoint
from ganbench.trick import HOOKS, Trick
from ganbench.trick_config import describe_trick, make_trick, merge_tricks

NAMES = registry.tricks.names()
KINDS = {name: registry.tricks.get(name) for name in NAMES}
RECIPE = Recipe(
    kimg=0.2,
    batch_size=8,
    latent_dim=4,
    generator_optimizer=adam(2e-3, (0.5, 0.99)),
    discriminator_optimizer=adam(2e-3, (0.5, 0.99)),
    schedule="linear",
)


class Labelled(nn.Module):
    """A network that is told the class of its input, by an offset of its output."""

    def __init__(self, network, outputs):
        super().__init__()
        self.network = network
        self.offset = nn.Embedding(2, outputs)

    def forward(self, values, labels):
        return self.network(values) + self.offset(labels)


IMAGES = DataSpec("images", "1", (1, 16, 16))
POINTS = DataSpec("points", "1", (2,), classes=2)
SETTINGS = {
    "images": (
        IMAGES,
        GAN(
            generator=lambda latent_dim: ConvGenerator(latent_dim, IMAGES.shape, width=2),
            discriminator=lambda shape: ConvDiscriminator(shape, width=2, norm="none"),
            loss=non_saturating,
            recipe=RECIPE,
        ),
    ),
    "points": (
        POINTS,
        GAN(
            generator=lambda latent_dim: MLP((latent_dim,), (8,), (2,)),
            discriminator=lambda shape: MLP(shape, (8,), (1,)),
            loss=non_saturating,
            recipe=RECIPE,
        ),
    ),
    "conditional": (
        POINTS,
        GAN(
            generator=lambda latent_dim: Labelled(MLP((latent_dim,), (8,), (2,)), 2),
            discriminator=lambda shape: Labelled(MLP(shape, (8,), (1,)), 1),
            loss=non_saturating,
            recipe=RECIPE,
            conditional=True,
        ),
    ),
}


PARAMETERS = {
    **QUICK,
    "ada": {"initial": 0.5},
    "replay": {"capacity": 12},
    "gradient-clipping": {"norm": 0.01},
    "wgan-div": {"power": 1.5},
    "virtual-batch-norm": {"size": 4},
    "apa": {"initial": 0.5},
    "path-length": {"every": 2},
    "contrastive": {"size": 8},
    "minibatch-discrimination": {"kernels": 4},
    "projected-discriminator": {"width": 4},
    "several-discriminators": {"number": 2},
    "unet-discriminator": {"width": 4},
}
"""Parameters that make a trick quick enough, or act early enough, for its tests here."""


def trick(name, **parameters):
    return make_trick(TrickConfig(name=name, parameters={**PARAMETERS.get(name, {}), **parameters}))


def setting_for(*tricks):
    """Return the first of the settings that all the tricks work with, or None."""
    for setting in SETTINGS.values():
        try:
            start(*tricks, setting=setting)
        except ConfigError:
            continue
        return setting
    return None


def start(*tricks, setting=None):
    setting = setting or setting_for(*tricks)
    assert setting, "no setting in this file suits the trick: add one"
    data, gan = setting
    return state_of(gan, data, tricks, seed=3)


def batches(state):
    """Return a function for the next batch, which depends on the images seen, as in the trainer."""

    def next_batch():
        generator = torch.Generator().manual_seed(state.images_seen)
        images = torch.rand(8, *state.data.shape, generator=generator) * 2 - 1
        labels = torch.randint(2, (8,), generator=generator)
        state.images_seen += 8
        batch = Batch(images, labels)
        for trick in state.tricks.having("subset"):  # of a dataset that is this batch
            indices = trick.subset(batch, state)
            if indices is not None:
                batch = batch.take(indices[torch.arange(8) % len(indices)])
        return batch

    return next_batch


def train(state, iterations=6):
    step = state.tricks.step_rule(alternate)
    for _ in range(iterations):
        step(state, batches(state))
    return state


def weights(state):
    return {
        f"{player}.{name}": value.clone()
        for player in ("generator", "discriminator")
        for name, value in getattr(state, player).state_dict().items()
    }


def samples(state):
    """Draw as the trainer does: networks in evaluation mode, from a separate stream."""
    for network in (state.generator, state.discriminator):
        network.eval()
    images = state.sampler()(16, torch.Generator().manual_seed(5)).images
    for network in (state.generator, state.discriminator):
        network.train()
    return images


def overridden(name):
    return {hook for hook in HOOKS if getattr(KINDS[name], hook) is not getattr(Trick, hook)}


def alike(name, *parameters):
    """Return states trained with a trick at each of some parameters, without it for None."""
    trick_sets = [() if values is None else (trick(name, **values),) for values in parameters]
    setting = setting_for(trick(name))
    return [train(start(*tricks, setting=setting)) for tricks in trick_sets]


def test_the_tricks_of_the_foundation_are_here():
    expected = (
        "spectral-norm instance-noise diffaugment pacgan label-smoothing gradient-penalty r1 r2 "
        "lookahead optimistic-adam unrolled extragradient ema truncation drs weight-clipping "
        "ada bcr consensus gradient-clipping instance-selection lecam logan replay top-k"
    )
    assert set(expected.split()) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_says_what_it_is(name):
    entry = registry.tricks.entry(name)
    assert entry.summary.endswith(".")
    assert "arXiv:" in entry.paper
    assert describe_trick(trick(name)).name == name
    clash = {field.name for field in fields(KINDS[name])} & set(HOOKS)
    assert not clash, "a parameter must not have the name of a hook"


@pytest.mark.parametrize("name", NAMES)
def test_changes_something(name):
    """With its defaults it changes weights or samples; otherwise no test below could fail."""
    plain, tricked = alike(name, None, {})
    assert differing(weights(plain), weights(tricked)) or not torch.equal(
        samples(plain), samples(tricked)
    )


@pytest.mark.parametrize("name", [name for name in NAMES if KINDS[name].neutral])
def test_neutral_parameters_change_nothing(name):
    plain, neutral = alike(name, None, KINDS[name].neutral)
    assert not differing(weights(plain), weights(neutral))
    assert torch.equal(samples(plain), samples(neutral))
    for role in plain.updates:
        moments, other_moments = (
            state.optimizers[role].state_dict()["state"].values() for state in (plain, neutral)
        )
        for of_weight, of_other_weight in zip(moments, other_moments, strict=True):
            assert all(torch.equal(of_weight[key], of_other_weight[key]) for key in of_weight)


def moving_parameters():
    """Yield the name of each trick with each of its parameters that may move."""
    for name, kind in KINDS.items():
        for parameter in fields(kind):
            try:
                make_trick(TrickConfig(name=name, parameters={parameter.name: "0.5->1"}))
            except ConfigError:
                continue
            yield name, parameter.name


OWN_SCHEDULES = {"ema": {"warm_up": 0.0}, "instance-noise": {"until": 1e30}}
"""Parameters at which a trick changes a number no further by itself."""


def test_the_parameters_that_may_move():
    assert {name for name, _ in moving_parameters()} >= {
        "ema",
        "gradient-penalty",
        "instance-noise",
        "label-smoothing",
        "lookahead",
        "r1",
        "r2",
        "weight-clipping",
    }


@pytest.mark.parametrize(("name", "parameter"), list(moving_parameters()))
def test_a_number_that_has_arrived_is_its_end_and_one_that_moves_is_not(name, parameter):
    others = OWN_SCHEDULES.get(name, {})
    end = 0.5 * getattr(KINDS[name](), parameter) or 0.25
    moving_others = {key: value for key, value in others.items() if key != "until"}
    plain, arrived, under_way = alike(
        name,
        {**others, parameter: end},
        {**moving_others, parameter: f"0.9->{end}@1e-9"},
        {**moving_others, parameter: f"0.9->{end}"},
    )
    assert not differing(weights(plain), weights(arrived))
    assert torch.equal(samples(plain), samples(arrived))
    assert differing(weights(plain), weights(under_way)) or not torch.equal(
        samples(plain), samples(under_way)
    )


@pytest.mark.parametrize(
    "name", [name for name in NAMES if overridden(name) <= {"check", "start", "sampler"}]
)
def test_a_sampling_trick_leaves_training_as_it_is(name):
    plain, tricked = alike(name, None, {})
    assert not differing(weights(plain), weights(tricked))


@pytest.mark.parametrize("name", NAMES)
def test_off(name):
    """``name:off`` removes a model's own trick, and does nothing if the model lacks it."""
    off = parse_trick(f"{name}:off")
    assert merge_tricks([trick(name)], [off]) == merge_tricks([], [off]) == []
    assert merge_tricks([], [parse_trick(name)]) == [KINDS[name]()]


@pytest.mark.parametrize("name", NAMES)
def test_other_streams_are_left_alone(name):
    """Initial weights, data and latents are the same as in a run without the trick."""
    setting = setting_for(trick(name))
    plain, tricked = start(setting=setting), start(trick(name), setting=setting)
    for player in ("generator", "discriminator"):
        if f"wrap_{player}" not in overridden(name):
            initial = (getattr(state, player).state_dict() for state in (plain, tricked))
            assert not differing(*initial)
    drawn = []
    for state in (plain, tricked):
        latents = []
        prior = state.prior

        def recording(count, generator, prior=prior, latents=latents, streams=state.streams):
            values = prior(count, generator)
            if generator is streams["noise"]:  # a trick may draw further latents from its own
                latents.append(values)
            return values.clone()

        state.prior = recording
        before = torch.get_rng_state()
        train(state, 6)  # where both players move at once, they share their latents
        assert torch.equal(before, torch.get_rng_state()), "torch's global stream was used"
        drawn.append(torch.stack(latents))
    fewer = min(map(len, drawn))
    assert fewer >= 6
    assert torch.equal(drawn[0][:fewer], drawn[1][:fewer])
    others = set(tricked.streams.state_dict()) - set(plain.streams.state_dict())
    assert others <= {f"trick/{name}"}


@pytest.mark.parametrize("name", NAMES)
def test_resumes_with_its_state(name, tmp_path):
    """3 + 4 iterations with a checkpoint between equal 7, bit for bit, in everything saved."""
    whole = train(start(trick(name)), 7)
    first, second = train(start(trick(name)), 3), start(trick(name))
    save_checkpoint(first, tmp_path / "checkpoint.safetensors", {})
    load_checkpoint(second, tmp_path / "checkpoint.safetensors")
    train(second, 4)
    save_checkpoint(whole, tmp_path / "whole.safetensors", {})
    save_checkpoint(second, tmp_path / "second.safetensors", {})
    assert (tmp_path / "whole.safetensors").read_bytes() == (
        tmp_path / "second.safetensors"
    ).read_bytes()
    assert torch.equal(samples(whole), samples(second))


@pytest.mark.parametrize("name", NAMES)
def test_gradients_reach_one_player_only(name):
    state = train(start(trick(name)), 1)
    for role, other in itertools.permutations(state.updates):
        for weight in [*state.parameters(role), *state.parameters(other)]:
            weight.grad = None
        gradients(state, role, batches(state)())
        assert all(weight.grad is not None for weight in state.parameters(role))
        assert all(weight.grad is None for weight in state.parameters(other))


APART = {
    "ada": {"contrastive", "dp-sgd"},
    "apa": {"dp-sgd"},
    "bcr": {"contrastive", "dp-sgd"},
    "consensus": {"coreset-batches", "dp-sgd", "extragradient", "replay", "symplectic"},
    "consistency-term": {
        *("dp-sgd", "multi-scale", "projected-discriminator", "several-discriminators"),
    },
    "contrastive": {
        *("diffaugment", "dp-sgd", "instance-norm", "multi-scale"),
        *("pacgan", "projected-discriminator", "rotation", "several-discriminators"),
        *("standing-statistics", "unet-discriminator", "virtual-batch-norm"),
    },
    "coreset-batches": {"dp-sgd", "extragradient", "symplectic"},
    "ddls": {"dot", "drs", "metropolis-hastings", "pacgan", "truncation"},
    "diffaugment": {"dp-sgd"},
    "diversity-sensitive": {"dp-sgd"},
    "dot": {"drs", "metropolis-hastings", "pacgan"},
    "dp-sgd": {
        *("dragan", "extragradient", "feature-matching", "gradient-penalty"),
        *("historical-averaging", "instance-noise", "instance-selection", "jacobian-clamping"),
        *("latent-consistency", "lecam", "logan", "minibatch-discrimination"),
        *("minibatch-stddev", "mode-seeking", "orthogonal-regularization", "pacgan"),
        *("path-length", "r1", "r2", "rotation"),
        *("symplectic", "unet-discriminator", "unrolled", "wgan-div"),
    },
    "drs": {"metropolis-hastings", "pacgan"},
    "extragradient": {"symplectic"},
    "feature-matching": {"multi-scale", "projected-discriminator", "several-discriminators"},
    "group-norm": {"instance-norm", "layer-norm", "projected-discriminator", "unet-discriminator"},
    "historical-averaging": {"unrolled"},
    "instance-norm": {"layer-norm", "projected-discriminator", "unet-discriminator"},
    "latent-consistency": {"replay"},
    "layer-norm": {"projected-discriminator", "unet-discriminator"},
    "metropolis-hastings": {"pacgan"},
    "minibatch-discrimination": {
        *("multi-scale", "projected-discriminator", "several-discriminators"),
    },
    "minibatch-stddev": {"multi-scale", "projected-discriminator", "several-discriminators"},
    "multi-scale": {"rotation", "unet-discriminator"},
    "pacgan": {"rotation"},
    "projected-discriminator": {"rotation", "unet-discriminator"},
    "replay": {"symplectic", "unrolled"},
    "rotation": {"several-discriminators"},
    "several-discriminators": {"unet-discriminator"},
    "spectral-norm": {"weight-norm"},
    "standing-statistics": {"virtual-batch-norm"},
}
"""The tricks that do not go together, on any model or data of this file, and no others."""


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(NAMES, 2)))
def test_pairs_go_together_in_any_order(first, second):
    """Each pair of tricks trains to finite weights, whichever is named first."""
    pair = trick(first), trick(second)
    setting = setting_for(*pair)
    assert (setting is None) == (second in APART.get(first, ()))
    if not setting:
        pytest.skip("the two do not work with the same model or data")
    forward, backward = (
        train(start(*tricks, setting=setting), 1) for tricks in (pair, reversed(pair))
    )
    assert not differing(weights(forward), weights(backward))
    assert all(value.isfinite().all() for value in weights(forward).values())


@functools.cache
def many_names():
    """Return as many tricks as go together on images: some pairs refuse each other.

    ``unrolled`` is tested in pairs alone: each of its inner steps pays for all other tricks.
    """
    names = []
    for name in reversed(NAMES):
        if name != "unrolled" and setting_for(*map(trick, [*names, name])) == SETTINGS["images"]:
            names.append(name)
    return names


@pytest.mark.parametrize("seed", range(3))
def test_many_tricks_go_together_in_any_order(seed):
    names = many_names()
    results = []
    for order in (names, random.Random(seed).sample(names, len(names))):
        results.append(weights(train(start(*map(trick, order)), 2)))
    assert len(names) > 10
    assert not differing(*results)
