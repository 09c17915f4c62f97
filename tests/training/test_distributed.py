# SPDX-License-Identifier: MIT
"""Several processes train like one with the whole batch, and end together."""

import socket
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
import shared_trainings
import torch
from comparing import differing, learned_of, weights_of, without_times
from process_pairs import SECONDS, pair
from safetensors.torch import load_file, save_file
from small_states import state_of
from torch import nn

from ganbench.config import Recipe, parse_trick
from ganbench.errors import ConfigError, GanbenchError
from ganbench.gan import GAN, Loss
from ganbench.nn import MLP
from ganbench.records.run_folder import RunFolder
from ganbench.runtime.process_group import ALONE
from ganbench.training import distributed
from ganbench.training.distributed import Processes, exchanging, join_processes
from ganbench.trick_config import make_trick

PAIR = Processes(rank=1, size=2)


@contextmanager
def double_precision():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Return the folder of what one process trained, and of what two trained together."""
    whole, parts = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("parts")
    torch.set_num_threads(1)
    with double_precision():
        for name, scenario in shared_trainings.EQUAL.items():
            trainer = shared_trainings.trainer(scenario, whole / name, ALONE)
            trainer.train()
            learned = {key: value.contiguous() for key, value in learned_of(trainer.state).items()}
            save_file(learned, whole / f"{name}.safetensors")
        shared_trainings.half(shared_trainings.EQUAL["dcgan"], parts / "one then two", ALONE)
        shared_trainings.half(shared_trainings.RANDOM, parts / "random, one then two", ALONE)
    with pair(shared_trainings.__file__, parts, cwd=parts) as processes:
        for process in processes:
            _, err = process.communicate(timeout=SECONDS)
            assert process.returncode == 0, err
    return whole, parts


@pytest.fixture
def trained(folders):
    """Return a function for the weights that a process has after a training by two."""
    loaded = [load_file(folders[1] / f"process{rank}.safetensors") for rank in range(2)]

    def weights_after(name, rank=0):
        start = f"{name}/"
        return {
            key.removeprefix(start): value
            for key, value in loaded[rank].items()
            if key.startswith(start)
        }

    return weights_after


def assert_close(first, second, tolerance=1e-9):
    assert first.keys() == second.keys() != set()
    for name, value in first.items():
        torch.testing.assert_close(value, second[name], rtol=tolerance, atol=tolerance, msg=name)


@pytest.mark.parametrize("name", shared_trainings.EQUAL)
def test_two_processes_are_one_with_the_joined_batch(folders, trained, name):
    whole = load_file(folders[0] / f"{name}.safetensors")
    assert_close(whole, trained(name))
    with double_precision():
        start = shared_trainings.trainer(
            shared_trainings.EQUAL[name], folders[0] / "start", ALONE
        ).state
    moved = [
        key
        for key, value in learned_of(start).items()
        if not torch.allclose(value, whole[key], atol=1e-4)
    ]
    assert len(moved) > len(whole) // 2, "it trained"


@pytest.mark.parametrize("name", shared_trainings.EQUAL)
def test_what_is_recorded_is_the_mean_over_the_processes(folders, name):
    rows = [RunFolder(folder / name).stats() for folder in folders]
    assert len(rows[0]) == len(rows[1]) > 1
    for row, shared_row in zip(*rows, strict=True):
        assert row.keys() == shared_row.keys()
        for key, value in without_times(row).items():
            assert value == pytest.approx(shared_row[key], rel=1e-5, abs=1e-6), key


@pytest.mark.parametrize("name", [*shared_trainings.EQUAL, "whole", "parts", "one then two"])
def test_all_processes_end_with_the_same_weights_and_memories(trained, name):
    assert trained(name)
    assert not differing(trained(name), trained(name, rank=1))


def test_a_run_of_two_is_resumed_by_two_bit_for_bit(folders, trained):
    whole, parts = (
        load_file(folders[1] / name / "checkpoint.safetensors") for name in ("whole", "parts")
    )
    assert not differing(whole, parts)
    assert not differing(trained("whole"), trained("parts"))


def test_each_process_has_random_streams_of_its_own_and_all_are_saved(folders):
    saved = load_file(folders[1] / "whole" / "checkpoint.safetensors")
    tricks = (
        *("gradient-penalty", "instance-noise", "diffaugment", "ada", "bcr", "replay"),
        *("mode-seeking", "diversity-sensitive", "jacobian-clamping", "latent-consistency"),
        *("apa", "path-length", "consistency-term"),
    )
    processes = ("", "process1/")
    expected = {f"streams/{process}trick/{trick}" for trick in tricks for process in processes}
    expected |= {"streams/noise", "streams/networks", "streams/process1/networks"}
    assert {key for key in saved if key.startswith("streams/")} == expected
    for trick in tricks:
        first, second = (saved[f"streams/{process}trick/{trick}"] for process in processes)
        assert not torch.equal(first, second)


def test_one_process_goes_on_where_two_stopped(folders, tmp_path):
    with double_precision():
        for name, scenario in (
            ("two then one", shared_trainings.EQUAL["dcgan"]),
            ("random, two then one", shared_trainings.RANDOM),
        ):
            trainer = shared_trainings.finish(scenario, folders[1] / name, ALONE)
            assert trainer.state.images_seen == trainer.target
            saved = load_file(folders[1] / name / "checkpoint.safetensors")
            assert not [key for key in saved if "process1" in key]
            if scenario is not shared_trainings.RANDOM:
                whole = load_file(folders[0] / "dcgan.safetensors")
                assert_close(whole, weights_of(trainer.state))


def test_two_processes_go_on_where_one_stopped(folders, trained):
    assert_close(load_file(folders[0] / "dcgan.safetensors"), trained("one then two"))
    assert trained("random, one then two").keys() == trained("whole").keys()


# -- what cannot be shared is refused before training ------------------------------------------


def shared(tricks=(), loss=None, batch_size=8, discriminator=None):
    data, gan = shared_trainings.points(loss) if loss else shared_trainings.points()
    if discriminator:
        gan = GAN(
            generator=gan.generator, discriminator=discriminator, loss=gan.loss, recipe=gan.recipe
        )
    return state_of(
        gan,
        data,
        [make_trick(parse_trick(trick)) for trick in tricks],
        recipe=Recipe(kimg=1, batch_size=batch_size),
        group=PAIR,
    )


def test_a_batch_that_does_not_divide_is_refused():
    with pytest.raises(
        ConfigError, match="batch of 63 does not divide among 2 processes"
    ) as raised:
        shared(batch_size=63)
    assert raised.value.hint == "For example: --batch-size 64"


def test_parts_that_do_not_divide_into_packs_are_refused():
    with pytest.raises(ConfigError, match="multiple of 4 examples in each process") as raised:
        shared(["pacgan:size=4"], batch_size=12)
    assert raised.value.hint == "For example: --batch-size 16"


def test_a_loss_that_is_no_mean_over_examples_is_refused():
    loss = Loss("sum", lambda r, f: f.sum() - r.sum(), lambda r, f: -f.sum(), mean=False)
    with pytest.raises(ConfigError, match="'sum' is not a mean over examples"):
        shared(loss=loss)


def test_a_batch_normalization_of_ones_own_is_refused():
    class Own(nn.BatchNorm1d):
        pass

    with pytest.raises(ConfigError, match="Own is a batch normalization that several"):
        shared(discriminator=lambda shape: nn.Sequential(Own(2), MLP(shape, [4], (1,))))


# -- rows and errors ---------------------------------------------------------------------------


def test_each_process_takes_its_rows():
    rows = torch.arange(6)
    assert [Processes(rank, 3).shard(rows).tolist() for rank in range(3)] == [
        [0, 1],
        [2, 3],
        [4, 5],
    ]


def test_a_lost_process_is_a_sentence():
    with pytest.raises(GanbenchError, match="Another process of this run has ended"), exchanging():
        raise RuntimeError("Connection closed by peer [127.0.0.1]:29500")


@pytest.fixture
def alone_of_two(monkeypatch):
    """Be the first of two processes, the second of which never comes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    values = {"RANK": 0, "LOCAL_RANK": 0, "WORLD_SIZE": 2, "MASTER_PORT": port}
    for name, value in {**values, "MASTER_ADDR": "127.0.0.1"}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(distributed, "JOINING", timedelta(seconds=1))


def test_a_process_that_never_comes_is_not_waited_for_without_end(alone_of_two):
    began = time.monotonic()
    with pytest.raises(GanbenchError, match="the 2 processes of this run have come within 1 s"):
        join_processes()
    assert time.monotonic() - began < 60
    assert not torch.distributed.is_initialized()


def test_variables_that_torchrun_would_not_set_are_said(alone_of_two, monkeypatch):
    monkeypatch.setenv("MASTER_PORT", "none")
    with pytest.raises(ConfigError, match="cannot find each other") as raised:
        join_processes()
    assert "torchrun" in raised.value.hint
