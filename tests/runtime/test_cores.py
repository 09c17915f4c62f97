# SPDX-License-Identifier: MIT
"""How many cores a process may use, read from made-up descriptions of a system."""

import math
import os

import pytest

from ganbench.runtime import control_groups, cores


@pytest.fixture(autouse=True)
def not_watched(monkeypatch):
    """A command that another test ran in this process may have begun to watch the real cores."""
    monkeypatch.setattr(cores, "_begun", [])


def system(root, cgroup, files):
    """Write the files by which a system describes itself; return their folder."""
    for name, text in {"proc/self/cgroup": cgroup, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("cgroup", "files", "quota"),
    [
        ("0::/\n", {"sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
        ("0::/\n", {"sys/fs/cgroup/cpu.max": "max 100000\n"}, math.inf),
        # A group has at most what the groups around it have.
        (
            "0::/a/b\n",
            {
                "sys/fs/cgroup/a/b/cpu.max": "800000 100000\n",
                "sys/fs/cgroup/a/cpu.max": "300000 100000\n",
            },
            3.0,
        ),
        # A container sees its own group as the top.
        ("0::/docker/1234\n", {"sys/fs/cgroup/cpu.max": "200000 100000\n"}, 2.0),
        (
            "4:cpu,cpuacct:/job\n2:memory:/x\n",
            {
                "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "250000\n",
                "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
            },
            2.5,
        ),
        (
            "1:cpu:/\n0::/\n",
            {
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            math.inf,
        ),
        # The quota of memory is none of processor time.
        ("3:memory:/\n", {"sys/fs/cgroup/memory/cpu.max": "100 100000\n"}, math.inf),
        ("0::/\n", {"sys/fs/cgroup/cpu.max": "broken\n"}, math.inf),
    ],
)
def test_quotas_of_control_groups(tmp_path, cgroup, files, quota):
    assert cores.processor_quota(system(tmp_path, cgroup, files)) == quota


def test_a_system_without_control_groups_has_no_quota(tmp_path):
    assert cores.processor_quota(tmp_path) == math.inf


def test_usable_cores_hold_to_affinity_and_quota(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr(control_groups, "ROOT", tmp_path)
    assert cores.usable_cores() == 8
    system(tmp_path, "0::/\n", {"sys/fs/cgroup/cpu.max": "350000 100000\n"})
    assert cores.usable_cores() == 3
    system(tmp_path, "0::/\n", {"sys/fs/cgroup/cpu.max": "50000 100000\n"})
    assert cores.usable_cores() == 1


def ticks(*rows):
    """Return /proc/stat: for each core the ticks as user, nice, system, idle, ..."""
    lines = [f"cpu{core} " + " ".join(map(str, row)) for core, row in enumerate(rows)]
    return "\n".join(["cpu 0 0 0 0 0 0 0 0 0 0", *lines, "intr 1 2 3", ""])


def test_free_cores_count_what_others_leave(tmp_path, monkeypatch):
    """One core is busy for others, one gives way at a low priority, one is idle."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2}, raising=False)
    monkeypatch.setattr(control_groups, "ROOT", tmp_path)
    stat = {"proc/stat": ticks([5, 0, 5, 0, 0, 0, 0, 0], [0] * 8, [0] * 8)}
    system(tmp_path, "", stat)
    later = ticks([20, 0, 8, 2, 0, 0, 0, 0], [0, 20, 0, 0, 0, 0, 0, 0], [0, 0, 0, 20, 0, 0, 0, 0])
    monkeypatch.setattr(
        cores.time, "sleep", lambda seconds: system(tmp_path, "", {"proc/stat": later})
    )
    assert cores.free_cores() == pytest.approx(2 + 2 / 20)


def test_what_a_command_has_watched_since_it_began_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1}, raising=False)
    monkeypatch.setattr(control_groups, "ROOT", tmp_path)
    clock, own = [0.0], [0.0]
    monkeypatch.setattr(cores.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(os, "times", lambda: (own[0], 0.0, 0.0, 0.0, clock[0]))
    monkeypatch.setattr(os, "nice", lambda change: 0)
    waits = []
    monkeypatch.setattr(cores.time, "sleep", waits.append)
    system(tmp_path, "", {"proc/stat": ticks([0] * 8, [0] * 8)})
    cores.begin_watching()
    # In one second this process computed for 0.8, another one on the other core for 0.5.
    clock[0], own[0] = 1.0, 0.8
    per_second = os.sysconf("SC_CLK_TCK")
    busy, idle = per_second // 2, per_second - per_second // 2
    later = ticks(
        [round(0.8 * per_second), 0, 0, round(0.2 * per_second), 0, 0, 0, 0],
        [busy, 0, 0, idle, 0, 0, 0, 0],
    )
    system(tmp_path, "", {"proc/stat": later})
    assert cores.free_cores() == pytest.approx(1.5)
    assert waits == [0.0]
    clock[0] = 100.0  # that look is too old by now
    cores.free_cores()
    assert waits == [0.0, pytest.approx(0.2)]


def test_all_cores_are_free_where_the_system_does_not_say(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2}, raising=False)
    monkeypatch.setattr(control_groups, "ROOT", tmp_path)
    assert cores.free_cores(0.0) == 3
