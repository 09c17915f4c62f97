# SPDX-License-Identifier: MIT
"""What hooks are told of a turn: once for each update, with the latents, pairs and terms of it."""

from dataclasses import dataclass

import pytest
import torch
from small_states import state_of
from torch import nn

from ganbench import registry
from ganbench.config import Recipe, parse_trick, sgd
from ganbench.gan import GAN, Batch, DataSpec, Partner
from ganbench.losses import non_saturating
from ganbench.nn.synchronized import SynchronizedBatchNorm
from ganbench.registry import register
from ganbench.runtime.process_group import ALONE
from ganbench.state import RunningMeans
from ganbench.step import alternate, update
from ganbench.trick import Hooks, Trick
from ganbench.trick_config import make_trick
from ganbench.turn import Turn

pytestmark = pytest.mark.usefixtures("float64")

DATA = DataSpec("plane", "1", (2,), classes=3)


class Pair(nn.Module):
    """A discriminator of pairs: examples and a condition, such as latents."""

    def __init__(self, logits=1):
        super().__init__()
        self.network = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, logits))

    def forward(self, values, condition=None):
        condition = values.new_zeros(len(values), 3) if condition is None else condition
        return self.network(torch.cat([values, condition], 1))


def build(
    *tricks,
    hooks=None,
    generator=lambda latent_dim: nn.Linear(latent_dim, 2),
    discriminator=lambda shape: Pair(),
    partners=None,
    **recipe,
):
    optimizer = sgd(1e-1)
    gan = GAN(
        generator=generator,
        discriminator=discriminator,
        loss=non_saturating,
        hooks=hooks,
        partners=partners or {},
        recipe=Recipe(
            kimg=1,
            batch_size=6,
            latent_dim=3,
            generator_optimizer=optimizer,
            discriminator_optimizer=optimizer,
            **recipe,
        ),
    )
    return state_of(gan, DATA, [make_trick(parse_trick(trick)) for trick in tricks], seed=1)


def batch(seed=0):
    random = torch.Generator().manual_seed(seed)
    return Batch(torch.randn(6, 2, generator=random), torch.arange(6) % 3)


def iterate(state, iterations=1):
    step = state.tricks.step_rule(alternate)
    for seed in range(iterations):
        step(state, lambda seed=seed: batch(seed))


class Watching(Hooks):
    """Keeps what each update told."""

    def __init__(self):
        self.updates, self.shown = [], []

    def after_step(self, turn):
        weights = turn.state.parameters(turn.role)
        self.updates.append((turn.role, dict(turn.terms), turn.fake.logits, weights[0].clone()))

    def see(self, seen, scored, turn):
        self.shown.append((turn.role, scored.kind, scored, turn))
        return seen


@pytest.mark.parametrize("tricks", [(), ("unrolled:steps=3",), ("extragradient",)])
def test_after_step_is_called_once_for_each_real_update(tricks):
    hooks = Watching()
    state = build(*tricks, hooks=hooks)
    iterate(state, 4)
    assert [role for role, *_ in hooks.updates] == ["discriminator", "generator"] * 4
    assert state.updates == {"discriminator": 4, "generator": 4}
    for _, terms, logits, _ in hooks.updates:
        assert set(terms) == {"adversarial"}
        assert logits.shape == (6, 1)
    first, last = hooks.updates[0][3], hooks.updates[-2][3]
    assert not torch.equal(first, last)


@pytest.mark.parametrize("tricks", [("unrolled:steps=2",), ("extragradient",)])
def test_turns_of_one_moment_share_their_latents(tricks):
    """G(turn.latents) is turn.fake in every turn, the inner steps of unrolling included."""
    hooks = Watching()
    state = build(*tricks, hooks=hooks)
    generator = state.generator
    seen = 0

    def check(seen_now, scored, turn):
        nonlocal seen
        if scored.kind == "fake":
            torch.testing.assert_close(scored.images, generator(turn.latents))
            assert scored.batch.latents is turn.latents
            seen += 1
        return seen_now

    hooks.see = check
    state.tricks._having["see"] = [hooks]
    iterate(state)
    assert seen == 4  # one update of each player and two inner steps, or two of each player


