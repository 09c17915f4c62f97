# SPDX-License-Identifier: MIT
"""Multilayer perceptrons: their layers, their shapes, their formula."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from ganbench.nn import MLP


def test_it_is_its_formula():
    torch.manual_seed(0)
    network = MLP((2, 3), [5, 4], (2, 2), slope=0.1, last=nn.Tanh())
    first, second, third = (layer for layer in network.modules() if isinstance(layer, nn.Linear))
    inputs = torch.randn(7, 2, 3)
    hidden = F.leaky_relu(first(inputs.reshape(7, 6)), 0.1)
    hidden = F.leaky_relu(second(hidden), 0.1)
    expected = torch.tanh(third(hidden)).reshape(7, 2, 2)
    torch.testing.assert_close(network(inputs), expected, rtol=0, atol=0)


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.lists(st.integers(1, 9), max_size=4),
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
)
def test_any_shape_goes_in_and_any_comes_out(inputs, hidden, outputs):
    network = MLP(tuple(inputs), hidden, tuple(outputs))
    assert network(torch.zeros(3, *inputs)).shape == (3, *outputs)
    sizes = [torch.Size(inputs).numel(), *hidden, torch.Size(outputs).numel()]
    count = sum((a + 1) * b for a, b in pairwise(sizes))
    assert sum(weight.numel() for weight in network.parameters()) == count


def test_slope_zero_is_a_relu_and_nothing_follows_the_last_layer():
    layers = list(MLP((2,), [3], (1,), slope=0.0).layers)
    assert [type(layer) for layer in layers] == [nn.Flatten, nn.Linear, nn.LeakyReLU, nn.Linear]
    assert torch.equal(layers[2](torch.tensor([-1.0, 2.0])), torch.tensor([0.0, 2.0]))


def test_the_inputs_are_left_as_they_were():
    inputs = torch.randn(4, 3)
    before = inputs.clone()
    MLP((3,), [2], (1,))(inputs)
    assert torch.equal(inputs, before), "the activations work in place, but not on the inputs"


@pytest.mark.parametrize("shape", [(3,), (1, 2, 3)])
def test_gradients_reach_the_inputs(shape):
    inputs = torch.randn(2, *shape, requires_grad=True)
    MLP(shape, [8], (1,))(inputs).sum().backward()
    assert inputs.grad.abs().sum() > 0
