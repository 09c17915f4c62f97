# SPDX-License-Identifier: MIT
"""AAE: the codes and latents that are told apart, who learns from what, and what is refused."""

import pytest
import torch
from small_states import state_of
from torch.nn.functional import softplus

from ganbench import losses
from ganbench.config import parse_trick
from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.step import generator_objective, gradients
from ganbench.training.build import build_state, create
from ganbench.trick_config import make_trick
from ganbench.turn import Turn

DATA = DataSpec("images", "1", (1, 8, 8))
BATCH = Batch(torch.rand(8, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1)


def aae(*tricks, **changes):
    settings = {"backbone": "mlp:width=8", "latent_dim": 3, "reconstruction": 0.5}
    gan = create("aae", DATA, settings)
    recipe = gan.recipe.replace(batch_size=8, **changes)
    return state_of(gan, DATA, [make_trick(parse_trick(trick)) for trick in tricks], recipe=recipe)


def test_the_discriminator_tells_codes_of_data_from_latents():
    state = aae()
    turn = gradients(state, "discriminator", BATCH)
    codes = state.partners["encoder"](BATCH.images)
    expected = (
        softplus(-state.discriminate(codes)).mean()
        + softplus(state.discriminate(turn.latents)).mean()
    )
    torch.testing.assert_close(turn.terms, {"adversarial": expected})
    assert codes.shape == turn.latents.shape == (8, 3)


def test_the_encoder_hides_codes_and_both_rebuild_the_data():
    state = aae()
    turn = gradients(state, "generator", BATCH)
    codes = state.partners["encoder"](BATCH.images)
    errors = (BATCH.images - state.generator(codes)).square().sum() / 8
    expected = {
        "adversarial": softplus(state.discriminate(codes)).mean(),
        "variant/reconstruction": 0.5 * errors,
    }
    torch.testing.assert_close(turn.terms, expected)


def test_the_decoder_learns_from_reconstructions_alone_and_the_encoder_from_both():
    state = aae()
    terms = generator_objective(Turn(state, "generator", BATCH))
    networks = {"decoder": state.generator, "encoder": state.partners["encoder"]}
    learned = {
        (name, term.rpartition("/")[2])
        for name, network in networks.items()
        for term, value in terms.items()
        if None
        not in torch.autograd.grad(
            value, list(network.parameters()), retain_graph=True, allow_unused=True
        )
    }
    both = {("encoder", "adversarial"), ("encoder", "reconstruction")}
    assert learned == {*both, ("decoder", "reconstruction")}


def test_the_encoder_stays_in_the_discriminators_turn():
    state = aae()
    before = [weight.detach().clone() for weight in state.partners["encoder"].parameters()]
    turn = gradients(state, "discriminator", BATCH)
    assert not turn.real.seen.images.requires_grad, "no graph of the encoder is kept"
    state.descend(turn)
    after = state.partners["encoder"].parameters()
    assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))


@pytest.mark.parametrize("trick", ["r1", "gradient-penalty", "diffaugment", "instance-noise"])
def test_tricks_on_images_that_are_not_shown_are_refused(trick):
    with pytest.raises(ConfigError, match=f"is shown codes, and {trick} works on") as caught:
        aae(trick)
    assert caught.value.hint == f"Remove the trick: --trick {trick}:off"


def test_another_loss_is_refused():
    gan = create("aae", DATA)
    with pytest.raises(ConfigError, match="and the loss hinge rewards those of fakes"):
        build_state(
            gan,
            DATA,
            recipe=gan.recipe,
            tricks=[],
            loss=losses.hinge,
            seed=0,
            device=torch.device("cpu"),
        )


def test_latents_of_another_size_are_refused():
    with pytest.raises(ConfigError, match="takes codes of 3 values, and recipe"):
        aae(latent_dim=4)
