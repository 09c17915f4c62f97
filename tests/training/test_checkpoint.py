# SPDX-License-Identifier: MIT
"""Checkpoints: everything is restored bit for bit, damage is a sentence, nothing is pickled."""

import errno
import json
import os

import pytest
import torch
from comparing import differing, tensors_of, weights_of, without_times
from safetensors import safe_open
from small_states import CPU, state_of
from torch import nn

from ganbench import registry
from ganbench.config import OptimizerSpec, adam, parse_trick, rmsprop, sgd
from ganbench.errors import ConfigError, DamagedRunError, StorageError
from ganbench.gan import GAN, Batch, DataSpec
from ganbench.losses import non_saturating
from ganbench.nn import MLP, ConvDiscriminator, ConvGenerator
from ganbench.progress import Progress
from ganbench.records import atomic_files
from ganbench.step import alternate
from ganbench.training.checkpoint import (
    export_generator,
    load_checkpoint,
    read_tensors,
    save_checkpoint,
    write_tensors,
)
from ganbench.training.trainer import Schedule, evaluating
from ganbench.trick import Hooks
from ganbench.trick_config import make_trick

OPTIMIZERS = [
    adam(1e-3, (0.0, 0.9)),
    sgd(1e-2, 0.9),
    sgd(1e-2, -0.5),
    rmsprop(1e-3),
    OptimizerSpec(kind="sgd", learning_rate=1e-2),
]


def halfway(bench, build, stop=0.2):
    """Train half, resume in a new state, and compare with training without a break."""
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
    assert not differing(tensors_of(first.state), tensors_of(second.state))
    second.train()
    assert not differing(tensors_of(whole.state), tensors_of(second.state))
    rows, resumed_rows = (
        [without_times(row) for row in trainer.folder.stats()] for trainer in (whole, second)
    )
    assert rows == resumed_rows


@pytest.mark.parametrize("spec", OPTIMIZERS, ids=lambda spec: f"{spec.kind}{spec.momentum:g}")
def test_any_optimizer_goes_on_bit_for_bit(bench, spec):
    def build():
        return bench.state(
            generator_optimizer=spec, discriminator_optimizer=spec, schedule="cosine"
        )

    halfway(bench, build)


REFUSED = {
    *("ada", "bcr", "contrastive", "diffaugment", "instance-norm", "multi-scale"),
    *("projected-discriminator", "rotation", "standing-statistics", "unet-discriminator"),
    "virtual-batch-norm",
}
"""The tricks that small perceptrons on points leave no place for, and no others."""


@pytest.mark.parametrize("name", registry.tricks.names())
def test_any_trick_goes_on_bit_for_bit(bench, name):
    def build():
        return bench.state([parse_trick(name)])

    if name in REFUSED:
        with pytest.raises(ConfigError):
            build()
        return
    halfway(bench, build, stop=0.5)


def test_a_stop_in_the_middle_of_a_tick_goes_on_bit_for_bit(bench):
    """The sums of an unfinished tick are saved, as is the point of the last measurement."""
    tricks = [parse_trick(text) for text in ("ema", "lookahead", "r1:every=3")]

    def trainer(name, measured_at):
        return bench.trainer(
            bench.state(tricks),
            name=name,
            schedule={"ticks": 3, "evaluations": 8},
            evaluate=lambda state: measured_at.append(state.images_seen) or {},
        )

    whole_measured_at, parts_measured_at = [], []
    whole = trainer("whole", whole_measured_at)
    whole.train()
    first = trainer("parts", parts_measured_at)
    batches = first.batches.at

    def stopping(images_seen):
        first.stop_requested = images_seen >= 112  # ticks end at 136, 272 and 400
        return batches(images_seen)

    first.batches.at = stopping
    assert first.train() == "interrupted"
    assert first.state.images_seen == 120
    assert first.state.statistics.observations()
    second = trainer("parts", parts_measured_at)
    second.resume()
    second.train()
    assert not differing(tensors_of(whole.state), tensors_of(second.state))
    assert parts_measured_at == whole_measured_at == [136, 272]
    for row, resumed_row in zip(whole.folder.stats(), second.folder.stats(), strict=True):
        assert without_times(row) == without_times(resumed_row)


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
    return state_of(gan, data, seed=seed)


def steps(state, count):
    images = torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    for _ in range(count):
        alternate(state, lambda: Batch(images))


