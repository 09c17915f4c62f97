# SPDX-License-Identifier: MIT
"""The step: the fewest passes, each player's own gradients, and the updates that result.

Every loss, with every trick that adds terms, is compared with the same update written by hand.
A new trick is included once it is registered.
"""

import gc
import itertools

import pytest
import torch
from small_states import state_of
from torch import nn

from ganbench import registry
from ganbench.config import Recipe, TrickConfig, adam, rmsprop, sgd
from ganbench.errors import ConfigError
from ganbench.gan import GAN, Batch, DataSpec
from ganbench.losses import non_saturating, relativistic
from ganbench.step import OBJECTIVES, alternate, gradients, update
from ganbench.trick import Trick
from ganbench.trick_config import make_trick
from ganbench.turn import Turn

pytestmark = pytest.mark.usefixtures("float64")

LOSSES = {name: registry.losses.get(name) for name in registry.losses.names()}

DATA = DataSpec("plane", "1", (2,))
OPTIMIZERS = {
    "adam": adam(1e-2, (0.5, 0.9)),
    "sgd": sgd(1e-1, momentum=0.3),
    "rmsprop": rmsprop(1e-2, alpha=0.9),
}


def network(inputs, outputs):
    """Return a smooth network, so that second derivatives are not all zero."""
    return nn.Sequential(nn.Linear(inputs, 6), nn.Tanh(), nn.Linear(6, outputs))


def plane(*tricks, loss=non_saturating, optimizer=OPTIMIZERS["adam"], **settings):
    """Return the state of a small GAN on points of the plane."""
    gan = GAN(
        generator=lambda latent_dim: network(latent_dim, 2),
        discriminator=lambda shape: network(shape[0], 1),
        loss=loss,
        recipe=Recipe(
            kimg=1,
            batch_size=6,
            latent_dim=3,
            generator_optimizer=optimizer,
            discriminator_optimizer=optimizer,
            **settings,
        ),
    )
    return state_of(gan, DATA, tricks, seed=1)


def batch(seed=0):
    return Batch(torch.randn(6, 2, generator=torch.Generator().manual_seed(seed)))


def trick(name):
    return make_trick(TrickConfig(name=name))


def snapshot(module):
    return [weight.detach().clone() for weight in module.parameters()]


def equal(first, second):
    """Tell whether two lists of tensors are equal, bit for bit."""
    return len(first) == len(second) and all(map(torch.equal, first, second))


# -- the fewest passes -----------------------------------------------------------------------------


def passes(state, role):
    """Count the forward passes of both networks in one update."""
    counts = {"generator": 0, "discriminator": 0}

    def count(name):
        def hook(*_):
            counts[name] += 1

        return hook

    for name in counts:
        getattr(state, name).register_forward_hook(count(name))
    update(state, role, batch())
    return counts


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], 2),
        (["r1"], 2),
        (["r1", "r2"], 2),
        (["gradient-penalty"], 3),
        (["r1", "r2", "gradient-penalty", "instance-noise", "label-smoothing"], 3),
    ],
)
def test_passes_of_a_discriminator_update(names, expected):
    state = plane(*map(trick, names))
    assert passes(state, "discriminator") == {"generator": 1, "discriminator": expected}


@pytest.mark.parametrize(("loss", "expected"), [(non_saturating, 1), (relativistic, 2)])
def test_passes_of_a_generator_update(loss, expected):
    state = plane(trick("r1"), trick("r2"), loss=loss)
    assert passes(state, "generator") == {"generator": 1, "discriminator": expected}


def test_no_generator_graph_in_the_discriminators_turn():
    state, outputs = plane(), []
    state.generator.register_forward_hook(lambda *arguments: outputs.append(arguments[-1]))
    turn = Turn(state, "discriminator", batch())
    assert turn.fake.images.grad_fn is None
    assert [output.grad_fn for output in outputs] == [None]
    assert turn.fake.images.is_leaf
    other = Turn(plane(), "generator", batch())
    assert other.fake.images.grad_fn is not None
    torch.testing.assert_close(turn.fake.images, other.fake.images)  # the same stream of latents


