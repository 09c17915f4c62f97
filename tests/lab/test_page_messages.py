# SPDX-License-Identifier: MIT
"""What the page sends is checked field by field; nothing else comes through."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.errors import InputError
from ganbench.lab.page_messages import MOST_BYTES, MOST_OWN_POINTS, read_message

GOOD = [
    {"kind": "ack", "frame": 3, "side": "b"},
    {"kind": "play"},
    {"kind": "step", "turn": "generator"},
    {"kind": "slow", "on": True},
    {"kind": "speed", "updates_per_second": None},
    {"kind": "speed", "updates_per_second": 12.5},
    {"kind": "seek", "frame": 0},
    {"kind": "set", "key": "loss", "value": "hinge"},
    {"kind": "set", "key": "tricks", "value": ["ema", "r1:weight=0.1"]},
    {"kind": "start", "lesson": "collapse"},
    {"kind": "start", "recipe": {"model": "vanilla"}},
    {"kind": "start", "toml": "model = 'vanilla'"},
    {"kind": "data", "points": [[0.5, 1]] * 20},
    {"kind": "side", "off": True},
    {"kind": "probe", "latent": [0.5, -1]},
    {"kind": "plane", "u": 0.5, "v": 1},
    {"kind": "save", "name": ""},
]

BAD = [
    ("{", "not JSON"),
    ("[]", "unknown kind"),
    ({"kind": "quit"}, "unknown kind"),
    ({"kind": ["play"]}, "unknown kind"),
    ({"kind": "play", "client": 3}, "no field 'client'"),
    ({"kind": "ack"}, "needs the field frame"),
    ({"kind": "ack", "frame": 3}, "needs the field side"),
    ({"kind": "ack", "frame": 3, "side": "c"}, "cannot be used"),
    ({"kind": "ack", "frame": -1}, "cannot be used"),
    ({"kind": "ack", "frame": True}, "cannot be used"),
    ({"kind": "ack", "frame": 2**31}, "cannot be used"),
    ({"kind": "step", "turn": "nobody"}, "cannot be used"),
    ({"kind": "speed", "updates_per_second": 0}, "cannot be used"),
    ({"kind": "set", "key": "loss", "value": {"a": 1}}, "cannot be used"),
    ({"kind": "set", "key": "tricks", "value": [["ema"]]}, "cannot be used"),
    ({"kind": "set", "key": "tricks", "value": ["x"] * 101}, "cannot be used"),
    ({"kind": "start"}, "recipe or toml or lesson"),
    ({"kind": "start", "lesson": "a", "toml": "b"}, "recipe or toml or lesson"),
    ({"kind": "start", "toml": "x" * 20_001}, "cannot be used"),
    ({"kind": "data", "points": [[0.0, 1.0]] * (MOST_OWN_POINTS + 1)}, "cannot be used"),
    ({"kind": "data", "points": [[0.0, 1.0]] * 9}, "cannot be used"),
    ({"kind": "data", "points": [[0.0, 1.0, 2.0]] * 20}, "cannot be used"),
    ({"kind": "data", "points": [[0.0, 1e7]] * 20}, "cannot be used"),
    ({"kind": "data", "points": [[0.0, "1"]] * 20}, "cannot be used"),
    ({"kind": "data", "points": [[0.0, 10**400]] * 20}, "cannot be used"),
    ({"kind": "plane", "u": -(10**400), "v": 0}, "cannot be used"),
    ({"kind": "side", "off": False}, "cannot be used"),
    ({"kind": "probe", "latent": [0.0] * 5000}, "cannot be used"),
    ({"kind": "save", "name": "x" * 201}, "cannot be used"),
]


@pytest.mark.parametrize("message", GOOD, ids=str)
def test_what_the_page_may_send(message):
    assert read_message(json.dumps(message)) == message


@pytest.mark.parametrize(("message", "reason"), BAD, ids=lambda value: str(value)[:60])
def test_what_it_may_not_send_is_refused_in_a_sentence(message, reason):
    text = message if isinstance(message, str) else json.dumps(message)
    with pytest.raises(InputError, match=reason):
        read_message(text)


def test_numbers_that_are_not_finite_are_refused():
    with pytest.raises(InputError):
        read_message('{"kind": "plane", "u": 1e999, "v": 0}')
    with pytest.raises(InputError):
        read_message('{"kind": "plane", "u": NaN, "v": 0}')


def test_the_most_points_fit_into_a_message():
    points = [[-1234.123456789012, 1234.123456789012]] * MOST_OWN_POINTS
    text = json.dumps({"kind": "data", "points": points})
    assert len(text) < MOST_BYTES
    assert len(read_message(text)["points"]) == MOST_OWN_POINTS


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["kind", "frame", "latent", "points"]), inner, max_size=3
            )
        ),
        max_leaves=6,
    ),
    st.sampled_from([*{message["kind"] for message in GOOD}]),
)
def test_anything_is_read_or_refused(value, kind):
    for message in (value, {"kind": kind, "frame": value, "latent": value}):
        try:
            read = read_message(json.dumps(message))
        except InputError:
            continue
        assert read == message