@pytest.mark.parametrize("synchronized", [False, True])
def test_what_is_made_untracked_leaves_the_running_statistics(synchronized):
    """It is normalized by its own statistics, which have gradients, as what is tracked is."""
    state = build(generator=lambda size: nn.Sequential(nn.Linear(size, 2), nn.BatchNorm1d(2)))
    norm = state.generator[1]
    if synchronized:
        norm = state.generator[1] = SynchronizedBatchNorm(norm, ALONE)
    turn = Turn(state, "generator", batch())
    codes = 5 + 3 * torch.randn(6, 3, generator=torch.Generator().manual_seed(1))
    codes.requires_grad_()
    before = {name: value.clone() for name, value in norm.named_buffers()}
    made = {}
    for tracked in (False, True):
        images, _ = turn.make(codes, tracked=tracked)
        made[tracked] = images, *torch.autograd.grad(images[0].sum(), codes)
        unmoved = [torch.equal(value, before[name]) for name, value in norm.named_buffers()]
        assert unmoved == [not tracked] * 3
    torch.testing.assert_close(made[False], made[True])
    assert made[False][1][1:].any(), "an image depends on the other codes of its batch"


def test_running_statistics_move_again_after_an_error():
    state = build(generator=lambda size: nn.Sequential(nn.BatchNorm1d(size), nn.Linear(size, 2)))
    with pytest.raises(RuntimeError):
        Turn(state, "generator", batch()).make(torch.zeros(6, 4), tracked=False)
    assert state.generator[0].track_running_stats


class Joint(Hooks):
    """Shows the discriminator pairs: (x, E(x)) and (G(z), z)."""

    def see(self, seen, scored, turn):
        if scored.kind == "real":
            return seen.replace(condition=turn.state.partners["encoder"](seen.images))
        return seen.replace(condition=scored.batch.latents) if scored.kind == "fake" else seen


def encoder():
    return {"encoder": Partner(lambda latent_dim, shape: nn.Linear(shape[0], latent_dim))}


def test_between_interpolates_the_condition_too():
    state = build(hooks=Joint(), partners=encoder())
    turn = Turn(state, "discriminator", batch())
    share = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0, 0.1])
    between = turn.between(share)
    real, fake, mixed = turn.real.seen, turn.fake.seen, between.seen
    column = share[:, None]
    torch.testing.assert_close(mixed.images, (1 - column) * real.images + column * fake.images)
    torch.testing.assert_close(
        mixed.condition, (1 - column) * real.condition + column * fake.condition
    )
    assert between.kind == "other"
    assert real.condition.shape == turn.latents.shape
    assert torch.equal(fake.condition, turn.latents)


def test_samples_are_judged_as_the_variant_shows_them():
    """Pairs for pairs, but nothing that a trick adds in training."""
    state = build("instance-noise:sigma=5", "drs:burn_in=50", hooks=Joint(), partners=encoder())
    drawn = state.sampler()(20, torch.Generator().manual_seed(0))
    assert drawn.latents.shape == (20, 3)
    expected = state.discriminator(drawn.images, drawn.latents)
    torch.testing.assert_close(state.sampler().judge(drawn), expected.float())


