# SPDX-License-Identifier: MIT
"""A recipe as data: read, written, changed; and what the page may not name."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.cli import lab
from ganbench.errors import ConfigError, GanbenchError
from ganbench.harness.plan import expand_settings
from ganbench.lab.lab_recipe import LabRecipe

TEXT = st.text(
    st.characters(codec="ascii", exclude_characters="\x00\x7f", min_codepoint=32), max_size=9
)
VALUES = st.booleans() | st.integers(-9, 9) | st.floats(0.001, 10) | TEXT


@given(
    TEXT,
    st.lists(TEXT, max_size=3),
    st.dictionaries(st.sampled_from(["recipe.kimg", "loss", "model.a"]), VALUES, max_size=3),
    st.integers(0, 2**62),
)
def test_toml_says_everything(model, tricks, settings, seed):
    recipe = LabRecipe(model, "ring8", tuple(tricks), settings, seed)
    assert LabRecipe.parse(recipe.toml()) == recipe
    assert LabRecipe.read(recipe.values()) == recipe


def test_nested_settings_are_dotted_keys():
    recipe = LabRecipe.parse("[set.recipe]\nkimg = 3\ngenerator_optimizer.betas = [0, 0.9]\n")
    assert recipe.settings == {"recipe.kimg": 3, "recipe.generator_optimizer.betas": [0, 0.9]}
    words = shlex.split(recipe.command(1))
    assert words[6:] == [
        *("--set", "recipe.kimg=3"),
        *("--set", "recipe.generator_optimizer.betas=[0, 0.9]"),
        *("--seed", "0", "--threads", "1"),
    ]
    assert recipe.changed("tricks", ["ema"]).tricks == ("ema",)
    assert recipe.changed("recipe.kimg", 5).settings["recipe.kimg"] == 5


def test_a_change_counts_before_any_earlier_spelling():
    key = "recipe.generator_optimizer.learning_rate"
    recipe = LabRecipe(settings={key: 1e-3, "learning_rate": 2e-3})
    assert expand_settings(recipe.changed(key, 3e-3).settings)[key] == 3e-3
    assert "--set learning_rate=0.002 --set" in recipe.changed(key, 3e-3).command()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("modle = 'a'", "Unknown key 'modle' in the recipe. Did you mean 'model'?"),
        ("model = 3", "'model' is the name of a model, not 3."),
        ("tricks = 'ema'", "'tricks' is a list"),
        ("seed = true", "'seed' is a whole number"),
        ("set = 3", "'set' is a table"),
        ("a = [", "no TOML"),
    ],
)
def test_mistakes_are_sentences(text, sentence):
    with pytest.raises(ConfigError) as caught:
        LabRecipe.parse(text)
    assert sentence in caught.value.message


@pytest.mark.parametrize(
    "values",
    [
        {"model": "./mine.py"},
        {"model": "mine.py"},
        {"model": "nothing"},
        {"dataset": "/etc"},
        {"dataset": "photos.zip"},
        {"dataset": "../secrets.npz"},
        {"dataset": "~root"},
        {"dataset": "nothing"},
        {"tricks": ["mine.py:drift"]},
        {"tricks": ["nothing"]},
        {"set": {"loss": "mine.py"}},
        {"set": {"model.backbone": "./mine.py:own"}},
        {"set": {"model.backbone": ["a/b"]}},
        {"set": {"a/b": 1}},
        {"set": {"loss": "x" * 201}},
        {"set": {str(number): 1 for number in range(101)}},
    ],
    ids=str,
)
def test_the_page_may_name_registered_things_only(values):
    with pytest.raises(GanbenchError):
        LabRecipe.read(values).require_registered()


def test_what_the_command_names_the_page_may_name_too():
    own = LabRecipe(model="./mine.py", dataset="/data/points.npy", tricks=("r1:weight=0.1",))
    own.require_registered({"./mine.py", "/data/points.npy"})
    LabRecipe(
        model="wgan_gp", dataset="mnist5k@32", tricks=("r1:weight=0.1->1@5",)
    ).require_registered()
    with pytest.raises(ConfigError):
        own.require_registered({"./mine.py"})


def test_a_seed_among_the_settings_counts_and_is_checked_like_any_other():
    assert LabRecipe.read({"seed": 1, "set": {"seed": 3}}) == LabRecipe(seed=3)
    with pytest.raises(ConfigError, match="whole number, not 'three'"):
        LabRecipe.read({"set": {"seed": "three"}})
    with pytest.raises(ConfigError, match="whole number, not 'three'"):
        lab._recipe("vanilla", None, [], {"seed": "three"}, None)
