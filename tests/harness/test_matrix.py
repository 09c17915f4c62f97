# SPDX-License-Identifier: MIT
"""Matrices: the small language of trick sets, the cells, what makes a cell fail."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.config import parse_trick
from ganbench.errors import ConfigError, UnknownNameError
from ganbench.harness.matrix import (
    MatrixError,
    parse_trick_set,
    parse_trick_sets,
    plan_matrix,
)
from ganbench.harness.plan import expand_setting

NAME = st.from_regex(r"[a-z][a-z0-9-]{0,6}", fullmatch=True).filter(lambda name: name != "none")
KEY = st.from_regex(r"[a-z_]{1,6}", fullmatch=True).filter(lambda name: name != "off")
TRICK = st.tuples(NAME, st.dictionaries(KEY, st.integers(0, 99), max_size=3)).map(
    lambda pair: (
        pair[0]
        + (":" if pair[1] else "")
        + ",".join(f"{key}={value}" for key, value in pair[1].items())
    )
)
SETS = st.lists(
    st.lists(TRICK, min_size=1, max_size=3).map("+".join), min_size=1, max_size=4, unique=True
)


@given(SETS, st.booleans())
def test_sets_are_split_at_commas_but_for_those_of_parameters(sets, spaced):
    parsed = parse_trick_sets((", " if spaced else ",").join(["none", *sets]))
    assert parsed == ["none", *sets]
    assert parse_trick_set("none") == []
    for text in sets:
        assert parse_trick_set(text) == [parse_trick(trick) for trick in text.split("+")]


@pytest.mark.parametrize("text", ["", ",", " , "])
def test_no_set_is_refused(text):
    with pytest.raises(ConfigError, match="No set of tricks is given"):
        parse_trick_sets(text)


def matrix(
    models=("vanilla",), sets="none", datasets=("ring8",), seeds=(0, 1), vary=None, **settings
):
    return plan_matrix(
        models,
        parse_trick_sets(sets),
        datasets,
        seeds,
        settings={"recipe.kimg": 0.2, **settings},
        vary=vary,
    )


def test_every_combination_is_one_cell():
    cells = matrix(("vanilla", "wgan-gp"), "none,ema,r1+ema", ("ring8", "grid25"), (0, 5))
    assert len(cells) == 2 * 3 * 2 * 2
    assert len({cell.config.identity for cell in cells}) == len(cells)
    for cell in cells:
        config, tricks = cell.config, cell.arm.tricks
        assert cell.identity == config.identity
        assert cell.axes == {
            "model": config.model,
            "tricks": tricks,
            "dataset": config.dataset,
            "seed": config.seed,
        }
        own = {"gradient-penalty"} if cell.arm.model == "wgan-gp" else set()
        added = set() if tricks == "none" else set(tricks.split("+"))
        assert {trick.name for trick in config.tricks} == own | added
        assert config.recipe.kimg == 0.2
    assert {cell.arm.label for cell in cells if cell.arm.model == "vanilla"} == {
        "vanilla", "vanilla + ema", "vanilla + r1+ema",
    }  # fmt: skip


def test_a_varied_setting_is_an_axis():
    rates = [1e-4, 2e-4]
    cells = matrix(seeds=(3,), vary={"learning_rate": rates, "batch_size": [20]})
    assert [cell.axes["vary"] for cell in cells] == [
        {"learning_rate": rate, "batch_size": 20} for rate in rates
    ]
    assert cells[0].arm.label == "vanilla, learning_rate=0.0001, batch_size=20"
    for cell, rate in zip(cells, rates, strict=True):
        recipe = cell.config.recipe
        assert recipe.batch_size == 20
        assert recipe.generator_optimizer.learning_rate == rate
        assert recipe.discriminator_optimizer.learning_rate == rate


GENERATOR, DISCRIMINATOR = expand_setting("learning_rate", 1)


@pytest.mark.parametrize(
    ("settings", "vary", "sentence"),
    [
        ({"kimg": 7}, {"kimg": [1, 2]}, "both vary 'kimg' and set kimg."),
        ({"kimg": 7}, {"recipe.kimg": [1]}, "both vary 'recipe.kimg' and set kimg."),
        ({GENERATOR: 1}, {"learning_rate": [1]}, f"both vary 'learning_rate' and set {GENERATOR}."),
        (
            {GENERATOR: 1, "model.info": 1, DISCRIMINATOR: 1},
            {"learning_rate": [1]},
            f"both vary 'learning_rate' and set {GENERATOR} and {DISCRIMINATOR}.",
        ),
        (
            {"generator_optimizer.betas": [0, 0.9]},
            {"generator_optimizer": [{}]},
            "both vary 'generator_optimizer' and set generator_optimizer.betas.",
        ),
        (
            {},
            {"learning_rate": [1], GENERATOR: [1]},
            f"'learning_rate' and '{GENERATOR}' vary the same setting.",
        ),
        ({}, {"kimg": [1], "recipe.kimg": [2]}, "'kimg' and 'recipe.kimg' vary the same setting."),
    ],
)
def test_one_setting_has_one_source(settings, vary, sentence):
    """What is set would change nothing, and one of two axes would have no value of its own."""
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        plan_matrix(["vanilla"], ["none"], ["ring8"], [0], settings=settings, vary=vary)


def test_settings_have_short_names():
    assert expand_setting("loss", "hinge") == {"loss": "hinge"}
    assert expand_setting("recipe.kimg", 3) == expand_setting("kimg", 3) == {"recipe.kimg": 3}
    with pytest.raises(ConfigError, match="Did you mean 'learning_rate'"):
        expand_setting("learning_rte", 1)


@pytest.mark.parametrize(
    "arguments",
    [
        {"models": ("vanilla", "VANILLA")},
        {"sets": "r1+ema,ema+r1"},
        {"models": ("wgan-gp",), "sets": "none,gradient-penalty"},
        {"sets": "ema,ema:warm_up=0.05"},
    ],
)
def test_one_run_is_not_counted_twice(arguments):
    with pytest.raises(ConfigError, match="are the same run on ring8"):
        matrix(**arguments)


def test_a_mistake_in_any_cell_is_found_before_the_first_is_trained():
    with pytest.raises(UnknownNameError, match="Unknown trick 'emma'"):
        matrix(sets="none,emma")
    with pytest.raises(ConfigError, match="dcgan draws images"):
        matrix(("vanilla", "dcgan"))
    with pytest.raises(ConfigError, match="Unknown key"):
        matrix(**{"recipe.lenght": 3})


def test_all_mistakes_are_said_at_once():
    with pytest.raises(MatrixError) as raised:
        matrix(
            ("dcgan", "vanila"),
            "none,emma,pacgan:size=7",
            ("ring8", "mnist5k", "mnst5k"),
            vary={"learning_rate": [1e-3, -1], "learning_rte": [1]},
        )
    messages = [problem.error.message for problem in raised.value.problems]
    expected = [
        "Unknown model 'vanila'",
        "Unknown dataset 'mnst5k'",
        "Unknown trick 'emma'",
        "Unknown setting 'learning_rte'",
        "dcgan draws images",
        "pacgan needs a batch size",
        "learning_rate: Input should be greater than 0",
    ]
    assert len(messages) == len(expected)
    for part in expected:
        assert sum(part in message for message in messages) == 1, part


@pytest.mark.parametrize(
    ("model", "tricks", "settings", "vary"),
    [
        ("pacgan", "pacgan:off", {"batch_size": 25}, {}),
        ("bigan", "none", {"recipe.latent_dim": 20}, {"model.latent_dim": [20]}),
    ],
)
def test_a_mistake_of_the_plain_model_is_none_of_an_arm_that_mends_it(
    model, tricks, settings, vary
):
    settings = {"recipe.batch_size": 8, **settings}
    words = ([model], [tricks], ["mnist5k"], [0])
    (cell,) = plan_matrix(*words, settings=settings, vary=vary)
    assert cell.arm.tricks == tricks
    with pytest.raises(ConfigError) as raised:
        plan_matrix([model], [tricks, "none"], ["mnist5k"], [0], settings=settings)
    assert not isinstance(raised.value, MatrixError)


def test_a_mistake_that_all_arms_have_is_found_by_the_plainest_word():
    for vary, where in (({}, "dcgan"), ({"batch_size": [0]}, "batch_size")):
        dataset = "mnist5k" if vary else "ring8"
        with pytest.raises(MatrixError) as raised:
            matrix(("dcgan",), "none,ema", (dataset, "mnst5k"), vary=vary)
        assert [problem.where for problem in raised.value.problems] == ["mnst5k", where]


@pytest.mark.parametrize("trick", ["instance-norm", "virtual-batch-norm", "standing-statistics"])
def test_a_trick_that_refuses_the_networks_is_found_before_the_first_cell_is_trained(trick):
    """These find no layer of theirs in perceptrons, which only the built networks show."""
    with pytest.raises(ConfigError, match=f"^{trick} .* (finds|has) none"):
        plan_matrix(["vanilla"], ["none", trick], ["ring8"], [0], settings={})
    assert plan_matrix(["vanilla"], ["none", "layer-norm"], ["ring8"], [0], settings={})
