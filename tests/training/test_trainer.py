# SPDX-License-Identifier: MIT
"""The loop: it counts real images, measures when it should, and says how training ended."""

import math
import time
from collections import Counter
from dataclasses import replace

import pytest
import torch
from comparing import differing, tensors_of, without_times
from torch import nn

from ganbench.config import parse_trick, sgd
from ganbench.data.dataset import Dataset
from ganbench.errors import InputError
from ganbench.gan import Batch
from ganbench.progress import Progress
from ganbench.registry import register
from ganbench.training.trainer import COLLAPSED_BELOW, evaluating
from ganbench.trick import Trick


class Whole(nn.Module):
    """A discriminator that counts the examples with whole coordinates that it is shown."""

    def __init__(self, network):
        super().__init__()
        self.network = network
        self.counted = Counter()

    def forward(self, points):
        if self.training:
            self.counted.update(points.detach()[(points == points.round()).all(1)][:, 0].tolist())
        return self.network(points)


@pytest.mark.parametrize(
    ("tricks", "recipe", "expected"),
    [
        ((), {"kimg": 0.4}, 400),
        ((), {"kimg": 0.4, "discriminator_steps": 5}, 400),
        ((), {"kimg": 0.396, "discriminator_steps": 5}, 400),
        ((), {"kimg": 0.4, "generator_steps": 3}, 400),
        ((), {"kimg": 0.101, "batch_size": 1}, 101),
        ((), {"kimg": 0.07, "batch_size": 1}, 70),
        ((), {"kimg": 0.001, "batch_size": 64}, 64),
        (("extragradient",), {"kimg": 0.4}, 400),
        (("extragradient",), {"kimg": 0.396}, 400),
    ],
)
def test_kimg_counts_the_real_images_that_the_discriminator_is_shown(
    bench, tricks, recipe, expected
):
    state = bench.state([parse_trick(trick) for trick in tricks], **recipe)
    state.discriminator = counting = Whole(state.discriminator)
    count = 100
    points = torch.stack([torch.arange(count), torch.zeros(count)], 1).float()
    data = Dataset(bench.dataset().spec, "train", points)
    trainer = bench.trainer(state, dataset=data)
    trainer.train()
    assert state.images_seen == expected
    assert sum(counting.counted.values()) == expected
    # Epochs are permutations: any two examples are shown equally often, or differ by one.
    shown = [counting.counted[float(index)] for index in range(count)]
    assert max(shown) - min(shown) <= 1
    assert trainer.folder.stats()[-1]["kimg"] == expected / 1000
    steps = state.recipe.discriminator_steps
    if not tricks:
        assert state.updates["discriminator"] * state.recipe.batch_size == expected
        assert state.updates["generator"] * steps == (
            state.updates["discriminator"] * state.recipe.generator_steps
        )


def test_ticks_tell_where_training_is(bench):
    trainer = bench.trainer(bench.state(kimg=0.4), schedule={"ticks": 5})
    trainer.train()
    rows = trainer.folder.stats()
    assert [row["kimg"] for row in rows] == [0.08, 0.16, 0.24, 0.32, 0.4]
    assert [progress for _, progress, _ in trainer.progress.ticks] == [0.2, 0.4, 0.6, 0.8, 1.0]
    lefts = [left for _, _, left in trainer.progress.ticks]
    assert all(left > 0 for left in lefts[:-1])
    assert lefts[-1] == 0
    assert [row for row, _, _ in trainer.progress.ticks] == rows
    seconds = [row["seconds"] for row in rows]
    assert seconds == sorted(seconds)
    assert all(row["images_per_second"] > 0 for row in rows)
    keys = {"loss/discriminator/adversarial", "loss/generator/adversarial"}
    assert all({*keys, "logits/real", "logits/fake"} <= row.keys() for row in rows)


