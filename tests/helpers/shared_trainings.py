# SPDX-License-Identifier: MIT
"""Trainings that a process carries out alone, and that two processes carry out together.

Run as a program, this carries out all of them in the folder that its argument names, as one of the
processes that the environment describes. The tests carry them out alone, and compare.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from comparing import learned_of
from small_states import state_of
from torch import nn

from ganbench import losses
from ganbench.config import Recipe, adam, parse_trick, sgd
from ganbench.data.dataset import Dataset
from ganbench.gan import GAN, DataSpec
from ganbench.nn import MLP, ConvDiscriminator, ConvGenerator
from ganbench.progress import SILENT
from ganbench.records.run_folder import RunFolder
from ganbench.training.checkpoint import write_tensors
from ganbench.training.distributed import join_processes
from ganbench.training.trainer import Schedule, Trainer
from ganbench.trick_config import make_trick
from ganbench.tricks.gradient_penalty import GradientPenalty, row_norms

POINTS = DataSpec("points", "1", (2,), classes=2)
IMAGES = DataSpec("images", "1", (1, 8, 8))
ITERATIONS = 6


class EqualPenalty(GradientPenalty):
    """The gradient penalty between points that do not depend on the number of processes."""

    def discriminator_terms(self, turn):
        group = turn.state.group
        count = len(turn.real.images) * group.size
        shares = group.shard(torch.rand(count, generator=turn.state.streams["noise"]))
        excess = row_norms(turn.between(shares).gradients) - self.target
        return {"penalty": self.weight * excess.square().mean()}


class Normalized(nn.Module):
    """A multilayer perceptron after a batch normalization that keeps a mean over all batches."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.norm = nn.BatchNorm1d(inputs, momentum=None)
        self.network = MLP((inputs,), [8], outputs)

    def forward(self, values):
        return self.network(self.norm(values))


def points(loss=losses.non_saturating):
    return POINTS, GAN(
        generator=lambda latent_dim: MLP((latent_dim,), [8, 8], (2,)),
        discriminator=lambda shape: MLP(shape, [8, 8], (1,)),
        loss=loss,
        recipe=Recipe(kimg=1),
    )


def normalized():
    return POINTS, GAN(
        generator=lambda latent_dim: Normalized(latent_dim, (2,)),
        discriminator=lambda shape: Normalized(shape[0], (1,)),
        loss=losses.non_saturating,
        recipe=Recipe(kimg=1),
    )


def images(norm="batch", loss=losses.non_saturating):
    return IMAGES, GAN(
        # Two stages, so that the discriminator has a normalized layer.
        generator=lambda latent_dim: ConvGenerator(latent_dim, IMAGES.shape, width=4),
        discriminator=lambda shape: nn.Sequential(
            nn.Upsample(scale_factor=2), ConvDiscriminator((shape[0], 16, 16), width=4, norm=norm)
        ),
        loss=loss,
        recipe=Recipe(kimg=1),
    )


@dataclass(frozen=True)
class Scenario:
    """A model with the tricks and the settings of a training."""

    model: tuple
    tricks: tuple = ()
    recipe: tuple = ()
    batches: int = ITERATIONS
    """The number of batches of real examples in the whole training."""


EQUAL = {
    "plain": Scenario(points(), (), (("schedule", "linear"),)),
    "many tricks": Scenario(
        points(),
        ("ema", "lookahead:steps=2", "optimistic-adam", "r1", "r2:every=2", "label-smoothing",
         "spectral-norm", "weight-clipping:limit=0.5", "pacgan:size=2",
         "gradient-clipping:norm=0.1"),
    ),
    "extragradient": Scenario(points(losses.relativistic), ("extragradient",)),
    "unrolled": Scenario(points(), ("unrolled:steps=2", "r1"), (("generator_steps", 2),)),
    "gradient-normalization": Scenario(points(), ("gradient-normalization",)),
    "minibatch-stddev": Scenario(points(), ("minibatch-stddev:group=2",)),
    "feature-matching": Scenario(points(), ("feature-matching",)),
    "several-discriminators": Scenario(points(), ("several-discriminators:number=2",)),
    "lecam": Scenario(points(), ("lecam:decay=0.5",)),
    "consensus": Scenario(points(), ("consensus", "r1")),
    "symplectic": Scenario(points(), ("symplectic", "r1")),
    "rates and weights": Scenario(
        points(),
        ("ttur", "momentum:beta=-0.3", "learning-rate-decay", "weight-norm", "freeze-d",
         "orthogonal-initialization"),
    ),
    "normalized examples": Scenario(images(), ("layer-norm", "virtual-batch-norm:size=4")),
    "dp-sgd": Scenario(points(), ("dp-sgd:noise=0,clip=0.1",)),
    "logan": Scenario(points(), ("logan:damping=0.1",)),
    "unrolled with batch normalization": Scenario(normalized(), ("unrolled:steps=2",)),
    "dcgan": Scenario(images()),
    "dcgan with r1": Scenario(images(), ("r1", "ema")),
    "wgan-gp": Scenario(
        images("none", losses.wasserstein),
        (EqualPenalty(),),
        (("discriminator_steps", 3),),
        batches=12,
    ),
    "wgan-gp with batch normalization": Scenario(images(), (EqualPenalty(),)),
}  # fmt: skip
RANDOM = Scenario(
    images(),
    (
        *("gradient-penalty", "instance-noise", "diffaugment", "pacgan:size=2", "ema"),
        *("ada:initial=0.5,speed_kimg=0.1", "bcr", "replay:capacity=10", "mode-seeking"),
        *("diversity-sensitive", "jacobian-clamping", "latent-consistency:discriminator=0"),
        *("apa:initial=0.5,speed_kimg=0.1", "path-length:every=2", "consistency-term"),
    ),
)


