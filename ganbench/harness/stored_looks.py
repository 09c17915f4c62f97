# SPDX-License-Identifier: MIT
"""Closer looks at stored runs for a report: what their trained networks draw and judge."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import torch

from ganbench.data.dataset import Dataset
from ganbench.harness.changed_sources import changed_code, check_data_unchanged
from ganbench.harness.image_looks import TrainingImages, between_latents
from ganbench.harness.plan import RunPlan
from ganbench.harness.plane_look import plane_look
from ganbench.harness.stored_run import load_state, plan_of_run
from ganbench.records.run_folder import RunFolder
from ganbench.records.run_record import RunRecord
from ganbench.report.closer_looks import CloserLook
from ganbench.state import State
from ganbench.training.trainer import evaluating

Result = TypeVar("Result")

CHANGED = "drawn by code that has changed since"


class StoredLooks:
    """Draws closer looks at runs, each from the checkpoint in its folder.

    Whatever cannot be drawn is left out: networks whose code is gone, data that are not on this
    machine or have changed since, or a figure that does not suit them. Nothing is downloaded.

    Args:
        folders: The folders of the runs by their names.
    """

    def __init__(self, folders: dict[str, Path]) -> None:
        self._folders = folders
        self._datasets: dict[str, Dataset] = {}
        self._images: dict[tuple[str, tuple[str, ...]], TrainingImages] = {}

    def __call__(self, run: RunRecord) -> Sequence[CloserLook]:
        """Return the looks at a run; none where its networks cannot be rebuilt."""
        path = self._folders.get(run.name)
        if path is None or run.status not in {"done", "collapsed"}:
            return ()
        folder = RunFolder(path)
        with _without_downloads():
            loaded = _attempt(lambda: _load(folder))
            if loaded is None:
                return ()
            plan, state = loaded
            with evaluating(state):
                looks = [look for look in self._looks(run, plan, state) if look is not None]
        remark = CHANGED if changed_code(plan, folder) else ""
        return [
            CloserLook(look.kind, look.image, "; ".join(filter(None, (look.note, remark))))
            for look in looks
        ]

    def _looks(self, run: RunRecord, plan: RunPlan, state: State) -> Iterable[CloserLook | None]:
        seed = plan.config.seed
        if state.data.shape == (2,):
            yield _attempt(lambda: plane_look(state, self._dataset(plan), seed))
        elif state.data.kind == "image" and state.conditional != "source":
            yield _attempt(lambda: between_latents(state, seed))
            yield _attempt(lambda: self._of(run, plan).nearest_to(state, seed))

    def _of(self, run: RunRecord, plan: RunPlan) -> TrainingImages:
        """Return the training images with their features, which runs of one dataset share."""
        dataset = self._dataset(plan)
        key = (plan.config.dataset, tuple(run.metrics))
        if key not in self._images:
            self._images[key] = TrainingImages.of(dataset, plan.source, run.metrics)
        return self._images[key]

    def _dataset(self, plan: RunPlan) -> Dataset:
        """Return the data that a run was trained on, if they are still the same."""
        check_data_unchanged(plan)
        if plan.config.dataset not in self._datasets:
            source = plan.source
            self._datasets[plan.config.dataset] = source.load(source.splits[0])
        return self._datasets[plan.config.dataset]


def _load(folder: RunFolder) -> tuple[RunPlan, State]:
    plan = plan_of_run(folder)
    return plan, load_state(plan, folder, torch.device("cpu"))


def _attempt(make: Callable[[], Result]) -> Result | None:
    """Return what a function makes, or None: a report has to be written whatever fails in it."""
    try:
        return make()
    except Exception:  # noqa: BLE001 - any error of users' code or files means the same
        return None


@contextmanager
def _without_downloads() -> Iterator[None]:
    before = os.environ.get("GANBENCH_OFFLINE")
    os.environ["GANBENCH_OFFLINE"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["GANBENCH_OFFLINE"]
        else:
            os.environ["GANBENCH_OFFLINE"] = before
