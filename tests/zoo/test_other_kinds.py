# SPDX-License-Identifier: MIT
"""Models for pairs, sounds and text: trained, interrupted, resumed, sampled, pictured."""

import numpy as np
import pytest
import torch
from comparing import differing, tensors_of, without_times
from PIL import Image
from small_states import state_of

import ganbench
from ganbench.data import open_dataset
from ganbench.progress import Progress
from ganbench.records.run_folder import RunFolder
from ganbench.sampling.draw import draw
from ganbench.training.build import create
from ganbench.training.trainer import Schedule, Trainer, evaluating

RANDOM = np.random.default_rng(0)
SOURCES = RANDOM.integers(0, 256, (60, 16, 16, 1), dtype=np.uint8)
PHASES = RANDOM.uniform(0, 6, (60, 1, 1)).astype(np.float32)
DATA = {
    "pix2pix": {"images": SOURCES.repeat(3, axis=3), "sources": 255 - SOURCES},
    "wavegan": {"sequences": 0.8 * np.sin(np.arange(256, dtype=np.float32) / 5 + PHASES)},
    "gumbel-softmax-gan": {"sequences": RANDOM.integers(0, 3, (60, 8)), "alphabet": [*"ab "]},
}
PARAMETERS = {
    "pix2pix": {"width": 4},
    "wavegan": {"width": 2},
    "gumbel-softmax-gan": {"width": 4, "temperature": "2->0.5"},
}
UPDATES = 40
"""Of each player; data are seen several times, and halfway for the second time."""


@pytest.fixture(params=DATA)
def model(request):
    return request.param


class StopHalfway(Progress):
    """Asks a trainer to stop at half of its way."""

    trainer = None

    def tick(self, row, share, seconds_left):
        self.trainer.stop_requested = share >= 0.5


def trainer_of(model, folder, progress=None):
    """Return a trainer of some updates."""
    data = open_dataset(DATA[model]).load("train")
    gan = create(model, data.spec, PARAMETERS[model])
    settings = {"kimg": 4 * UPDATES / 1000, "batch_size": 4, "discriminator_steps": 1}
    recipe = gan.recipe.model_copy(update=settings)
    return Trainer(
        state_of(gan, data.spec, gan.tricks, recipe=recipe),
        data,
        RunFolder(folder),
        seed=0,
        schedule=Schedule(ticks=10, snapshots=0, evaluations=0, checkpoint_seconds=1e9),
        snapshot=lambda state, kimg: None,
        evaluate=lambda state: {},
        progress=progress or Progress(),
    )


def test_a_run_goes_on_bit_for_bit_and_is_sampled_twice_alike(model, tmp_path):
    whole = trainer_of(model, tmp_path / "whole")
    assert whole.train() in {"done", "collapsed"}
    stop = StopHalfway()
    stop.trainer = first = trainer_of(model, tmp_path / "parts", stop)
    assert first.train() == "interrupted"
    second = trainer_of(model, tmp_path / "parts")
    second.resume()
    assert not differing(tensors_of(first.state), tensors_of(second.state))
    second.train()
    assert second.state.updates["generator"] == UPDATES
    assert not differing(tensors_of(whole.state), tensors_of(second.state))
    rows, resumed_rows = (
        [without_times(row) for row in trainer.folder.stats()] for trainer in (whole, second)
    )
    assert rows == resumed_rows
    samples = []
    for trainer in (whole, whole, second):
        with evaluating(trainer.state):
            samples.append(draw(trainer.state, 6, seed=1).samples)
    assert torch.equal(samples[0], samples[1])
    assert torch.equal(samples[0], samples[2])


def test_the_command_line_trains_on_npz_and_samples_twice_alike(model, tmp_path, cli):
    np.savez(tmp_path / "data.npz", **DATA[model])
    words = ["run", "-m", model, "-d", tmp_path / "data.npz", "--out", tmp_path / "runs"]
    settings = {"kimg": 0.2, "batch_size": 4, "discriminator_steps": 1}
    settings |= {f"model.{name}": value for name, value in PARAMETERS[model].items()}
    for name, value in settings.items():
        words += ["--set", f"{name}={value}"]
    trained = cli(*words, "--samples", 20, "--json")
    assert trained.code == 0, trained.err
    (folder,) = (tmp_path / "runs").iterdir()
    for target in ("a", "b"):
        sample = ("sample", folder, "-c", 6, "--out")
        assert cli(*sample, tmp_path / f"{target}.npz", "--format", "npz").code == 0
        assert cli(*sample, tmp_path / f"{target}.png").code == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    key = "images" if model == "pix2pix" else "sequences"
    with np.load(tmp_path / "a.npz") as first, np.load(tmp_path / "b.npz") as second:
        assert len(first[key]) == 6
        assert np.array_equal(first[key], second[key])
    run = ganbench.load_run(folder)
    with Image.open(sorted((folder / "samples").glob("*.png"))[-1]) as image:
        assert image.tobytes() == run.grid().tobytes()
    assert cli(*words, "--samples", 20, "--resume").code == 0, "it is found stored"


def test_samples_are_made_from_the_held_out_sources_and_shown_next_to_them(tmp_path):
    settings = {"kimg": 0.1, "batch_size": 4, "model.width": 4}
    data = DATA["pix2pix"]
    run = ganbench.run(
        "pix2pix", data, settings=settings, metrics=[], out=tmp_path, progress=False, device="cpu"
    )
    held_out = open_dataset(data).load("test").sources
    with evaluating(run._state):
        shown = draw(run._state, 50, seed=1).pictured
    assert shown.shape == (50, 3, 16, 32)
    left = {image.numpy().tobytes() for image in shown[:, 0, :, :16].contiguous()}
    assert left == {image.numpy().tobytes() for image in held_out[:, 0]}
    assert torch.equal(shown[:, :, :, 16:], run.sample(50, seed=1))
    assert run.grid(4).size[0] > 1.5 * run.grid(4).size[1]


def test_a_run_of_pairs_is_measured_again(tmp_path):
    settings = {"kimg": 0.1, "batch_size": 4, "model.width": 4}
    run = ganbench.run(
        "pix2pix",
        DATA["pix2pix"],
        settings=settings,
        metrics=["fid@pixels"],
        samples=40,
        out=tmp_path,
        progress=False,
        device="cpu",
    )
    again = ganbench.evaluate(
        fake=run, metrics=["fid@pixels"], samples=40, progress=False, device="cpu"
    )
    assert again.metrics["fid@pixels"]["value"] == run.metrics["fid@pixels"]["value"]
