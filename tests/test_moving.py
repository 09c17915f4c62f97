# SPDX-License-Identifier: MIT
"""Numbers that move: their values, their texts, and the updates that use them."""

import math

import numpy as np
import pytest
from dirac_gan import RATE, batch_at, dirac, players
from hypothesis import assume, given
from hypothesis import strategies as st

from ganbench.config import OptimizerSpec, Recipe, adam, override, parse_trick, sgd, trick_text
from ganbench.errors import ConfigError
from ganbench.moving import Moving, recorded
from ganbench.step import update
from ganbench.training.checkpoint import load_checkpoint, save_checkpoint
from ganbench.trick_config import describe_trick, make_trick, merge_tricks
from ganbench.tricks.instance_noise import InstanceNoise
from ganbench.tricks.r1 import R1

FINITE = st.floats(allow_nan=False, allow_infinity=False)
WAYS = st.none() | st.floats(min_value=1e-300, allow_nan=False, allow_infinity=False)
MOVING = st.builds(Moving, FINITE, FINITE, WAYS, st.sampled_from(["cosine", "linear"]))


# -- values ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kimg", [0.0, 12.5, 25.0, 40.0, 50.0, 80.0, 100.0, 101.0])
def test_closed_forms(kimg):
    share = kimg / 100
    wave = (1 + math.cos(math.pi * min(1, share))) / 2
    assert Moving(3, 1).at(kimg, 100) == pytest.approx(1 + 2 * wave)
    assert Moving(3, 1, shape="linear").at(kimg, 100) == pytest.approx(3 - 2 * min(1, share))
    assert Moving(1, 3, 50, "linear").at(kimg, 100) == pytest.approx(1 + 2 * min(1, kimg / 50))
    early = (1 + math.cos(math.pi * min(1, kimg / 50))) / 2
    assert Moving(1, 3, 50).at(kimg, 100) == pytest.approx(3 - 2 * early)


@given(MOVING, st.floats(0, 1e6), st.floats(1e-3, 1e6))
def test_both_ends_are_exact_and_nothing_lies_beyond_them(number, kimg, total_kimg):
    way = number.over_kimg or total_kimg
    assert number.at(0, total_kimg) == number.start
    assert number.at(way, total_kimg) == number.at(2 * way, total_kimg) == number.end
    assume(max(abs(number.start), abs(number.end)) < 1e300)
    low, high = sorted((number.start, number.end))
    slack = 1e-15 * max(abs(low), abs(high))
    assert low - slack <= number.at(kimg, total_kimg) <= high + slack


# -- texts -----------------------------------------------------------------------------------------


@given(MOVING)
def test_a_text_is_read_as_what_was_written(number):
    text = str(number)
    assert Moving.parse(text) == number
    assert str(Moving.parse(text)) == text
    assert not set(text) & set("+, ="), "these split the tricks of a command line"


@given(MOVING)
def test_a_trick_holds_it_from_the_command_line_to_the_record_and_back(number):
    assume(number.start >= 0 and number.end >= 0)
    trick = make_trick(parse_trick(f"r1:weight={number},every=2"))
    assert trick == R1(weight=number, every=2)
    record = describe_trick(trick)
    assert record.parameters == {"weight": str(number), "every": 2}
    assert make_trick(parse_trick(trick_text(record))) == trick


def test_spellings_of_one_number_are_one_record():
    texts = ("10->1@50", " 10.0 -> 1e0 @ 50.", "1e+1->+1@50:cosine")
    assert {str(Moving.parse(text)) for text in texts} == {"10->1@50"}
    assert str(Moving(10, 1, 50, "linear")) == "10->1@50:linear"
    assert str(Moving(2e-4, 0)) == "0.0002->0"
    assert str(Moving(-1, -1e20)) == "-1->-1e20"


def test_a_models_own_trick_is_changed_into_one_that_moves_and_back():
    own = [R1(weight=Moving(10, 1))]
    (kept,) = merge_tricks(own, [])
    assert kept == own[0]
    (lazy,) = merge_tricks(own, [parse_trick("r1:every=4")])
    assert lazy == R1(weight=Moving(10, 1), every=4)
    (plain,) = merge_tricks(own, [parse_trick("r1:weight=2")])
    assert describe_trick(plain).parameters == {"weight": 2.0, "every": 1}


