# SPDX-License-Identifier: MIT
"""Every model of the zoo, trained by two processes together: whole, and with a break.

Run as a program, this carries out the trainings in the folder that its argument names, as one of
the processes that the environment describes.
"""

import sys
from pathlib import Path

import torch
from comparing import tensors_of
from small_models import small
from small_states import state_of

from ganbench import registry
from ganbench.data.dataset import Dataset
from ganbench.gan import DataSpec
from ganbench.progress import SILENT
from ganbench.records.run_folder import RunFolder
from ganbench.training.checkpoint import write_tensors
from ganbench.training.distributed import join_processes
from ganbench.training.trainer import Schedule, Trainer

LETTERS = tuple("abcdefgh")
DATA = {
    "wavegan": DataSpec("sounds", "1", (1, 64)),
    "gumbel-softmax-gan": DataSpec("texts", "1", (len(LETTERS), 8), alphabet=LETTERS),
    "pix2pix": DataSpec("pairs", "1", (1, 16, 16), source=(1, 16, 16)),
}
IMAGES = DataSpec("images", "1", (1, 16, 16), classes=2)
ITERATIONS = 4
SHARED = [
    model for model in registry.models.names() if small(model, DATA.get(model, IMAGES)).loss.mean
]
"""The models whose loss is a mean over examples; the others cannot share a batch."""


def dataset_of(spec):
    """Return twenty random examples of some data."""
    random = torch.Generator().manual_seed(0)
    if spec.alphabet is not None:
        values = torch.randint(len(spec.alphabet), (20, spec.shape[1]), generator=random)
    else:
        values = torch.rand(20, *spec.shape, generator=random)
        values = (values * 255).to(torch.uint8) if spec.is_image else values * 2 - 1
    labels = torch.randint(2, (20,), generator=random) if spec.classes else None
    sources = values.flip(2) if spec.source is not None else None
    return Dataset(spec, "train", values, labels, sources=sources)


def trainer_of(model, folder, group):
    """Return a trainer of a few iterations, in batches of eight."""
    spec = DATA.get(model, IMAGES)
    gan = small(model, spec)
    steps = min(2, gan.recipe.discriminator_steps)
    kimg = 0.008 * steps * ITERATIONS
    settings = {"kimg": kimg, "batch_size": 8, "discriminator_steps": steps}
    recipe = gan.recipe.model_copy(update=settings)
    return Trainer(
        state_of(gan, spec, gan.tricks, recipe=recipe, group=group),
        dataset_of(spec),
        RunFolder(folder),
        seed=0,
        schedule=Schedule(ticks=ITERATIONS, snapshots=0, evaluations=0, checkpoint_seconds=1e9),
        snapshot=lambda state, kimg: None,
        evaluate=lambda state: {},
        progress=SILENT,
    )


def half(model, folder, group):
    """Train until half of the images were seen."""
    trainer = trainer_of(model, folder, group)
    look_up = trainer._look_up

    def stop():
        look_up()
        trainer.stop_requested = trainer.state.images_seen >= trainer.target / 2

    trainer._look_up = stop
    assert trainer.train() == "interrupted", model


def together(folder):
    """Carry out all trainings with the processes that the environment describes."""
    torch.set_num_threads(1)
    group = join_processes()
    assert group.size == 2
    trained = {}
    for model in SHARED:
        whole = trainer_of(model, folder / model / "whole", group)
        assert whole.train() in {"done", "collapsed"}, model
        half(model, folder / model / "parts", group)
        resumed = trainer_of(model, folder / model / "parts", group)
        resumed.resume()
        assert resumed.train() in {"done", "collapsed"}, model
        for name, trainer in (("whole", whole), ("resumed", resumed)):
            tensors = tensors_of(trainer.state).items()
            trained |= {f"{model}:{name}:{key}": torch.as_tensor(value) for key, value in tensors}
    write_tensors(folder / f"process{group.rank}.safetensors", trained, {})


if __name__ == "__main__":
    together(Path(sys.argv[1]))
