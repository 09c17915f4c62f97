# SPDX-License-Identifier: MIT
"""The public names, what they do together, and what the documentation of every module says."""

import ast
import doctest
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import ganbench
from ganbench import registry
from ganbench.errors import ConfigError, GanbenchError, InputError, UnknownNameError

PACKAGE = Path(ganbench.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if ">>> " in path.read_text())
QUICK = {"kimg": 0.3, "batch_size": 20}


@pytest.fixture
def train(tmp_path):
    """Train a GAN for a moment."""

    def call(model="vanilla", data="ring8", **arguments):
        settings = {**QUICK, **arguments.pop("settings", {})}
        quiet = {"out": tmp_path, "samples": 64, "progress": False, "threads": 1}
        return ganbench.run(model, data, settings=settings, **{**quiet, **arguments})

    return call


# -- names ---------------------------------------------------------------------------------------


def test_every_public_name_resolves_at_its_home():
    assert set(ganbench.__all__) == {*ganbench._HOMES, "__version__"}
    assert dir(ganbench) == sorted(ganbench.__all__)
    for name, home in ganbench._HOMES.items():
        module = importlib.import_module(f"ganbench.{home}")
        assert getattr(ganbench, name) is getattr(module, name)


def test_type_checkers_see_the_names_that_there_are():
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {node.names[0].asname: node.module for node in block.body}
    assert seen == {name: f"ganbench.{home}" for name, home in ganbench._HOMES.items()}


def test_every_trick_is_public():
    classes = {registry.tricks.get(name).__name__ for name in registry.tricks.names()}
    assert classes <= set(ganbench.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'gan_bench'"):
        _ = ganbench.gan_bench
    from ganbench import losses  # a submodule, which is found by Python itself

    assert losses.non_saturating.name == "non-saturating"


def test_lists_are_the_registries():
    for plural, entries in registry.KINDS.items():
        assert getattr(ganbench, f"list_{plural}")() == sorted(entries.entries())
    assert {"vanilla", "dcgan"} <= set(ganbench.list_models())
    assert "hinge" in ganbench.list_losses()


# -- models --------------------------------------------------------------------------------------


def test_create_takes_a_name_or_what_is_known_of_the_data():
    by_name = ganbench.create("dcgan", "digits")
    spec = ganbench.DataSpec("mine", "1", (1, 28, 28))
    by_spec = ganbench.create("DCGAN", spec)
    assert isinstance(by_name, ganbench.GAN)
    assert by_name.recipe == by_spec.recipe
    torch.manual_seed(0)
    generator = by_spec.generator(by_spec.recipe.latent_dim)
    assert generator(torch.randn(2, by_spec.recipe.latent_dim)).shape == (2, *spec.shape)
    with pytest.raises(UnknownNameError, match="Did you mean 'dcgan'"):
        ganbench.create("dcgna", spec)
    with pytest.raises(UnknownNameError, match="Unknown dataset"):
        ganbench.create("dcgan", "digitz")


def test_what_is_no_model_is_refused(tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text("from ganbench import register\n\n@register\ndef wrong(data):\n    return 3\n")
    with pytest.raises(ConfigError, match="returned int, not a GAN"):
        ganbench.create(str(path), "ring8")


# -- runs ----------------------------------------------------------------------------------------


def test_a_run_from_plain_words(train, tmp_path):
    run = train(tricks=["ema", "r1:weight=0.1"], seed=5)
    assert run.path.parent == tmp_path
    assert run.path.name.startswith("vanilla+ema+r1-ring8-seed5-")
    assert run.status == run["status"] in {"done", "collapsed"}
    assert run.config.seed == 5
    assert run.config.recipe.kimg == 0.3
    assert [trick.name for trick in run.config.tricks] == ["ema", "r1"]
    assert run.config.tricks[1].parameters["weight"] == 0.1
    assert dict(run) == json.loads((run.path / "result.json").read_text())
    assert set(run.metrics) == {"modes", "high-quality", "reverse-kl"}
    assert run.metrics["modes"]["value"] == run["metrics"]["modes"]["value"]
    assert "modes" in repr(run)
    assert "<td>modes ↑</td>" in run.metrics._repr_html_()
    assert run.history[-1]["kimg"] == 0.3


def test_samples_of_a_run_are_repeatable_and_of_its_seed(train):
    run = train()
    first = run.sample(10)
    assert first.shape == (10, 2)
    assert torch.equal(first, ganbench.load_run(run.path).sample(10))
    assert torch.equal(first, run.sample(10, seed=0))
    assert not torch.equal(first, run.sample(10, seed=1))
    assert run.grid().size == (480, 480)
    assert run._repr_png_().startswith(b"\x89PNG")


def test_keys_of_settings_may_leave_the_recipe_out(train):
    short = train(settings={"kimg": 0.2, "learning_rate": 1e-3, "loss": "hinge"})
    long = train(settings={"recipe.kimg": 0.2, "recipe.batch_size": 20, "loss": "hinge"})
    assert short.config.recipe.kimg == long.config.recipe.kimg == 0.2
    assert short.config.recipe.generator_optimizer.learning_rate == 1e-3
    assert short.config.loss == long.config.loss == "hinge"


def test_a_finished_run_is_returned_on_resume(train):
    first = train()
    again = train(resume=True)
    assert again.path == first.path
    assert again.result == first.result


def test_an_unfinished_run_says_so(train):
    run = train()
    (run.path / "result.json").unlink()
    assert ganbench.load_run(run.path).status == "unfinished"


def test_progress_is_heard_by_an_object(train, capsys):
    class Shares(ganbench.Progress):
        def __init__(self):
            self.shares = []

        def tick(self, row, share, seconds_left):
            self.shares.append(share)

    heard = Shares()
    train(progress=heard)
    assert heard.shares[-1] == 1.0
    train(progress=True, seed=1)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "vanilla on ring8, seed 1: 100%" in captured.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"model": "vanila"}, "Unknown model 'vanila'. Did you mean 'vanilla'?"),
        ({"data": "ring9"}, "Unknown dataset 'ring9'. Did you mean 'ring8'"),
        ({"tricks": [3]}, "3 is not a trick; a name, an object or a class was expected."),
        ({"tricks": ["emma"]}, "Unknown trick 'emma'. Did you mean 'ema'?"),
        ({"settings": {"kimgs": 3}}, "Unknown setting 'kimgs'. Did you mean 'kimg'?"),
        ({"settings": {"loss": "hing"}}, "Unknown loss 'hing'. Did you mean 'hinge'?"),
        ({"model": 3}, "3 is not a model."),
    ],
)
def test_what_is_wrong_is_one_sentence(train, arguments, sentence):
    with pytest.raises(GanbenchError) as raised:
        train(**arguments)
    assert raised.value.message.startswith(sentence)


