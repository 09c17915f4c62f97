# SPDX-License-Identifier: MIT
"""Bad input: one sentence, the right exit code, nothing lost."""

import errno
import os
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from ganbench.records import atomic_files
from ganbench.records.run_folder import find_runs

RUN = ("run", "-m", "vanilla", "-d", "ring8", "--kimg", "0.2", "-q")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working folder with things that cannot be used."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANBENCH_OFFLINE", "1")
    monkeypatch.delenv("GANBENCH_DATA", raising=False)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("kept")
    (tmp_path / "corrupt").mkdir()
    random = np.random.default_rng(0)
    for index in range(4):
        pixels = random.integers(256, size=(28, 28), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "corrupt" / f"{index}.png")
    (tmp_path / "corrupt" / "2.png").write_bytes(
        (tmp_path / "corrupt" / "2.png").read_bytes()[:200]
    )
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 not an archive")
    np.savez(tmp_path / "odd.npz", images=np.zeros((3, 4)))
    (tmp_path / "broken.py").write_text("def broken(:\n")
    (tmp_path / "none.py").write_text("x = 1\n")
    (tmp_path / "config.json").write_text('{"other": "program"}')
    return tmp_path


MISTAKES = [
    # what was typed, exit code, kind of error, words of the message or the hint
    ("run -m vanila", 2, "unknown-name", "Did you mean 'vanilla'?"),
    ("run -m vanilla -d mnist5", 2, "unknown-name", "mnist5k"),
    ("run -m vanilla -t spectral", 2, "unknown-name", "spectral-norm"),
    ("run -m vanilla -t r1:wieght=3", 2, "config", "Did you mean 'weight'?"),
    ("run -m vanilla -t r1:weight=heavy", 2, "config", "not 'heavy'"),
    ("run -m vanilla -t r1:weight", 2, "config", "key=value was expected"),
    ("run -m vanilla -t :", 2, "config", "names no trick"),
    ("run -m vanilla -t ema -t EMA:off -t emma:off", 2, "unknown-name", "Did you mean 'ema'"),
    ("run -m vanilla --set recipe.batchsize=3", 2, "config", "Did you mean 'batch_size'?"),
    ("run -m vanilla --set recipe.batch_size=none", 2, "config", "recipe.batch_size"),
    ("run -m vanilla --set nothing", 2, "config", "key=value was expected"),
    ("run -m vanilla --set loss=hing", 2, "unknown-name", "hinge"),
    ("run -m vanilla --kimg 0", 2, "config", "recipe.kimg"),
    ("run -m vanilla --kimg nan", 2, "config", "recipe.kimg"),
    ("run -m vanilla --kimg many", 2, "usage", "--kimg"),
    ("run -m vanilla --batch-size 0", 2, "config", "recipe.batch_size"),
    ("run -m vanilla --samples 1", 2, "usage", "--samples"),
    ("run -m vanilla --threads 0", 2, "usage", "--threads"),
    ("run -m vanilla --precision fp8", 2, "config", "not 'fp8'"),
    ("run -m vanilla --seed -1", 2, "config", "seed"),
    ("run -m vanilla --seeds 4-1", 2, "config", "Write 1-4."),
    ("run -m vanilla --seeds one", 2, "config", "'one' is not a seed"),
    ("run -m vanilla --seed 1 --seeds 2", 2, "config", "exclude each other"),
    ("run -m vanilla -d ring8 --device tpu", 2, "config", "auto, cpu, cuda or mps"),
    ("run -m vanilla -d ring8 --metrics modez", 2, "unknown-name", "modes"),
    ("run -m vanilla -d ring8 --metrics is", 2, "config", "ring8 holds points"),
    ("run -m vanilla -d ring8@64", 2, "config", "one size only"),
    ("run -m vanilla -d mnist5k@4", 2, "config", "resolution"),
    ("run -m dcgan -d ring8", 2, "config", "dcgan draws images"),
    ("run -m vanilla -d ring8 -t diffaugment", 2, "config", "images"),
    ("run -m wgan-gp -d ring8 -t extragradient", 2, "config", "discriminator_steps"),
    ("run -m ./broken.py -d ring8", 2, "input", "broken.py is not valid Python"),
    ("run -m ./none.py -d ring8", 2, "input", "@register"),
    ("run -m ./nowhere.py -d ring8", 2, "input", "There is no file"),
    ("run -m vanilla -d ./empty", 2, "input", "holds no images"),
    ("run -m vanilla -d ./corrupt", 2, "input", "2.png cannot be read"),
    ("run -m vanilla -d ./file", 2, "input", "neither a folder"),
    ("run -m vanilla -d ./bad.npz", 2, "input", "bad.npz"),
    ("run -m vanilla -d ./odd.npz", 2, "input", "were expected"),
    ("run -m vanilla -d ./nowhere", 4, "missing", "There is no folder"),
    ("run -m vanilla -d ./nowhere.npz", 4, "missing", "There is no file"),
    ("run -m vanilla -d cifar10", 4, "missing", "cifar10"),
    ("run -m vanilla -d ring8 --kimg 0.2 --out file", 1, "storage", "cannot be written"),
    ("run -m vanilla -d ring8 --kimg 0.2 --out file/runs", 1, "storage", "--out"),
    ("run", 2, "usage", "--model"),
    ("run -m vanilla --kmig 3", 2, "usage", "--kimg"),
    ("run -m vanilla extra", 2, "usage", "extra"),
    ("rnu -m vanilla", 2, "usage", "rnu"),
    ("compare -m vanilla,vanila", 2, "unknown-name", "Did you mean 'vanilla'?"),
    ("compare -m vanilla --tricks none,r9", 2, "unknown-name", "Did you mean"),
    ("compare -m vanilla --tricks ,", 2, "config", "No set of tricks"),
    ("compare -m vanilla,vanilla", 2, "config", "are the same run"),
    ("run -m vanilla -d ring8 -t instance-norm -n", 2, "config", "normalizes hidden layers"),
    ("run -m vanilla -d ring8 -t instance-norm", 2, "config", "normalizes hidden layers"),
    ("compare -m vanilla -d ring8 --set seed=7", 2, "config", "--seeds 0-4"),
    ("compare -m vanilla -d ring8 --vary seed=1,2", 2, "config", "--seeds 0-4"),
    ("compare -m vanilla --tricks ema,r1 --baseline vanilla", 2, "unknown-name", "vanilla + r1."),
    ("compare -m vanilla --baseline dcgan", 2, "unknown-name", "There are: none, vanilla."),
    ("compare -m vanilla -d ring8 --metrics modez", 2, "unknown-name", "modes"),
    ("compare -m vanilla -d ring8 --device tpu", 2, "config", "auto, cpu, cuda or mps"),
    ("compare -m vanilla -d ring8 --kimg 0.2 --out file/runs", 1, "storage", "cannot be written"),
    ("compare -m vanilla -d ring8 --seeds abc", 2, "config", "'abc' is not a seed"),
    ("compare -m vanilla --seeds 0-999999999999", 2, "config", "more than 10,000 seeds"),
    ("run -m vanilla --seeds 0-4999,5000-10000", 2, "config", "more than 10,000 seeds"),
    ("run -m vanilla --seeds 99999999999999999999", 2, "config", "smaller than 2**63"),
    ("run -m vanilla --samples 100000000000", 2, "config", "--samples"),
    ("run -m vanilla --threads 100000", 2, "config", "--threads"),
    ("run -m vanilla -d ring8 -n --metrics modez", 2, "unknown-name", "modes"),
    ("run -m vanilla -d ring8 -n --device tpu", 2, "config", "auto, cpu, cuda or mps"),
    ("run -m vanilla -n --metrics fid,fid@mnist-cnn", 4, "missing", "weights fetch inception"),
    ("run -m vanilla -d cifar10 -n", 4, "missing", "cifar10"),
    ("compare -m vanilla -d cifar10 -n", 4, "missing", "cifar10"),
    ("run -m vanilla -d ring8 --out ~no-one-here/x", 2, "input", "~no-one-here stands for"),
    ("run -m ~no-one-here/x.py -d ring8", 2, "input", "~no-one-here stands for"),
    ("compare ~no-one-here/x.toml", 2, "input", "~no-one-here stands for"),
    ("show ~no-one-here", 2, "input", "~no-one-here stands for"),
    ("weights import ~no-one-here/x", 2, "input", "~no-one-here stands for"),
    ("run -m vanilla -d ring8 -t r1:weight=" + "9" * 400, 2, "config", "a finite number"),
    ("run -m vanilla -d ring8 --kimg 1e308", 2, "config", "recipe.kimg"),
    ("run -m vanilla -d ring8 -b 0x" + "f" * 50, 2, "usage", "--batch-size"),
    ("eval nothere --real ring8", 2, "unknown-name", "no file, folder, run or dataset 'nothere'"),
    ("eval emty --real ring8", 2, "unknown-name", "Did you mean 'empty'?"),
    ("eval ring8 --real rnig8", 2, "unknown-name", "Did you mean 'ring8'"),
    ("eval ./fiel --real ring8", 4, "missing", "Did you mean 'file'"),
    ("sample . --count 100000000000", 2, "config", "--count"),
    ("sample nowhere", 2, "input", "There is no folder"),
    ("sample empty", 2, "input", "holds no run"),
    ("sample .", 1, "damaged", "describes no run"),
    ("sample . --format gif", 2, "config", "grid, files or npz"),
    ("sample . --count 0", 2, "usage", "--count"),
    ("report nowhere", 2, "input", "There is no folder nowhere"),
    ("report empty", 2, "input", "no run in empty"),
    ("ls modles", 2, "unknown-name", "Did you mean 'models'"),
    ("show vanila", 2, "unknown-name", "Did you mean 'vanilla'"),
    ("show dcgan -d ring8", 2, "config", "dcgan draws images"),
    ("show empty", 2, "input", "holds no run"),
    ("show .", 1, "damaged", "describes no run"),
]


