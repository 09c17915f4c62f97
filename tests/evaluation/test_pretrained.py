# SPDX-License-Identifier: MIT
"""How modules get published weights: without random numbers, whole, or with a sentence."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import nn

from ganbench.errors import InputError, MissingDataError
from ganbench.evaluation.pretrained import fill, import_extra, without_values


def tensors():
    return {"weight": torch.arange(6.0).view(2, 3), "bias": torch.tensor([1.0, -1.0])}


def test_a_module_is_built_without_random_numbers_and_filled():
    before = torch.get_rng_state()
    with without_values():
        module = nn.Linear(3, 2)
    assert module.weight.is_meta
    own = tensors()
    assert fill(module, own, network="mine") is module
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(module(torch.tensor([[1.0, 0.0, 0.0]])), torch.tensor([[1.0, 2.0]]))
    assert module.weight.data_ptr() == own["weight"].data_ptr()


@pytest.mark.parametrize(
    "wrong",
    [
        {"weight": torch.zeros(2, 3)},
        {"weight": torch.zeros(2, 3), "bias": torch.zeros(2), "more": torch.zeros(1)},
        {"weight": torch.zeros(3, 3), "bias": torch.zeros(2)},
    ],
)
def test_tensors_that_do_not_fit_are_refused(wrong):
    with pytest.raises(InputError, match="of another network than mine"):
        fill(nn.Linear(3, 2), wrong, network="mine")


def test_a_library_that_is_missing_is_said_with_the_command(monkeypatch):
    assert import_extra("math", network="clip", extra="clip").pi > 3
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(MissingDataError, match="clip needs open_clip, which is not") as caught:
        import_extra("open_clip", network="clip", extra="clip")
    assert caught.value.hint == 'pip install "ganbench[clip]"'