def test_passes_are_made_only_when_asked_for():
    state = plane()
    state.discriminator.register_forward_hook(
        lambda *_: pytest.fail("a pass that nothing asked for")
    )
    turn = Turn(state, "generator", batch())
    assert turn.fake.images.shape == turn.real.images.shape == (6, 2)


# -- each player's own gradients -------------------------------------------------------------------


@pytest.mark.parametrize("role", ["discriminator", "generator"])
def test_gradients_reach_one_player_only(role):
    state = plane(trick("r1"), trick("r2"), trick("gradient-penalty"))
    other = state.generator if role == "discriminator" else state.discriminator
    before = snapshot(other)
    update(state, role, batch())
    assert all(weight.grad is None for weight in other.parameters())
    assert all(weight.grad is not None for weight in state.parameters(role))
    assert equal(before, snapshot(other))


def test_gradients_do_not_add_up_over_steps():
    state = plane()
    update(state, "discriminator", batch())
    gradients(state, "discriminator", batch())
    state.streams = plane().streams
    gradients(state, "discriminator", batch())
    first = [weight.grad.clone() for weight in state.parameters("discriminator")]
    state.streams = plane().streams
    gradients(state, "discriminator", batch())
    assert equal(first, [weight.grad for weight in state.parameters("discriminator")])


def test_alternation():
    """D makes its steps, each on a new batch, then G makes its steps on the last batch."""
    state = plane(discriminator_steps=3, generator_steps=2)
    batches = [batch(seed) for seed in range(3)]
    seen = iter(batches)
    alternate(state, lambda: next(seen))
    assert next(seen, None) is None

    other = plane(discriminator_steps=3, generator_steps=2)
    for real in batches:
        update(other, "discriminator", real)
    for _ in range(2):
        update(other, "generator", batches[-1])
    assert equal(snapshot(state.generator), snapshot(other.generator))
    assert equal(snapshot(state.discriminator), snapshot(other.discriminator))
    assert state.updates == other.updates == {"discriminator": 3, "generator": 2}


def test_statistics_are_the_terms_and_logits():
    state = plane(trick("r1"))
    turn = Turn(plane(), "discriminator", batch())
    adversarial = non_saturating.discriminator(turn.real.logits, turn.fake.logits)
    r1 = 0.5 * turn.real.gradients.square().sum(1).mean()
    update(state, "discriminator", batch())
    seen = state.statistics.flush()
    assert seen["loss/discriminator/adversarial"] == pytest.approx(adversarial.item())
    assert seen["loss/discriminator/r1/penalty"] == pytest.approx(r1.item())
    assert seen["logits/real"] == pytest.approx(turn.real.logits.mean().item())
    assert seen["logits/fake"] == pytest.approx(turn.fake.logits.mean().item())
    assert state.statistics.flush() == {}


# -- every loss, penalty and optimizer against the same update by hand -----------------------------


def overrides(kind, *hooks):
    return any(getattr(kind, hook) is not getattr(Trick, hook) for hook in hooks)


def penalties():
    """Return the tricks that add terms, but change neither networks, nor passes, nor moves."""
    other_hooks = (
        *("wrap_generator", "wrap_discriminator", "wrap_loss", "optimizer", "step_rule"),
        *("latents", "reals", "fakes", "see", "opponent", "gradients"),
    )
    kinds = {name: registry.tricks.get(name) for name in registry.tricks.names()}
    return [
        name
        for name, kind in kinds.items()
        if overrides(kind, "discriminator_terms", "generator_terms")
        and not overrides(kind, *other_hooks)
        and name != "consistency-term"  # it gives the discriminator dropout when it starts
        and suits_points(name)
    ]


def suits_points(name):
    try:
        plane(trick(name))
    except ConfigError:
        return False
    return True


def by_adam(weight, gradient, memory):
    count = memory["count"] = memory.get("count", 0) + 1
    first = memory["first"] = 0.5 * memory.get("first", 0) + 0.5 * gradient
    second = memory["second"] = 0.9 * memory.get("second", 0) + 0.1 * gradient**2
    return weight - 1e-2 * (first / (1 - 0.5**count)) / ((second / (1 - 0.9**count)).sqrt() + 1e-8)