def tree(folder):
    return {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")}


@pytest.mark.parametrize(
    ("typed", "code", "kind", "words"), MISTAKES, ids=lambda value: str(value)[:60]
)
def test_a_mistake_is_a_sentence_and_an_exit_code(cli, place, typed, code, kind, words):
    before = tree(place)
    outcome = cli(*typed.split())
    assert outcome.code == code
    assert outcome.out == ""
    message, _, hint = outcome.err.partition("\nhint: ")
    assert message.startswith("error: ")
    assert message.rstrip().endswith((".", "?", ")")) or kind == "usage"
    assert words in " ".join(outcome.err.split())

    told = cli(*typed.split(), "--json")
    assert (told.code, told.err) == (code, "")
    assert told.document.keys() == {"schema", "error"}
    assert told.document["schema"] == 1
    error = told.document["error"]
    assert error.keys() == {"kind", "message", "hint"}
    assert error["kind"] == kind
    assert words in f"{error['message']} {error['hint']}"
    assert "\n" not in error["message"]
    assert " ".join(message.split()) == " ".join(f"error: {error['message']}".split())
    assert bool(hint) == bool(error["hint"])
    assert tree(place) == before, "nothing is lost, and nothing is left behind"


def test_a_mistake_in_one_cell_of_many_is_found_before_any_is_trained(cli, place):
    assert cli("compare", "-m", "vanilla,dcgan", "-d", "ring8", "--kimg", "0.2").code == 2
    assert not (place / "runs").exists()


def test_a_batch_beyond_memory_is_refused_before_it_is_allocated(cli, place):
    for words in (("run", "-n"), ("run",), ("compare", "-n")):
        outcome = cli(*words, "-m", "vanilla", "-d", "ring8", "-b", "2000000000", "-q")
        assert outcome.code == 1
        assert "A batch of 2,000,000,000 needs" in outcome.err
        assert "fit: --batch-size" in outcome.err
    assert not (place / "runs").exists()


def test_that_nothing_will_be_measured_is_said_before_anything_is_trained(cli, place):
    (place / "corrupt" / "2.png").unlink()
    outcome = cli("run", "-m", "dcgan", "-d", "./corrupt", "-n")
    assert outcome.code == 0
    assert "Nothing will be measured" in outcome.err
    assert "--metrics fid,kid,lpips" in outcome.err
    assert cli("run", "-m", "vanilla", "-d", "ring8", "-n").err == ""
    outcome = cli("run", "-m", "dcgan", "-d", "./corrupt", "-b", "2", "--kimg", "0.004")
    before, _, after = outcome.err.partition("Nothing will be measured")
    assert (outcome.code, before) == (0, "")
    assert "100%, 0.0 kimg" in after


# -- damage ------------------------------------------------------------------------------------


@pytest.fixture
def run(cli, tmp_path):
    """A finished run."""
    cli(*RUN, "-o", tmp_path / "out")
    (folder,) = find_runs(tmp_path / "out")
    return folder


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_a_checkpoint_that_was_cut_short(cli, run, tmp_path, share):
    data = run.checkpoint_file.read_bytes()
    run.checkpoint_file.write_bytes(data[: int(len(data) * share)])
    run.result_file.unlink()
    before = tree(run.path)
    for words in ((*RUN, "-o", tmp_path / "out", "--resume"), ("sample", run.path)):
        outcome = cli(*words)
        assert outcome.code == 1
        assert "checkpoint.safetensors is missing or damaged" in "".join(outcome.err.split("\n"))
        assert tree(run.path) == before


def test_a_damaged_result(cli, run, tmp_path):
    run.result_file.write_text(run.result_file.read_text()[:40])
    before = tree(run.path)
    for words in ((*RUN, "-o", tmp_path / "out", "--resume"), ("show", run.path)):
        outcome = cli(*words, "--json")
        assert outcome.code == 1
        assert outcome.document["error"]["kind"] == "damaged"
        assert "result.json is damaged" in outcome.document["error"]["message"]
        assert tree(run.path) == before
    assert cli("sample", run.path, "-o", tmp_path / "a.png").code == 0
    report = cli("report", tmp_path / "out", "-o", tmp_path / "page", "--json")
    assert report.document["runs"] == 1
    assert "result.json cannot be read" in (tmp_path / "page" / "index.html").read_text()


def test_a_damaged_configuration(cli, run, tmp_path):
    run.config_file.write_text(run.config_file.read_text()[:40])
    before = tree(run.path)
    resume = (*RUN, "-o", tmp_path / "out", "--resume")
    for words in (resume, ("sample", run.path), ("show", run.path)):
        outcome = cli(*words, "--json")
        assert outcome.code == 1
        assert "config.json is damaged" in outcome.document["error"]["message"]
        assert tree(run.path) == before


# -- no space ----------------------------------------------------------------------------------


def test_a_disk_that_fills_up_while_training_loses_nothing(cli, tmp_path, monkeypatch):
    words = ("run", "-m", "vanilla", "-d", "ring8", "--kimg", "1", "--samples", "64", "-q")
    assert cli(*words, "-o", tmp_path / "whole").code == 0
    (whole,) = find_runs(tmp_path / "whole")

    synced = []
    fsync = os.fsync

    def fills_up(handle):
        synced.append(handle)
        if len(synced) > 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    with monkeypatch.context() as patched:
        patched.setattr(atomic_files.os, "fsync", fills_up)
        outcome = cli(*words, "-o", tmp_path / "parts")
    assert outcome.code == 1
    assert "There is no space left to write" in outcome.err
    assert "--resume" in outcome.err
    (parts,) = find_runs(tmp_path / "parts")
    assert not parts.finished
    assert {path.name for path in parts.path.rglob(".*")} <= {".lock"}
    assert cli(*words, "-o", tmp_path / "parts", "--resume").code == 0
    assert parts.result()["metrics"] == whole.result()["metrics"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, which may grow."""
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("only the superuser mounts a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(*options):
        return subprocess.run(
            ["mount", "-t", "tmpfs", "-o", *options, "tmpfs", str(folder)],
            capture_output=True,
            check=False,
        ).returncode

    if mount("size=1200k"):
        pytest.skip("mounting is not allowed here")
    yield folder, lambda: mount("remount,size=64m")
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_real_disk_that_is_too_small(cli, tmp_path, small_disk, interrupting):
    """It holds one checkpoint of 800 kB, but not a second one beside it."""
    folder, grow = small_disk
    words = ("run", "-m", "vanilla", "-d", "ring8", "--kimg", "1", "--samples", "64", "-q")
    interrupting(2)
    assert cli(*words, "-o", folder).code == 130
    (run,) = find_runs(folder)
    before = run.checkpoint_file.read_bytes()
    assert 600_000 < len(before) < 1_200_000
    outcome = cli(*words, "-o", folder, "--resume", "--json")
    assert outcome.code == 1
    error = outcome.document["error"]
    assert error["kind"] == "storage"
    assert "space" in error["message"] + error["hint"]
    assert run.checkpoint_file.read_bytes() == before
    assert {path.name for path in run.path.rglob(".*")} <= {".lock"}
    assert grow() == 0
    document = cli(*words, "-o", folder, "--resume", "--json").document
    whole = cli(*words, "-o", tmp_path / "whole", "--json").document
    assert document["metrics"] == whole["metrics"]