def test_buffers_and_memory_formats_come_back(tmp_path):
    state = convolutional()
    steps(state, 2)
    save_checkpoint(state, tmp_path / "a.safetensors", {"seconds": 1.5})
    again = convolutional(seed=9)
    assert load_checkpoint(again, tmp_path / "a.safetensors") == {"seconds": 1.5}
    assert not differing(tensors_of(state), tensors_of(again))
    assert any("running_mean" in name for name in tensors_of(state))
    for role in state.updates:
        for old, new in zip(state.parameters(role), again.parameters(role), strict=True):
            assert old.stride() == new.stride()
            moments = state.optimizers[role].state[old], again.optimizers[role].state[new]
            assert moments[0]["exp_avg"].stride() == moments[1]["exp_avg"].stride()
    steps(state, 2)
    steps(again, 2)
    assert not differing(tensors_of(state), tensors_of(again))
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


def test_a_run_of_another_kind_of_device_is_sampled_but_not_continued(bench, tmp_path):
    """A CUDA generator's position has 16 bytes, a CPU's five thousand."""
    state = bench.state()
    state.draw_latents(4)
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(state, path, {})
    tensors, metadata = read_tensors(path, CPU)
    tensors["streams/noise"] = torch.zeros(16, dtype=torch.uint8)
    write_tensors(path, tensors, metadata)
    with pytest.raises(ConfigError, match="begun on another kind of device than cpu"):
        load_checkpoint(bench.state(), path)
    fresh = bench.state(seed=1)
    load_checkpoint(fresh, path, streams=False)
    assert not differing(weights_of(fresh), weights_of(state))


class Noisy(nn.Module):
    """A network that draws random numbers itself: dropout, and noise in every pass."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.network = MLP((inputs,), [8], (outputs,))
        self.dropout = nn.Dropout(0.3)

    def forward(self, values):
        return self.network(self.dropout(values) + 0.1 * torch.randn_like(values))


class Shaken(Hooks):
    """Hooks whose memory starts with random numbers from torch's global stream."""

    def start(self, state):
        return {"module": nn.Linear(2, 2), "values": torch.randn(3)}


def noisy(bench):
    gan = GAN(
        generator=lambda latent_dim: Noisy(latent_dim, 2),
        discriminator=lambda shape: Noisy(shape[0], 1),
        loss=non_saturating,
        recipe=bench.state().recipe,
        hooks=Shaken(),
    )
    return state_of(gan, bench.dataset().spec)


def test_networks_with_noise_go_on_bit_for_bit(bench):
    """Whatever else draws from torch's global stream, before the run and in between."""

    def build():
        torch.manual_seed(torch.seed() % 1000)
        return noisy(bench)

    halfway(bench, build)