def by_sgd(weight, gradient, memory):
    memory["velocity"] = 0.3 * memory.get("velocity", 0) + gradient
    return weight - 1e-1 * memory["velocity"]


def by_rmsprop(weight, gradient, memory):
    memory["square"] = 0.9 * memory.get("square", 0) + 0.1 * gradient**2
    return weight - 1e-2 * gradient / (memory["square"].sqrt() + 1e-8)


RULES = {"adam": by_adam, "sgd": by_sgd, "rmsprop": by_rmsprop}


class ByHand:
    """The same GAN, updated by plain autograd and plain formulas of the optimizers."""

    def __init__(self, state, optimizer):
        self.state = state
        self.rule = RULES[optimizer]
        self.memory = {}

    def terms(self, turn):
        hook = f"{turn.role}_terms"
        terms_of_tricks = [getattr(trick, hook)(turn) for trick in self.state.tricks]
        return sum(term for terms in terms_of_tricks for term in terms.values())

    def update(self, role, real):
        state = self.state
        turn = Turn(state, role, real)
        fake = state.generator(turn.latents)
        if role == "discriminator":
            fake = fake.detach()
        logits = state.discriminator(real.images), state.discriminator(fake)
        loss = getattr(state.loss, role)(*logits)
        loss = loss + self.terms(turn)
        weights = state.parameters(role)
        moved = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            for index, (weight, gradient) in enumerate(zip(weights, moved, strict=True)):
                weight.copy_(self.rule(weight, gradient, self.memory.setdefault((role, index), {})))
        state.updates[role] += 1
        for trick in state.tricks:
            trick.after_step(turn)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(
    ("loss", "name"), list(itertools.product(LOSSES, ["", *penalties()])), ids=lambda v: v or "-"
)
def test_update_by_hand(loss, name, optimizer):
    tricks = [trick(name)] if name else []
    state, other = (
        plane(*tricks, loss=LOSSES[loss], optimizer=OPTIMIZERS[optimizer]) for _ in range(2)
    )
    start = {role: snapshot(getattr(state, role)) for role in ("generator", "discriminator")}
    by_hand = ByHand(other, optimizer)
    for seed in range(3):
        real = batch(seed)
        alternate(state, lambda real=real: real)
        for role in ("discriminator", "generator"):
            by_hand.update(role, real)
    for player, before in start.items():
        after, expected = snapshot(getattr(state, player)), snapshot(getattr(other, player))
        assert all(weight.isfinite().all() for weight in after)
        assert not equal(after, before)
        # RMSprop divides by the root of a number that may be close to zero: that enlarges rounding.
        torch.testing.assert_close(after, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", penalties())
def test_a_penalty_changes_the_objective(name):
    """Otherwise the comparison above would not test it."""
    added = {}
    for role, objective in OBJECTIVES.items():
        states = plane(), plane(trick(name))
        for state in states:  # some penalties compare with what was before
            before = Turn(state, "discriminator", batch())
            assert OBJECTIVES["discriminator"](before)
            state.tricks.after_step(before)
            for player in OBJECTIVES:
                for weight in state.parameters(player):
                    weight.data.mul_(4)
        plain, penalized = (objective(Turn(state, role, batch())) for state in states)
        assert torch.equal(plain["adversarial"], penalized["adversarial"])
        added |= {key: term for key, term in penalized.items() if key not in plain}
    assert added
    assert sum(added.values()).item() != 0


@pytest.mark.parametrize("names", [[], ["r1"], ["gradient-penalty"]])
def test_a_turn_leaves_nothing_to_the_garbage_collector(names):
    """A cycle would keep each turn's graph, and its memory, until the garbage collector ran."""
    state = plane(*map(trick, names))
    update(state, "discriminator", batch())
    gc.collect()
    gc.disable()
    try:
        alternate(state, batch)
        assert gc.collect() == 0
    finally:
        gc.enable()
