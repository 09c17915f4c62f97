# SPDX-License-Identifier: MIT
"""Cells on a Ray cluster: the cluster that ``RAY_ADDRESS`` names, or a local one.

A worker or a node that dies takes only its own cells with it; they begin again on the others, from
their checkpoints. Nodes that join are given cells. All nodes must see the folder of the runs.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

import ganbench
from ganbench.errors import GanbenchError, error_text, foreign_errors
from ganbench.harness.ray_cluster import PROBE_SECONDS, SharedFolder, check_cluster, seen_from
from ganbench.harness.run_cell import DIED, CellJob, Outcome, run_cell

_TaskReference = Any
"""What Ray returns for a task that was submitted."""

LOOK_SECONDS = 2.0
"""How often the number of cells at a time follows nodes that join or leave."""


class RayBackend:
    """Carries out jobs on a Ray cluster.

    Args:
        slots: The most cells at a time; None means as many as the nodes hold.
        threads: The CPU threads of each.
        out: The folder of the runs, which all nodes must see; None checks nothing.
        device: The device of the cells; on ``cpu`` they take no share of a GPU.

    Raises:
        GanbenchError: There is no cluster, it refuses the token, a node does not see the folder, or
            no node has as many cores as a cell has threads.
    """

    def __init__(
        self, slots: int | None, threads: int, out: Path | None = None, device: str = "auto"
    ) -> None:
        self._asked, self._threads, self._device = slots, threads, device
        self._ours = not ray.is_initialized()
        address = os.environ.get("RAY_ADDRESS")
        if self._ours:
            _connect(address, (slots or 1) * threads)
        self._slots, self._each, self._looked_at = 0, 0, -math.inf
        self._shared = SharedFolder(out) if out is not None else None
        try:
            self._check_nodes()
            if not self.slots:
                raise GanbenchError(
                    "No node of the cluster has room for a cell with "
                    f"{_counted(threads, 'thread')}: there are {self._size()}.",
                    "Name fewer threads, such as --threads 1.",
                )
        except BaseException:
            self.close()
            raise
        where = f"Ray at {address}" if address else "Ray on this machine"
        capped = f", as the nodes hold no more than that of the {slots}"
        self.notices = (
            f"{where}: {self._size()}; {_counted(self.slots, 'cell')} at a time"
            f"{capped if slots and self.slots < slots else ''}.",
        )
        """What was found, in a sentence."""

    @property
    def slots(self) -> int:
        """The number of cells that the nodes hold, as they join and leave, and at most as asked.

        No cell waits in Ray's own queue, where its time would run.
        """
        if time.monotonic() - self._looked_at >= LOOK_SECONDS:
            self._looked_at = time.monotonic()
            resources = [node["Resources"] for node in _alive()]
            takes_gpus = self._device != "cpu"
            self._each = cells_per_gpu(resources, self._asked) if takes_gpus else 0
            self._slots = held_cells(resources, self._threads, self._each)
        return self._slots if self._asked is None else min(self._asked, self._slots)

    def start(self, job: CellJob) -> _TaskReference:
        """Submit a job."""
        # A GPU may hold several small cells: each asks for its share of one. Ray counts shares in
        # units of 0.0001: rounded up, six sixths would be more than a whole.
        share = math.floor(10_000 / self._each) / 10_000 if self._each else 0.0
        work = ray.remote(_run_where_seen).options(
            num_cpus=self._threads, num_gpus=share, max_retries=0
        )
        return work.remote(job, self._shared.word if self._shared else "")

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
        if self._shared is not None:
            self._shared.close()
        if self._ours:
            ray.shutdown()

    def _check_nodes(self) -> None:
        """Let every node look at the shared folder, all of them at the same time."""
        if self._shared is not None:
            nodes = [(node["NodeID"], _name(node)) for node in _alive()]
            self._shared.check(nodes, partial(_look, self._shared, dict(nodes)))

    def _size(self) -> str:
        """Return how many nodes, cores and GPUs there are."""
        resources = ray.cluster_resources()
        nodes, cores, gpus = len(_alive()), resources.get("CPU", 0), resources.get("GPU", 0)
        found = [(nodes, "node"), (cores, "CPU core"), (gpus, "GPU")]
        return ", ".join(_counted(count, noun) for count, noun in found if count)


def cells_per_gpu(nodes: Sequence[Mapping[str, float]], asked: int | None) -> int:
    """Return how many cells share a GPU; 0 if no node has one.

    Args:
        nodes: What each node has, as Ray counts it: ``{"CPU": 8.0, "GPU": 1.0}``.
        asked: The most cells at a time; None is one for each GPU.
    """
    gpus = sum(int(node.get("GPU", 0)) for node in nodes)
    return math.ceil((asked or gpus) / gpus) if gpus else 0


def held_cells(nodes: Sequence[Mapping[str, float]], threads: int, each: int) -> int:
    """Return how many cells the nodes hold, each cell on one of them.

    Args:
        nodes: What each node has, as Ray counts it: ``{"CPU": 8.0, "GPU": 1.0}``.
        threads: The cores that each cell takes.
        each: The cells that share a GPU; 0 if cells take none.
    """
    by_cores = [int(node.get("CPU", 0) // threads) for node in nodes]
    by_gpus = [int(node.get("GPU", 0)) * each for node in nodes]
    return sum(map(min, by_cores, by_gpus)) if each else sum(by_cores)


def _connect(address: str | None, cores: int) -> None:
    """Connect to the cluster of an address, or start a local one with some cores."""
    if address:
        check_cluster(address)
    # A local cluster serves the cells alone: they need not yield to other processes.
    os.environ.setdefault("RAY_worker_niceness", "0")

    def wording(error: BaseException) -> GanbenchError:
        return GanbenchError(f"Ray did not start: {error_text(error)}.")

    # Workers first look for code in the folder in which this is called: there they must find the
    # package that runs here, not some other checkout.
    with contextlib.chdir(Path(ganbench.__file__).parents[1]), foreign_errors(wording):
        ray.init(
            address=address or "local",
            num_cpus=None if address else cores,
            include_dashboard=None if address else False,
            log_to_driver=False,
            configure_logging=False,
            runtime_env={"env_vars": _environment()},
        )


def _run_where_seen(job: CellJob, word: str) -> Outcome:
    """Carry out a job, on a node that sees the folder of the runs; another node may have joined."""
    problem = seen_from(str(job.options.out), word) if word else ""
    if problem:
        node = ray.util.get_node_ip_address()
        return Outcome(DIED, f"The node {node} joined, but {problem}.", lasting=False)
    return run_cell(job)


def _look(shared: SharedFolder, names: dict[str, str], identifier: str) -> Any:
    """Start the look of a node at the shared folder; return a function that waits for it."""
    strategy = NodeAffinitySchedulingStrategy(identifier, soft=False)
    task = ray.remote(seen_from).options(num_cpus=0, max_retries=0, scheduling_strategy=strategy)
    return partial(_answer, task.remote(str(shared.path), shared.word, names[identifier]))


def _answer(reference: _TaskReference) -> str:
    """Return what a node saw, or why it could not look."""
    try:
        return str(ray.get(reference, timeout=PROBE_SECONDS))
    except Exception as error:  # noqa: BLE001 - what a node lacks is raised in many forms
        return str(error).strip().splitlines()[-1].rstrip(".")


def _alive() -> list[dict[str, Any]]:
    """Return the nodes of the cluster that live."""
    return [node for node in ray.nodes() if node["Alive"]]


def _name(node: dict[str, Any]) -> str:
    """Return the address of a node and the beginning of its identifier, as it may name a file."""
    return f"{node['NodeManagerAddress'].replace(':', '.')}-{node['NodeID'][:6]}"


def _counted(count: float, noun: str) -> str:
    return f"{count:g} {noun}{'' if count == 1 else 's'}"


def _environment() -> dict[str, str]:
    """Return the variables that workers on other machines must have, too."""
    names = [name for name in os.environ if name.startswith("GANBENCH_")]
    return {name: os.environ[name] for name in [*names, "TORCH_HOME"] if name in os.environ}
