# SPDX-License-Identifier: MIT
"""From a name to a training state: separate random streams, sources, parts that do not fit."""

import hashlib
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_states import CPU, state_of
from torch import nn

from ganbench import losses, registry
from ganbench.config import parse_trick
from ganbench.data import open_dataset
from ganbench.errors import ConfigError, InputError, UnknownNameError
from ganbench.gan import GAN, DataSpec, Loss, Partner
from ganbench.harness.plan import plan
from ganbench.losses import non_saturating
from ganbench.nn import MLP
from ganbench.streams import stream_seed
from ganbench.training.build import build, build_state, create, source_hash
from ganbench.trick import Hooks
from ganbench.tricks.ema import EMA

POINTS = DataSpec("points", "1", (2,))


def gan_of(partners=None, seed=0, tricks=(), loss=non_saturating):
    recipe = create("vanilla", POINTS).recipe
    gan = GAN(
        generator=lambda latent_dim: MLP((latent_dim,), [4], (2,)),
        discriminator=lambda shape: MLP(shape, [4], (1,)),
        loss=loss,
        recipe=recipe,
        partners=partners or {},
    )
    return state_of(gan, POINTS, tricks, seed=seed)


def weights(network):
    return torch.cat([weight.detach().flatten() for weight in network.parameters()])


def test_each_network_begins_from_a_stream_of_its_own():
    state = gan_of()
    torch.manual_seed(stream_seed(0, "init/generator"))
    assert torch.equal(weights(state.generator), weights(MLP((2,), [4], (2,))))
    torch.manual_seed(stream_seed(0, "init/discriminator"))
    assert torch.equal(weights(state.discriminator), weights(MLP((2,), [4], (1,))))
    assert not torch.equal(weights(state.generator), weights(gan_of(seed=1).generator))


def test_building_leaves_the_global_stream_as_it_was():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    gan_of()
    assert torch.equal(torch.rand(2), expected)


def test_another_network_changes_none_of_the_others():
    plain = gan_of()
    vanilla = create("vanilla", POINTS)
    wrapped = state_of(vanilla, POINTS, [registry.tricks.get("spectral-norm")()])
    bare = state_of(vanilla, POINTS)
    assert torch.equal(weights(wrapped.generator), weights(bare.generator))
    helped = gan_of(
        {"encoder": Partner(lambda latent_dim, shape: nn.Linear(2, 2), "discriminator")}
    )
    assert torch.equal(weights(helped.generator), weights(plain.generator))
    assert torch.equal(weights(helped.discriminator), weights(plain.discriminator))


def test_a_partner_learns_with_its_player():
    partners = {
        "encoder": Partner(lambda latent_dim, shape: nn.Linear(2, 3), "generator"),
        "judge": Partner(lambda latent_dim, shape: nn.Linear(5, 1), "discriminator"),
    }
    state = gan_of(partners)
    assert set(state.partners) == {"encoder", "judge"}
    for role, name in (("generator", "encoder"), ("discriminator", "judge")):
        moved = {id(weight) for weight in state.parameters(role)}
        assert {id(weight) for weight in state.partners[name].parameters()} <= moved
        groups = state.optimizers[role].param_groups
        assert {id(weight) for group in groups for weight in group["params"]} == moved


def test_a_frozen_weight_is_not_trained():
    def frozen(latent_dim):
        network = MLP((latent_dim,), [4], (2,))
        next(network.parameters()).requires_grad_(False)
        return network

    base = create("vanilla", POINTS)
    gan = GAN(
        generator=frozen, discriminator=base.discriminator, loss=base.loss, recipe=base.recipe
    )
    state = state_of(gan, POINTS)
    assert len(state.parameters("generator")) == 3


def test_a_configuration_is_built_as_it_says():
    config = plan(
        "wgan-gp",
        "ring8",
        tricks=[parse_trick("gradient-penalty:weight=3"), parse_trick("ema")],
        settings={"loss": "hinge", "recipe.latent_dim": 7, "seed": 2},
    ).config
    state = build(config, DataSpec("ring8", "1", (2,)), CPU)
    assert state.loss.name == "hinge"
    assert [registry.name_of(trick) for trick in state.tricks] == ["gradient-penalty", "ema"]
    assert next(iter(state.tricks)).weight == 3.0
    assert next(state.generator.parameters()).shape == (128, 7)
    assert state.streams.seed == 2


def test_a_loss_of_the_models_own_needs_no_name_elsewhere(tmp_path, constant_model):
    own = Loss("own", lambda real, fake: real.mean(), lambda real, fake: fake.mean())
    state = gan_of(loss=own)
    assert state.loss is own
    text = constant_model.read_text()
    text = text.replace(
        "loss=non_saturating,",
        "loss=dataclasses.replace(non_saturating, name='mine'),",
    )
    path = tmp_path / "own.py"
    path.write_text(text.replace("import torch\n", "import dataclasses\n\nimport torch\n", 1))
    config = plan(str(path), "ring8").config
    assert config.loss == "mine"
    assert build(config, DataSpec("ring8", "1", (2,)), CPU).loss.name == "mine"


