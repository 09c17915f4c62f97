# SPDX-License-Identifier: MIT
"""Settings are validated, an unknown key suggests the nearest one, and identities are stable."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ganbench.config import (
    OptimizerSpec,
    Recipe,
    RunConfig,
    TrickConfig,
    adam,
    canonical_json,
    join_words,
    override,
    parse_trick,
    rmsprop,
    sgd,
    validate,
)
from ganbench.errors import ConfigError, InputError
from ganbench.typed_values import parse_assignment, parse_seeds, parse_value, read_toml

CONFIG = RunConfig(
    model="wgan-gp",
    dataset="mnist5k",
    loss="wasserstein",
    tricks=(TrickConfig(name="gradient-penalty", parameters={"weight": 10.0, "target": 1.0}),),
    recipe=Recipe(
        kimg=320,
        batch_size=64,
        discriminator_steps=5,
        generator_optimizer=adam(1e-4, (0.0, 0.9)),
        discriminator_optimizer=sgd(1e-3, -0.5),
    ),
    seed=3,
    model_source="0123456789abcdef",
    dataset_version="1",
)

WRITTEN_OUT = """
{"dataset": "mnist5k", "dataset_version": "1", "loss": "wasserstein", "model": "wgan-gp",
 "model_source": "0123456789abcdef", "precision": "fp32",
 "recipe": {"batch_size": 64,
  "discriminator_optimizer": {"alpha": 0.99, "betas": [0.9, 0.999], "kind": "sgd",
   "learning_rate": 0.001, "momentum": -0.5, "weight_decay": 0.0},
  "discriminator_steps": 5, "final_learning_rate": 0.0,
  "generator_optimizer": {"alpha": 0.99, "betas": [0.0, 0.9], "kind": "adam",
   "learning_rate": 0.0001, "momentum": 0.0, "weight_decay": 0.0},
  "generator_steps": 1, "kimg": 320.0, "latent_dim": 100, "prior": "normal",
  "schedule": "constant"},
 "scheme": 1, "seed": 3,
 "tricks": [{"name": "gradient-penalty", "parameters": {"target": 1.0, "weight": 10.0}}]}
