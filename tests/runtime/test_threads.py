# SPDX-License-Identifier: MIT
"""The number of CPU threads."""

import torch

from ganbench.runtime.threads import set_threads


def test_threads_are_set_and_told():
    before = torch.get_num_threads()
    assert set_threads(None) == before
    assert set_threads(2) == torch.get_num_threads() == 2
    set_threads(before)
