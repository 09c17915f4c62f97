# SPDX-License-Identifier: MIT
"""Synchronized batch normalization, in one process, is the plain one; over two it is tested with
the processes in ``tests/training/test_distributed.py``."""

import copy

import pytest
import torch
from torch import nn

from ganbench.nn.synchronized import SynchronizedBatchNorm, synchronize_batch_norm
from ganbench.runtime.process_group import ALONE, ProcessGroup

SHAPES = {nn.BatchNorm1d: (6, 3), nn.BatchNorm2d: (4, 3, 5, 5), nn.BatchNorm3d: (2, 3, 2, 2, 2)}


def values_of(kind, seed=0):
    random = torch.Generator().manual_seed(seed)
    values = torch.randn(SHAPES[kind], generator=random, dtype=torch.float64)
    return (3 + 2 * values).requires_grad_()


def layers(kind, **settings):
    plain = kind(3, dtype=torch.float64, **settings)
    if plain.affine:
        nn.init.normal_(plain.weight, 1.0, 0.5)
        nn.init.normal_(plain.bias)
    return plain, SynchronizedBatchNorm(copy.deepcopy(plain), ALONE)


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize(
    "settings", [{}, {"momentum": None}, {"affine": False}, {"track_running_stats": False}]
)
def test_alone_it_is_the_plain_layer(kind, settings):
    plain, synchronized = layers(kind, **settings)
    for seed in range(3):
        gradients = []
        for layer in (plain, synchronized):
            values = values_of(kind, seed)
            output = layer(values)
            (gradient,) = torch.autograd.grad(output.sin().sum(), values, create_graph=True)
            inputs = [values, *layer.parameters()]
            gradients.append(
                [output, gradient, *torch.autograd.grad(gradient.square().sum(), inputs)]
            )
        for expected, actual in zip(*gradients, strict=True):
            torch.testing.assert_close(expected, actual, rtol=1e-9, atol=1e-9)
    first, second = plain.state_dict(), synchronized.state_dict()
    assert first.keys() == second.keys()
    for name, value in first.items():
        torch.testing.assert_close(value, second[name], rtol=1e-12, atol=1e-12)
    values = values_of(kind, 9)
    torch.testing.assert_close(plain.eval()(values), synchronized.eval()(values))


@pytest.mark.parametrize("kind", SHAPES)
def test_it_has_right_derivatives_of_any_order(kind):
    _, synchronized = layers(kind, track_running_stats=False)
    values = values_of(kind)[:3, :, ...].detach().requires_grad_()
    assert torch.autograd.gradcheck(synchronized, values, atol=1e-6)
    assert torch.autograd.gradgradcheck(synchronized, values, atol=1e-5, fast_mode=True)


def test_half_precision_keeps_its_type_and_the_statistics_theirs():
    plain = nn.BatchNorm1d(3)
    synchronized = SynchronizedBatchNorm(plain, ALONE)
    output = synchronized(torch.randn(8, 3, dtype=torch.bfloat16))
    assert output.dtype == torch.bfloat16
    assert synchronized.running_var.dtype == torch.float32


def test_a_network_keeps_its_weights_and_their_names():
    network = nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.BatchNorm1d(3), nn.ReLU()))
    assert synchronize_batch_norm(network, ALONE) is network
    assert type(network[1][0]) is nn.BatchNorm1d
    before = network.state_dict()
    changed = synchronize_batch_norm(network, ProcessGroup(0, 2))
    assert isinstance(changed[1][0], SynchronizedBatchNorm)
    after = changed.state_dict()
    assert before.keys() == after.keys()
    assert all(before[name].data_ptr() == after[name].data_ptr() for name in before)
    assert isinstance(
        synchronize_batch_norm(nn.BatchNorm2d(3), ProcessGroup(0, 2)), SynchronizedBatchNorm
    )