def test_a_checkpoint_saved_while_somebody_attends_goes_on_bit_for_bit(bench):
    whole = bench.trainer(noisy(bench), name="whole")
    kept = {}

    def attend(trainer):
        seen = trainer.state.images_seen
        kept[seen] = bench.folder / f"kept{seen}.safetensors"
        trainer.save(kept[seen])
        with evaluating(trainer.state):
            torch.rand(3)
            trainer.state.streams.state_dict()  # a look at the streams of an evaluation

    whole.attend = attend
    whole.train()
    images = sorted(kept)
    for seen in (images[0], images[1], images[len(images) // 2 + 1]):
        resumed = bench.trainer(noisy(bench), name=f"resumed{seen}")
        resumed.folder.path.mkdir(exist_ok=True)
        kept[seen].rename(resumed.folder.checkpoint_file)
        resumed.resume()
        resumed.train()
        assert not differing(tensors_of(whole.state), tensors_of(resumed.state))


def test_networks_with_noise_are_sampled_alike_twice(bench):
    state = noisy(bench)
    state.generator.train()  # dropout and noise are at work
    drawn = [state.sampler()(6, torch.Generator().manual_seed(seed)).images for seed in (1, 1, 2)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    stream = torch.Generator().manual_seed(1)
    first, second = (state.sampler()(6, stream).images for _ in range(2))
    assert torch.equal(first, drawn[0])
    assert not torch.equal(first, second)


def test_an_evaluation_changes_no_stream_of_training(bench):
    plain, looked_at = noisy(bench), noisy(bench)
    with evaluating(looked_at):
        torch.randn(7, generator=looked_at.streams["noise"])
        torch.randn(7, generator=looked_at.streams["trick/any"])
        torch.rand(3)
    for state in (plain, looked_at):
        with state.streams.networks():
            state.drawn = [state.draw_latents(3), torch.rand(3)]
    assert all(map(torch.equal, plain.drawn, looked_at.drawn))


class Tied(nn.Module):
    """Two layers with the same weights, and buffers that are views of one tensor."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 8)
        self.second.weight = self.first.weight
        self.enter, self.leave = nn.Linear(inputs, 8), nn.Linear(8, outputs)
        scales = torch.linspace(0.5, 1.5, 16)
        self.register_buffer("low", scales[:8])
        self.register_buffer("high", scales[8:])
        self.register_buffer("turned", scales[:8].flip(0).view(2, 4).T)

    def forward(self, values):
        hidden = self.low * self.first(self.enter(values)).relu()
        return self.leave(self.high * self.second(hidden).relu())


def test_networks_with_tied_weights_go_on_bit_for_bit_and_are_exported(bench, tmp_path):
    gan = GAN(
        generator=lambda latent_dim: Tied(latent_dim, 2),
        discriminator=lambda shape: Tied(shape[0], 1),
        loss=non_saturating,
        recipe=bench.state().recipe,
    )
    halfway(bench, lambda: state_of(gan, bench.dataset().spec, [make_trick(parse_trick("ema"))]))
    network = Tied(2, 2)
    export_generator(network, tmp_path / "generator.safetensors", {})
    tensors, _ = read_tensors(tmp_path / "generator.safetensors", CPU)
    assert not differing(tensors, network.state_dict())


class Growing(nn.Module):
    """A generator that fades a second layer in, as progressive growing does."""

    def __init__(self, latent_dim):
        super().__init__()
        self.coarse, self.fine = MLP((latent_dim,), [8], (2,)), MLP((latent_dim,), [8], (2,))
        self.register_buffer("share", torch.zeros(()))

    def forward(self, latents):
        return torch.lerp(self.coarse(latents), self.fine(latents), self.share)


class Fade(Hooks):
    """Moves the share by the images seen: the second layer is there after half of training."""

    def after_step(self, turn):
        state = turn.state
        state.generator.share.fill_(min(1.0, state.images_seen / (500 * state.recipe.kimg)))


def test_networks_that_grow_go_on_bit_for_bit(bench):
    """All is built at the start; what is faded in is a buffer, which averages copy."""

    def build():
        gan = GAN(
            generator=Growing,
            discriminator=lambda shape: MLP(shape, [8], (1,)),
            loss=non_saturating,
            recipe=bench.state().recipe,
            hooks=Fade(),
        )
        return state_of(gan, bench.dataset().spec, [make_trick(parse_trick("ema"))])

    halfway(bench, build, stop=0.3)
    trainer = bench.trainer(build(), name="grown")
    shares = []
    trainer.schedule = Schedule(ticks=4, snapshots=4, evaluations=0)
    trainer.snapshot = lambda state, kimg: shares.append(float(state.sampler().generator.share))
    trainer.train()
    assert shares[-1] == 1.0
    assert 0 < shares[0] < 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_a_checkpoint_that_is_a_pipe_or_a_folder_is_refused_at_once(bench, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(DamagedRunError, match="it is not a regular file"):
            load_checkpoint(bench.state(), path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("images_seen", -8),
        ("images_seen", "many"),
        ("images_seen", 1e300),
        ("updates", []),
        ("updates", {"generator": None, "discriminator": 3}),
        ("facts", 7),
        ("facts", {"seconds": "long", "looked_up": 0}),
        ("optimizer/generator", {"groups": 3, "values": {}}),
        ("optimizer/generator", {"groups": [], "values": {"999/step": 1}}),
    ],
)
def test_scalars_of_a_wrong_type_are_one_sentence(bench, key, value):
    trainer = bench.trainer()
    trainer.save()
    path = trainer.folder.checkpoint_file
    tensors, metadata = read_tensors(path, CPU)
    scalars = {**json.loads(metadata["state"]), key: value}
    write_tensors(path, tensors, {"state": json.dumps(scalars)})
    with pytest.raises(DamagedRunError, match="does not fit this run: ") as raised:
        bench.trainer().resume()
    assert "\n" not in raised.value.message
