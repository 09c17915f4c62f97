# SPDX-License-Identifier: MIT
"""Models and tricks in a user's file: how they are named, changed and removed; every mistake."""

from pathlib import Path

import pytest

from ganbench import Trick, registry
from ganbench.errors import ConfigError
from ganbench.harness.plan import plan
from ganbench.records.run_folder import find_runs

HEAD = """
from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench import GAN, MLP, Recipe, Trick, losses, register


def pair(data, tricks=()):
    return GAN(
        generator=lambda latent_dim: MLP((latent_dim,), [8], data.shape),
        discriminator=lambda shape: MLP(shape, [8], (1,)),
        loss=losses.non_saturating,
        tricks=tricks,
        recipe=Recipe(kimg=0.2, batch_size=20, latent_dim=2),
    )

"""
TWO = (
    HEAD
    + '''
@register
@dataclass(frozen=True)
class Mine(Trick):
    """Adds a constant."""

    weight: float = 1.0

    def discriminator_terms(self, turn):
        return {"mine": self.weight * turn.real.logits.square().mean()}


@register("closer")
@dataclass(frozen=True)
class Closer(Trick):
    """Samples near the origin."""

    factor: float = 0.5

    def sampler(self, sampler, state):
        return sampler


@register
@dataclass(frozen=True)
class Own(Mine):
    """The model's own."""


@register
def plain(data):
    """Without tricks."""
    return pair(data)


@register
def variant(data):
    """With a trick of its own."""
    return pair(data, tricks=[Own()])
'''
)
TINY = ("-d", "ring8", "--kimg", "0.2", "--samples", "64", "--evaluations", "0", "-q")


@pytest.fixture
def two(tmp_path, monkeypatch):
    """A file with two models and three tricks, one of them a model's own."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "two.py"
    path.write_text(TWO)
    return path


def configurations():
    return [folder.description() for folder in find_runs(Path("runs"))]


def only_tricks(config):
    return {trick.name: trick.parameters for trick in config.tricks}


@pytest.fixture
def train(cli, two):
    """Train by the command line, and return the configuration of the run."""

    def call(*words):
        known = {config.identity for config in configurations()}
        outcome = cli("run", *words, *TINY)
        assert outcome.code == 0, outcome.err
        (new,) = [config for config in configurations() if config.identity not in known]
        return new

    return call


@pytest.mark.parametrize("name", ["./two.py:mine", "./two.py:Mine", "two.py:mine"])
def test_one_of_several_tricks_of_a_file_takes_parameters(train, name):
    config = train("-m", "vanilla", "--trick", f"{name}:weight=2")
    assert only_tricks(config) == {name: {"weight": 2.0}}
    assert list(config.trick_sources) == [name]


def test_one_of_several_models_of_a_file_has_a_trick_that_is_changed_and_removed(train):
    assert train("-m", "./two.py:plain").tricks == ()
    usual = train("-m", "./two.py:variant")
    assert (usual.model, only_tricks(usual)) == ("./two.py:variant", {"own": {"weight": 1.0}})
    changed = train("-m", "./two.py:variant", "--trick", "own:weight=2")
    assert only_tricks(changed) == {"own": {"weight": 2.0}}
    assert changed.trick_sources == usual.trick_sources == {}
    assert train("-m", "./two.py:variant", "--trick", "Own:off").tricks == ()


def test_what_is_neither_in_the_model_nor_in_a_catalogue_is_unknown(cli, two):
    for words in ("own:weight=2", "own:off"):
        outcome = cli("run", "-m", "./two.py:plain", "--trick", words, *TINY)
        assert (outcome.code, "Unknown trick 'own'" in outcome.err) == (2, True)
    outcome = cli("run", "-m", "./two.py:variant", "--trick", "own:wieght=2", *TINY)
    assert "has no parameter 'wieght'. Did you mean 'weight'?" in outcome.err


@pytest.mark.parametrize(
    "words",
    [
        ("-m", "vanilla", "-t", "./two.py:mine:weight=2"),
        ("-m", "./two.py:variant", "-t", "own:weight=2"),
        ("-m", "./two.py:variant", "-t", "own:off"),
    ],
)
def test_such_runs_are_resumed_sampled_and_measured(cli, train, tmp_path, words):
    train(*words)
    (folder,) = find_runs(Path("runs"))
    outcome = cli("run", *words, *TINY, "--resume", "--json")
    assert outcome.code == 0, outcome.err
    assert len(list(find_runs(Path("runs")))) == 1
    drawing = ("sample", folder.path, "--count", "8", "--format", "npz")
    for further in ((), ("-t", "./two.py:closer:factor=0.1")):
        outcome = cli(*drawing, *further, "--out", tmp_path / f"drawn{len(further)}")
        assert outcome.code == 0, outcome.err
    outcome = cli("eval", folder.path, "--json", "--samples", "64", "-q")
    assert outcome.code == 0, outcome.err
    assert "modes" in str(outcome.document)


def test_a_models_own_trick_acts_on_training_and_stays_as_it_was(cli, train, tmp_path):
    train("-m", "./two.py:variant")
    (folder,) = find_runs(Path("runs"))
    for change in ("own:weight=2", "own:off"):
        outcome = cli("sample", folder.path, "-t", change)
        assert outcome.code == 2
        assert "The trick 'own' acts on training" in outcome.err


def test_compare_takes_them(cli, two):
    words = ("-m", "./two.py:variant", "-d", "ring8", "--seeds", "0-1", "--kimg", "0.2")
    tricks = "none,own:off,own:weight=2,./two.py:mine:weight=3"
    outcome = cli("compare", *words, "--tricks", tricks, "-q", "--json")
    assert outcome.code == 0, outcome.err
    assert len(outcome.document["cells"]) == 8
    assert {cell["status"] for cell in outcome.document["cells"]} <= {"done", "collapsed"}
    again = cli("compare", *words, "--tricks", tricks, "-q", "--json")
    assert again.document["cells"] == outcome.document["cells"]


def test_a_change_of_a_sibling_is_another_run(train, two):
    helper = two.with_name("helper.py")
    helper.write_text("SCALE = 1.0\n")
    model = two.with_name("model.py")
    model.write_text(TWO.replace("def plain(data):", "def scaled(data):\n    import helper\n"))
    first = train("-m", "./model.py:scaled", "-t", "./two.py:mine")
    helper.write_text("SCALE = 2.0\n")
    second = train("-m", "./model.py:scaled", "-t", "./two.py:mine")
    assert first.model_source != second.model_source
    assert first.trick_sources == second.trick_sources


def test_tricks_of_a_file_are_no_models_and_models_are_no_tricks(cli, two):
    outcome = cli("run", "-m", "./two.py", *TINY)
    assert "registers several models: plain, variant." in outcome.err
    outcome = cli("run", "-m", "vanilla", "-t", "./two.py", *TINY)
    assert "registers several tricks: mine, closer, own." in outcome.err
    assert "./two.py:mine" in outcome.err
    origins = [
        {entry.origin for entry in catalogue.entries().values()}
        for catalogue in (registry.models, registry.tricks)
    ]
    assert not origins[0] & origins[1]


MODEL = HEAD + "@register\ndef mine(data):\n    return pair(data)\n"
TRICK = (
    HEAD
    + """@register
