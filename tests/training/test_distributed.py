# SPDX-License-Identifier: MIT
"""Several processes are one with the joined batch, and end together."""

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import ganbench
from ganbench.config import Recipe, parse_trick
from ganbench.errors import ConfigError, GanbenchError
from ganbench.gan import Loss
from ganbench.nn import MLP
from ganbench.records.run_folder import RunFolder, find_runs
from ganbench.runtime.device import choose_device
from ganbench.runtime.process_group import ALONE, ProcessGroup, launched
from ganbench.training.build import build_state
from ganbench.training.distributed import Processes, exchanging
from ganbench.trick_config import make_trick

HERE = Path(__file__).parent
PAIR = Processes(rank=1, size=2)
SECONDS = 300
"""No test waits longer for a process, however busy the machine."""


def load_sharing():
    spec = importlib.util.spec_from_file_location("sharing", HERE / "sharing.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["sharing"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


sharing = load_sharing()


def surroundings(**more):
    """Return an environment in which processes meet on this machine, one thread each."""
    home = str(Path(ganbench.__file__).resolve().parents[1])
    given = {**os.environ, "PYTHONPATH": home, "OMP_NUM_THREADS": "1", **more}
    if Path("/sys/class/net/lo").exists():
        given["GLOO_SOCKET_IFNAME"] = "lo"
    return given


@contextmanager
def pair(*words, cwd):
    """Start a program as two processes, as torchrun does; they are killed if they outlive it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    place = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    processes = [
        subprocess.Popen(
            [sys.executable, *map(str, words)],
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=surroundings(RANK=str(rank), LOCAL_RANK=str(rank), **place),
        )
        for rank in range(2)
    ]
    try:
        yield processes
    finally:
        for one in processes:
            one.kill()
            one.communicate()


@contextmanager
def double_precision():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """What one process trained, and what two trained together of it."""
    whole, parts = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("parts")
    torch.set_num_threads(1)
    with double_precision():
        for name, scenario in sharing.EQUAL.items():
            one = sharing.trainer(scenario, whole / name, ALONE)
            one.train()
            save(whole / f"{name}.safetensors", one)
        sharing.half(sharing.EQUAL["dcgan"], parts / "one then two", ALONE)
        sharing.half(sharing.RANDOM, parts / "random, one then two", ALONE)
    with pair(HERE / "sharing.py", parts, cwd=parts) as processes:
        for one in processes:
            _, err = one.communicate(timeout=SECONDS)
            assert one.returncode == 0, err
    return whole, parts


def save(path, trainer):
    save_file(
        {name: one.contiguous() for name, one in sharing.weights(trainer.state).items()}, path
    )


@pytest.fixture
def trained(folders):
    """Return the weights that a process holds after a training of two."""
    loaded = [load_file(folders[1] / f"process{rank}.safetensors") for rank in range(2)]

    def weights(name, rank=0):
        start = f"{name}/"
        return {
            key.removeprefix(start): value
            for key, value in loaded[rank].items()
            if key.startswith(start)
        }

    return weights


def assert_close(first, second, tolerance=1e-9):
    assert first.keys() == second.keys() != set()
    for name, value in first.items():
        torch.testing.assert_close(value, second[name], rtol=tolerance, atol=tolerance, msg=name)


@pytest.mark.parametrize("name", sharing.EQUAL)
def test_two_processes_are_one_with_the_joined_batch(folders, trained, name):
    whole = load_file(folders[0] / f"{name}.safetensors")
    assert_close(whole, trained(name))
    with double_precision():
        start = sharing.trainer(sharing.EQUAL[name], folders[0] / "start", ALONE).state
    moved = [
        key
        for key, value in sharing.weights(start).items()
        if not torch.allclose(value, whole[key], atol=1e-4)
    ]
    assert len(moved) > len(whole) // 2, "it trained"


@pytest.mark.parametrize("name", sharing.EQUAL)
def test_what_is_recorded_is_the_mean_over_the_processes(folders, name):
    rows = [RunFolder(folder / name).stats() for folder in folders]
    assert len(rows[0]) == len(rows[1]) > 1
    for one, other in zip(*rows, strict=True):
        assert one.keys() == other.keys()
        for key, value in one.items():
            if "second" not in key:
                assert value == pytest.approx(other[key], rel=1e-5, abs=1e-6), key


@pytest.mark.parametrize("name", [*sharing.EQUAL, "whole", "parts", "one then two"])
def test_all_processes_end_with_the_same_weights(trained, name):
    first, second = trained(name), trained(name, rank=1)
    assert first.keys() == second.keys() != set()
    assert [key for key in first if not torch.equal(first[key], second[key])] == []


def test_a_run_of_two_is_resumed_by_two_bit_for_bit(folders, trained):
    whole, parts = (load_file(folders[1] / one / "checkpoint.safetensors") for one in WHOLE_PARTS)
    assert whole.keys() == parts.keys()
    assert [key for key in whole if not torch.equal(whole[key], parts[key])] == []
    first, second = trained("whole"), trained("parts")
    assert all(torch.equal(first[key], second[key]) for key in first)


WHOLE_PARTS = ("whole", "parts")


def test_each_process_has_random_streams_of_its_own_and_all_are_saved(folders):
    kept = load_file(folders[1] / "whole" / "checkpoint.safetensors")
    tricks = ("gradient-penalty", "instance-noise", "diffaugment")
    expected = {f"streams/{own}trick/{one}" for one in tricks for own in ("", "process1/")}
    assert {key for key in kept if key.startswith("streams/")} == expected | {"streams/noise"}
    for one in tricks:
        first, second = (kept[f"streams/{own}trick/{one}"] for own in ("", "process1/"))
        assert not torch.equal(first, second)


def test_one_process_goes_on_where_two_stopped(folders, tmp_path):
    with double_precision():
        for name, scenario in (
            ("two then one", sharing.EQUAL["dcgan"]),
            ("random, two then one", sharing.RANDOM),
        ):
            one = sharing.finish(scenario, folders[1] / name, ALONE)
            assert one.state.images_seen == one.target
            kept = load_file(folders[1] / name / "checkpoint.safetensors")
            assert not [key for key in kept if "process1" in key]
            if scenario is not sharing.RANDOM:
                whole = load_file(folders[0] / "dcgan.safetensors")
                assert_close(whole, sharing.weights(one.state))


def test_two_processes_go_on_where_one_stopped(folders, trained):
    assert_close(load_file(folders[0] / "dcgan.safetensors"), trained("one then two"))
    assert trained("random, one then two").keys() == trained("whole").keys()


# -- what cannot be shared is refused before training ------------------------------------------


def shared(tricks=(), loss=None, batch_size=8, discriminator=None):
    data, gan = sharing.points(loss) if loss else sharing.points()
    if discriminator:
        gan = sharing.GAN(
            generator=gan.generator, discriminator=discriminator, loss=gan.loss, recipe=gan.recipe
        )
    return build_state(
        gan,
        data,
        recipe=Recipe(kimg=1, batch_size=batch_size),
        tricks=[make_trick(parse_trick(one)) for one in tricks],
        loss=gan.loss,
        seed=0,
        device=torch.device("cpu"),
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


# -- places and devices ------------------------------------------------------------------------


def test_a_process_by_itself_is_alone():
    place = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}
    torchrun = {**place, "MASTER_ADDR": "host", "MASTER_PORT": "1"}
    assert launched(torchrun) == ProcessGroup(3, 4, 1)
    assert not launched(torchrun).first
    for missing in torchrun:
        assert launched({key: one for key, one in torchrun.items() if key != missing}) == ALONE
    assert launched({**torchrun, "RANK": "one"}) == ALONE
    assert launched({}) is ALONE
    assert launched({**torchrun, "RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}) == ALONE


def test_alone_everything_stays_as_it_is():
    values = torch.arange(6.0).reshape(3, 2)
    assert ALONE.shard(values) is values
    assert ALONE.average([values])[0] is values
    assert ALONE.gather(values).shape == (1, 3, 2)
    assert ALONE.any_true(True)
    assert not ALONE.any_true(False)
    assert ALONE.broadcast_text("x") == "x"


def test_each_process_takes_its_rows():
    rows = torch.arange(6)
    assert [Processes(rank, 3).shard(rows).tolist() for rank in range(3)] == [
        [0, 1],
        [2, 3],
        [4, 5],
    ]


def test_each_process_takes_the_gpu_of_its_number(monkeypatch):
    chosen = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    second = ProcessGroup(3, 4, local_rank=1)
    assert choose_device("cuda", second) == choose_device("auto", second) == torch.device("cuda:1")
    assert chosen == [torch.device("cuda:1")] * 2
    assert choose_device("cpu", second) == torch.device("cpu")
    with pytest.raises(ConfigError, match="a GPU of its own, and torch sees 2 GPUs") as raised:
        choose_device("cuda", ProcessGroup(2, 4, local_rank=2))
    assert raised.value.hint == "Use torchrun --nproc-per-node 2."
    for name in ("cuda:0", "mps", "tpu"):
        with pytest.raises(ConfigError, match=f"on auto, cpu or cuda, not '{name}'"):
            choose_device(name, second)


def test_a_lost_process_is_a_sentence():
    with pytest.raises(GanbenchError, match="Another process of this run has ended"), exchanging():
        raise RuntimeError("Connection closed by peer [127.0.0.1]:29500")


# -- the command -------------------------------------------------------------------------------

WORDS = ("-m", "ganbench", "run", "-m", "vanilla", "-d", "ring8", "--device", "cpu", "--threads", 1)
TORCHRUN = (
    "-m", "torch.distributed.run", "--nproc-per-node", 2, "--master-addr", "127.0.0.1",
    "--master-port", 0, "--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0",
)  # fmt: skip


@pytest.mark.parametrize("rank", [0, 1])
def test_a_mistake_is_told_by_the_first_process(cli, monkeypatch, rank):
    for name, value in (("RANK", rank), ("WORLD_SIZE", 2), ("LOCAL_RANK", rank)):
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", "1")
    monkeypatch.setattr("ganbench.cli.output.PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    for words in (("run", "--model", "nothing"), ("compare", "--model", "vanilla")):
        outcome = cli(*words, "--json")
        assert outcome.code == 2
        if rank:
            assert outcome.out == ""
            assert outcome.err.startswith("error: process 1: ")
        else:
            assert outcome.document["error"]["message"]
            assert outcome.err == ""
    plan = cli("run", "--model", "vanilla", "--dry-run", "--json")
    assert plan.code == 0
    assert bool(plan.out) == (rank == 0)


@contextmanager
def torchrun(tmp_path, *words):
    process = subprocess.Popen(
        [sys.executable, *map(str, (*TORCHRUN, *WORDS, *words))],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=surroundings(),
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()  # it ends its processes, which a kill would leave behind
        process.communicate(timeout=SECONDS)


def test_torchrun_gives_one_document_and_one_run(tmp_path):
    words = ("--kimg", 1, "--samples", 64, "--evaluations", 1, "--out", "runs", "--json")
    with torchrun(tmp_path, *words) as process:
        out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, err
    document = json.loads(out)
    (folder,) = find_runs(tmp_path / "runs")
    assert list((tmp_path / "runs").iterdir()) == [folder.path]
    assert tmp_path / document["run"] == folder.path
    assert document["processes"] == folder.result()["processes"] == 2
    assert folder.config()["options"]["processes"] == 2
    assert folder.environment()["torch"]["processes"] == 2
    assert document["kimg"] == folder.stats()[-1]["kimg"] == 1.024
    assert document["metrics"] == folder.result()["metrics"]
    assert len(folder.measurements()) == 1
    assert (folder.samples_folder / "final.png").is_file()
    assert "Traceback" not in err
    assert err.count("100%") == 1, "one process shows progress"


def wait_for(found, *processes):
    deadline = time.monotonic() + SECONDS
    while not found():
        assert time.monotonic() < deadline
        assert all(one.poll() is None for one in processes), [
            one.communicate() for one in processes
        ]
        time.sleep(0.02)


def test_a_stop_of_one_is_a_stop_of_all_and_one_process_finishes(cli, tmp_path):
    words = (*WORDS[2:], "--kimg", 100, "--samples", 64, "--evaluations", 0, "--json")
    with pair("-m", "ganbench", *words, "--out", tmp_path, cwd=tmp_path) as (first, second):
        wait_for(lambda: any(tmp_path.glob("*/stats.jsonl")), first, second)
        second.send_signal(signal.SIGINT)
        outs = [one.communicate(timeout=SECONDS) for one in (first, second)]
        codes = [first.returncode, second.returncode]
    assert codes == [130, 0], outs
    assert json.loads(outs[0][0])["status"] == "interrupted"
    assert outs[1] == ("", "")
    (folder,) = find_runs(tmp_path)
    assert not folder.finished
    assert 0 < folder.stats()[-1]["kimg"] < 100
    seen = folder.stats()[-1]["kimg"]

    outcome = cli(*words, "--out", tmp_path, "--resume")
    assert outcome.code == 0, outcome
    assert outcome.document["status"] == "done"
    assert "processes" not in outcome.document
    kimgs = [row["kimg"] for row in folder.stats()]
    assert seen in kimgs
    assert kimgs == sorted(set(kimgs))


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the processes in /proc")
def test_a_killed_process_ends_the_command(tmp_path):
    with torchrun(tmp_path, "--kimg", 5000, "--out", "runs") as process:
        wait_for(lambda: any((tmp_path / "runs").glob("*/stats.jsonl")), process)
        victim = next(one for one in children(process.pid) if b"RANK=1\0" in environment_of(one))
        os.kill(victim, signal.SIGKILL)
        began = time.monotonic()
        _, err = process.communicate(timeout=SECONDS)
        assert time.monotonic() - began < 120
    assert process.returncode != 0
    assert err.count("error: Another process of this run has ended") == 1, err


def children(pid):
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(one) for one in text.split()]


def environment_of(pid):
    return b"\0" + Path(f"/proc/{pid}/environ").read_bytes()


@pytest.mark.cuda
def test_gpus_train_as_one(tmp_path):
    if torch.cuda.device_count() < 2:
        pytest.skip("needs two CUDA devices")
    words = (*WORDS[2:], "--device", "cuda", "--kimg", 1, "--samples", 64, "--json")
    with pair("-m", "ganbench", *words, "--out", tmp_path, cwd=tmp_path) as (first, second):
        out, err = first.communicate(timeout=SECONDS)
        second.communicate(timeout=SECONDS)
    assert first.returncode == second.returncode == 0, err
    assert json.loads(out)["processes"] == 2