def test_a_folder_without_a_run_is_said(tmp_path):
    with pytest.raises(InputError, match="holds no run"):
        ganbench.load_run(tmp_path)


# -- data as an object ---------------------------------------------------------------------------


@pytest.fixture
def squares():
    """Gray images (60, 8, 8) in [0, 1]: a bright square at one of four places."""
    random = np.random.default_rng(0)
    images = random.uniform(0, 0.1, size=(60, 8, 8)).astype(np.float32)
    for index in range(60):
        top, left = 4 * (index % 2), 4 * (index // 2 % 2)
        images[index, top : top + 4, left : left + 4] = 1
    return images


def test_an_array_is_trained_on_sampled_and_measured(train, squares):
    run = train(data=squares, value_range=(0, 1), metrics=["fid@pixels"], samples=30)
    assert run.config.dataset == "array"
    assert run.metrics["fid@pixels"]["value"] > 0
    assert run.sample(3).shape == (3, 1, 8, 8)
    again = train(data=squares, value_range=(0, 1), metrics=["fid@pixels"], samples=30, resume=True)
    assert again.path == run.path
    loaded = ganbench.load_run(run.path, data=ganbench.open_dataset(squares, value_range=(0, 1)))
    assert torch.equal(loaded.sample(3), run.sample(3))
    with pytest.raises(GanbenchError, match="Unknown dataset 'array'"):
        ganbench.load_run(run.path).sample(3)
    result = ganbench.evaluate(fake=run, metrics=["fid@pixels"], samples=30, progress=False)
    assert result.metrics["fid@pixels"]["value"] == run.metrics["fid@pixels"]["value"]


def test_other_content_is_another_run(train, squares):
    first = train(data=squares, value_range=(0, 1), metrics=[])
    other = train(data=squares[::-1].copy(), value_range=(0, 1), metrics=[])
    assert first.config.identity != other.config.identity


def test_floats_out_of_their_range_are_refused(train, squares):
    with pytest.raises(GanbenchError, match=r"values from .* to 255; floats in \[-1, 1\]"):
        train(data=255 * squares)
    with pytest.raises(GanbenchError) as raised:
        train(data=squares)
    assert "value_range=(0, 1)" in raised.value.hint


def test_data_as_an_object_are_compared_on(squares, tmp_path):
    pictures = [(255 * image).astype(np.uint8) for image in squares]
    comparison = ganbench.compare(
        "vanilla", tricks=["none", "ema"], data=pictures, seeds=[0, 1], metrics=["fid@pixels"],
        settings=QUICK, out=tmp_path,
    )  # fmt: skip
    assert len(comparison.runs) == 4
    assert {row["variant"] for row in comparison["comparisons"]} == {"vanilla + ema"}


# -- what a session defines ------------------------------------------------------------------------


def small(data):
    """Two multilayer perceptrons."""
    return ganbench.GAN(
        generator=lambda latent_dim: ganbench.MLP((latent_dim,), [8], data.shape),
        discriminator=lambda shape: ganbench.MLP(shape, [8], (1,)),
        loss=ganbench.additive("mine", real=torch.neg, fake=torch.relu, generator=torch.neg),
        recipe=ganbench.Recipe(kimg=0.2, batch_size=20, latent_dim=2),
    )


@pytest.fixture
def session():
    """Forget what a test adds to the registries."""
    before = {kind: dict(entries._added) for kind, entries in registry.KINDS.items()}
    yield
    for kind, entries in registry.KINDS.items():
        entries._added.clear()
        entries._added.update(before[kind])


def test_a_function_is_a_model(train, session):
    run = train(small)
    assert run.config.model == "small"
    assert run.path.name.startswith("small-ring8-seed0-")
    assert "small" in ganbench.list_models()
    assert registry.models.entry("small").summary == "Two multilayer perceptrons."
    assert run.sample(3).shape == (3, 2)
    again = train(small, resume=True)
    assert again.path == run.path


def test_another_function_of_a_known_name_is_refused(train, session):
    def vanilla(data):
        return small(data)

    with pytest.raises(ConfigError, match="A model called 'vanilla' exists"):
        train(vanilla)


def test_objects_are_tricks(train, session):
    run = train(tricks=[ganbench.EMA(half_life_kimg=0.1), ganbench.R1])
    assert [trick.name for trick in run.config.tricks] == ["ema", "r1"]
    assert run.config.tricks[0].parameters["half_life_kimg"] == 0.1
    named = train(tricks=["ema:half_life_kimg=0.1", "r1"], resume=True)
    assert named.path == run.path


def test_an_object_is_a_loss(train, session):
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
    """Nets of this notebook."""
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
        done = subprocess.run(
            [sys.executable, script, str(width), str(tmp_path / f"runs{width}")],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        )
        assert not done.returncode, done.stderr
        return json.loads(done.stdout)

    first, other = run(4), run(5)
    assert first["model"] == "notebook-gan"
    assert {"notebook-gan", "vanilla"} <= set(first["models"])
    assert "loud" in first["tricks"]
    assert (first["factor"], first["shape"], first["cells"]) == (3.0, [3, 2], 4)
    assert first["compared"] == ["notebook-gan + loud"]
    assert first["identity"] == run(4)["identity"]
    assert first["identity"] != other["identity"], "the class uses another width"


# -- evaluation and comparison ---------------------------------------------------------------------


def test_an_evaluation_is_a_mapping_and_a_table():
    points = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    result = ganbench.evaluate(
        fake=points[:100], real=points[100:], metrics=["mind@points"], progress=False
    )
    assert set(result) >= {"metrics", "fake", "real", "compute", "environment"}
    assert result["fake"]["count"] == 100
    assert result.metrics["mind@points"]["value"] > 0
    assert "mind@points" in repr(result)
    assert "<table>" in result._repr_html_()
    pandas = pytest.importorskip("pandas")
    table = result.to_pandas()
    assert isinstance(table, pandas.DataFrame)
    assert table.loc["mind@points", "value"] == result.metrics["mind@points"]["value"]


def test_a_run_is_measured_as_an_object_and_by_its_path(train):
    run = train()
    one = ganbench.evaluate(fake=run, metrics=["modes"], samples=200, progress=False)
    other = ganbench.evaluate(fake=run.path, metrics=["modes"], samples=200, progress=False)
    assert one.metrics["modes"] == other.metrics["modes"]


def test_a_comparison_trains_what_is_missing(tmp_path):
    def compare(tricks):
        return ganbench.compare(
            ["vanilla"],
            tricks=tricks,
            data="ring8",
            seeds=range(2),
            settings={"kimg": 0.2},
            metric="modes",
            out=tmp_path,
        )

    first = compare(["none", "ema"])
    assert {cell["status"] for cell in first["cells"]} <= {"done", "collapsed"}
    assert {row["variant"] for row in first["comparisons"]} == {"vanilla + ema"}
    assert len(first.runs) == 4
    assert len(first.verdicts) == 1
    assert "ComparisonResult of 4 of 4 runs" in repr(first)
    assert "vanilla + ema" in first._repr_html_()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/result.json")}
    more = compare(["none", "ema", [ganbench.R1(weight=2.0)]])
    assert len(more["cells"]) == 6
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_mistakes_of_a_comparison_are_said_before_anything_is_trained(tmp_path):
    with pytest.raises(ConfigError, match="Unknown trick 'emma'"):
        ganbench.compare("vanilla", tricks=["emma"], data="ring8", out=tmp_path)
    assert not list(tmp_path.iterdir())


# -- documentation ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_examples_in_docstrings_hold(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    name = ".".join(["ganbench", *(part for part in parts if part != "__init__")])
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted
    assert not result.failed


def test_there_are_examples_to_hold():
    assert {"config.py", "nn/convolutional.py", "cli/output.py"} <= {
        path.relative_to(PACKAGE).as_posix() for path in MODULES
    }
