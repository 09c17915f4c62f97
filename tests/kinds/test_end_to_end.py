# SPDX-License-Identifier: MIT
"""Sequences and videos all the way: trained, pictured, drawn, written, not measured."""

import wave

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import ganbench
from ganbench import GAN, MLP, Recipe, losses
from ganbench.errors import ConfigError, InputError
from ganbench.evaluation.requests import resolve_requests
from ganbench.records.own_files import MANIFEST
from ganbench.samples.sample_set import facts_of

RANDOM = np.random.default_rng(0)
PHASES = RANDOM.uniform(0, 6, (60, 1, 1)).astype(np.float32)
SIGNALS = 0.8 * np.sin(np.arange(256, dtype=np.float32) / 5 + PHASES)
TOKENS = RANDOM.integers(0, 3, (60, 12))
VIDEOS = RANDOM.integers(0, 256, (60, 4, 8, 8, 3), dtype=np.uint8)
pytestmark = pytest.mark.usefixtures("session")

DATA = {
    "signals": {"sequences": SIGNALS, "rate": 8000},
    "tokens": {"sequences": TOKENS, "alphabet": "ab "},
    "videos": VIDEOS,
}
DRAWN = {
    "signals": (torch.float32, (1, 256), "sequences", ".wav"),
    "tokens": (torch.int64, (12,), "sequences", ".txt"),
    "videos": (torch.uint8, (3, 4, 8, 8), "videos", ".webp"),
}
RECIPE = Recipe(kimg=0.4, batch_size=20, latent_dim=4)


class SequenceGenerator(nn.Module):
    """Convolutions along time."""

    def __init__(self, latent_dim, shape):
        super().__init__()
        self.start = nn.Linear(latent_dim, 8 * shape[1])
        self.layers = nn.Sequential(nn.ReLU(), nn.Conv1d(8, shape[0], 5, padding=2), nn.Tanh())

    def forward(self, latents):
        return self.layers(self.start(latents).unflatten(1, (8, -1)))


class VideoGenerator(nn.Module):
    """Convolutions over frames, and others over space and time."""

    def __init__(self, latent_dim, shape):
        super().__init__()
        self.shape = shape
        self.start = nn.Linear(latent_dim, 4 * shape[1] * shape[2] * shape[3])
        self.frames = nn.Conv2d(4, 4, 3, padding=1)
        self.layers = nn.Sequential(nn.ReLU(), nn.Conv3d(4, shape[0], 3, padding=1), nn.Tanh())

    def forward(self, latents):
        made = self.start(latents).unflatten(1, (4, *self.shape[1:]))  # (B, 4, T, H, W)
        frames = self.frames(made.transpose(1, 2).flatten(0, 1))  # (B * T, 4, H, W)
        return self.layers(frames.unflatten(0, (len(latents), -1)).transpose(1, 2))


def tiny(data):
    """A GAN for sequences and videos."""
    build = VideoGenerator if data.kind == "video" else SequenceGenerator
    return GAN(
        generator=lambda latent_dim: build(latent_dim, data.shape),
        discriminator=lambda shape: MLP(shape, [16], (1,)),
        loss=losses.non_saturating,
        recipe=RECIPE,
    )


@pytest.fixture(params=DATA)
def name(request):
    return request.param


@pytest.fixture
def run(name, tmp_path, session):
    return ganbench.run(tiny, DATA[name], out=tmp_path, progress=False, device="cpu", threads=1)


def test_a_gan_trains_is_pictured_and_draws_what_its_kind_says(run, name):
    dtype, shape, *_ = DRAWN[name]
    assert run.status == "done"
    assert dict(run.result["metrics"]) == {}
    pictures = sorted((run.path / "samples").glob("*.png"))
    assert len(pictures) >= 2
    with Image.open(pictures[-1]) as image:
        assert image.tobytes() == run.grid().tobytes()
    samples = run.sample(5, seed=3)
    assert (samples.dtype, tuple(samples.shape)) == (dtype, (5, *shape))
    assert torch.equal(samples, run.sample(5, seed=3))
    assert not torch.equal(samples, run.sample(5, seed=4))


def test_a_run_has_the_same_identity_and_weights_each_time(run, name, tmp_path):
    again = ganbench.run(
        tiny, DATA[name], out=tmp_path / "again", progress=False, device="cpu", threads=1
    )
    assert again.result["identity"] == run.result["identity"]
    assert torch.equal(again.sample(5), run.sample(5))


