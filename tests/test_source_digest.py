# SPDX-License-Identifier: MIT
"""Models, tricks and losses that a session defines: they are found, and their source counts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from scripts import output_of

import ganbench
from ganbench import registry
from ganbench.errors import ConfigError

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
compared = {"cells": [], "comparisons": []}
if sys.argv[3:] == ["compare"]:
    compared = ganbench.compare("notebook-gan", tricks=["none", Loud(factor=3.0)], data="ring8",
                                seeds=range(2), settings={"kimg": 0.1},
                                out=sys.argv[2] + "/matrix")
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

    def run(width, *words):
        process = subprocess.run(
            [sys.executable, script, str(width), str(tmp_path / f"runs{width}"), *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        )
        assert not process.returncode, process.stderr
        return json.loads(process.stdout)

    first, other = run(4, "compare"), run(5)
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
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
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

    before = output_of(script)
    for name in files:
        counts = name != "unrelated"
        path = tmp_path / f"{name}.py"
        path.write_text(f"{path.read_text()}# changed\n")
        assert (output_of(script) != before) == counts, name
        path.write_text(files[name])
    assert output_of(script) == before


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