def test_a_tick_is_the_mean_over_its_updates(bench):
    """One long tick is the mean of many short ones."""
    short, long = bench.trainer(schedule={"ticks": 50}), bench.trainer(schedule={"ticks": 1})
    short.folder = replace(short.folder, path=bench.folder / "short")
    short.train()
    long.train()
    (mean,) = long.folder.stats()
    rows = short.folder.stats()
    assert len(rows) == 50
    for name in mean:
        if name.startswith(("loss/", "logits/")):
            values = [row[name] for row in rows]
            assert mean[name] == pytest.approx(math.fsum(values) / len(values), rel=1e-4)


def test_the_device_is_waited_for_at_ticks_only(bench, monkeypatch):
    """Reading a number from a device waits for all its pending work."""
    read = Counter()

    def counting(name):
        method = getattr(torch.Tensor, name)

        def call(self, *arguments, **options):
            read[name] += 1
            return method(self, *arguments, **options)

        return call

    watched = ("item", "tolist", "__bool__", "__float__", "__int__", "__index__", "cpu", "numpy")
    state = bench.state([parse_trick("r1"), parse_trick("ema")], kimg=4)
    trainer = bench.trainer(state, schedule={"ticks": 4})
    trainer._checked = True  # the contract is checked in the first iteration alone
    monkeypatch.setattr(type(trainer), "diversity", lambda self: 1.0)
    monkeypatch.setattr(type(trainer), "save", lambda self: None)
    for name in watched:
        monkeypatch.setattr(torch.Tensor, name, counting(name))
    trainer.train()
    names = len([name for name in trainer.folder.stats()[0] if name.startswith(("l", "logits"))])
    assert state.updates["discriminator"] == 500
    norms, signals = 1, 2  # the norm of a gradient, and what is left of two losses
    assert read == {"item": 4 * (names + norms), "tolist": 4 * signals}


def test_the_loop_looks_up_at_equal_parts(bench):
    seen = {"snapshot": [], "evaluate": []}

    def evaluate(state):
        assert not state.generator.training
        assert not torch.is_grad_enabled()
        seen["evaluate"].append(state.images_seen)
        return {"metric": {"value": 1.0}}

    def snapshot(state, kimg):
        assert not state.generator.training
        assert state.images_seen == kimg * 1000
        seen["snapshot"].append(state.images_seen)

    trainer = bench.trainer(
        bench.state(kimg=0.4),
        schedule={"ticks": 50, "snapshots": 4, "evaluations": 5},
        snapshot=snapshot,
        evaluate=evaluate,
    )
    trainer.train()
    assert seen["snapshot"] == [104, 200, 304, 400]  # the first tick at or after each quarter
    assert seen["evaluate"] == [80, 160, 240, 320], "the last is made when training is over"
    rows = trainer.folder.measurements()
    assert [row["kimg"] for row in rows] == [0.08, 0.16, 0.24, 0.32]
    assert trainer.progress.measurements == [(row["kimg"], row["metrics"]) for row in rows]
    assert trainer.state.generator.training


@pytest.mark.parametrize("count", [0, 1, 7, 1000])
def test_looking_up_more_often_changes_no_weight(bench, count):
    plain = bench.trainer(name="plain")
    plain.train()
    drawn = []

    def draw(state, *_):
        random = torch.Generator().manual_seed(1)
        drawn.append(state.sampler()(50, random))
        return {}

    busy = bench.trainer(
        name="busy",
        schedule={"ticks": 30, "snapshots": count, "evaluations": count, "checkpoint_seconds": 0.0},
        snapshot=draw,
        evaluate=draw,
    )
    busy.train()
    assert bool(drawn) == bool(count)
    assert not differing(tensors_of(plain.state), tensors_of(busy.state))


def test_one_seed_one_result_and_another_seed_another(bench):
    trained = []
    for index, seed in enumerate((3, 3, 4)):
        trainer = bench.trainer(bench.state(seed=seed), name=str(index), seed=seed)
        trainer.train()
        trained.append((tensors_of(trainer.state), trainer.folder.stats()))
    (first, rows), (again, same_rows), (other, other_rows) = trained
    assert not differing(first, again)
    for row, same_row in zip(rows, same_rows, strict=True):
        assert without_times(row) == without_times(same_row)
    assert all(
        not torch.equal(value, other[name])
        for name, value in first.items()
        if isinstance(value, torch.Tensor) and value.numel() > 1
    )
    assert rows[0]["logits/real"] != other_rows[0]["logits/real"]