def test_terms_are_known_by_their_trick():
    """A term cannot replace another by its name, nor the adversarial one."""

    @register("same-name")
    @dataclass(frozen=True)
    class SameName(Trick):
        def discriminator_terms(self, turn):
            return {
                "penalty": turn.real.logits.sum() * 0 + 2,
                "adversarial": turn.real.logits[0, 0],
            }

    class Mine(Hooks):
        def discriminator_terms(self, turn):
            return {"penalty": turn.real.logits.sum() * 0 + 3}

    state = build("r1", hooks=Mine())
    state.tricks = type(state.tricks)([make_trick(parse_trick("r1")), SameName()], Mine())
    hooks = Watching()
    state.tricks._having["after_step"] = [hooks]
    update(state, "discriminator", batch())
    ((_, terms, _, _),) = hooks.updates
    assert set(terms) == {
        *("adversarial", "variant/penalty", "r1/penalty"),
        *("same-name/penalty", "same-name/adversarial"),
    }
    row = state.statistics.flush()
    assert row["loss/discriminator/variant/penalty"] == pytest.approx(3)
    assert row["loss/discriminator/same-name/penalty"] == pytest.approx(2)


def test_the_gradients_hook_acts_between_the_backward_pass_and_the_move():
    class Doubled(Hooks):
        def gradients(self, turn):
            for weight in turn.state.parameters(turn.role):
                weight.grad.mul_(2)

    plain, doubled = build(), build(hooks=Doubled())
    start = [weight.detach().clone() for weight in plain.parameters("discriminator")]
    for state in (plain, doubled):
        update(state, "discriminator", batch())
    for before, once, twice in zip(
        start, plain.parameters("discriminator"), doubled.parameters("discriminator"), strict=True
    ):
        torch.testing.assert_close(twice - before, 2 * (once - before))


@pytest.mark.parametrize("every", [1, 4])
def test_a_lazy_term_is_logged_at_its_mean(every):
    """R1 at every fourth update is four times as strong there, and has the same mean."""
    state = build(f"r1:every={every}")
    state.optimizers["discriminator"].param_groups[0]["lr"] = 0.0  # so that it stays the same
    for _ in range(8):
        update(state, "discriminator", batch())
    row = state.statistics.flush()
    turn = Turn(state, "discriminator", batch())
    expected = 0.5 * turn.real.gradients.square().sum(1).mean().item()
    assert row["loss/discriminator/r1/penalty"] == pytest.approx(expected)


@pytest.mark.parametrize("logits", [1, 16, 256])
def test_r1_does_not_grow_with_the_number_of_logits(logits):
    """A discriminator that repeats one logit is penalized as if it gave it once."""
    single = build("r1", discriminator=lambda shape: Pair())
    many = build("r1", discriminator=lambda shape: Repeated(single.discriminator, logits))
    penalties = []
    for state in (single, many):
        turn = Turn(state, "discriminator", batch())
        penalties.append(state.tricks.terms(turn)["r1/penalty"])
    torch.testing.assert_close(*penalties)


class Repeated(nn.Module):
    def __init__(self, network, count):
        super().__init__()
        self.network, self.count = network, count

    def forward(self, values):
        return self.network(values).repeat(1, self.count)


def test_a_partner_moves_by_its_own_optimizer():
    partners = {
        "encoder": Partner(
            lambda latent_dim, shape: nn.Linear(shape[0], latent_dim), optimizer=sgd(0.0 + 1e-3)
        ),
        "shared": Partner(lambda latent_dim, shape: nn.Linear(shape[0], latent_dim)),
    }

    class Both(Hooks):
        def generator_terms(self, turn):
            partners = turn.state.partners
            return {name: partners[name](turn.fake.images).mean() for name in partners}

    state = build(hooks=Both(), partners=partners)
    assert set(state.optimizers) == {"generator", "discriminator", "encoder"}
    before = {name: network.bias.detach().clone() for name, network in state.partners.items()}
    update(state, "generator", batch())
    moves = {name: state.partners[name].bias - before[name] for name in partners}
    torch.testing.assert_close(moves["encoder"], torch.full((3,), -1e-3 / 3))
    torch.testing.assert_close(moves["shared"], torch.full((3,), -1e-1 / 3))


def test_the_prior_of_a_variant_is_that_of_training_and_of_samples():
    def ones(count, latent_dim, generator):
        return torch.ones(count, latent_dim) * torch.rand(count, 1, generator=generator)

    state = build()
    state.latent_prior = ones
    drawn = state.sampler()(5, torch.Generator().manual_seed(0)).latents
    for latents in (drawn, Turn(state, "generator", batch()).latents):
        assert (latents == latents[:, :1]).all()
        assert (latents >= 0).all()


