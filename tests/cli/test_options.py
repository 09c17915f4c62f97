# SPDX-License-Identifier: MIT
"""Options that verbs share, as they are read."""

import pytest
import typer

from ganbench.cli import app, options
from ganbench.errors import ConfigError
from ganbench.harness.plan import expand_settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("0,1", (0.0, 1.0)),
        ("-1,1", (-1.0, 1.0)),
        (" 0 , 255 ", (0.0, 255.0)),
        ("-2.5,1e3", (-2.5, 1000.0)),
    ],
)
def test_a_range_is_two_numbers(text, expected):
    assert options.value_range(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", ",", "0", "0,", "0,1,2", "1,0", "1,1", "0;1", "low,high", "nan,1", "0,inf", "-inf,inf"],
)
def test_what_is_no_range_is_a_sentence(text):
    with pytest.raises(ConfigError) as raised:
        options.value_range(text)
    assert raised.value.message == (
        f"--range {text}: two numbers were expected, the lowest and the highest value."
    )
    assert raised.value.hint == "For example: --range 0,1"


def test_flags_go_before_assignments():
    settings = options.collect_settings(["recipe.kimg=3", "loss=hinge"], kimg=4.0)
    assert settings == {"recipe.kimg": 4.0, "loss": "hinge"}


RATES = ("recipe.generator_optimizer.learning_rate", "recipe.discriminator_optimizer.learning_rate")


@pytest.mark.parametrize(
    ("assignments", "flags", "expected"),
    [
        (["learning_rate=1", f"{RATES[0]}=2", "learning_rate=5"], {}, dict.fromkeys(RATES, 5)),
        ([f"{RATES[0]}=2", "learning_rate=5", f"{RATES[0]}=3"], {}, {RATES[0]: 3, RATES[1]: 5}),
        (["kimg=1", "recipe.kimg=2", "kimg=3"], {}, {"recipe.kimg": 3}),
        (["recipe.kimg=1", "kimg=2"], {"kimg": 3.0}, {"recipe.kimg": 3.0}),
        (["recipe.batch_size=8", "batch_size=9"], {"batch_size": 7}, {"recipe.batch_size": 7}),
    ],
)  # fmt: skip
def test_of_all_spellings_of_a_setting_the_last_counts(assignments, flags, expected):
    settings = options.collect_settings(assignments, **flags)
    assert expand_settings(settings) == expected


def test_names_are_split_at_commas():
    assert options.names(None) is None
    assert options.names("fid, kid,") == ("fid", "kid")


def test_a_number_format_is_one_of_two():
    assert options.number_format("bf16") == "bf16"
    with pytest.raises(ConfigError, match="fp32 or bf16 was expected"):
        options.number_format("fp64")


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("compare", "-m", "vanilla", "-m", "dcgan"), "--model"),
        (("eval", "a", "--metrics", "fid", "--metrics", "kid"), "--metrics"),
        (("compare", "--tricks", "ema", "--tricks", "r1"), "--tricks"),
        (("run", "-m", "vanilla", "-n", "--seeds", "0-2", "--seeds", "5"), "--seeds"),
        (("throughput", "-b", "16", "-b", "32"), "--batch-size"),
    ],
)
def test_names_are_given_in_one_option(cli, words, name):
    """The parser would keep the last, and train or measure less than was asked for."""
    outcome = cli(*words)
    assert outcome.code == 2
    assert f"{name} is given 2 times." in outcome.err


def test_every_option_that_is_split_at_commas_is_given_once():
    """Its metavar says so; an option that says "separated by commas" in its help has such a one."""
    commands = dict(typer.main.get_command(app).commands)
    found = 0
    while commands:
        verb, command = commands.popitem()
        commands |= getattr(command, "commands", {})
        for parameter in command.params:
            if "separated by commas" in (getattr(parameter, "help", None) or ""):
                assert parameter.metavar in options.SEVERAL, (verb, parameter.name)
                found += 1
    assert found > 5


def test_an_axis_is_varied_once(cli):
    words = ("compare", "-m", "vanilla", "-d", "ring8", "--dry-run")
    outcome = cli(*words, "--vary", "learning_rate=1e-4", "--vary", "learning_rate =1e-3")
    assert outcome.code == 2
    assert "--vary learning_rate is given twice." in outcome.err
    assert cli(*words, "--vary", "learning_rate=1e-4", "--vary", "batch_size=8,16").code == 0


def test_options_that_may_be_repeated_are(cli):
    words = ("run", "-m", "vanilla", "-t", "ema", "-t", "r1", "--set", "kimg=1", "--set", "seed=2")
    planned = cli(*words, "--kimg", "3", "--kimg", "4", "--dry-run", "--json")
    assert planned.code == 0
    assert planned.document["config"]["recipe"]["kimg"] == 4  # of single values the last counts