LOSSES_THAT_ARE_CHOSEN = [
    ("rpgan", "non-saturating", "label-smoothing", None),
    ("wgan", "hinge", "label-smoothing", None),
    ("dcgan", "wasserstein", "label-smoothing", "not 'wasserstein'"),
    ("dcgan", "relativistic-average", "several-discriminators", "is no mean over logits"),
    ("dcgan", "relativistic-average", "unet-discriminator", "is no mean over logits"),
    ("mdgan", "hinge", None, "and hinge would be that of the diffusion step"),
    ("san", "wasserstein", None, None),
    ("san", "least-squares", None, "and least-squares needs another objective"),
    ("vaegan", "relativistic", None, "the loss relativistic has no cost of a fake alone"),
    ("aae", "hinge", None, "and the loss hinge rewards those of fakes"),
    ("bigan", "relativistic", None, None),
    ("bigan", "hinge", None, "which the loss hinge does not show to the generator's side"),
    ("began", "hinge", None, "and the loss hinge takes logits"),
    ("gman", "hinge", None, None),
    ("san", "hinge", "label-smoothing", "is taught for hard labels"),
]


@pytest.mark.parametrize(("model", "loss", "trick", "refused"), LOSSES_THAT_ARE_CHOSEN)
def test_what_is_checked_is_the_loss_that_is_trained_with(model, loss, trick, refused):
    """Not the model's own: and before anything is built, so that a matrix refuses it at once."""
    expected = pytest.raises(ConfigError, match=refused) if refused else nullcontext()
    with expected:
        plan(model, "digits", tricks=[trick] if trick else [], settings={"loss": loss})


def test_hooks_see_the_loss_that_is_trained_with_when_a_run_is_built():
    gan = create("dcgan", open_dataset("digits").spec)
    seen = []

    class Curious(Hooks):
        def check(self, gan, recipe, data):
            seen.append((gan.loss, gan.recipe, gan.tricks))

    recipe = gan.recipe.replace(batch_size=7)
    build_state(
        replace(gan, hooks=Curious()),
        open_dataset("digits").spec,
        recipe=recipe,
        tricks=[EMA()],
        loss=losses.hinge,
        seed=0,
        device=CPU,
    )
    assert seen == [(losses.hinge, recipe, [EMA()])]


def test_tricks_say_what_they_do_not_fit():
    with pytest.raises(ConfigError, match="given twice"):
        gan_of(tricks=[registry.tricks.get("r1")()] * 2)


def test_the_source_is_part_of_what_a_run_is(constant_model):
    first = source_hash(str(constant_model))
    assert first == hashlib.sha256(constant_model.read_bytes()).hexdigest()[:16]
    before = plan(str(constant_model), "ring8").config.identity
    constant_model.write_text(constant_model.read_text() + "\n# changed\n")
    assert source_hash(str(constant_model)) != first
    assert plan(str(constant_model), "ring8").config.identity != before
    vanilla = Path(registry.models.entry("vanilla").path).read_bytes()
    assert source_hash("vanilla") == hashlib.sha256(vanilla).hexdigest()[:16]


def test_create_takes_a_name_or_what_is_known_of_the_data():
    by_name = create("dcgan", "digits")
    spec = DataSpec("mine", "1", (1, 28, 28))
    by_spec = create("DCGAN", spec)
    assert isinstance(by_name, GAN)
    assert by_name.recipe == by_spec.recipe
    torch.manual_seed(0)
    generator = by_spec.generator(by_spec.recipe.latent_dim)
    assert generator(torch.randn(2, by_spec.recipe.latent_dim)).shape == (2, *spec.shape)
    with pytest.raises(UnknownNameError, match="Did you mean 'dcgan'"):
        create("dcgna", spec)
    with pytest.raises(UnknownNameError, match="Unknown dataset"):
        create("dcgan", "digitz")


def test_what_is_not_a_model_is_refused(tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text("from ganbench import register\n\n@register\ndef wrong(data):\n    return 3\n")
    with pytest.raises(ConfigError, match="returned int, not a GAN"):
        create(str(path), "ring8")


def test_a_model_file_that_is_broken_is_one_sentence(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text(
        "from ganbench import register, GANN\n\n@register\ndef broken(data):\n    ...\n"
    )
    with pytest.raises(InputError, match=r"broken\.py:1 cannot be imported: cannot import name"):
        create(str(path), POINTS)