def test_a_generator_may_return_more_than_images():
    class Styled(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 2)

        def forward(self, latents):
            return self.layer(latents), {"styles": 2 * latents}

    state = build()
    state.generator = Styled()
    for role in ("generator", "discriminator"):
        turn = Turn(state, role, batch())
        torch.testing.assert_close(turn.fake.made["styles"], 2 * turn.latents)
        assert turn.real.made is None
    assert state.sampler()(4, torch.Generator()).images.shape == (4, 2)


def test_means_of_changing_shapes():
    means = RunningMeans()
    for shape in ((3,), (5, 2), (), (5, 2)):
        means.add("x", torch.full(shape, 2.0))
    means.add("x", torch.tensor([4.0, 8.0]))
    assert means.flush() == {"x": pytest.approx((2 * 4 + 6) / 5)}
    assert means.flush() == {}


def test_missing_terms_count_as_zero():
    means = RunningMeans()
    for index in range(150):
        lazy = {"r1/penalty": torch.tensor(16.0)} if index % 16 == 0 else {}
        means.add_terms("loss/discriminator", {"adversarial": torch.tensor(1.0), **lazy})
        means.add_terms("loss/generator", {"adversarial": torch.tensor(3.0)})
    row = means.flush()
    assert row["loss/discriminator/r1/penalty"] == pytest.approx(16 * 10 / 150)
    assert row["loss/discriminator/adversarial"] == 1
    assert row["loss/generator/adversarial"] == 3


def test_terms_that_come_and_go_are_saved_as_if_nothing_had_happened():
    """Zeros stand where a term was missing, also before a checkpoint."""
    whole, first, second = RunningMeans(), RunningMeans(), RunningMeans()
    for index in range(150):
        terms = {"adversarial": torch.tensor(float(index))}
        if index % 3 == 0:
            terms["r1/penalty"] = torch.tensor(0.1 * index)
        if index == 100:
            second.load(first.observations())
        for means in (whole, first if index < 100 else second):
            means.add_terms("loss/discriminator", terms)
    kept, resumed = whole.observations(), second.observations()
    assert kept.keys() == resumed.keys()
    assert all(torch.equal(kept[name], resumed[name]) for name in kept)
    assert whole.flush() == second.flush()


def test_every_catalogued_trick_keeps_its_terms_to_itself():
    for name in registry.tricks.names():
        assert "/" not in name


class Given(nn.Module):
    """A generator that adds what it is given."""

    def __init__(self):
        super().__init__()
        self.network = nn.Linear(3, 2)

    def forward(self, latents, given=None):
        return self.network(latents) + (0 if given is None else given)


class Offsets(Hooks):
    """Gives the generator an offset for each real example, and counts how often it is asked."""

    def __init__(self):
        self.asked = []

    def condition(self, condition, turn):
        self.asked.append((turn.role, condition))
        return 100 * turn.batch.images


def test_a_variant_gives_its_generator_what_depends_on_the_real_examples():
    hooks = Offsets()
    state = build(hooks=hooks, generator=lambda latent_dim: Given())
    for role in ("discriminator", "generator"):
        turn = Turn(state, role, batch())
        expected = state.generator(turn.latents) + 100 * batch().images
        torch.testing.assert_close(turn.fake.images, expected)
        torch.testing.assert_close(turn.generate(turn.latents).images, expected)
        for scored in (turn.fake, turn.real, turn.generate(turn.latents)):
            assert scored.seen.condition is None, "the discriminator is shown what see says"
    assert hooks.asked == [("discriminator", None), ("generator", None)]
    sample = state.sampler()(4, torch.Generator().manual_seed(0))
    assert sample.images.abs().max() < 50, "samples are drawn without it"
