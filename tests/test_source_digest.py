# SPDX-License-Identifier: MIT
"""Models, tricks and losses that a session defines: they are found, and their source counts."""

import json
import linecache
import os
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest
import torch

import ganbench
from ganbench import registry
from ganbench.errors import ConfigError
from ganbench.source_digest import source_texts

PACKAGE = Path(ganbench.__file__).parent

pytestmark = pytest.mark.usefixtures("session")


def small(data):
    """Two multilayer perceptrons."""
    return ganbench.GAN(
        generator=lambda latent_dim: ganbench.MLP((latent_dim,), [8], data.shape),
        discriminator=lambda shape: ganbench.MLP(shape, [8], (1,)),
        loss=ganbench.additive("mine", real=torch.neg, fake=torch.relu, generator=torch.neg),
        recipe=ganbench.Recipe(kimg=0.2, batch_size=20, latent_dim=2),
    )


def test_a_function_is_a_model(train):
    run = train(small)
    assert run.config.model == "small"
    assert run.path.name.startswith("small-ring8-seed0-")
    assert "small" in ganbench.list_models()
    assert registry.models.entry("small").summary == "Two multilayer perceptrons."
    assert run.sample(3).shape == (3, 2)
    again = train(small, resume=True)
    assert again.path == run.path


def test_another_function_of_a_known_name_is_refused(train):
    def vanilla(data):
        return small(data)

    with pytest.raises(ConfigError, match="A model called 'vanilla' exists already"):
        train(vanilla)


def test_objects_are_tricks(train):
    run = train(tricks=[ganbench.EMA(half_life_kimg=0.1), ganbench.R1])
    assert [trick.name for trick in run.config.tricks] == ["ema", "r1"]
    assert run.config.tricks[0].parameters["half_life_kimg"] == 0.1
    named = train(tricks=["ema:half_life_kimg=0.1", "r1"], resume=True)
    assert named.path == run.path


def test_an_object_is_a_loss(train):
    soft = ganbench.additive(
        "soft", real=lambda r: -r.tanh(), fake=torch.tanh, generator=lambda f: -f.tanh()
    )
    run = train(settings={"loss": soft})
    assert run.config.loss == "soft"
    assert len(run.config.loss_source) == 16
    assert "soft" in ganbench.list_losses()


def test_a_loss_of_a_file_is_a_loss_and_its_source_counts(train, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "import torch\n\nfrom ganbench import additive, register\n\n"
        "twice = register(\n"
        '    additive("twice", real=torch.neg, fake=torch.relu, generator=torch.neg)\n)\n'
        '"""Twice the usual.\n\nPaper: Someone, 2001, arXiv:0101.00001\n"""\n'
    )
    run = train(settings={"loss": str(path)})
    assert run.config.loss == str(path)
    path.write_text(path.read_text() + "# changed\n")
    assert train(settings={"loss": str(path)}).config.identity != run.config.identity


NOTEBOOK = '''
import json, sys
import torch
from torch import nn
import ganbench

width = int(sys.argv[1])

class Net(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, outputs))

    def forward(self, values):
        return self.layers(values)

@ganbench.register()
def notebook_gan(data):
    """Networks of this notebook."""
    return ganbench.GAN(
        generator=lambda latent_dim: Net(latent_dim, 2),
        discriminator=lambda shape: Net(2, 1),
        loss=ganbench.losses.hinge,
        recipe=ganbench.Recipe(kimg=0.2, batch_size=20, latent_dim=2),
    )

@ganbench.register("loud")
@__import__("dataclasses").dataclass(frozen=True)
class Loud(ganbench.Trick):
    """Doubles the latents."""
    factor: float = 2.0

    def latents(self, latents, turn):
        return self.factor * latents

from ganbench import losses
run = ganbench.run("notebook-gan", "ring8", tricks=["loud:factor=3"], samples=64,
                   out=sys.argv[2], progress=False)
compared = ganbench.compare("notebook-gan", tricks=["none", Loud(factor=3.0)], data="ring8",
                            seeds=range(2), settings={"kimg": 0.1}, out=sys.argv[2] + "/matrix")
print(json.dumps({
    "model": run.config.model,
    "models": ganbench.list_models(),
    "tricks": ganbench.list_tricks(),
    "identity": run.config.identity,
    "factor": run.config.tricks[0].parameters["factor"],
    "shape": list(run.sample(3).shape),
    "cells": len(compared["cells"]),
    "compared": sorted({row["variant"] for row in compared["comparisons"]}),
}))
'''


