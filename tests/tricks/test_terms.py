# SPDX-License-Identifier: MIT
"""Terms that tricks add to losses, against updates of Dirac-GAN made by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from dirac_gan import RATE, batch_at, dirac, players
from scipy.special import expit as sigmoid
from torch import nn

from ganbench import losses, registry
from ganbench.errors import ConfigError
from ganbench.gan import Batch
from ganbench.nn import MLP
from ganbench.step import update
from ganbench.tricks.dragan import DRAGAN
from ganbench.tricks.gradient_penalty import GradientPenalty
from ganbench.tricks.label_smoothing import LabelSmoothing
from ganbench.tricks.r1 import R1
from ganbench.tricks.r2 import R2
from ganbench.tricks.top_k import TopK
from ganbench.tricks.weight_clipping import WeightClipping
from ganbench.tricks.wgan_div import WassersteinDivergence
from ganbench.turn import Turn

pytestmark = pytest.mark.usefixtures("float64")


class Square(torch.nn.Module):
    """D(x) = |x|^2, whose gradient is 2 x."""

    def forward(self, examples):
        return examples.square().sum(1)


@pytest.mark.parametrize("psi", [0.7, -1.6])
@pytest.mark.parametrize(
    ("tricks", "added"),
    [
        ([R1(weight=0.6)], lambda psi: 0.6 * psi),
        ([R2(weight=0.8)], lambda psi: 0.8 * psi),
        ([R2(weight=0.8), R1(weight=0.6)], lambda psi: 1.4 * psi),
        ([GradientPenalty(weight=3.0)], lambda psi: 6 * (abs(psi) - 1) * np.sign(psi)),
        ([GradientPenalty(weight=3.0, target=0.0)], lambda psi: 6 * psi),
        ([GradientPenalty(weight=3.0, target=2.0)], lambda psi: 6 * (abs(psi) - 2) * np.sign(psi)),
        (
            [GradientPenalty(weight=3.0, one_sided=True)],
            lambda psi: 6 * max(0.0, abs(psi) - 1) * np.sign(psi),
        ),
        (
            [GradientPenalty(weight=3.0, target=0.4, one_sided=True)],
            lambda psi: 6 * (abs(psi) - 0.4) * np.sign(psi),
        ),
        (
            [WassersteinDivergence(weight=2.0, power=6.0)],
            lambda psi: 12 * abs(psi) ** 5 * np.sign(psi),
        ),
        ([DRAGAN(weight=3.0)], lambda psi: 6 * (abs(psi) - 1) * np.sign(psi)),
    ],
    ids=[
        "r1",
        "r2",
        "r1-r2",
        "gp",
        "gp-zero",
        "gp-two",
        "gp-one-sided",
        "gp-one-sided-0.4",
        "wgan-div",
        "dragan",
    ],
)
def test_penalties(tricks, added, psi):
    """Each adds its own slope in psi to the slope of the Wasserstein loss, theta - c."""
    state = dirac(*tricks, psi=[psi])
    update(state, "discriminator", batch_at(0.4))
    np.testing.assert_allclose(players(state), (psi - RATE * (1.3 - 0.4 + added(psi)), 1.3))
    psi = players(state)[0]
    update(state, "generator", batch_at(0.4))  # they do not change the generator's loss
    np.testing.assert_allclose(players(state), (psi, 1.3 + RATE * psi))


@pytest.mark.parametrize("kind", [R1, R2])
def test_lazy_regularization(kind):
    state, psi = dirac(kind(weight=0.6, every=3)), 0.7
    for count in range(5):
        update(state, "discriminator", batch_at(0.4))
        psi -= RATE * (1.3 - 0.4 + (3 * 0.6 * psi if count % 3 == 0 else 0))
        np.testing.assert_allclose(players(state)[0], psi)


def test_penalties_of_a_nonlinear_discriminator():
    """Against the gradients of single examples that ``torch.func`` computes."""
    state = dirac()
    state.discriminator = MLP((3,), (8, 8), (1,))
    turn = Turn(state, "discriminator", Batch(torch.randn(4, 3)), fakes=Batch(torch.randn(4, 3)))
    slopes = torch.func.vmap(torch.func.grad(lambda x: state.discriminator(x[None]).squeeze()))
    square = slopes(turn.real.images).square().sum(1).mean()
    torch.testing.assert_close(R1(weight=0.6).discriminator_terms(turn)["penalty"], 0.3 * square)
    square = slopes(turn.fake.images).square().sum(1).mean()
    torch.testing.assert_close(R2(weight=0.6).discriminator_terms(turn)["penalty"], 0.3 * square)

    for trick, penalty in {
        GradientPenalty(weight=2.0): lambda norms: 2 * (norms - 1) ** 2,
        GradientPenalty(weight=2.0, one_sided=True): lambda norms: (
            2 * (norms - 1).clamp(min=0) ** 2
        ),
        GradientPenalty(weight=2.0, target=0.0): lambda norms: 2 * norms**2,
        WassersteinDivergence(weight=2.0, power=3.0): lambda norms: 2 * norms**3,
    }.items():
        stream = state.streams[f"trick/{registry.name_of(trick)}"]
        share = torch.rand(4, 1, generator=stream.clone_state())
        norms = slopes(torch.lerp(turn.real.images, turn.fake.images, share)).norm(dim=1)
        (term,) = trick.discriminator_terms(turn).values()
        torch.testing.assert_close(term, penalty(norms).mean())


def test_dragan_looks_around_the_data():
    """The noise of each value is between zero and half the deviation of the batch."""
    state = dirac()
    state.discriminator = Square()
    real = torch.tensor([[1.0, 5.0], [3.0, -1.0]])  # their deviation is sqrt(5)
    turn = Turn(state, "discriminator", Batch(real), fakes=Batch(torch.zeros(2, 2)))
    stream = dirac().streams["trick/dragan"]
    shares, values = torch.rand(2, 1, generator=stream), torch.rand(2, 2, generator=stream)
    around = real + shares * 0.25 * 5**0.5 * values
    (term,) = DRAGAN(weight=2.0, scale=0.25).discriminator_terms(turn).values()
    torch.testing.assert_close(term, (2 * (2 * around.norm(dim=1) - 1) ** 2).mean())
    (term,) = DRAGAN(weight=2.0, scale=0.0).discriminator_terms(turn).values()
    torch.testing.assert_close(term, (2 * (2 * real.norm(dim=1) - 1) ** 2).mean())


def test_a_flat_discriminator_has_a_penalty_without_nan():
    """The norm has no slope at zero."""
    state = dirac(GradientPenalty(weight=3.0), psi=[0.0])
    update(state, "discriminator", batch_at(0.4))
    np.testing.assert_allclose(players(state)[0], -RATE * (1.3 - 0.4))


@pytest.mark.parametrize(("real", "fake"), [(0.9, 0.0), (0.8, 0.3)])
def test_label_smoothing(real, fake):
    """dL/dlogit is sigmoid(logit) - target for the logistic loss, logit - target for squares."""
    responses = {losses.non_saturating: sigmoid, losses.least_squares: lambda logit: logit}
    for loss, response in responses.items():
        state = dirac(LabelSmoothing(real=real, fake=fake), loss=loss)
        update(state, "discriminator", batch_at(0.4))
        moved = (response(0.7 * 0.4) - real) * 0.4 + (response(0.7 * 1.3) - fake) * 1.3
        np.testing.assert_allclose(players(state)[0], 0.7 - RATE * moved)

        plain = dirac(loss=loss, psi=[players(state)[0]])  # the generator's loss stays as it is
        update(plain, "generator", batch_at(0.4))
        update(state, "generator", batch_at(0.4))
        assert players(state) == players(plain)


def test_label_smoothing_needs_targets():
    with pytest.raises(ConfigError, match="not 'relativistic'") as raised:
        dirac(LabelSmoothing(), loss=losses.relativistic)
    assert "--set loss=" in raised.value.hint


def test_label_smoothing_refuses_a_critic():
    """With a target of 0.9 its loss would fall without end as all logits move together."""
    with pytest.raises(ConfigError, match="not 'wasserstein'"):
        dirac(LabelSmoothing(), loss=losses.wasserstein)


def test_weight_clipping_leaves_weights_that_do_not_learn():
    def half_frozen(_):
        network = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
        for weight in network.parameters():
            nn.init.constant_(weight, 0.8)
        network[0].requires_grad_(False)
        return network

    state = dirac(WeightClipping(limit=0.5), discriminator=half_frozen)
    update(state, "discriminator", batch_at(0.4))
    first, second = state.discriminator
    assert first.weight.item() == pytest.approx(0.8)
    assert second.weight.item() == 0.5


def test_weight_clipping():
    state = dirac(WeightClipping(limit=0.5), psi=[0.45], theta=[-1.3])
    update(state, "discriminator", batch_at(0.4))  # psi would go to 0.45 + 0.17
    assert players(state) == (0.5, -1.3)
    update(state, "generator", batch_at(0.4))
    np.testing.assert_allclose(players(state), (0.5, -1.3 + RATE * 0.5))


# -- top-k -----------------------------------------------------------------------------------------


def test_top_k_gives_the_other_fakes_no_gradient():
    """The loss is that of the best fakes alone; a fake with several logits counts by their mean."""
    state = dirac(TopK(share=0.5, until=1.0))
    state.images_seen = 10**6
    flat = torch.tensor([0.3, -1.0, 2.0, 0.1], requires_grad=True)
    patches = torch.tensor([[3.0, -3.0], [1.0, 1.0], [0.5, 0.4], [-9.0, 9.1]], requires_grad=True)
    for logits, best in ((flat, [0, 2]), (patches, [1, 2])):
        loss = state.loss.generator(logits.new_empty(0), logits)
        torch.testing.assert_close(loss, -logits[best].mean())
        (gradient,) = torch.autograd.grad(loss, logits)
        assert (
            gradient.flatten(1).any(1).nonzero().squeeze(1).tolist() == best
            if (gradient.ndim > 1)
            else gradient.nonzero().squeeze(1).tolist() == best
        )


def test_top_k_keeps_pairs_together():
    """A loss that compares fake with real logits compares the best fakes with their partners."""
    state = dirac(TopK(share=0.5), loss=losses.relativistic)
    state.images_seen = 10**6
    real, fake = torch.tensor([5.0, 6.0, 7.0, 8.0]), torch.tensor([0.3, -1.0, 2.0, 0.1])
    expected = losses.relativistic.generator(real[[2, 0]], fake[[2, 0]])
    torch.testing.assert_close(state.loss.generator(real, fake), expected)


def test_top_k_keeps_all_real_examples_where_their_costs_are_separate():
    """The rank of a fake says nothing of the real example in its row, as in BiGAN's loss."""
    loss = replace(
        losses.non_saturating,
        generator=lambda r, f: r.exp().mean() + f.exp().mean(),
        paired=True,
    )
    state = dirac(TopK(share=0.5), loss=loss)
    state.images_seen = 10**6
    real, fake = torch.tensor([5.0, 6.0, 7.0, 8.0]), torch.tensor([0.3, -1.0, 2.0, 0.1])
    expected = real.exp().mean() + fake[[2, 0]].exp().mean()
    torch.testing.assert_close(state.loss.generator(real, fake), expected)


def test_top_k_falls_to_its_share():
    state = dirac(TopK(share=0.25, until=0.5))
    fake = torch.arange(100.0)
    kept = {0: 100, 125: 71, 250: 50, 500: 25, 1000: 25, 5000: 25}  # 0.25 ** (images / 500)
    for state.images_seen, count in kept.items():
        loss = state.loss.generator(fake.new_empty(0), fake)
        torch.testing.assert_close(loss, -fake[-count:].mean())
    single = torch.tensor([0.5])
    assert state.loss.generator(single.new_empty(0), single).item() == -0.5  # one is always kept


def test_top_k_leaves_the_discriminator_alone():
    states = dirac(TopK()), dirac()
    for state in states:
        state.images_seen = 900
        update(state, "discriminator", batch_at(0.4))
    assert players(states[0]) == players(states[1])


def test_top_k_ranks_a_whole_batch():
    with pytest.raises(ConfigError, match="2 processes share"):
        TopK().check_parts(4, 2)
    TopK(share=1.0).check_parts(4, 2)
