# SPDX-License-Identifier: MIT
"""Every breach of the contract is one sentence, which names the part and says what came."""

from dataclasses import dataclass, replace

import pytest
import torch
from small_states import state_of
from torch import nn

from ganbench.config import Recipe
from ganbench.data.dataset import Dataset
from ganbench.errors import ConfigError, ContractError
from ganbench.gan import GAN, Batch, DataSpec, Loss, Partner
from ganbench.losses import non_saturating
from ganbench.nn import MLP
from ganbench.progress import SILENT
from ganbench.records.run_folder import RunFolder
from ganbench.registry import register
from ganbench.training.trainer import Schedule, Trainer
from ganbench.trick import Hooks, Terms, Trick
from ganbench.turn import Turn

NAN = torch.tensor(torch.nan)
DATA = DataSpec("plane", "1", (2,))
CLASSES = DataSpec("plane", "1", (2,), classes=3)
RECIPE = Recipe(kimg=0.04, batch_size=8, latent_dim=3)


def train(tmp_path, data=DATA, updates=0, **fields):
    """Train a small GAN with some fields replaced, as if it had made some updates."""
    gan = GAN(
        **{
            "generator": lambda latent_dim: MLP((latent_dim,), [4], (2,)),
            "discriminator": lambda shape: MLP(shape, [4], (1,)),
            "loss": non_saturating,
            "recipe": RECIPE,
            **fields,
        }
    )
    labels = torch.arange(40) % 3 if data.classes else None
    state = state_of(gan, data, gan.tricks)
    state.updates = dict.fromkeys(state.updates, updates)
    trainer = Trainer(
        state,
        Dataset(data, "train", torch.randn(40, 2), labels),
        RunFolder(tmp_path / "run"),
        seed=0,
        schedule=Schedule(ticks=2, snapshots=0, evaluations=0),
        snapshot=lambda state, kimg: None,
        evaluate=lambda state: {},
        progress=SILENT,
    )
    return trainer.train()


def network(function, inputs=2):
    """Return a network with a weight, which is a function of its inputs and a linear layer."""

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(inputs, 2)

        def forward(self, values):
            return function(self.layer, values)

    return Network()


def hooks_with(**methods):
    return type("Mine", (Hooks,), methods)()


def judge(function):
    return {"discriminator": lambda shape: network(function)}


def make(function):
    return {"generator": lambda latent_dim: network(function, latent_dim)}


def terms(value):
    return {"hooks": hooks_with(generator_terms=lambda self, turn: value)}


class Forgetful(Hooks):
    """Gathers something that it did not start with."""

    def after_step(self, turn: Turn) -> None:
        turn.state.memory_of(self)["late"] = torch.zeros(())


class Encoding(Hooks):
    """Lets the encoder learn to read the latents of fakes."""

    def generator_terms(self, turn: Turn) -> Terms:
        read = turn.state.partners["encoder"](turn.fake.images)
        return {"read": (read - turn.latents).square().mean()}


class Counting(Hooks):
    """Counts in an attribute, which no checkpoint holds."""

    def __init__(self):
        self.counts = {"updates": 0}

    def after_step(self, turn: Turn) -> None:
        self.counts["updates"] += 1


class Ticking(nn.Module):
    """A generator that counts its passes in an attribute."""

    def __init__(self, latent_dim):
        super().__init__()
        self.layer, self.passes = nn.Linear(latent_dim, 2), 0

    def forward(self, latents):
        self.passes += 1
        return self.layer(latents)


