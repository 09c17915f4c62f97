# SPDX-License-Identifier: MIT
"""Cells on a Ray cluster: the cluster that ``RAY_ADDRESS`` names, or a local one.

A worker that dies takes only its own cell with it. All nodes must see the folder of the runs.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError

import ganbench
from ganbench.harness.run_cell import DIED, CellJob, Outcome, run_cell

_TaskReference = Any
"""What Ray returns for a task that was submitted."""


class RayBackend:
    """Carries out jobs on a Ray cluster, ``slots`` of them at a time."""

    def __init__(self, slots: int | None, threads: int) -> None:
        address = os.environ.get("RAY_ADDRESS")
        local = None if address else (slots or 1) * threads
        self._ours = not ray.is_initialized()
        if self._ours:
            # A local cluster serves the cells alone: they need not yield to other processes.
            os.environ.setdefault("RAY_worker_niceness", "0")
            # Workers first look for code in the folder in which this is called: there they must
            # find the package that runs here, not some other checkout.
            with contextlib.chdir(Path(ganbench.__file__).parents[1]):
                ray.init(
                    address=address,
                    num_cpus=local,
                    include_dashboard=None if address else False,
                    log_to_driver=False,
                    configure_logging=False,
                    runtime_env={"env_vars": _environment()},
                )
        resources = ray.cluster_resources()
        gpus = resources.get("GPU", 0.0)
        self.slots = slots or max(1, int(gpus or resources.get("CPU", 1.0) // threads))
        # A GPU may hold several small cells: each asks for its share of one.
        share = min(1.0, gpus / self.slots) if gpus else 0.0
        self._work = ray.remote(run_cell).options(num_cpus=threads, num_gpus=share, max_retries=0)

    def start(self, job: CellJob) -> _TaskReference:
        """Submit a job."""
        return self._work.remote(job)

    def ended(
        self, handles: Collection[_TaskReference], seconds: float
    ) -> list[tuple[_TaskReference, Outcome]]:
        """Return the jobs that are over."""
        listed = list(handles)
        ready, _ = ray.wait(listed, num_returns=len(listed), timeout=seconds)
        return [(reference, self._outcome(reference)) for reference in ready]

    def _outcome(self, handle: _TaskReference) -> Outcome:
        try:
            outcome: Outcome = ray.get(handle)
        except RayError as error:
            return Outcome(DIED, str(error).strip().splitlines()[0], lasting=False)
        return outcome

    def stop(self, handle: _TaskReference) -> None:
        """Interrupt a job: the run saves and ends."""
        ray.cancel(handle, force=False)

    def kill(self, handle: _TaskReference) -> None:
        """End the worker of a job."""
        ray.cancel(handle, force=True)

    def close(self) -> None:
        """Leave the cluster; a local cluster is ended."""
        if self._ours:
            ray.shutdown()


def _environment() -> dict[str, str]:
    """Return the variables that workers on other machines must have, too."""
    names = [name for name in os.environ if name.startswith("GANBENCH_")]
    return {name: os.environ[name] for name in [*names, "TORCH_HOME"] if name in os.environ}
