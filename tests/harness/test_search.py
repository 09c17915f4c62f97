# SPDX-License-Identifier: MIT
"""Searches: what is drawn, who goes on, what is trained again, and the budget said before."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ganbench.data import open_dataset
from ganbench.errors import ConfigError
from ganbench.harness.search import SearchPlan, draw_configurations, parse_search
from ganbench.harness.suite import make_suite

RATES = {"learning_rate": ["1e-5..1e-1"]}


def plan_of(search, vary=RATES, **keys):
    suite = make_suite(
        {
            "models": ["vanilla"], "datasets": ["ring8"], "seeds": [0, 1], "set": {"kimg": 9},
            "vary": vary, **keys,
        }
    )  # fmt: skip
    return SearchPlan(suite, parse_search(search), open_dataset)


def rate_of(cell):
    return cell.config.recipe.generator_optimizer.learning_rate


class Trainer:
    """Gives each cell a value, and notes what was carried out."""

    def __init__(self, value):
        self.value, self.calls = value, []

    def __call__(self, cells):
        self.calls.append(list(cells))
        results = {}
        for cell in cells:
            value = self.value(cell)
            if value is not None:
                results[cell.identity] = {"metrics": {"reverse-kl": {"value": value}}}
        return results


def distance(cell):
    """A bowl around a learning rate of 1e-3, with a little of the seed."""
    return abs(math.log10(rate_of(cell)) + 3) + 0.001 * cell.seed


@pytest.mark.parametrize(
    "text", ["random", "grid:4", "random:x", "halving:1", "halving:5", "random:²"]
)
def test_what_is_no_search_says_so(text):
    with pytest.raises(ConfigError, match=r"search|configurations"):
        parse_search(text)


@pytest.mark.parametrize(
    ("text", "counts", "shares"),
    [
        ("random:20", [20], [1]),
        ("halving:27", [27, 9, 3], [1 / 9, 1 / 3, 1]),
        ("halving:6", [6, 2], [1 / 3, 1]),
    ],
)
def test_a_third_goes_on_for_three_times_as_long(text, counts, shares):
    rungs = parse_search(text).rungs
    assert [rung.count for rung in rungs] == counts
    assert [rung.share for rung in rungs] == pytest.approx(shares)


def test_the_length_of_a_rung_counts_before_any_spelling_of_the_full_one():
    plan = plan_of("halving:6", set={"recipe.kimg": 8, "kimg": 9})
    cells = [cell for tried in plan.first.values() for each in tried for cell in each.cells]
    assert {cell.config.recipe.kimg for cell in cells} == {3}


def test_more_configurations_begin_with_the_same_ones():
    vary = {"learning_rate": ["1e-5..1e-1"], "batch_size": [16, 32, 64]}
    few, many = draw_configurations(vary, 5), draw_configurations(vary, 40)
    assert many[:5] == few
    assert {each["batch_size"] for each in many} == {16, 32, 64}
    assert len({repr(each) for each in many}) == 40


def test_ranges_are_drawn_as_said():
    vary = {"a": ["1e-5..1e-1"], "b": ["-1..1"], "c": ["2..4"], "d": ["0.0..1.0"]}
    drawn = draw_configurations(vary, 2000)
    logarithms = np.log10([each["a"] for each in drawn])
    assert np.histogram(logarithms, 4, (-5, -1))[0] == pytest.approx(np.full(4, 500), rel=0.2)
    assert {each["b"] for each in drawn} == {-1, 0, 1}
    assert {each["c"] for each in drawn} == {2, 3, 4}
    assert np.mean([each["d"] for each in drawn]) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    ("vary", "message"),
    [
        ({}, "needs settings to vary"),
        ({"kimg": ["3..2"]}, "not a range"),
        ({"kimg": ["a..b"]}, "not a range"),
        ({"kimg": [1, 2]}, "^3 configurations .* 300 random draws gave only 2 different ones"),
    ],
)
def test_what_cannot_be_drawn_says_so(vary, message):
    with pytest.raises(ConfigError, match=message):
        draw_configurations(vary, 3)


@pytest.mark.parametrize("search", ["random:12", "halving:12"])
def test_the_best_configuration_is_found_and_trained_on_fresh_seeds(search):
    plan, trainer = plan_of(search), Trainer(distance)
    (found,) = plan.carry_out(trainer, "reverse-kl", "lower")
    best = min(plan.configurations, key=lambda each: abs(math.log10(each["learning_rate"]) + 3))
    assert found.configuration == best
    again = trainer.calls[-1]
    assert [cell.seed for cell in again] == [2, 3] == list(found.fresh_seeds)
    assert {rate_of(cell) for cell in again} == {best["learning_rate"]}
    assert {cell.config.recipe.kimg for cell in again} == {9}
    bowl = abs(math.log10(best["learning_rate"]) + 3)
    assert found.searched == pytest.approx([bowl, bowl + 0.001])
    assert found.fresh == pytest.approx([bowl + 0.002, bowl + 0.003])


def test_a_higher_metric_is_searched_upward():
    plan = plan_of("random:8")
    (found,) = plan.carry_out(Trainer(distance), "reverse-kl", "higher")
    worst = max(plan.configurations, key=lambda each: abs(math.log10(each["learning_rate"]) + 3))
    assert found.configuration == worst


@pytest.mark.parametrize(
    ("search", "tricks"),
    [("random:7", ["none", "ema"]), ("halving:9", ["none", "ema"]), ("halving:27", ["none"])],
)
def test_the_budget_is_what_is_carried_out(search, tricks):
    plan, trainer = plan_of(search, tricks=tricks), Trainer(distance)
    plan.carry_out(trainer, "reverse-kl", "lower")
    cells = [cell for call in trainer.calls for cell in call]
    assert len(cells) == plan.runs == len({cell.identity for cell in cells})
    assert sum(cell.config.recipe.kimg for cell in cells) == pytest.approx(plan.kimg)


def test_halving_trains_those_that_go_on_for_longer():
    plan, trainer = plan_of("halving:9"), Trainer(distance)
    plan.carry_out(trainer, "reverse-kl", "lower")
    first, second, _ = trainer.calls
    assert {cell.config.recipe.kimg for cell in first} == {3}
    assert {cell.config.recipe.kimg for cell in second} == {9}
    ranked = sorted({rate_of(cell) for cell in first}, key=lambda rate: abs(math.log10(rate) + 3))
    assert {rate_of(cell) for cell in second} == set(ranked[:3])


def test_a_configuration_that_fails_on_a_seed_is_not_the_best():
    plan = plan_of("random:6")
    fragile = min(plan.configurations, key=lambda each: abs(math.log10(each["learning_rate"]) + 3))

    def value(cell):
        broken = rate_of(cell) == fragile["learning_rate"] and cell.seed == 1
        return None if broken else distance(cell)

    (found,) = plan.carry_out(Trainer(value), "reverse-kl", "lower")
    assert found.configuration != fragile
    with pytest.raises(ConfigError, match="has a value of reverse-kl for every seed"):
        plan.carry_out(Trainer(lambda cell: None), "reverse-kl", "lower")


def test_mistakes_in_settings_are_found_before_anything_is_trained():
    with pytest.raises(ConfigError, match="learning_rat"):
        plan_of("random:4", {"learning_rat": ["1e-5..1e-3"]})
    with pytest.raises(ConfigError, match="chooses the length"):
        plan_of("halving:9", {"kimg": ["1..9"]})