def trainer(scenario, folder, group, **schedule):
    """Return the trainer of a scenario, in float64, so that rounding does not hide a mistake."""
    data, gan = scenario.model
    recipe = Recipe(
        **{
            "kimg": 8 * scenario.batches / 1000,
            "batch_size": 8,
            "latent_dim": 3,
            "generator_optimizer": adam(2e-3, (0.5, 0.9)),
            "discriminator_optimizer": adam(2e-3, (0.5, 0.9)),
            **dict(scenario.recipe),
        }
    )
    tricks = [
        make_trick(parse_trick(trick)) if isinstance(trick, str) else trick
        for trick in scenario.tricks
    ]
    state = state_of(gan, data, tricks, recipe=recipe, seed=5, group=group)
    random = torch.Generator().manual_seed(0)
    values = torch.rand((30, *data.shape), generator=random) * 2 - 1
    return Trainer(
        state,
        Dataset(data, "train", values),
        RunFolder(folder),
        seed=5,
        schedule=Schedule(**{"ticks": 3, "snapshots": 0, "checkpoint_seconds": 1e9, **schedule}),
        snapshot=lambda at, kimg: None,
        evaluate=lambda at: {},
        progress=SILENT,
    )


def half(scenario, folder, group):
    """Train until the last process asks to stop, so that all stop; return the trainer."""
    halved = trainer(scenario, folder, group, ticks=scenario.batches)
    look_up = halved._look_up

    def stop():
        look_up()
        if halved.state.images_seen >= 8 * scenario.batches // 2 and group.rank == group.size - 1:
            halved.stop_requested = True

    halved._look_up = stop
    assert halved.train() == "interrupted"
    return halved


def finish(scenario, folder, group):
    """Continue from a folder's checkpoint to the end; return the trainer."""
    resumed = trainer(scenario, folder, group, ticks=scenario.batches)
    resumed.resume()
    assert resumed.train() in {"done", "collapsed"}
    return resumed


def together(folder):
    """Carry out all trainings with the processes that the environment describes."""
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    group = join_processes()
    assert group.size == 2
    trained = {}

    def keep(name, trainer):
        trained.update({f"{name}/{key}": value for key, value in learned_of(trainer.state).items()})

    for name, scenario in EQUAL.items():
        equal = trainer(scenario, folder / name, group)
        assert equal.train() in {"done", "collapsed"}
        keep(name, equal)
    whole = trainer(RANDOM, folder / "whole", group)
    whole.train()
    keep("whole", whole)
    half(RANDOM, folder / "parts", group)
    keep("parts", finish(RANDOM, folder / "parts", group))
    half(EQUAL["dcgan"], folder / "two then one", group)
    keep("one then two", finish(EQUAL["dcgan"], folder / "one then two", group))
    half(RANDOM, folder / "random, two then one", group)
    keep("random, one then two", finish(RANDOM, folder / "random, one then two", group))
    broken = Scenario(points(), (), (("generator_optimizer", sgd(1e30)),), batches=100)
    assert trainer(broken, folder / "diverged", group, ticks=100).train() == "diverged"
    write_tensors(folder / f"process{group.rank}.safetensors", trained, {})


if __name__ == "__main__":
    together(Path(sys.argv[1]))