@pytest.mark.parametrize("trick", ["truncation:psi=0.5", "drs", "ema"])
def test_a_trick_that_only_samples_leaves_the_weights(bench, trick):
    plain = bench.trainer(name="plain")
    with_trick = bench.trainer(bench.state([parse_trick(trick)]), name="with")
    plain.train()
    with_trick.train()
    of_players = {
        name: value
        for name, value in tensors_of(with_trick.state).items()
        if not name.startswith("memory/")
    }
    assert not differing(tensors_of(plain.state), of_players)


# -- how a run ends ----------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["generator", "discriminator"])
@pytest.mark.parametrize("rate", [1e6, 1e30])
def test_a_loss_that_is_not_finite_ends_the_run(bench, role, rate):
    state = bench.state(kimg=4, **{f"{role}_optimizer": sgd(rate)})
    trainer = bench.trainer(state, schedule={"ticks": 100})
    assert trainer.train() == "diverged"
    rows = trainer.folder.stats()
    assert state.images_seen < 4000
    assert rows[-1]["kimg"] == state.images_seen / 1000
    assert None in rows[-1].values(), "a value that is not finite is null in the record"
    assert all(None not in row.values() for row in rows[:-1])
    assert trainer.folder.checkpoint_file.is_file()


def test_weights_that_the_last_update_broke_end_it_too(bench):
    state = bench.state(kimg=0.008, generator_optimizer=sgd(1e38))
    trainer = bench.trainer(state, schedule={"ticks": 1})
    assert trainer.train() == "diverged"
    (row,) = trainer.folder.stats()
    assert None not in row.values(), "the loss was finite: it was computed before the update"


class Scaled(nn.Module):
    """A generator whose samples vary by a share of how much the data vary."""

    def __init__(self, network, share):
        super().__init__()
        self.network, self.share = network, share

    def forward(self, latents):
        points = self.network(latents)
        # Unit variance in each coordinate is sqrt(2) times the variance of a ring of radius 1.
        spread = torch.cat([latents, latents], 1)[:, :2] * self.share / math.sqrt(2)
        return 0 * points + spread + 3.0


@pytest.mark.parametrize(
    ("share", "status"), [(0.0, "collapsed"), (0.03, "collapsed"), (0.07, "done"), (1.0, "done")]
)
def test_samples_that_are_all_alike_are_a_collapse(bench, share, status):
    state = bench.state(kimg=0.04)
    state.generator = Scaled(state.generator, share)
    trainer = bench.trainer(state, dataset=bench.dataset(2000))
    assert trainer.train() == status
    assert trainer.diversity() == pytest.approx(share, rel=0.15)
    assert 0.03 < COLLAPSED_BELOW < 0.07


@pytest.mark.parametrize("sorted_by", ["mode", "coordinate", "turns"])
def test_a_collapse_does_not_depend_on_the_order_of_the_data(bench, sorted_by):
    """A dataset with splits of its own keeps its order, in which the first may be one mode's."""
    mixed = bench.dataset(4000)
    order = mixed.labels.argsort()
    if sorted_by == "coordinate":
        order = mixed.values[:, 0].argsort()
    if sorted_by == "turns":  # every 16th example is of the same mode or the next
        order = order.view(16, -1).T.flatten()
    trainers = [bench.trainer(dataset=dataset) for dataset in (mixed, mixed.take(order))]
    diversities = [trainer.diversity() for trainer in trainers]
    assert diversities[1] == pytest.approx(diversities[0], rel=0.15)


def test_one_real_example_is_no_divergence(bench):
    trainer = bench.trainer(bench.state(kimg=0.04), dataset=bench.dataset(1))
    assert trainer.train() == "done"


