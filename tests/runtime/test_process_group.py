# SPDX-License-Identifier: MIT
"""The group of a lone process, and the place of a process that torchrun has started."""

import torch

from ganbench.runtime.process_group import ALONE, ProcessGroup, launched


def test_a_process_by_itself_is_alone():
    place = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}
    torchrun = {**place, "MASTER_ADDR": "host", "MASTER_PORT": "1"}
    assert launched(torchrun) == ProcessGroup(3, 4, 1)
    assert not launched(torchrun).first
    for missing in torchrun:
        assert launched({name: torchrun[name] for name in torchrun if name != missing}) == ALONE
    assert launched({**torchrun, "RANK": "one"}) == ALONE
    assert launched({}) is ALONE
    assert launched({**torchrun, "RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}) == ALONE


def test_alone_everything_stays_as_it_is():
    values = torch.arange(6.0).reshape(3, 2)
    assert ALONE.shard(values) is values
    assert ALONE.average([values])[0] is values
    assert ALONE.gather(values).shape == (1, 3, 2)
    assert ALONE.any_true(True)
    assert not ALONE.any_true(False)
    assert ALONE.broadcast_text("x") == "x"
