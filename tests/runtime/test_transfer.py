# SPDX-License-Identifier: MIT
"""Copies that the host does not wait for."""

import pytest
import torch
from fake_card import fake_card

from ganbench.runtime.transfer import begin_fetch, pinned, send


def test_without_a_gpu_nothing_is_copied(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    values = torch.arange(6)
    assert pinned(values) is send(values, "cpu") is begin_fetch(values)() is values


def test_a_copy_to_a_card_and_back_waits_only_where_the_values_are_read(monkeypatch):
    with fake_card(monkeypatch) as card:
        there = send(torch.arange(6.0), "cuda")
        doubled = begin_fetch(there * 2)
        assert there.device.type == "cuda"
        assert card.log == ["up", "down"]
        assert doubled().tolist() == [0, 2, 4, 6, 8, 10]
        assert card.log == ["up", "down", "wait"]


def test_the_fake_card_knows_a_wait_from_none(monkeypatch):
    with fake_card(monkeypatch) as card:
        there = torch.arange(6.0).to("cuda")  # from memory that is not pinned
        there.cpu()
        assert there.sum().item() == 15
        assert card.log == ["stop"] * 3
        with pytest.raises(RuntimeError, match="on the CPU"):
            there + torch.arange(6.0)
