# SPDX-License-Identifier: MIT
"""Short trainings that have an ailment, and others that must not: by the whole way of a run."""

import math

import pytest
import torch
from dirac_gan import dirac

from ganbench.config import sgd
from ganbench.data.dataset import Dataset
from ganbench.harness.plan import plan
from ganbench.harness.run import Run
from ganbench.harness.run_options import RunOptions
from ganbench.health.watch import watch_over
from ganbench.losses import non_saturating, wasserstein
from ganbench.progress import Progress
from ganbench.records.run_folder import RunFolder
from ganbench.training.trainer import Schedule, Trainer
from ganbench.tricks.extragradient import Extragradient
from ganbench.tricks.r1 import R1


class Listener(Progress):
    """Keeps the sentences that it is told."""

    def __init__(self):
        self.said = []

    def say(self, sentence):
        self.said.append(sentence)


@pytest.fixture
def trained(tmp_path):
    """Train on ``ring8``; return the names of the events, the result, and what was said."""

    def train(model="vanilla", dataset="ring8", *, evaluations=0, **settings):
        listener = Listener()
        options = RunOptions(
            out=tmp_path, samples=250, threads=1, schedule=Schedule(evaluations=evaluations)
        )
        result = Run(plan(model, dataset, settings=settings), options, listener).execute()
        return {event["name"] for event in result["health"]["events"]}, result, listener.said

    return train


STRONG = {
    "recipe.kimg": 16,
    "recipe.schedule": "constant",
    "recipe.generator_optimizer.learning_rate": 1e-6,
    "recipe.discriminator_optimizer.learning_rate": 1e-2,
}
"""A discriminator that learns ten thousand times as fast as the generator.

The generator stays where it was initialized. Its samples may be so near to each other that the run
counts as collapsed.
"""


def test_a_discriminator_that_is_much_too_fast_saturates_and_starves_the_value_function(trained):
    events, result, said = trained(loss="minimax", **STRONG)
    assert events - {"collapse"} == {"saturation", "vanishing-gradient"}
    begun = {event["name"]: event["kimg"] for event in result["health"]["events"]}
    assert max(begun["saturation"], begun["vanishing-gradient"]) < 15
    assert all(event["until"] is None for event in result["health"]["events"])
    for opening in ("Discriminator saturation, from", "Vanishing generator gradient, from"):
        assert sum(sentence.startswith(opening) for sentence in said) == 1


def test_the_non_saturating_loss_keeps_the_generators_gradient(trained):
    events, _, _ = trained(loss="non-saturating", **STRONG)
    assert events - {"collapse"} == {"saturation"}


def test_a_critic_that_is_much_too_fast_is_not_saturated(trained):
    events, _, _ = trained("wgan-gp", **{**STRONG, "recipe.batch_size": 64})
    assert "saturation" not in events
    assert "vanishing-gradient" not in events


def test_a_critic_that_nothing_bounds_diverges(trained):
    events, _, _ = trained(
        loss="wasserstein", **{**STRONG, "recipe.discriminator_optimizer.learning_rate": 0.5}
    )
    assert events - {"collapse"} == {"divergence"}


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        ("vanilla", {}),
        ("vanilla", {"loss": "hinge"}),
        ("vanilla", {"loss": "least-squares"}),
        ("wgan-gp", {"recipe.batch_size": 64}),
    ],
)
def test_healthy_runs_have_no_event(trained, model, settings):
    events, result, said = trained(model, evaluations=3, **{"recipe.kimg": 30, **settings})
    assert events == set()
    assert not [sentence for sentence in said if "kimg" in sentence]
    assert set(result["health"]["unchecked"]) == {"memorization"}


def dirac_events(tmp_path, state, updates=400):
    """Train the Dirac-GAN, whose data are the point 0, and return the names of its events."""
    data = Dataset(state.data, "train", torch.zeros(64, 1))
    folder = RunFolder(tmp_path / "dirac")
    trainer = Trainer(
        state,
        data,
        folder,
        seed=0,
        schedule=Schedule(snapshots=0, checkpoint_seconds=math.inf),
        snapshot=lambda state, kimg: None,
        evaluate=lambda state: {},
        progress=Progress(),
    )
    trainer.target = updates * state.recipe.batch_size
    trainer._tick_images = trainer.target // 100
    trainer.train()
    assert len(folder.stats()) == 100
    return {event.name for event in watch_over(folder.stats(), []).events}


@pytest.mark.parametrize("loss", [wasserstein, non_saturating], ids=lambda loss: loss.name)
def test_the_dirac_gan_circles(tmp_path, loss):
    """Mescheder et al., 2018, arXiv:1801.04406: neither loss converges by alternating steps."""
    state = dirac(loss=loss, optimizer=sgd(0.2))
    assert dirac_events(tmp_path, state) == {"oscillation"}


@pytest.mark.parametrize("trick", [R1(weight=1.0), Extragradient()], ids=["r1", "extragradient"])
def test_what_is_offered_against_circling_ends_it(tmp_path, trick):
    state = dirac(trick, loss=non_saturating, optimizer=sgd(0.2))
    assert dirac_events(tmp_path, state) == set()


COLLAPSING = '''
import torch
from torch import nn
from ganbench import GAN, MLP, losses, register, Recipe, adam, Hooks


class Fading(nn.Module):
    """A generator that forgets its latents over its updates."""

    def __init__(self, latent_dim):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.register_buffer("age", torch.zeros(()))

    def forward(self, latents):
        if self.training:
            self.age += 1
        return self.scale * latents * torch.exp(-self.age / 400) + 1.0


@register
def fading(data) -> GAN:
    """A generator that collapses."""
    return GAN(
        generator=Fading,
        discriminator=lambda shape: MLP(shape, [8], (1,)),
        loss=losses.non_saturating,
        recipe=Recipe(kimg=20, batch_size=16, latent_dim=2),
    )
'''


def test_a_generator_that_forgets_its_latents_collapses(trained, tmp_path):
    model = tmp_path / "fading.py"
    model.write_text(COLLAPSING)
    events, result, said = trained(str(model))
    assert "collapse" in events
    assert result["status"] == "collapsed"
    (event,) = [each for each in result["health"]["events"] if each["name"] == "collapse"]
    assert event["kimg"] < 20, "it is told before the end"
    assert sum("Collapse" in sentence for sentence in said) == 1