def test_an_interrupted_run_stops_after_the_iteration_and_saves(bench):
    trainer = bench.trainer(schedule={"ticks": 10})

    class Impatient(Progress):
        def tick(self, row, share, seconds_left):
            if share >= 0.5:
                trainer.stop_requested = True

    trainer.progress = Impatient()
    assert trainer.train() == "interrupted"
    assert trainer.state.images_seen == 200
    assert trainer.folder.checkpoint_file.is_file()


def test_a_stop_before_the_first_iteration_trains_nothing(bench):
    trainer = bench.trainer()
    trainer.stop_requested = True
    assert trainer.train() == "interrupted"
    assert trainer.state.images_seen == 0
    assert trainer.folder.checkpoint_file.is_file()


def test_a_stop_that_comes_too_late_finishes(bench):
    trainer = bench.trainer(schedule={"ticks": 1})

    class Late(Progress):
        def tick(self, row, share, seconds_left):
            trainer.stop_requested = True

    trainer.progress = Late()
    assert trainer.train() in {"done", "collapsed"}


# -- modes and data ----------------------------------------------------------------------------


def test_evaluation_mode_is_put_on_and_taken_back_each_for_itself(bench):
    state = bench.state([parse_trick("ema")])
    state.discriminator.eval()
    average = state.memory["ema"]["generator"]
    networks = (state.generator, state.discriminator, average)
    before = [network.training for network in networks]
    assert before == [True, False, False]

    def fail():
        with evaluating(state):
            assert not any(network.training for network in networks)
            assert not torch.is_grad_enabled()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [network.training for network in networks] == before
    assert torch.is_grad_enabled()


def test_a_trick_may_choose_the_examples(bench, monkeypatch):
    @register("right")
    class Right(Trick):
        def subset(self, examples, state):
            assert isinstance(examples, Batch)
            return (examples.images[:, 0] > 0.5).nonzero().flatten()

    state = bench.state()
    monkeypatch.setattr(state.tricks, "having", lambda hook: [Right()] if hook == "subset" else [])
    trainer = bench.trainer(state)
    chosen = trainer.batches.dataset
    everything = bench.dataset()
    assert 0 < len(chosen) < len(everything)
    assert len(chosen) == int((everything.values[:, 0] > 0.5).sum())
    assert (chosen.values[:, 0] > 0.5).all()
    assert len(chosen.labels) == len(chosen)


def test_data_without_examples_is_refused(bench):
    with pytest.raises(InputError, match="no examples to train on"):
        bench.trainer(dataset=bench.dataset(0))


def test_metrics_and_pictures_are_computed_in_full_precision(bench):
    seen = []
    trainer = bench.trainer(schedule={"snapshots": 2, "evaluations": 2})
    trainer.state.precision = "medium"
    for name in ("snapshot", "evaluate"):
        setattr(trainer, name, lambda *_: seen.append(torch.get_float32_matmul_precision()) or {})
    move = trainer.state.move
    precisions = set()

    def watched_move(role):
        precisions.add(torch.get_float32_matmul_precision())
        move(role)

    trainer.state.move = watched_move
    trainer.train()
    assert precisions == {"medium"}
    assert set(seen) == {"highest"}


def test_who_attends_is_asked_before_each_iteration_and_its_time_does_not_count(bench, monkeypatch):
    class Clock:
        ahead = 0.0

        def perf_counter(self):
            return time.perf_counter() + self.ahead

    clock = Clock()
    monkeypatch.setattr("ganbench.training.trainer.time", clock)
    trainer = bench.trainer(bench.state(kimg=0.4, batch_size=100))
    images = []

    def attend(given):
        assert given is trainer
        images.append(given.state.images_seen)
        clock.ahead += 1000
        given.stop_requested = given.state.images_seen == 300

    trainer.attend = attend
    assert trainer.train() == "interrupted"
    assert images == [0, 100, 200, 300]
    assert trainer.state.images_seen == 300
    assert trainer.seconds < 900
    assert trainer.folder.stats()[-1]["seconds"] < 900
