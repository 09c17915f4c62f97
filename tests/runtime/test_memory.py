# SPDX-License-Identifier: MIT
"""Freed memory stays with the process, and a peak is counted from where it was started."""

import subprocess
import sys

import pytest
import torch

from ganbench.runtime.memory import MIB, PeakMemory, keep_freed_memory

FREED = """
import resource
import torch
from ganbench.runtime.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(10 << 20)  # 40 MiB, which glibc by itself maps anew each time
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
usual = faults()
can = keep_freed_memory()
faults()
print(usual, faults(), int(can))
"""


def test_memory_that_was_freed_is_there_for_what_comes_next():
    # A process of its own, as what is set holds for the rest of a process.
    command = [sys.executable, "-P", "-c", FREED]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    usual, kept, can = map(int, done.stdout.split())
    if not can:
        pytest.skip("needs glibc's allocator")
    assert usual > 1000  # pages fetched anew in ten rounds
    assert kept < usual / 10


@pytest.mark.parametrize(
    "use",
    [
        "from ganbench.runtime.execution import arithmetic\nwith arithmetic('fp32'): pass",
        "import torch\nfrom ganbench.runtime.inference import Compute, forward_of\n"
        "forward_of(torch.nn.Flatten(), torch.ones(2, 3), Compute())",
    ],
    ids=["training", "features"],
)
def test_what_computes_networks_asks_for_it(use):
    asked = (
        "from ganbench.runtime.memory import keep_freed_memory as f; print(f.cache_info().currsize)"
    )
    command = [sys.executable, "-P", "-c", f"{use}\n{asked}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert int(done.stdout) == 1


def test_a_peak_counts_from_where_it_was_begun():
    keep_freed_memory()
    older = bytearray(96 * MIB)  # touched, and older than the peak
    torch.ones(64 * MIB // 4).sum()  # free again: what takes its place counts all the same
    peak = PeakMemory(torch.device("cpu"))
    torch.ones(64 * MIB // 4).sum()
    mib = peak.read()
    assert 60 <= mib["growth"] <= 90
    assert mib["resident"] > mib["growth"] + len(older) / MIB / 2
    assert mib["allocated"] is None
