# SPDX-License-Identifier: MIT
"""Lent global streams: seeded, continued, and put back as they were."""

from types import SimpleNamespace

import pytest
import torch

from ganbench.runtime import global_random
from ganbench.runtime.global_random import continued, position_seed, seeded

CPU = torch.device("cpu")
CPU_STREAM = torch.Generator()


def test_the_users_stream_is_as_if_nothing_had_happened():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    with seeded(7, CPU):
        torch.rand(100)
    stream = torch.Generator().manual_seed(1)
    with continued(stream, stream):
        torch.rand(100)
    with pytest.raises(ZeroDivisionError), seeded(7, CPU):
        torch.rand(3 // 0)
    assert torch.equal(torch.rand(4), expected)


def test_a_seed_gives_the_same_numbers():
    drawn = []
    for seed in (5, 5, 6):
        with seeded(seed, CPU):
            drawn.append(torch.rand(4))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_a_stream_is_continued_where_it_was():
    stream, same = (torch.Generator().manual_seed(1) for _ in range(2))
    drawn = []
    for _ in range(3):
        with continued(stream, stream):
            drawn.append(torch.rand(5))
        torch.rand(2)  # the user's own numbers in between
    assert torch.equal(torch.cat(drawn), torch.rand(15, generator=same))


def test_a_position_gives_a_seed_and_draws_nothing():
    stream, same = (torch.Generator().manual_seed(1) for _ in range(2))
    first = position_seed(stream)
    assert first == position_seed(stream) == position_seed(same)
    torch.rand(1, generator=stream)
    assert position_seed(stream) != first
    assert 0 <= first < 2**64


class Gpus:
    """Two GPUs, each with a global stream; the functions mean the current one if none is named."""

    def __init__(self):
        self.streams = [torch.Generator().manual_seed(number) for number in (10, 11)]
        self.current = 0

    def get_rng_state(self, device=None):
        return self.streams[self.current if device is None else device.index].get_state()

    def set_rng_state(self, position, device=None):
        self.streams[self.current if device is None else device.index].set_state(position)

    def stream_on(self, device):
        """A stream that says it is on a device."""
        stream = torch.Generator().manual_seed(5)
        return SimpleNamespace(
            device=torch.device(device), get_state=stream.get_state, set_state=stream.set_state
        )


@pytest.mark.parametrize(("device", "number"), [("cuda:1", 1), ("cuda:0", 0)])
def test_the_stream_of_the_gpu_that_computes_is_lent(monkeypatch, device, number):
    gpus = Gpus()
    monkeypatch.setattr(torch, "get_device_module", lambda device: gpus)
    other = gpus.streams[1 - number].get_state()
    expected = torch.rand(4, generator=torch.Generator().manual_seed(5))
    before = gpus.streams[number].get_state()

    stream = gpus.stream_on(device)
    with continued(torch.Generator(), stream):
        first = torch.rand(2, generator=gpus.streams[number])
    assert torch.equal(gpus.streams[number].get_state(), before)
    with continued(torch.Generator(), stream):
        second = torch.rand(2, generator=gpus.streams[number])
    assert torch.equal(torch.cat([first, second]), expected)

    monkeypatch.setattr(global_random.torch, "Generator", lambda device: CPU_STREAM)
    with seeded(5, torch.device(device)):
        assert torch.equal(torch.rand(4, generator=gpus.streams[number]), expected)
    assert torch.equal(gpus.streams[number].get_state(), before)
    assert torch.equal(gpus.streams[1 - number].get_state(), other)


def test_the_only_gpu_of_its_kind_is_named_nowhere(monkeypatch):
    calls = []
    only = SimpleNamespace(
        get_rng_state=lambda: calls.append("get") or "position",
        set_rng_state=lambda position: calls.append(position),
    )
    monkeypatch.setattr(torch, "get_device_module", lambda device: only)
    stream = SimpleNamespace(
        device=torch.device("mps"), get_state=lambda: "ours", set_state=calls.append
    )
    with continued(torch.Generator(), stream):
        pass
    assert calls == ["get", "ours", "get", "position", "position"]
