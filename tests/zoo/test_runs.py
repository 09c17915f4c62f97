# SPDX-License-Identifier: MIT
"""Every registered model trains, is interrupted, resumes bit for bit, and samples alike."""

import itertools

import pytest
import torch
from comparing import differing, tensors_of, without_times
from small_models import small, takes
from small_states import state_of

from ganbench import registry
from ganbench.data.dataset import Dataset
from ganbench.gan import DataSpec, Mixture
from ganbench.progress import Progress
from ganbench.records.run_folder import RunFolder
from ganbench.sampling.draw import draw
from ganbench.training.trainer import Schedule, Trainer, evaluating

DATA = {
    "gray": DataSpec("gray", "1", (1, 16, 16), classes=2),
    "color": DataSpec("color", "1", (3, 16, 16), classes=2),
    "points": DataSpec("points", "1", (2,), classes=2, mixture=Mixture(((-1.0, 0.0),), 0.1)),
}
PARAMETERS = {"diffusion-gan": {"adjust_kimg": 0.1}, "began": {"rate": 0.1}}
"""Parameters under which what adapts has moved after a few updates."""
CASES = [
    (model, kind)
    for model, kind in itertools.product(registry.models.names(), DATA)
    if takes(model, DATA[kind])
]


class StopAt(Progress):
    """Asks a trainer to stop once it is that far."""

    def __init__(self, share):
        self.share = share
        self.trainer = None

    def tick(self, row, share, seconds_left):
        self.trainer.stop_requested = share >= self.share


def trainer_of(model, kind, folder, progress=None):
    """Return a trainer of eight iterations, in batches of four."""
    spec = DATA[kind]
    gan = small(model, spec, PARAMETERS.get(model))
    steps = min(2, gan.recipe.discriminator_steps)
    settings = {"kimg": 0.032 * steps, "batch_size": 4, "discriminator_steps": steps}
    recipe = gan.recipe.model_copy(update=settings)
    random = torch.Generator().manual_seed(0)
    values = torch.rand(40, *spec.shape, generator=random)
    values = (values * 255).to(torch.uint8) if spec.is_image else values
    dataset = Dataset(spec, "train", values, torch.randint(2, (40,), generator=random))
    return Trainer(
        state_of(gan, spec, gan.tricks, recipe=recipe),
        dataset,
        RunFolder(folder),
        seed=0,
        schedule=Schedule(ticks=4, snapshots=0, evaluations=0, checkpoint_seconds=1e9),
        snapshot=lambda state, kimg: None,
        evaluate=lambda state: {},
        progress=progress or Progress(),
    )


@pytest.mark.parametrize(("model", "kind"), CASES, ids=map("-".join, CASES))
def test_a_run_goes_on_bit_for_bit_and_is_sampled_twice_alike(model, kind, tmp_path):
    whole = trainer_of(model, kind, tmp_path / "whole")
    assert whole.train() in {"done", "collapsed"}
    stop = StopAt(0.5)
    stop.trainer = first = trainer_of(model, kind, tmp_path / "parts", stop)
    assert first.train() == "interrupted"
    second = trainer_of(model, kind, tmp_path / "parts")
    second.resume()
    assert not differing(tensors_of(first.state), tensors_of(second.state))
    assert second.train() in {"done", "collapsed"}
    assert not differing(tensors_of(whole.state), tensors_of(second.state))
    rows, resumed_rows = (
        [without_times(row) for row in trainer.folder.stats()] for trainer in (whole, second)
    )
    assert rows == resumed_rows

    samples = []
    for trainer in (whole, whole, second):
        with evaluating(trainer.state):
            samples.append(draw(trainer.state, 6, seed=1).samples)
    assert samples[0].shape == (6, *DATA[kind].shape)
    assert torch.equal(samples[0], samples[1])
    assert torch.equal(samples[0], samples[2])
    assert len(samples[0].flatten(1).unique(dim=0)) > 1
