# SPDX-License-Identifier: MIT
"""Checkpoints: everything comes back bit for bit, damage is a sentence, nothing is pickled."""

import errno
import json
import os

import pytest
import torch
from safetensors import safe_open

from ganbench import registry
from ganbench.config import OptimizerSpec, adam, parse_trick, rmsprop, sgd
from ganbench.errors import ConfigError, DamagedRunError, StorageError
from ganbench.gan import GAN, Batch, DataSpec
from ganbench.losses import non_saturating
from ganbench.nn import ConvDiscriminator, ConvGenerator
from ganbench.progress import Progress
from ganbench.records import atomic_files
from ganbench.step import alternate
from ganbench.training.build import build_state
from ganbench.training.checkpoint import (
    export_generator,
    load_checkpoint,
    read_tensors,
    save_checkpoint,
    write_tensors,
)

CPU = torch.device("cpu")
OPTIMIZERS = [
    adam(1e-3, (0.0, 0.9)),
    sgd(1e-2, 0.9),
    sgd(1e-2, -0.5),
    rmsprop(1e-3),
    OptimizerSpec(kind="sgd", learning_rate=1e-2),
]


def halfway(bench, build, same, weights_of, stop=0.2):
    """Train half, resume in a fresh state, and compare with training in one go."""
    whole = bench.trainer(build(), name="whole")
    whole.train()
    first = bench.trainer(build(), name="parts")

    class Stop(Progress):
        def tick(self, row, share, seconds_left):
            first.stop_requested = share >= stop

    first.progress = Stop()
    assert first.train() == "interrupted"
    second = bench.trainer(build(), name="parts")
    second.resume()
    same(weights_of(first.state), weights_of(second.state))
    second.train()
    same(weights_of(whole.state), weights_of(second.state))
    rows = [
        [{key: value for key, value in row.items() if "second" not in key} for row in one.stats()]
        for one in (whole.folder, second.folder)
    ]
    assert rows[0] == rows[1]


@pytest.mark.parametrize("spec", OPTIMIZERS, ids=lambda one: f"{one.kind}{one.momentum:g}")
def test_any_optimizer_goes_on_bit_for_bit(bench, weights_of, same, spec):
    def build():
        return bench.state(
            generator_optimizer=spec, discriminator_optimizer=spec, schedule="cosine"
        )

    halfway(bench, build, same, weights_of)


@pytest.mark.parametrize("name", registry.tricks.names())
def test_any_trick_goes_on_bit_for_bit(bench, weights_of, same, name):
    def build():
        return bench.state([parse_trick(name)])

    try:
        build()
    except ConfigError as error:
        pytest.skip(error.message)  # such as one that only augments images
    halfway(bench, build, same, weights_of, stop=0.5)


def test_a_stop_in_the_middle_of_a_tick_goes_on_bit_for_bit(bench, weights_of, same):
    """The sums of a tick that was begun are kept, and so is where the loop last looked up."""
    tricks = [parse_trick(one) for one in ("ema", "lookahead", "r1:every=3")]

    def trainer(name, looked):
        return bench.trainer(
            bench.state(tricks),
            name=name,
            schedule={"ticks": 3, "evaluations": 8},
            evaluate=lambda state: looked.append(state.images_seen) or {},
        )

    looked, again = [], []
    whole = trainer("whole", looked)
    whole.train()
    first = trainer("parts", again)
    batches = first.batches.at

    def stopping(images_seen):
        first.stop_requested = images_seen >= 112  # ticks end at 136, 272 and 400
        return batches(images_seen)

    first.batches.at = stopping
    assert first.train() == "interrupted"
    assert first.state.images_seen == 120
    assert first.state.statistics.observations()
    second = trainer("parts", again)
    second.resume()
    second.train()
    same(weights_of(whole.state), weights_of(second.state))
    assert again == looked == [136, 272]
    for row, other in zip(whole.folder.stats(), second.folder.stats(), strict=True):
        assert {k: v for k, v in row.items() if "second" not in k} == {
            k: v for k, v in other.items() if "second" not in k
        }


def test_resuming_adds_up_the_seconds(bench):
    first = bench.trainer()
    first.seconds = 100.0
    first.save()
    second = bench.trainer()
    second.resume()
    assert second.seconds == 100.0
    second.train()
    assert 100 < second.seconds < 200
    assert second.folder.stats()[0]["seconds"] >= 100


def convolutional(norm="batch", seed=0):
    data = DataSpec("images", "1", (1, 16, 16))
    recipe = registry.models.get("dcgan")(data).recipe.model_copy(update={"batch_size": 4})
    gan = GAN(
        generator=lambda latent_dim: ConvGenerator(latent_dim, data.shape, width=2),
        discriminator=lambda shape: ConvDiscriminator(shape, width=2, norm=norm),
        loss=non_saturating,
        recipe=recipe,
    )
    return build_state(
        gan, data, recipe=recipe, tricks=[], loss=non_saturating, seed=seed, device=CPU
    )


