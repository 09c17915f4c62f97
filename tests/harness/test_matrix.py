# SPDX-License-Identifier: MIT
"""Matrices: the small language of trick sets, the cells, what makes a cell fail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.config import parse_trick
from ganbench.errors import ConfigError, InputError, UnknownNameError
from ganbench.harness.matrix import parse_trick_sets, plan_matrix, run_cell
from ganbench.harness.run import RunOptions, Silent

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
    assert list(parsed) == ["none", *sets]
    assert parsed["none"] == []
    for one in sets:
        assert parsed[one] == [parse_trick(trick) for trick in one.split("+")]


@pytest.mark.parametrize("text", ["", ",", " , "])
def test_no_set_is_refused(text):
    with pytest.raises(ConfigError, match="No set of tricks is given"):
        parse_trick_sets(text)


def matrix(models=("vanilla",), sets="none", datasets=("ring8",), seeds=(0, 1), **settings):
    return plan_matrix(
        models, parse_trick_sets(sets), datasets, seeds, settings={"recipe.kimg": 0.2, **settings}
    )


def test_every_combination_is_one_cell():
    cells = matrix(("vanilla", "wgan-gp"), "none,ema,r1+ema", ("ring8", "grid25"), (0, 5))
    assert len(cells) == 2 * 3 * 2 * 2
    assert len({cell.config.identity for cell in cells}) == len(cells)
    for cell in cells:
        assert cell.axes == {
            "model": cell.config.model,
            "tricks": cell.tricks,
            "dataset": cell.config.dataset,
            "seed": cell.config.seed,
        }
        own = {"gradient-penalty"} if cell.model == "wgan-gp" else set()
        added = set() if cell.tricks == "none" else set(cell.tricks.split("+"))
        assert {trick.name for trick in cell.config.tricks} == own | added
        assert cell.config.recipe.kimg == 0.2
    assert {cell.variant for cell in cells if cell.model == "vanilla"} == {
        "vanilla", "vanilla + ema", "vanilla + r1+ema",
    }  # fmt: skip


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


def test_an_error_of_a_cell_is_its_status(tmp_path, monkeypatch):
    (cell,) = matrix(seeds=(0,))
    begun = []

    def fail(self):
        raise InputError("The data are broken.")

    with monkeypatch.context() as patched:
        patched.setattr("ganbench.harness.run.Run.execute", fail)
        record, folder = run_cell(cell, RunOptions(out=tmp_path), Silent(), begun.append)
    assert record == {"status": "failed", "error": "The data are broken.", "metrics": {}}
    assert begun[0].folder == folder
    options = RunOptions(out=tmp_path, resume=True, samples=64)
    record, again = run_cell(cell, options, Silent(), begun.append)
    assert again == folder
    assert record["status"] in {"done", "collapsed"}