def model_file(folder):
    """Write the GAN into a file, which a run on a file of data can name."""
    source = """
from torch import nn
from ganbench import GAN, MLP, Recipe, losses, register

@register
def flat(data):
    \"\"\"Perceptrons for data of any shape.\"\"\"
    return GAN(
        generator=lambda latent_dim: MLP((latent_dim,), [16], data.shape, last=nn.Tanh()),
        discriminator=lambda shape: MLP(shape, [16], (1,)),
        loss=losses.non_saturating,
        recipe=Recipe(kimg=0.2, batch_size=20, latent_dim=4),
    )
"""
    (folder / "flat.py").write_text(source)
    return folder / "flat.py"


def test_the_command_line_trains_on_npz_and_samples_equal_files_twice(cli, name, tmp_path):
    _, _, key, ending = DRAWN[name]
    given = DATA[name] if isinstance(DATA[name], dict) else {"videos": DATA[name]}
    arrays = {
        key: np.array([*array]) if key == "alphabet" else array for key, array in given.items()
    }
    np.savez(tmp_path / "data.npz", **arrays)
    words = ("-m", model_file(tmp_path), "-d", tmp_path / "data.npz", "--out", tmp_path / "runs")
    trained = cli("run", *words, "--json")
    assert trained.code == 0, trained.err
    (folder,) = (tmp_path / "runs").iterdir()
    for target in ("a", "b"):
        sample = ("sample", folder, "-c", 6, "--out")
        assert cli(*sample, tmp_path / target, "--format", "files").code == 0
        assert cli(*sample, tmp_path / f"{target}.npz", "--format", "npz").code == 0
        assert cli(*sample, tmp_path / f"{target}.png").code == 0
    manifest, *files = sorted((tmp_path / "a").iterdir())
    assert manifest.name == MANIFEST
    assert [path.name for path in files] == [f"{index:05d}{ending}" for index in range(6)]
    for path in files:
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with np.load(tmp_path / "a.npz") as first, np.load(tmp_path / "b.npz") as second:
        assert np.array_equal(first[key], second[key])
    opened = ganbench.open_dataset(tmp_path / "a.npz")
    trained_on = ganbench.open_dataset(tmp_path / "data.npz").spec
    assert opened.spec.shape == trained_on.shape
    assert (opened.spec.alphabet, opened.spec.rate) == (trained_on.alphabet, trained_on.rate)


def test_signals_are_written_at_their_rate(tmp_path, cli):
    np.savez(tmp_path / "data.npz", **DATA["signals"])
    words = ("-m", model_file(tmp_path), "-d", tmp_path / "data.npz", "--out", tmp_path / "runs")
    assert cli("run", *words).code == 0
    (folder,) = (tmp_path / "runs").iterdir()
    assert cli("sample", folder, "-c", 1, "--format", "files", "-o", tmp_path / "out").code == 0
    with wave.open(str(tmp_path / "out" / "00000.wav")) as file:
        assert (file.getframerate(), file.getnframes()) == (8000, 256)


def test_a_metric_that_does_not_fit_is_refused_in_one_sentence(run, name, tmp_path):
    kind = "videos" if name == "videos" else "sequences"
    with pytest.raises(ConfigError, match=f"fid is measured of images or points; .* holds {kind}"):
        ganbench.run(tiny, DATA[name], metrics=["fid"], out=tmp_path / "no", progress=False)
    with pytest.raises(ConfigError, match=f"holds {kind}"):
        ganbench.evaluate(fake=run, progress=False)
    with pytest.raises(ConfigError, match=f"holds {kind}"):
        ganbench.evaluate(fake=run, network="pixels", progress=False)
    facts = facts_of(ganbench.open_dataset(DATA[name]).spec, "train")
    assert resolve_requests(facts, None, "pixels") == []
    named = DATA[name] if isinstance(DATA[name], dict) else {"videos": DATA[name]}
    with pytest.raises(InputError, match=f"holds {kind}; metrics measure images and points"):
        ganbench.evaluate(fake=named, real="digits", progress=False)


@pytest.mark.parametrize("model", ["dcgan", "vanilla"])
def test_models_of_the_zoo_train_on_other_kinds_or_say_what_they_need(model, name, tmp_path):
    settings = {"kimg": 0.2}
    if model == "dcgan":
        with pytest.raises(ConfigError, match="dcgan draws images"):
            ganbench.run(model, DATA[name], out=tmp_path, progress=False)
    else:
        trained = ganbench.run(
            model, DATA[name], settings=settings, out=tmp_path, progress=False, device="cpu"
        )
        assert trained.status in {"done", "collapsed"}


def test_a_trick_for_images_refuses_other_kinds(name, tmp_path):
    kind = "videos" if name == "videos" else "sequences"
    with pytest.raises(ConfigError, match=f"diffaugment changes images, and array has {kind} of"):
        ganbench.run(tiny, DATA[name], tricks=["diffaugment"], out=tmp_path, progress=False)
