# SPDX-License-Identifier: MIT
"""The kind of data: derived once from the shape, or named, and never at odds with it."""

from dataclasses import replace

import pytest
import torch

from ganbench.errors import ConfigError
from ganbench.gan import DataSpec
from ganbench.kinds import kind_of

SHAPES = {"points": (2,), "sequence": (1, 16), "image": (3, 8, 8), "video": (1, 4, 8, 8)}
PLURALS = {"points": "points", "sequence": "sequences", "image": "images", "video": "videos"}


@pytest.mark.parametrize("kind", SHAPES)
def test_a_kind_follows_from_the_shape(kind):
    data = DataSpec("mine", "1", SHAPES[kind])
    assert data.kind == kind
    assert data.plural == PLURALS[kind]
    assert data.is_image == (kind == "image")
    assert data == DataSpec("mine", "1", SHAPES[kind], kind=kind)
    assert replace(data, classes=3).kind == kind
    assert type(kind_of(data)).__name__.lower() == f"{kind}kind"
    assert data.resolution == (8 if kind in {"image", "video"} else 1)


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("other", SHAPES)
def test_a_kind_that_the_shape_does_not_have_is_refused(kind, other):
    if kind == other:
        return
    with pytest.raises(ConfigError, match="mine has examples of the shape") as caught:
        DataSpec("mine", "1", SHAPES[kind], kind=other)
    assert caught.value.message.count(" or ") == 0


@pytest.mark.parametrize("shape", [(), (1, 2, 3, 4, 5)])
def test_a_shape_of_no_kind_is_refused(shape):
    with pytest.raises(ConfigError, match=r"\(D,\) or \(C, L\) or \(C, H, W\) or \(C, T, H, W\)"):
        DataSpec("mine", "1", shape)


@pytest.mark.parametrize(("shape", "count"), [((3, 9), 4), ((4,), 4), ((4, 8, 8), 4)])
def test_an_alphabet_has_a_text_for_each_channel_of_a_sequence(shape, count):
    assert DataSpec("mine", "1", (4, 9), alphabet=tuple("abcd")).kind == "sequence"
    with pytest.raises(ConfigError, match=r"sequences \(4, L\) were expected"):
        DataSpec("mine", "1", shape, alphabet=tuple("abcd")[:count])


@pytest.mark.parametrize("kind", SHAPES)
def test_whole_examples_come_back_and_broken_ones_stay_as_they_are(kind):
    data = DataSpec("mine", "1", SHAPES[kind])
    examples = torch.rand(6, *data.shape) * 2 - 1
    samples = kind_of(data).to_samples(examples.clone(), data)
    again = kind_of(data).to_samples(kind_of(data).to_network(samples, data), data)
    assert torch.equal(again, samples)
    assert kind_of(data).valid(samples, data).all()
    examples[4] = float("nan")
    broken = kind_of(data).to_samples(examples, data)
    assert broken.dtype == torch.float32
    assert kind_of(data).valid(broken, data).tolist() == [True] * 4 + [False, True]