MISTAKES = {
    "generator is a network": (
        {"generator": nn.Linear(3, 2)}, "GAN.generator is a Linear; a function"),
    "discriminator is no function": ({"discriminator": 3}, "GAN.discriminator is 3; a function"),
    "loss is a name": ({"loss": "hinge"}, "GAN.loss is 'hinge'; Loss was expected"),
    "recipe is a dict": ({"recipe": {"kimg": 3}}, "GAN.recipe is a dict; Recipe was expected"),
    "hooks are a class": ({"hooks": Hooks}, "GAN.hooks is the class Hooks; Hooks or None"),
    "tricks are names": ({"tricks": ["r1"]}, "item of GAN.tricks is 'r1'; Trick was expected"),
    "partner is a network": (
        {"partners": {"encoder": nn.Linear(2, 3)}}, "partner 'encoder' is a Linear; Partner"),
    "partner has no such role": (
        {"partners": {"encoder": Partner(lambda size, shape: nn.Linear(2, 3), "critic")}},
        "learns with 'critic'; generator or discriminator was expected"),
    "partner is a player": (
        {"partners": {"generator": Partner(lambda size, shape: nn.Linear(2, 3))}},
        "cannot be called 'generator'"),
    "partner takes one argument": (
        {"partners": {"encoder": Partner(lambda size: nn.Linear(2, 3))}},
        "The encoder failed to be built: TypeError"),
    "conditional without classes": ({"conditional": True}, "conditional on classes, and plane has"),
    "conditional on nothing": ({"conditional": "labels"}, "GAN.conditional is 'labels'; True"),
    "factory without an argument": (
        {"generator": lambda: MLP((3,), [4], (2,))}, "The generator failed to be built: TypeError"),
    "factory returns nothing": (
        {"generator": lambda size: None}, "builds the generator returned None; Module"),
    "factory fails": (
        {"discriminator": lambda shape: MLP(shape[7], [4], (1,))},
        r"discriminator, at .*_contract.py, line \d+, <lambda>, failed to be built: IndexError"),
    "network without weights": (
        {"discriminator": lambda shape: nn.Tanh()}, "discriminator has no weights that can learn"),
    "frozen network": (
        {"generator": lambda size: MLP((size,), [4], (2,)).requires_grad_(False)},
        "generator has no weights that can learn"),
    "generator of another shape": (
        {"generator": lambda size: MLP((size,), [4], (5,))},
        r"generator returned \(8, 5\) for latents \(8, 3\); \(8, 2\) was expected"),
    "generator returns whole numbers": (
        make(lambda layer, values: layer(values).round().long()), "generator returned torch.int64"),
    "generator returns a list": (
        make(lambda layer, values: [layer(values)]), "generator returned a list; Tensor"),
    "generator is detached": (
        make(lambda layer, values: layer(values).detach()), "The generator gets no gradient"),
    "discriminator of another shape": (
        {"discriminator": lambda shape: MLP((7,), [4], (1,))},
        r"The discriminator failed for \(8, 2\): RuntimeError: mat1 and mat2 shapes"),
    "discriminator returns a mean": (
        judge(lambda layer, values: layer(values).mean()), r"logits \(\) for 8 examples"),
    "discriminator returns None": (
        judge(lambda layer, values: None), "discriminator returned None; Tensor"),
    "discriminator is detached": (
        judge(lambda layer, values: layer(values).detach()), "loss does not depend on the"),
    "discriminator takes a label": (
        {"discriminator": lambda shape: network(lambda layer, values, more: layer(values))},
        r"discriminator, at .*, forward, failed for \(8, 2\): TypeError"),
    "term is a vector": (
        terms({"mine": torch.zeros(8)}), r"term variant/mine has the shape \(8,\); a scalar"),
    "term is a number": (terms({"mine": 0.5}), "term variant/mine is 0.5; Tensor was expected"),
    "term is nan": (
        {"hooks": hooks_with(discriminator_terms=lambda self, turn: {"x": NAN})},
        "discriminator's term variant/x is nan"),
    "terms are a tensor": (
        terms(torch.zeros(())), r"hook generator_terms of variant \(.*\) returned a tensor"),
    "terms are forgotten": (terms(None), "returned None; Mapping was expected"),
    "loss is a vector": (
        {"loss": Loss("mine", lambda r, f: f - r, lambda r, f: -f)},
        r"discriminator's term adversarial has the shape \(8, 1\)"),
    "latents of another shape": (
        {"hooks": hooks_with(latents=lambda self, latents, turn: latents[:, :2])},
        r"returned \(8, 2\); \(8, 3\) was expected"),
    "latents are forgotten": (
        {"hooks": hooks_with(latents=lambda self, latents, turn: None)}, "returned None; Tensor"),
    "fakes are a tensor": (
        {"hooks": hooks_with(fakes=lambda self, batch, turn: batch.images)}, "returned a tensor"),
    "fakes are fewer": (
        {"hooks": hooks_with(fakes=lambda self, batch, turn: batch.take(torch.arange(4)))},
        r"fakes of variant .* returned \(4, 2\); \(8, 2\)"),
    "reals are forgotten": (
        {"hooks": hooks_with(reals=lambda self, batch, turn: None)}, "returned None; Batch"),
    "see returns images": (
        {"hooks": hooks_with(see=lambda self, seen, scored, turn: seen.images)},
        "Seen was expected"),
    "after_step returns something": (
        {"hooks": hooks_with(after_step=lambda self, turn: 3)},
        "after_step of variant .* returned 3"),
    "start returns nothing": (
        {"hooks": hooks_with(start=lambda self, state: None)},
        "hook start of variant .* returned None; dict"),
    "memory is a number": (
        {"hooks": hooks_with(start=lambda self, state: {"k": 0.5})},
        "memory 'k' of variant is 0.5; Tensor or Module"),
    "memory grows": ({"hooks": Forgetful()}, "variant keeps late in its memory"),
    "optimizer is forgotten": (
        {"hooks": hooks_with(optimizer=lambda self, optimizer, role, state: None)},
        "optimizer of variant .* returned None; Optimizer"),
    "subset is a mask": (
        {"hooks": hooks_with(subset=lambda self, examples, state: examples.images[:, 0] > 0)},
        "indices .* of type int64 were expected"),
    "subset is empty": (
        {"hooks": hooks_with(subset=lambda self, examples, state: torch.arange(0))},
        "selected no example"),
    "subset is outside": (
        {"hooks": hooks_with(subset=lambda self, examples, state: torch.arange(90))},
        "outside 0 to 39"),
    "partner without gradient": (
        {"partners": {"encoder": Partner(lambda size, shape: nn.Linear(2, 3))}},
        "The partner 'encoder' gets no gradient"),
    "hooks that count": (
        {"hooks": Counting()}, "attribute counts of variant .* changed in the first iteration"),
    "a network that counts": (
        {"generator": Ticking}, "attribute passes of generator changed in the first iteration"),
    "see returns fewer": (
        {"hooks": hooks_with(
            see=lambda self, seen, scored, turn: seen.replace(images=seen.images[::2]))},
        "returned 4 examples; 8 were expected"),
    "fakes with fewer labels": (
        {"hooks": hooks_with(fakes=lambda self, batch, turn: replace(
            batch, latents=batch.latents[:4]))}, "returned 4 latents for 8 examples"),
    "a hook takes other arguments": (
        {"hooks": hooks_with(see=lambda self, seen, turn: seen)},
        r"The hook see of variant \(test_contract.py\) failed in the first iteration: TypeError"),
    "the hook check fails": (
        {"hooks": hooks_with(check=lambda self, gan, recipe, data: gan.nothing)},
        "hook check of variant, at .*, failed to check the model: AttributeError"),
    "a hook is misspelt": (
        {"hooks": hooks_with(after_steps=lambda self, turn: None)},
        "Mine has a method after_steps, which is not a hook. Did you mean 'after_step'"),
    "a hook fails": (
        {"hooks": hooks_with(gradients=lambda self, turn: turn.no_such_thing)},
        r"hook gradients of variant .*, at .*, line \d+, <lambda>, failed in the first iteration"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence(tmp_path, mistake):
    fields, sentence = MISTAKES[mistake]
    with pytest.raises(ConfigError, match=sentence) as raised:
        train(tmp_path, **fields)
    assert "\n" not in raised.value.message
    assert raised.value.message.endswith((".", "?"))


def test_what_keeps_to_the_contract_trains(tmp_path):
    assert train(tmp_path / "plain") in {"done", "collapsed"}
    extras = {
        **make(lambda layer, values: (layer(values), "styles")),
        **judge(lambda layer, values: (layer(values), {"features": values})),
        "partners": {"encoder": Partner(lambda size, shape: nn.Linear(shape[0], size))},
        "hooks": Encoding(),
    }
    assert train(tmp_path / "rich", **extras) in {"done", "collapsed"}


def test_a_trick_of_the_variant_belongs_elsewhere(tmp_path):
    @register("mine")
    @dataclass(frozen=True)
    class Mine(Trick):
        pass

    with pytest.raises(ContractError, match=r"GAN\.hooks is the trick mine; Hooks were expected"):
        train(tmp_path, hooks=Mine())


def test_training_that_diverges_later_is_no_breach(tmp_path):
    """Only the very first update says something of the code; the rest is the training's result."""
    optimizer = RECIPE.discriminator_optimizer.model_copy(update={"learning_rate": 1e30})
    recipe = RECIPE.model_copy(update={"discriminator_optimizer": optimizer})
    assert train(tmp_path, recipe=recipe) == "diverged"


def test_the_checks_leave_the_first_iteration_as_it_is(tmp_path, monkeypatch):
    train(tmp_path / "checked", CLASSES)
    monkeypatch.setattr(
        "ganbench.training.trainer.first_iteration",
        lambda state, iterate, next_batch: iterate(state, next_batch),
    )
    train(tmp_path / "plain", CLASSES)
    first, second = (
        (tmp_path / name / "run" / "checkpoint.safetensors").read_bytes()
        for name in ("checked", "plain")
    )
    assert first[-2000:] == second[-2000:]


def test_batches_are_taken_and_joined_whole():
    made = {"styles": (torch.arange(3), [torch.arange(3.0)]), "none": None}
    batch = Batch(
        torch.arange(6.0).reshape(3, 2), torch.arange(3), latents=torch.ones(3, 4), made=made
    )
    taken = batch.take(torch.tensor([2, 0]))
    assert taken.made["styles"][0].tolist() == [2, 0]
    assert taken.made["styles"][1][0].tolist() == [2.0, 0.0]
    assert Batch.join([taken, batch]).made["styles"][0].tolist() == [2, 0, 0, 1, 2]
    assert taken.labels.tolist() == [2, 0]
    assert taken.images[:, 0].tolist() == [4.0, 0.0]
    joined = Batch.join([taken, Batch(torch.zeros(1, 2), torch.tensor([7]))])
    assert joined.labels.tolist() == [2, 0, 7]
    assert joined.latents is None
    assert joined.source is None
    assert len(joined) == 3


class Late(Hooks):
    """Forgets to return its terms from the third update on."""

    def generator_terms(self, turn: Turn) -> Terms | None:
        return {} if turn.state.updates["generator"] < 2 else None


class LateError(Hooks):
    def after_step(self, turn: Turn) -> None:
        if turn.state.updates["generator"] == 2:
            turn.no_such_thing  # noqa: B018


@pytest.mark.parametrize(
    ("hooks", "sentence"),
    [
        (Late(), "ganbench/trick.py, line .* failed in training: AttributeError"),
        (LateError(), "test_contract.py, line .*, after_step failed in training: AttributeError"),
    ],
)
def test_an_error_after_the_first_iteration_is_a_sentence_too(tmp_path, hooks, sentence):
    with pytest.raises(ContractError, match=sentence):
        train(tmp_path, hooks=hooks)


class Seldom(Hooks):
    """Lets a partner learn in every third update alone."""

    def generator_terms(self, turn):
        if turn.state.updates["generator"] % 3:
            return {}
        return {"code": turn.state.partners["encoder"](torch.ones(8, 2)).square().mean()}


@pytest.mark.parametrize("updates", [0, 1, 3])
def test_a_partner_may_learn_in_some_updates_only_also_when_a_run_goes_on(tmp_path, updates):
    partners = {"encoder": Partner(lambda size, shape: nn.Linear(2, 3))}
    assert train(tmp_path, updates=updates, hooks=Seldom(), partners=partners) == "done"