# -- plain numbers ---------------------------------------------------------------------------------


@given(st.floats(min_value=0, exclude_min=True, allow_nan=False, allow_infinity=False))
def test_plain_numbers_are_recorded_as_they_were(value):
    assert adam(value).learning_rate == value
    assert OptimizerSpec.model_validate_json(adam(value).model_dump_json()) == adam(value)
    assert adam(value).model_dump(mode="json")["learning_rate"] == value
    parameters = describe_trick(make_trick(parse_trick(f"r1:weight={value!r}"))).parameters
    assert parameters == {"weight": value, "every": 1}
    assert type(parameters["weight"]) is float
    assert recorded(value) is value


def test_a_whole_number_is_recorded_as_a_float():
    for record in (adam(1).model_dump(), adam(1).model_dump(mode="json")):
        assert type(record["learning_rate"]) is float
    assert (
        type(describe_trick(make_trick(parse_trick("r1:weight=10"))).parameters["weight"]) is float
    )


def test_a_recipe_that_moves_is_stored_as_text_and_read_again():
    recipe = override(Recipe(kimg=5), {"generator_optimizer.learning_rate": "2e-4 -> 0@4:linear"})
    assert recipe.generator_optimizer.learning_rate == Moving(2e-4, 0, 4, "linear")
    stored = recipe.model_dump(mode="json")
    assert stored["generator_optimizer"]["learning_rate"] == "0.0002->0@4:linear"
    assert Recipe(**stored) == Recipe.model_validate_json(recipe.model_dump_json()) == recipe
    assert override(recipe, {"kimg": 6}).generator_optimizer == recipe.generator_optimizer


# -- mistakes --------------------------------------------------------------------------------------

SHOWN = r"'10->1', '10->1@50' \(after 50 kimg\) or '10->1@50:linear', not "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1->", SHOWN + "'1->'"),
        ("->1", SHOWN),
        ("1-2", SHOWN),
        ("1->2->3", SHOWN),
        ("1->2@", SHOWN),
        ("1->2@5:sine", SHOWN),
        ("fast", SHOWN + "'fast'"),
        ("1->2@0", "arrive after more than 0 kimg, not '1->2@0'"),
        ("1e999->2", "finite"),
        ("-1->2", "greater than or equal to 0, not '-1->2'"),
        ("2->-1", "greater than or equal to 0, not '2->-1'"),
    ],
)
def test_a_wrong_text_is_a_sentence_that_shows_the_form(text, message):
    with pytest.raises(ConfigError, match=message) as trick:
        make_trick(parse_trick(f"r1:weight={text}"))
    assert str(trick.value).startswith("trick r1: weight: Input should be ")
    key = "generator_optimizer.learning_rate"
    with pytest.raises(ConfigError, match=message) as recipe:
        override(Recipe(kimg=1), {key: text}, "recipe.")
    assert str(recipe.value).startswith(f"recipe.{key}: Input should be ")


@pytest.mark.parametrize("text", ["1->0.5", "0.5->1"])
def test_bounds_hold_for_both_ends(text):
    assert make_trick(parse_trick(f"lookahead:alpha={text}"))
    for start, end in (("0", "0.5"), ("0.5", "0"), ("1.1", "0.5"), ("0.5", "1.1")):
        with pytest.raises(ConfigError, match=r"greater than 0, not|less than or equal to 1, not"):
            make_trick(parse_trick(f"lookahead:alpha={start}->{end}"))


def test_a_learning_rate_may_start_or_end_at_zero_but_not_both():
    assert adam(Moving(0, 1e-3, 5)).learning_rate == Moving(0, 1e-3, 5)
    for value in ("0->0", 0, -1e-3):
        with pytest.raises(
            ConfigError, match=r"learning_rate: Input should be greater than 0, not"
        ):
            override(Recipe(kimg=1), {"discriminator_optimizer.learning_rate": value})


@pytest.mark.parametrize("role", ["generator", "discriminator"])
def test_a_rate_moves_by_itself_or_along_a_schedule(role):
    changes = {f"{role}_optimizer.learning_rate": "2e-4->0", "schedule": "linear"}
    with pytest.raises(ConfigError) as raised:
        override(Recipe(kimg=1), changes, "recipe.")
    assert str(raised.value) == (
        "recipe.schedule: Input should be 'constant' where a learning rate moves by itself "
        "(0.0002->0), not 'linear'."
    )
    assert raised.value.hint == "Add --set schedule=constant"


