# SPDX-License-Identifier: MIT
"""What code of a notebook or script refers to counts in its digest, of whatever kind it is."""

import linecache
from itertools import count

import pytest
from scripts import output_of

from ganbench.source_digest import source_texts

pytestmark = pytest.mark.usefixtures("session")

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
    script = tmp_path / "script.py"
    script.write_text(VOLATILE)
    first, again = (output_of(script, PYTHONHASHSEED=seed) for seed in ("1", "2"))
    assert first == again
