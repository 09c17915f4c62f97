# SPDX-License-Identifier: MIT
"""Freed memory stays with the process, and a peak is counted from where it was started."""

import subprocess
import sys

import pytest
import torch

from ganbench.runtime import control_groups, memory
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


def limited(root, folder, limit, used, *, version=2, cached=0):
    """Give a control group a limit of memory, in bytes."""
    names = {2: ("max", "current", ""), 1: ("limit_in_bytes", "usage_in_bytes", "total_")}[version]
    place = root / "sys/fs/cgroup" / folder
    place.mkdir(parents=True, exist_ok=True)
    (place / f"memory.{names[0]}").write_text(f"{limit}\n")
    (place / f"memory.{names[1]}").write_text(f"{used}\n")
    (place / "memory.stat").write_text(f"anon 5\n{names[2]}inactive_file {cached}\n")


@pytest.mark.parametrize(
    ("groups", "limits", "left"),
    [
        ("0::/\n", [("", 1000, 700)], 300),
        ("0::/slice/job_7\n", [("slice/job_7", 1000, 700, 50)], 350),
        # A group has at most what the groups around it have.
        ("0::/slice/job_7\n", [("slice/job_7", "max", 700), ("slice", 900, 800)], 100),
        ("0::/docker/1234\n", [("", 1000, 400)], 600),
        ("4:memory:/job\n2:cpu:/x\n", [("memory/job", 1000, 900, 20, 1)], 120),
        ("4:cpu:/job\n", [("cpu/job", 1000, 900)], None),
        ("0::/\n", [("", "max", 700)], None),
        ("", [], None),
    ],
)
def test_the_memory_that_control_groups_leave(monkeypatch, tmp_path, groups, limits, left):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(groups)
    for folder, limit, used, *more in limits:
        cached, version = (*more, *(0, 2)[len(more) :])
        limited(tmp_path, folder, limit, used, cached=cached, version=version)
    monkeypatch.setattr(control_groups, "ROOT", tmp_path)
    assert memory._group_bytes() == left
