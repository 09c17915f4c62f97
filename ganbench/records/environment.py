# SPDX-License-Identifier: MIT
"""The environment of a run: machine, versions, threads. No host, no user, no absolute path."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import ganbench
from ganbench.config import digest
from ganbench.records.strip_paths import strip_paths_in

ENVIRONMENT_SCHEMA = 1

PACKAGES = (
    "torch",
    "torchvision",
    "torch-fidelity",
    "lpips",
    "numpy",
    "scipy",
    "scikit-learn",
    "mlxtend",
    "pillow",
    "pydantic",
    "safetensors",
    "openvino",
    "onnxruntime",
    "ray",
)

VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "CUBLAS_WORKSPACE_CONFIG",
    "NVIDIA_TF32_OVERRIDE",
    "PYTORCH_CUDA_ALLOC_CONF",
)

_VOLATILE = ("kernel", "checkout")


def describe_environment(
    threads: int, device: str, torch_facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the environment of a run, as plain data for env.json.

    Args:
        threads: how many threads compute.
        device: the device, such as ``cuda:1``, of which the type is recorded: the number says
            nothing about a card, whose name torch reports.
        torch_facts: what torch reports of itself and of the device; this module loads no torch.

    Returns:
        The facts by name; a fact that cannot be determined is None.
    """
    facts = {
        "schema": ENVIRONMENT_SCHEMA,
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "usable_cores": _usable_cores(),
        "memory_gib": _memory_gib(),
        "threads": threads,
        "device": device.partition(":")[0],
        "torch": dict(torch_facts),
        "packages": {"ganbench": ganbench.__version__, **_package_versions()},
        "variables": {name: os.environ[name] for name in VARIABLES if name in os.environ},
        "checkout": _own_checkout(),
    }
    described: dict[str, Any] = strip_paths_in(facts)
    return described


def lasting(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return an environment without the facts that change between two runs on one machine.

    These are the release of the kernel, which updates replace, and the state of ganbench's own
    checkout, which each commit changes; the model's source is part of a run's identity.
    """
    return {key: value for key, value in environment.items() if key not in _VOLATILE}


def environment_id(environment: Mapping[str, Any]) -> str:
    """Return eight hex digits that equal environments share (see ``lasting``)."""
    return digest(lasting(environment))[:8]


@cache  # a process keeps the source that it has loaded, however the files change
def _own_checkout() -> dict[str, Any] | None:
    return checkout(Path(ganbench.__file__).parent)


def checkout(package: Path) -> dict[str, Any] | None:
    """Return the commit of a package's git checkout, and whether files differ from it.

    None without a checkout: for an installed package, or one inside another project's repository.
    """
    root = package.resolve().parent
    top = _git(root, "rev-parse", "--show-toplevel")
    if not top or Path(top).resolve() != root:
        return None
    return {
        "commit": _git(root, "rev-parse", "--verify", "--quiet", "HEAD") or None,
        "dirty": bool(_git(root, "status", "--porcelain")),
    }


def _git(folder: Path, *arguments: str) -> str:
    """Return the output of git; empty if git is missing or fails."""
    try:
        process = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return process.stdout.strip() if process.returncode == 0 else ""


@cache
def _package_versions() -> dict[str, str]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


@cache
def _processor() -> str | None:
    """Return the model name of the processor, which most architectures state in /proc/cpuinfo."""
    if sys.platform == "darwin":
        return _command_output("sysctl", "-n", "machdep.cpu.brand_string")
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    match = re.search(r"^(?:model name|Model|cpu model)\s*:\s*(.+)$", text, re.MULTILINE)
    return match[1].strip() if match else platform.processor() or None


def _command_output(*command: str) -> str | None:
    try:
        process = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return process.stdout.strip() or None


def _usable_cores() -> int | None:
    """Return the number of cores this process may use; containers and taskset restrict it."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _memory_gib() -> int | None:
    """Return the memory in whole GiB: the rest depends on how much the kernel reserves."""
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30)
    except (AttributeError, OSError, ValueError):
        return None