"""


def test_the_identity_is_pinned():
    """A change here changes the identity of stored runs: raise IDENTITY_SCHEME if it is meant."""
    text = json.dumps(json.loads(WRITTEN_OUT), separators=(",", ":"), sort_keys=True)
    assert CONFIG.identity == hashlib.sha256(text.encode()).hexdigest()[:16]
    assert CONFIG.identity == "bcb662d80c36e6d8"


def test_the_identity_does_not_depend_on_spelling_or_order():
    again = json.loads(CONFIG.model_dump_json())
    assert RunConfig(**again).identity == CONFIG.identity
    backwards = {key: again[key] for key in reversed(again)}
    assert RunConfig(**backwards).identity == CONFIG.identity
    assert override(CONFIG, {"recipe.kimg": 320}).identity == CONFIG.identity
    assert override(CONFIG, {"recipe.kimg": 320.0}).identity == CONFIG.identity


OTHER = {
    "model": "dcgan",
    "dataset": "digits",
    "loss": "hinge",
    "tricks": [],
    "seed": 4,
    "precision": "bf16",
    "model_source": "0",
    "loss_source": "0",
    "backbone_source": "0",
    "dataset_version": "2",
    "recipe.kimg": 321,
    "recipe.batch_size": 32,
    "recipe.discriminator_steps": 1,
    "recipe.generator_steps": 2,
    "recipe.latent_dim": 10,
    "recipe.prior": "uniform",
    "recipe.schedule": "linear",
    "recipe.final_learning_rate": 0.5,
}
for role in ("generator", "discriminator"):
    OTHER |= {
        f"recipe.{role}_optimizer.kind": "rmsprop",
        f"recipe.{role}_optimizer.learning_rate": 0.5,
        f"recipe.{role}_optimizer.betas": [0.1, 0.2],
        f"recipe.{role}_optimizer.momentum": 0.25,
        f"recipe.{role}_optimizer.alpha": 0.5,
        f"recipe.{role}_optimizer.weight_decay": 0.1,
    }


def leaves(values, prefix=""):
    for key, value in values.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key


def test_the_identity_changes_with_every_field():
    assert set(OTHER) == set(leaves(CONFIG.model_dump())), "a new field needs a line in OTHER"
    identities = {override(CONFIG, {key: value}).identity for key, value in OTHER.items()}
    assert len(identities | {CONFIG.identity}) == len(OTHER) + 1


@pytest.mark.parametrize(
    "parameters", [{}, {"weight": 1.0}, {"weight": 10.0, "target": 1.0, "one_sided": True}]
)
def test_the_identity_changes_with_a_tricks_parameters(parameters):
    trick = TrickConfig(name="gradient-penalty", parameters=parameters)
    assert CONFIG.model_copy(update={"tricks": (trick,)}).identity != CONFIG.identity


def test_records_are_immutable_and_closed():
    with pytest.raises(ValidationError):
        CONFIG.seed = 1
    with pytest.raises(ValidationError):
        Recipe(kimg=1, lenght=3)


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("recipe.batchsize", "batch_size"),
        ("recipe.generator_optimizer.lerning_rate", "learning_rate"),
        ("recpie.kimg", "recipe"),
        ("sede", "seed"),
    ],
)
def test_an_unknown_key_suggests_the_nearest(key, near):
    with pytest.raises(ConfigError) as raised:
        override(CONFIG, {key: 1})
    assert raised.value.message.startswith(f"Unknown key '{key}'. Did you mean '{near}'")
    with pytest.raises(ConfigError, match=r"Unknown key 'seed\.deep'"):
        override(CONFIG, {"seed.deep": 1})


def test_an_unknown_key_lists_what_there_is():
    with pytest.raises(ConfigError) as raised:
        override(Recipe(kimg=1), {"zzz": 1}, "recipe.")
    assert raised.value.message == "Unknown key 'recipe.zzz'."
    assert raised.value.hint == f"There are: {', '.join(Recipe.model_fields)}."
    with pytest.raises(ConfigError, match=r"'recipe\.generator_optimizer\.rate'"):
        override(CONFIG, {"recipe.generator_optimizer": {"learning_rate": 1.0, "rate": 1}})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("recipe.kimg=3", 3.0),
        ("recipe.kimg=0.5", 0.5),
        ("recipe.batch_size=7", 7),
        ("recipe.prior=uniform", "uniform"),
        ("recipe.prior='uniform'", "uniform"),
        ("recipe.generator_optimizer.betas=[0, 0.9]", (0.0, 0.9)),
        ("recipe.generator_optimizer.momentum=-0.5", -0.5),
        ("precision=bf16", "bf16"),
        ("seed=9", 9),
    ],
)
def test_what_fits_is_taken_over_and_nothing_else_changes(text, value):
    key, parsed = parse_assignment(text)
    changed = override(CONFIG, {key: parsed})
    taken_over = changed
    for part in key.split("."):
        taken_over = getattr(taken_over, part)
    assert taken_over == value
    assert type(taken_over) is type(value)
    back = override(changed, {key: dict(flat(CONFIG))[key]})
    assert back == CONFIG


def flat(record):
    values = record.model_dump()
    for key in leaves(values):
        leaf = values
        for part in key.split("."):
            leaf = leaf[part]
        yield key, leaf


@pytest.mark.parametrize(
    "text",
    [
        "recipe.kimg=0",
        "recipe.kimg=-1",
        "recipe.kimg=inf",
        "recipe.kimg=nan",
        "recipe.kimg=long",
        "recipe.batch_size=0",
        "recipe.batch_size=1.5",
        "recipe.batch_size=many",
        "recipe.discriminator_steps=0",
        "recipe.generator_steps=0",
        "recipe.latent_dim=0",
        "recipe.prior=cauchy",
        "recipe.schedule=sawtooth",
        "recipe.final_learning_rate=1.5",
        "recipe.generator_optimizer=adam",
        "recipe.generator_optimizer.kind=adamw",
        "recipe.generator_optimizer.learning_rate=0",
        "recipe.generator_optimizer.betas=0.9",
        "recipe.generator_optimizer.betas=[0.9, 1.0]",
        "recipe.generator_optimizer.betas=[-0.5, 0.9]",
        "recipe.generator_optimizer.momentum=1",
        "recipe.generator_optimizer.alpha=1",
        "recipe.generator_optimizer.weight_decay=-1",
        "precision=fp8",
        "seed=-1",
        "seed=9223372036854775808",
        "recipe=3",
        "loss=[1]",
    ],
)
def test_what_does_not_fit_is_one_sentence_with_key_and_value(text):
    key, value = parse_assignment(text)
    with pytest.raises(ConfigError) as raised:
        override(CONFIG, {key: value})
    message = raised.value.message
    assert message.startswith(key)
    quoted = [value, *value] if isinstance(value, list) else [value]
    assert any(message.endswith(f"not {part!r}.") for part in quoted)
    assert "\n" not in message


def test_the_shorthands_are_their_optimizers():
    assert adam(0.1) == OptimizerSpec(kind="adam", learning_rate=0.1, betas=(0.9, 0.999))
    assert sgd(0.1, 0.9) == OptimizerSpec(kind="sgd", learning_rate=0.1, momentum=0.9)
    assert rmsprop(0.1, 0.5) == OptimizerSpec(kind="rmsprop", learning_rate=0.1, alpha=0.5)
    with pytest.raises(ConfigError, match=r"optimizer\.learning_rate: Field required"):
        validate(OptimizerSpec, {"kind": "adam"}, "optimizer.")


# -- the command line's small languages --------------------------------------------------------

SEED = st.integers(0, 500)


@given(st.lists(st.tuples(SEED, st.integers(0, 9)), min_size=1, max_size=5), st.booleans())
def test_seeds_are_numbers_and_inclusive_ranges_each_once(parts, spaced):
    texts = [f"{low}-{low + more}" if more else f"{low}" for low, more in parts]
    expected = []
    for low, more in parts:
        expected += [seed for seed in range(low, low + more + 1) if seed not in expected]
    assert parse_seeds((", " if spaced else ",").join(texts)) == expected


@pytest.mark.parametrize("text", ["", "a", "1-", "-1", "1,,2", "1-2-3", "0..3", "1.5"])
def test_what_is_no_seed_is_refused(text):
    with pytest.raises(ConfigError, match="is not a seed"):
        parse_seeds(text)


def test_a_range_that_runs_backwards_says_how_to_write_it():
    with pytest.raises(ConfigError) as raised:
        parse_seeds("0,4-1")
    assert raised.value.hint == "Write 1-4."


PLAIN = st.one_of(
    st.booleans(),
    st.integers(-(2**62), 2**62),
    st.floats(allow_nan=False, allow_infinity=False),
    st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True).filter(
        lambda text: text not in {"true", "false", "nan", "inf"}
    ),
)
NAME = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)


def written(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


@given(PLAIN)
def test_values_are_read_with_their_types(value):
    read = parse_value(written(value))
    assert read == value
    assert type(read) is type(value)


@given(NAME, st.dictionaries(NAME.filter(lambda name: name != "off"), PLAIN, max_size=4))
def test_a_trick_is_a_name_and_parameters(name, parameters):
    text = name + ":" * bool(parameters)
    text += ",".join(f"{key}={written(value)}" for key, value in parameters.items())
    trick = parse_trick(text)
    assert (trick.name, trick.parameters) == (name, parameters)


def test_off_is_a_parameter_and_files_are_names():
    assert parse_trick("ema:off").parameters == {"off": True}
    assert parse_trick("ema").parameters == {}
    with pytest.raises(ConfigError, match="names no trick"):
        parse_trick(":weight=1")
    with pytest.raises(ConfigError, match="key=value was expected"):
        parse_trick("r1:weight")
    with pytest.raises(ConfigError, match=r"trick parameters\.weight"):
        parse_trick("r1:weight=[1]")


@pytest.mark.parametrize("text", ["", "=", "=3", "recipe.kimg", " = 3"])
def test_what_is_no_assignment_is_refused(text):
    with pytest.raises(ConfigError, match="key=value was expected"):
        parse_assignment(text)


def test_an_assignment_splits_at_its_first_sign():
    assert parse_assignment(" a.b = x=y ") == ("a.b", "x=y")
    assert parse_assignment("a=") == ("a", "")


def test_toml_is_read_or_refused_in_one_sentence(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text('a = [1, 2]\n[b]\nc = "d"\n')
    assert read_toml(path) == {"a": [1, 2], "b": {"c": "d"}}
    for damage in (b"a = ", b"\xff\xfe"):
        path.write_bytes(damage)
        with pytest.raises(InputError, match=r"a\.toml is not valid TOML"):
            read_toml(path)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_toml(tmp_path / "none.toml")


def test_canonical_json_has_one_text_and_no_nan():
    assert canonical_json({"b": 1, "a": [1.0, None]}) == '{"a":[1.0,null],"b":1}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"a": float("nan")})


@pytest.mark.parametrize(
    ("names", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), ("abc", "a, b and c")]
)
def test_names_are_joined_as_a_sentence_lists_them(names, text):
    assert join_words(names) == text