def steps(state, count):
    images = torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    for _ in range(count):
        alternate(state, lambda: Batch(images))


def test_buffers_and_memory_formats_come_back(tmp_path, weights_of, same):
    state = convolutional()
    steps(state, 2)
    save_checkpoint(state, tmp_path / "a.safetensors", {"seconds": 1.5})
    again = convolutional(seed=9)
    assert load_checkpoint(again, tmp_path / "a.safetensors") == {"seconds": 1.5}
    same(weights_of(state), weights_of(again))
    assert any("running_mean" in name for name in weights_of(state))
    for role in state.updates:
        for old, new in zip(state.parameters(role), again.parameters(role), strict=True):
            assert old.stride() == new.stride()
            moments = state.optimizers[role].state[old], again.optimizers[role].state[new]
            assert moments[0]["exp_avg"].stride() == moments[1]["exp_avg"].stride()
    steps(state, 2)
    steps(again, 2)
    same(weights_of(state), weights_of(again))
    assert state.updates == again.updates


def test_a_checkpoint_is_plain_tensors_and_json(bench):
    trainer = bench.trainer(bench.state([parse_trick("ema")]))
    trainer.train()
    with safe_open(trainer.folder.checkpoint_file, "pt") as file:
        names = set(file.keys())
        metadata = json.loads(file.metadata()["state"])
    assert metadata["images_seen"] == 400
    assert metadata["updates"] == {"generator": 50, "discriminator": 50}
    parts = {name.split("/")[0] for name in names}
    assert parts == {"generator", "discriminator", "optimizer", "memory", "streams"}
    assert "streams/noise" in names


# -- damage ------------------------------------------------------------------------------------


@pytest.fixture
def saved(bench):
    trainer = bench.trainer()
    trainer.save()
    return trainer.folder.checkpoint_file


@pytest.mark.parametrize("share", [0.0, 0.0005, 0.01, 0.5, 0.9, 0.999])
def test_a_checkpoint_cut_short_is_one_sentence_and_stays(bench, saved, share):
    data = saved.read_bytes()[: int(saved.stat().st_size * share)]
    saved.write_bytes(data)
    with pytest.raises(DamagedRunError, match="missing or damaged") as raised:
        bench.trainer().resume()
    assert "\n" not in raised.value.message
    assert "without --resume" in raised.value.hint
    assert saved.read_bytes() == data
    assert list(saved.parent.iterdir()) == [saved]


@pytest.mark.parametrize("content", [b"\0" * 64, b"\xff" * 64, b"not safetensors" * 20, b"{}"])
def test_another_file_in_its_place_is_one_sentence(bench, saved, content):
    saved.write_bytes(content)
    with pytest.raises(DamagedRunError, match="missing or damaged"):
        bench.trainer().resume()


def test_a_missing_checkpoint_is_one_sentence(bench):
    with pytest.raises(DamagedRunError, match="missing or damaged"):
        bench.trainer().resume()


def test_a_checkpoint_of_another_model_is_one_sentence(bench, saved, tmp_path):
    with pytest.raises(DamagedRunError, match="does not fit this run: ") as raised:
        load_checkpoint(convolutional(), saved)
    assert "\n" not in raised.value.message
    with pytest.raises(DamagedRunError, match="does not fit this run"):
        load_checkpoint(bench.state([parse_trick("ema")]), saved)
    tensors, metadata = read_tensors(saved, CPU)
    for broken in ({}, {"state": "{"}, {"state": "{}"}):
        write_tensors(tmp_path / "b.safetensors", tensors, broken)
        with pytest.raises(DamagedRunError, match="does not fit this run"):
            load_checkpoint(bench.state(), tmp_path / "b.safetensors")
    write_tensors(tmp_path / "b.safetensors", tensors, metadata)
    load_checkpoint(bench.state(), tmp_path / "b.safetensors")


def test_a_disk_that_fills_up_leaves_the_last_checkpoint_whole(bench, saved, monkeypatch):
    before = saved.read_bytes()

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(atomic_files.os, "fsync", full)
    trainer = bench.trainer(bench.state(seed=1))
    with pytest.raises(StorageError, match="no space left"):
        trainer.save()
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]
    bench.trainer().resume()


def test_weights_are_exported_with_what_they_are(tmp_path):
    state = convolutional()
    path = tmp_path / "g.safetensors"
    facts = {"role": "generator", "config": {"model": "dcgan"}}
    export_generator(state.generator, path, facts)
    tensors, metadata = read_tensors(path, CPU)
    assert json.loads(metadata["facts"]) == facts
    for _ in range(5):
        export_generator(state.generator, tmp_path / "again.safetensors", facts)
        assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()
    again = convolutional(seed=1)
    again.generator.load_state_dict(tensors)
    latents = torch.randn(2, state.recipe.latent_dim)
    state.generator.eval(), again.generator.eval()
    assert torch.equal(state.generator(latents), again.generator(latents))
