# SPDX-License-Identifier: MIT
"""Each lesson is a recipe that can be trained, and has a claim that a benchmark checks."""

import numpy as np
import pytest
from scripts import checkout_script

from ganbench.errors import UnknownNameError
from ganbench.harness.plan import plan
from ganbench.lab.lab_recipe import LabRecipe
from ganbench.lab.lesson_files import lesson, lessons


@pytest.fixture(scope="module")
def benchmark():
    return checkout_script("benchmarks/lab_lessons.py")


def test_there_are_eight_lessons_in_order_and_each_has_a_claim(benchmark):
    found = lessons()
    assert len(found) >= 8
    assert {each.name for each in found} == set(benchmark.CLAIMS)
    assert [each.order for each in found] == sorted({each.order for each in found})
    assert len({each.title for each in found}) == len(found)


@pytest.mark.parametrize("name", [each.name for each in lessons()])
def test_a_lesson_can_be_trained_and_names_registered_things_only(name):
    found = lesson(name)
    found.recipe.require_registered()
    planned = plan(
        found.recipe.model,
        found.recipe.dataset,
        tricks=found.recipe.tricks,
        settings=found.recipe.settings,
    )
    assert planned.config.recipe.kimg <= 1000
    assert 100 < len(found.text) < 500
    assert "\n" not in found.text
    assert LabRecipe.parse(found.recipe.toml()) == found.recipe
    assert found.card()["recipe"] == found.recipe.values()


def test_an_unknown_lesson_is_a_sentence():
    with pytest.raises(UnknownNameError, match="no lesson 'colapse'"):
        lesson("colapse")


def test_a_claim_can_fail(benchmark):
    rows = [{"modes": 8.0, "js": 0.1, "spread": 0.7, "nearest": 0, "at_bound": 0.0}] * 20
    rows = [{**row, "x": 0.0, "y": 0.0} for row in rows]
    course = benchmark.Course([{**row, "signal/generator": 0.9, "arrow": 1.0} for row in rows])
    held = {name for name, claim in benchmark.CLAIMS.items() if claim.holds(course)}
    assert held == {"learns", "collapse_cured", "gradient_penalty", "less_momentum", "pairs"}
    assert course.moves() == 0
    angles = np.arange(41) * 0.7
    circling = benchmark.Course(
        [{"x": np.cos(angle), "y": 0.5 * np.sin(angle)} for angle in angles]
    )
    assert circling.swings() == 9  # 28 radians, past the middle at every pi
    assert benchmark.CLAIMS["dirac"].holds(circling)
    assert not benchmark.CLAIMS["dirac_r1"].holds(circling)
    shrinking = [{"x": 0.8**at * (-1) ** at, "y": 0.0} for at in range(20)]
    shrinking = benchmark.Course(shrinking)
    assert not benchmark.CLAIMS["dirac"].holds(shrinking)
    assert benchmark.CLAIMS["dirac_r1"].holds(shrinking)
    assert shrinking.jump() < 0.2
    alternating = benchmark.Course([{"nearest": place % 2} for place in range(20)])
    assert alternating.moves(0.0) == 19
    assert "8 of 8" not in benchmark.table({"learns": [course]})
    assert "| 1 of 1 |" in benchmark.table({"learns": [course]})