@dataclass(frozen=True)
class Mine(Trick):
    weight: float = 1.0

    def after_step(self, turn):
        pass
"""
)
MODEL_MISTAKES = [
    # what is replaced by what in the file, words of the message or hint (MINE is its path)
    ("def mine(data):", "def mine(data:", "MINE is not valid Python"),
    ("import torch\n", "import torch\n1 / 0\n", "MINE:5 cannot be imported: ZeroDivisionError"),
    ("import torch\n", "import torhc\n", "MINE:4 cannot be imported: No module named 'torhc'"),
    ("import torch\n", "import sys\nsys.exit()\n", "MINE:5 cannot be imported: SystemExit."),
    ("def mine(data)", "def mine()", "MINE:19: the model mine takes no data."),
    ("def mine(data)", "def mine(data, width)", "the model mine takes width next to the data"),
    ("def mine(data)", "def mine(data, *, width)", "the parameter width of the model"),
    ("return pair(data)", "return 3 / 0", "MINE:21: the model mine raised ZeroDivisionError"),
    ("return pair(data)", "raise ValueError", "MINE:21: the model mine raised ValueError."),
    ("return pair(data)", "return pair(dat)", "raised NameError: name 'dat' is not defined"),
    ("return pair(data)", "exit(0)", "MINE:21: the model mine raised SystemExit: 0."),
    ("return pair(data)", "pair(data)", "'./mine.py' returned NoneType, not a GAN"),
    ("return pair(data)", "return pair", "'./mine.py' returned function, not a GAN"),
    ("return pair(data)", "return GAN()", "MINE:21: the model mine raised TypeError: GAN.__init__"),
    ("kimg=0.2", "kimgs=3", "MINE:16: Recipe has no key 'kimgs'. Did you mean 'kimg'"),
    ("kimg=0.2, ", "", "MINE:16: Recipe needs kimg, which is missing."),
    ("kimg=0.2", "kimg=-1", "MINE:16: Recipe.kimg: Input should be greater than 0, not -1."),
    (
        "kimg=0.2",
        "kimg=1, generator_optimizer={'learning_rat': 1}",
        "Recipe.generator_optimizer has no key 'learning_rat'. Did you mean 'learning_rate'?",
    ),
    (
        "@register\ndef mine(data):\n    return pair(data)",
        "@register\nclass Mine:\n    pass",
        "registers no model. Mine (line 20) is a class, and a model is a function.",
    ),
    ("@register\n", "", "registers no model."),
    ("@register\n", "", "Put @register (from ganbench import register) above its function."),
    (
        "@register\n",
        "@register\ndef other(data):\n    pass\n\n\n@register\n",
        "registers several models: other, mine.",
    ),
    (
        "pair(data)\n",
        "pair(data, tricks=[Trick])\n",
        "MINE:19: An item of GAN.tricks is the class Trick; Trick",
    ),
    ("pair(data)\n", "pair(data, tricks=['ema'])\n", "GAN.tricks is 'ema'; Trick was expected"),
]
TRICK_MISTAKES = [
    ("class Mine(Trick)", "class Mine", "MINE:19: Mine is not a trick."),
    ("@dataclass(frozen=True)\n", "", "MINE:19: the trick Mine is not a dataclass."),
    ("(frozen=True)", "", "MINE:19: the trick Mine is not frozen"),
    (" = 1.0", "", "MINE:19: the trick Mine has no default for its field 'weight'."),
    (": float = 1.0", ": Tensor = 1.0", "a field 'weight' that the command line cannot give"),
    (": float = 1.0", ": float | None = None", "a field 'weight' that the command line cannot"),
    (": float = 1.0", ": tuple[int, int] = (1, 2)", "a field 'weight' that the command line"),
    (": float = 1.0", ": 'flaot' = 1.0", "a type that is not known: NameError: name 'flaot'"),
    ("after_step(", "after_steps(", "MINE:24: Mine has a method after_steps, which is not a hook."),
    ("after_step(", "after_steps(", "Did you mean 'after_step'?"),
    ("after_step(", "discriminator_term(", "Did you mean 'discriminator_terms'?"),
    ("after_step(", "wrap_generater(", "Did you mean 'wrap_generator'?"),
    ("@register\n", "", "registers no trick."),
    ("@register\n", "", "Put @register (from ganbench import register) above its class."),
    (
        "@register\n@dataclass(frozen=True)\nclass Mine(Trick)",
        "@register\ndef mine(data):\n    pass\n\n\n@dataclass(frozen=True)\nclass Mine(Trick)",
        "registers no trick. mine (line 20) is a function, and a trick is a class.",
    ),
    (
        "    weight: float = 1.0",
        "    weight: float = 1.0\n    def __post_init__(self):\n        raise ValueError('no')",
        "MINE:19: trick ./mine.py: no.",
    ),
    (
        "    weight: float = 1.0",
        "    weight: float = 1.0\n    def __post_init__(self):\n        1 / 0",
        "MINE:24: the trick './mine.py' raised ZeroDivisionError",
    ),
]


def test_an_object_of_a_class_that_is_no_dataclass_is_refused(session):
    class Bare(Trick):
        """Has hooks and no parameters."""

    for trick in (Bare, Bare()):
        with pytest.raises(ConfigError, match="the trick Bare is not a dataclass"):
            plan("vanilla", "ring8", tricks=[trick])


def refused(cli, folder, text, words, *command):
    """Assert that a command on a file is refused in one sentence with these words."""
    (folder / "mine.py").write_text(text)
    outcome = cli("run", *command, *TINY)
    shown = " ".join(outcome.err.split())
    expected = words.replace("MINE", str(folder / "mine.py"))
    assert expected in shown
    assert outcome.code == 2
    assert outcome.err.count("\n") <= 2 + outcome.err.count("hint"), "one sentence and a hint"
    assert not list(find_runs(Path("runs")))


@pytest.mark.parametrize(("old", "new", "words"), MODEL_MISTAKES)
def test_a_mistake_in_a_model_is_one_sentence(cli, two, old, new, words):
    assert old in MODEL
    refused(cli, two.parent, MODEL.replace(old, new, 1), words, "-m", "./mine.py")


@pytest.mark.parametrize(("old", "new", "words"), TRICK_MISTAKES)
def test_a_mistake_in_a_trick_is_one_sentence(cli, two, old, new, words):
    assert old in TRICK
    command = ("-m", "vanilla", "-t", "./mine.py")
    refused(cli, two.parent, TRICK.replace(old, new, 1), words, *command)


def test_the_files_of_the_table_work_without_the_mistake(cli, train, two):
    two.with_name("mine.py").write_text(TRICK)
    train("-m", "vanilla", "-t", "./mine.py")
    two.with_name("mine.py").write_text(MODEL)
    train("-m", "./mine.py")


def test_a_models_own_trick_needs_a_name(cli, two):
    own = "@dataclass(frozen=True)\nclass Own(Trick):\n    pass\n\n\n@register\ndef mine"
    text = MODEL.replace("@register\ndef mine", own).replace("(data)\n", "(data, [Own()])\n")
    refused(cli, two.parent, text, "Own in MINE is not registered", "-m", "./mine.py")
    text = text.replace("[Own()]", "[Own]").replace("@dataclass", "@register\n@dataclass")
    refused(
        cli, two.parent, text, "GAN.tricks is the class Own; Trick was expected", "-m", "./mine.py"
    )