def test_numbers_made_in_python_are_checked_as_well():
    for wrong in ((math.nan, 1), (1, math.inf), (1, 2, 0.0), (1, 2, -3.0), (1, 2, math.inf)):
        with pytest.raises(ConfigError, match="A number that moves"):
            Moving(*wrong)
    with pytest.raises(ConfigError, match="start->end was expected"):
        Moving.parse("0.1")


# -- updates ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("number", [Moving(0.3, 0.1), Moving(0.3, 0.1, 0.5, "linear")], ids=str)
def test_an_update_uses_the_rate_and_the_weight_of_its_moment(number):
    """Each move of psi on Dirac-GAN is the rate times theta - c + weight psi."""
    weight = Moving(2.0, 0.0, shape="linear")
    state, psi = dirac(R1(weight=weight), optimizer=sgd(number)), 0.7
    for images in (0, 100, 250, 400, 600, 1000, 1500):
        state.images_seen = images
        share = images / 1000
        if number.over_kimg:
            rate = 0.3 - 0.2 * min(1.0, share / 0.5)
        else:
            rate = 0.2 + 0.1 * math.cos(math.pi * min(1.0, share))
        psi -= rate * (1.3 - 0.4 + 2.0 * (1 - min(1.0, share)) * psi)
        update(state, "discriminator", batch_at(0.4))
        np.testing.assert_allclose(players(state), (psi, 1.3), rtol=1e-12)


@pytest.mark.parametrize("shape", ["cosine", "linear"])
def test_a_rate_that_falls_to_zero_gives_the_bits_of_the_schedule(shape):
    moving = dirac(optimizer=adam(Moving(RATE, 0, shape=shape)))
    scheduled = dirac(optimizer=adam(RATE), schedule=shape)
    for images in range(0, 1100, 100):
        for state in (moving, scheduled):
            state.images_seen = images
            update(state, "discriminator", batch_at(0.4))
            update(state, "generator", batch_at(0.4))
        assert players(moving) == players(scheduled)


def test_the_state_returns_plain_numbers_as_they_are():
    state = dirac()
    state.images_seen = 500
    assert state.now(0.1) == 0.1
    assert state.now(Moving(1, 0)) == 0.5


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("optimizer", [adam, sgd], ids=["adam", "sgd"])
def test_a_rate_and_a_weight_that_move_resume_bit_for_bit(optimizer, tmp_path):
    def new():
        return dirac(R1(weight=Moving(3, 0.1, 0.6)), optimizer=optimizer(Moving(0.1, 0.01)))

    def train(state, iterations):
        for _ in range(iterations):
            state.images_seen += 100
            update(state, "discriminator", batch_at(0.4))
            update(state, "generator", batch_at(0.4))
        return state

    whole, first, second = train(new(), 8), train(new(), 3), new()
    save_checkpoint(first, tmp_path / "checkpoint.safetensors", {})
    load_checkpoint(second, tmp_path / "checkpoint.safetensors")
    save_checkpoint(train(second, 5), tmp_path / "second.safetensors", {})
    save_checkpoint(whole, tmp_path / "whole.safetensors", {})
    files = (tmp_path / "whole.safetensors", tmp_path / "second.safetensors")
    assert files[0].read_bytes() == files[1].read_bytes()


def test_noise_that_moves_replaces_its_own_schedule():
    state = dirac(optimizer=sgd(0.1))
    state.images_seen = 250
    assert InstanceNoise(sigma=0.4).sigma_now(state) == 0.4 * 0.75
    assert InstanceNoise(sigma=Moving(0.5, 0.25, shape="linear")).sigma_now(state) == 0.4375
    gan, data = None, state.data
    InstanceNoise(sigma=Moving(1, 0)).check(gan, state.recipe, data)
    InstanceNoise(sigma=0.1, until=0.5).check(gan, state.recipe, data)
    with pytest.raises(ConfigError, match=r"sigma moves by itself \(1->0\), so until cannot"):
        InstanceNoise(sigma=Moving(1, 0), until=0.5).check(gan, state.recipe, data)