def test_what_a_script_registers_is_found_and_its_source_counts(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(NOTEBOOK)

    def run(width):
        process = subprocess.run(
            [sys.executable, script, str(width), str(tmp_path / f"runs{width}")],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        )
        assert not process.returncode, process.stderr
        return json.loads(process.stdout)

    first, other = run(4), run(5)
    assert first["model"] == "notebook-gan"
    assert {"notebook-gan", "vanilla"} <= set(first["models"])
    assert "loud" in first["tricks"]
    assert (first["factor"], first["shape"], first["cells"]) == (3.0, [3, 2], 4)
    assert first["compared"] == ["notebook-gan + loud"]
    assert first["identity"] == run(4)["identity"]
    assert first["identity"] != other["identity"], "the class uses another width"


SCRIPT = """
import json
from pathlib import Path

import ganbench
import direct
from pack.deep.through_a_function import networks


@ganbench.register
def mine(data):
    \"\"\"Networks of another file.\"\"\"
    return networks(data, direct.WIDTH)


from ganbench import registry
from ganbench.source_digest import source_digest

if __name__ == "__main__":
    print(source_digest(registry.models, "mine"))
"""


def test_modules_next_to_a_script_count_where_it_refers_to_them(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    files = {"direct": "WIDTH = 1\n", "indirect": "X = 1\n", "unrelated": "X = 1\n"}
    files["pack/__init__"] = ""
    files["pack/deep/__init__"] = ""
    files["pack/absolute"] = files["pack/deep/relative"] = "X = 1\n"
    files["pack/deep/through_a_function"] = (
        "import indirect\nimport pack.absolute\n\nfrom . import relative\n\n\n"
        "def networks(data, width):\n    pass\n"
    )
    (tmp_path / "pack/deep").mkdir(parents=True)
    for name, text in files.items():
        (tmp_path / f"{name}.py").write_text(text)

    def digest():
        process = subprocess.run(
            [sys.executable, "script.py"],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(PACKAGE.parent), "PYTHONDONTWRITEBYTECODE": "1"},
        )
        assert not process.returncode, process.stderr
        return process.stdout

    before = digest()
    for name in files:
        counts = name != "unrelated"
        path = tmp_path / f"{name}.py"
        path.write_text(f"{path.read_text()}# changed\n")
        assert (digest() != before) == counts, name
        path.write_text(files[name])
    assert digest() == before


def test_a_file_that_changes_within_a_session_is_trained_as_it_is_hashed(train, tmp_path):
    (tmp_path / "helper.py").write_text("STEPS = 1\n")
    path = tmp_path / "mine.py"
    path.write_text(
        "import helper\nfrom ganbench import MLP, GAN, Recipe, losses, register\n\n\n"
        "@register\ndef mine(data):\n    return GAN(\n"
        "        generator=lambda latent_dim: MLP((latent_dim,), [8], data.shape),\n"
        "        discriminator=lambda shape: MLP(shape, [8], (1,)),\n"
        "        loss=losses.hinge,\n"
        "        recipe=Recipe(kimg=1, discriminator_steps=helper.STEPS),\n    )\n"
    )
    first = train(str(path)).config
    (tmp_path / "helper.py").write_text("STEPS = 2\n")
    second = train(str(path)).config
    assert (first.recipe.discriminator_steps, second.recipe.discriminator_steps) == (1, 2)
    assert first.model_source != second.model_source


NUMBERS = count()


def texts_of(*cells, kept=True):
    """Return the texts of ``mine`` in a notebook of these cells; their sources may not be kept."""
    scope = {"__name__": "__main__"}
    for cell in cells:
        name = f"<cell {next(NUMBERS)}>"
        if kept:
            linecache.cache[name] = (len(cell), None, cell.splitlines(keepends=True), name)
        exec(compile(cell, name, "exec"), scope)
    return source_texts(scope["mine"])


IMPORTS = """
import abc, collections, enum, functools, types
from dataclasses import dataclass, field
from functools import partial
import numpy as np
import torch
from torch import nn
"""

READ = "def mine(data):\n    return W\n"

CHANGES = {
    "number": ("W = {}", READ, "64", "32"),
    "number and truth": ("W = {}", READ, "1", "True"),
    "list": ("W = {}", READ, "[64, 64]", "[64, 32]"),
    "nested tuple": ("W = ((1, [{}]),)", READ, "2", "3"),
    "dictionary": ("W = {}", READ, "dict(a=64)", "dict(a=32)"),
    "swapped values": ("W = {}", READ, "dict(a=1, b=2)", "dict(a=2, b=1)"),
    "key": ("W = {}", READ, "dict(a=1)", "dict(b=1)"),
    "set": ("W = {}", READ, "set('ab')", "set('abc')"),
    "default dictionary": ("W = collections.defaultdict({})", READ, "int", "float"),
    "tensor": ("W = torch.tensor({})", READ, "[1.0, 2.0]", "[1.0, 3.0]"),
    "shape": ("W = torch.zeros({})", READ, "2, 3", "3, 2"),
    "bfloat16": ("W = torch.tensor({}).bfloat16()", READ, "1.0", "2.0"),
    "array": ("W = np.array({})", READ, "[1, 2]", "[1, 3]"),
    "array of objects": ("W = np.array([[{}], None], dtype=object)", READ, "1", "2"),
    "scalar of numpy": ("W = np.float32({})", READ, "1", "2"),
    "function of a library": ("W = {}", READ, "torch.relu", "torch.neg"),
    "class of a library": ("W = {}", READ, "nn.ReLU", "nn.ELU"),
    "method of a library": ("W = {}", READ, "torch.Tensor.relu", "torch.Tensor.neg"),
    "function of numpy": ("W = {}", READ, "np.exp", "np.log"),
    "type of numbers": ("W = {}", READ, "torch.float32", "torch.float64"),
    "module": ("W = {}", READ, "nn", "np"),
    "range": ("W = range({})", READ, "2", "3"),
    "layer": ("torch.manual_seed({})\nW = nn.Linear(2, 2)", READ, "1", "2"),
    "partial": ("W = partial(max, {})", READ, "64", "32"),
    "partial's function": ("W = partial({}, 1)", READ, "max", "min"),
    "default": ("W = {}", "def net(w=W):\n    return w\ndef mine():\n    return net()\n", "1", "2"),
    "keyword's default": ("W = {}", "def mine(*, w=W):\n    return w\n", "1", "2"),
    "attribute of a function": (READ + "W = 1\nmine.width = {}", "", "1", "2"),
    "class attribute": ("W = {}", "class mine:\n    width = W\n", "1", "2"),
    "attribute set later": ("class mine:\n    pass\nmine.width = {}", "", "[1]", "[2]"),
    "property": (
        "W = {}",
        "class mine:\n    @property\n    def w(self):\n        return W\n",
        "1",
        "2",
    ),
    "cached property": (
        "W = {}",
        "class mine:\n    @functools.cached_property\n    def w(self):\n        return W\n",
        *"12",
    ),
    "static method": (
        "W = {}",
        "class mine:\n    @staticmethod\n    def w():\n        return W\n",
        *"12",
    ),
    "class method": (
        "W = {}",
        "class mine:\n    @classmethod\n    def w(k):\n        return W\n",
        *"12",
    ),
    "nested class": ("W = {}", "class mine:\n    class Inner:\n        w = W\n", "1", "2"),
    "base": ("class Base:\n    w = {}", "class mine(Base):\n    pass\n", "1", "2"),
    "field": (
        "W = {}",
        "@dataclass\nclass mine:\n    w: list = field(default_factory=lambda: [W])\n",
        *"12",
    ),
    "object's class": (
        "class B:\n    def build(self):\n        return {}\nW = B()",
        READ,
        "1",
        "2",
    ),
    "object's attribute": (
        "class B:\n    def __init__(self):\n        self.w = {}\nW = B()",
        READ,
        "1",
        "2",
    ),
    "object's slot": (
        "class B:\n    __slots__ = ('w',)\n    def __init__(self):\n        self.w = {}\nW = B()",
        READ,
        *"12",
    ),
    "bound method": (
        "class B:\n    def build(self):\n        return {}\nW = B().build",
        READ,
        "1",
        "2",
    ),
    "member": ("class E(enum.Enum):\n    A = 1\n    B = 2\nW = E.{}", READ, "A", "B"),
    "cached function": ("@functools.lru_cache\ndef W():\n    return {}", READ, "1", "2"),
    "without gradients": ("@torch.no_grad()\ndef W():\n    return {}", READ, "1", "2"),
    "one of two lambdas": ("W = [lambda: 1, lambda: 2][{}]", READ, "0", "1"),
    "inner function": (
        "W = {}",
        "def mine():\n    def inner():\n        return W\n    return inner\n",
        *"12",
    ),
    "closure": ("def make(w):\n    return lambda: w\nmine = make({})", "", "[1]", "[2]"),
    "loss": (
        "import ganbench\nmine = ganbench.additive("
        "'m', real={}, fake=torch.abs, generator=torch.neg)",
        "",
        "torch.neg",
        "torch.relu",
    ),
    "mapping": ("W = types.MappingProxyType(dict(a={}))", READ, "1", "2"),
    "cycle": ("W = [{}]\nW.append(W)", READ, "1", "2"),
    "sets in a cycle": (
        "class N:\n    w = {}\nW = N()\nV = N()\nW.near = set([V, W])\nV.near = set([W])",
        READ,
        *"12",
    ),
    "metaclass": (
        "class M(abc.ABCMeta):\n    w = {}\nclass mine(metaclass=M):\n    pass",
        "",
        *"12",
    ),
}


@pytest.mark.parametrize("kept", [True, False], ids=["script", "prompt"])
@pytest.mark.parametrize("change", CHANGES)
def test_whatever_an_entry_refers_to_counts(change, kept):
    setup, model, *values = CHANGES[change]
    first, again, other = (
        texts_of(IMPORTS, setup.replace("{}", value), model, kept=kept)
        for value in (values[0], *values)
    )
    assert first == again
    assert first != other


def test_what_only_shares_a_name_with_a_reference_does_not_count():
    model = "def mine(data):\n    return data.width\n"
    assert texts_of("width = 1", model) == texts_of("width = 2", model)


def test_the_position_of_a_random_stream_does_not_count():
    setup = IMPORTS + "import random\nW = np.random.default_rng(0), random.Random(0)\n"
    drawn = "W[0].random(), W[1].random()\n"
    assert texts_of(setup, READ) == texts_of(setup, drawn, READ)


def test_an_unfinished_closure_is_no_error():
    cell = "def make():\n    global mine\n    mine = lambda: later\n    save()\n    later = 1\n"
    scope_test = "def save():\n    raise KeyError\ntry:\n    make()\nexcept KeyError:\n    pass\n"
    assert texts_of(cell, scope_test)


VOLATILE = """
import functools, hashlib, logging, pathlib, re, sys, threading
import numpy as np
import torch
from torch import nn
import ganbench
from ganbench.source_digest import source_texts

LOGGER, LOCK, PATH = logging.getLogger("mine"), threading.Lock(), pathlib.Path("a")
PATTERN, STREAM, SENTINEL = re.compile("a|b"), np.random.default_rng(), object()
OPTIONS, OUTPUT, CALL = {"b", "a", "c", (1, "d")}, sys.stdout, functools.partial(print, {"x", "y"})
torch.manual_seed(0)
NETWORK = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))

class Node:
    def __init__(self, name):
        self.name, self.near = name, set()

NODES = {Node("a"), Node("b"), Node("c")}
for node in NODES:
    node.near |= NODES

@torch.no_grad()
def mine(data):
    if data in {"a", "b", "c", "d"}:
        return LOGGER, LOCK, PATH, PATTERN, STREAM, SENTINEL, OPTIONS, OUTPUT, CALL, NETWORK
    return NODES, ganbench.losses.hinge, ganbench.MLP, torch.relu

print(hashlib.sha256("".join(source_texts(mine)).encode()).hexdigest())
assert not re.search("0x[0-9a-f]{6}", "".join(source_texts(mine)))
"""


def test_the_texts_are_the_same_in_every_process(tmp_path):
    (tmp_path / "script.py").write_text(VOLATILE)
    digests = []
    for seed in ("1", "2"):
        process = subprocess.run(
            [sys.executable, "script.py"],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(PACKAGE.parent), "PYTHONHASHSEED": seed},
        )
        assert not process.returncode, process.stderr
        digests.append(process.stdout)
    assert digests[0] == digests[1]
