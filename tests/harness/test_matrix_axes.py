# SPDX-License-Identifier: MIT
"""Axes of a matrix as Python passes them, and what of them other processes cannot find."""

from dataclasses import dataclass

import numpy as np
import pytest

from ganbench import Trick, additive, losses, register, registry
from ganbench.config import TrickConfig
from ganbench.harness.comparison_plan import plan_comparison
from ganbench.harness.matrix_axes import as_list, named_and_opened, only_here, trick_set
from ganbench.harness.run_options import RunOptions
from ganbench.harness.suite import make_suite
from ganbench.tricks.r1 import R1


@register("calm")
@dataclass(frozen=True)
class Calm(Trick):
    """Changes nothing."""


def model_of_here(data):
    """Return the plain GAN under another name."""
    return registry.models.get("vanilla")(data)


def planned(tmp_path, *, sources=None, **axes):
    """Return the scheduler of a matrix on points, unless other data are given."""
    words = {"models": ["vanilla"], "datasets": [*(sources or ["ring8"])], "seeds": [0], **axes}
    options = RunOptions(out=tmp_path, sources=sources or {})
    return plan_comparison(make_suite(words), options).scheduler


@pytest.mark.parametrize(
    ("value", "values"),
    [
        ("ema", ["ema"]),
        (["ema", "r1"], ["ema", "r1"]),
        (np.arange(2), [0, 1]),
        (7, [7]),
        (TrickConfig(name="ema"), [TrickConfig(name="ema")]),
        (R1, [R1]),
    ],
)
def test_a_single_value_stands_for_a_list_of_itself(value, values):
    assert as_list(value) == values


def test_sets_of_tricks_are_written_as_on_the_command_line():
    assert trick_set("none") == "none"
    assert trick_set(()) == "none"
    assert trick_set(["ema", R1(weight=2.0)]).startswith("ema+r1:")
    assert trick_set(TrickConfig(name="ema")) == "ema"


def test_what_has_a_name_is_found_by_every_process(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from ganbench import register, zoo\nfrom ganbench.zoo.vanilla import vanilla\n\n\n"
        "@register\ndef mine(data):\n    return vanilla(data)\n"
    )
    scheduler = planned(
        tmp_path,
        models=["vanilla", f"{file}:mine"],
        tricks=["none", "ema"],
        metrics=["modes"],
    )
    assert only_here(scheduler) == []


def test_what_was_passed_as_an_object_is_named(tmp_path, session):
    mine = registry.losses.add(additive("mine", real=abs, fake=abs, generator=abs))
    images = np.zeros((20, 8, 8), dtype=np.uint8)
    _, sources = named_and_opened(images, None)
    scheduler = planned(
        tmp_path,
        models=["vanilla", registry.models.add(model_of_here)],
        tricks=["none", trick_set([Calm(), "ema"])],
        sources=sources,
        vary={"loss": [losses.hinge.name, mine]},
        metrics=["fid@pixels"],
    )
    assert sorted(only_here(scheduler)) == [
        "the data 'array'",
        "the loss 'mine'",
        "the model 'model-of-here'",
        "the trick 'calm'",
    ]
