# SPDX-License-Identifier: MIT
"""The public names, and what the documentation of every module says of itself."""

import doctest
import importlib
from pathlib import Path

import pytest
import torch

import ganbench
from ganbench.errors import ConfigError, UnknownNameError

PACKAGE = Path(ganbench.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if ">>> " in path.read_text())


def test_every_public_name_resolves_at_its_home():
    assert set(ganbench.__all__) == {*ganbench._HOMES, "__version__"}
    assert ganbench.__all__ == sorted(ganbench.__all__, key=lambda name: (not name.isupper(), name))
    assert dir(ganbench) == sorted(ganbench.__all__)
    for name, home in ganbench._HOMES.items():
        module = importlib.import_module(f"ganbench.{home}")
        assert getattr(ganbench, name) is getattr(module, name)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'gan_bench'"):
        _ = ganbench.gan_bench
    from ganbench import losses  # a submodule, which is found by Python itself

    assert losses.non_saturating.name == "non-saturating"


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


def test_a_run_from_python(tmp_path, constant_model):
    from ganbench.harness.plan import plan

    config = plan(str(constant_model), "ring8", settings={"recipe.kimg": 0.1, "seed": 5})
    result = ganbench.run(config, ganbench.RunOptions(out=tmp_path, samples=64))
    folder = Path(result["run"])
    assert folder.parent == tmp_path
    assert folder.name.startswith("constant.py-ring8-seed5-")
    assert result["status"] == "collapsed"
    assert result["kimg"] == 0.1
    assert result["seed"] == 5
    assert (folder / "result.json").is_file()


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
