# SPDX-License-Identifier: MIT
"""Lent global streams: seeded, continued, and put back as they were."""

import pytest
import torch

from ganbench.runtime.global_random import continued, position_seed, seeded

CPU = torch.device("cpu")


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
