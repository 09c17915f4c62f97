# SPDX-License-Identifier: MIT
"""The runs of a lab: each change or fork begins another one, from a checkpoint of the one before.

A segment is a run like any other, in a folder like any other. A change of settings begins a
segment that goes on from the weights of the one before, as ``ganbench run --from`` does; its
configuration says so, so that its identity is not that of an unchanged run.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ganbench.config import Origin, join_words, trick_text
from ganbench.data import Source, open_dataset
from ganbench.errors import ConfigError
from ganbench.harness.plan import RunPlan, plan_for
from ganbench.harness.run import Run
from ganbench.harness.run_options import RunOptions
from ganbench.lab.lab_options import LabOptions
from ganbench.lab.lab_recipe import LabRecipe
from ganbench.lab.views import view_class
from ganbench.progress import Progress
from ganbench.records.labels import variant_key
from ganbench.records.run_folder import RunFolder
from ganbench.state import State
from ganbench.training.trainer import Schedule, Trainer
from ganbench.trick import overridden_hooks
from ganbench.trick_config import describe_trick

MOST_STATE_BYTES = 200_000_000
"""The most bytes of checkpoints that are kept for forks; older ones are thinned beyond."""


@dataclass(frozen=True)
class Segment:
    """A run of the lab."""

    recipe: LabRecipe
    plan: RunPlan
    folder: RunFolder
    threads: int | None
    changes: int = 0
    """How many changes there were before it, which no command repeats."""

    @property
    def source(self) -> Source:
        """What it is trained on."""
        return self.plan.source

    def after_turn(self) -> Segment:
        """Return the segment after an update that was made by hand.

        It has another identity from then on: no command makes such a run, and none may take it for
        one of its own.
        """
        config = self.plan.config
        turned = config.model_copy(update={"turns_by_hand": config.turns_by_hand + 1})
        plan = replace(self.plan, config=turned)
        return replace(self, plan=plan, changes=self.changes + 1)

    def record(self) -> None:
        """Write into its folder what it is now, where its run has written what it was."""
        config = self.plan.config
        values = {"identity": config.identity, "config": config.model_dump(mode="json")}
        if config.turns_by_hand:
            values["command"] = ""
        self.folder.write_config({**self.folder.config(), **values})


@dataclass(frozen=True)
class KeptState:
    """A checkpoint of a moment, from which a segment can go on."""

    frame: int
    iteration: int
    segment: Segment
    file: Path
    pinned: bool
    """Whether it is the first after something that no replay repeats."""


class Segments:
    """Begins segments, and keeps checkpoints of the past."""

    def __init__(self, options: LabOptions) -> None:
        options.folder.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(dir=options.folder))  # another process may come after
        self._options = options
        self._kept: list[KeptState] = []
        self._number = 0

    def begin(self, recipe: LabRecipe, source: Source | None = None) -> Segment:
        """Return a segment that starts from newly initialized weights, and forget the past.

        Raises:
            GanbenchError: A name is unknown, parts do not fit together, or data are missing.
        """
        planned = self.plan(recipe, source)
        self.forget(-1)
        self._delete_unused()
        return self._segment(recipe, planned)

    def plan(self, recipe: LabRecipe, source: Source | None = None) -> RunPlan:
        """Return the plan of a run from newly initialized weights.

        Args:
            recipe: What it trains.
            source: Data of the page's own; None opens them by name.

        Raises:
            GanbenchError: A name is unknown, parts do not fit together, or data are missing.
        """
        name = recipe.dataset if source is None else None
        return _planned(
            recipe, source or open_dataset(recipe.dataset, self._options.data_root), name
        )

    def check_begin(self, recipe: LabRecipe, source: Source | None = None) -> None:
        """Refuse what ``begin`` or its run would refuse, while another run still goes on.

        Raises:
            GanbenchError: A name is unknown, parts do not fit together, the lab does not show such
                data, or data are missing.
        """
        plan = self.plan(recipe, source)
        view_class(plan.source.spec)
        plan.build(torch.device("cpu"))  # some tricks refuse only what they find in a network
        plan.source.load(plan.source.splits[0])

    def change(self, segment: Segment, recipe: LabRecipe, state: State) -> Segment:
        """Return a segment that goes on with other settings where another one has stopped."""
        self._delete_unused(segment.folder)
        before = segment.plan.config
        name = None if segment.plan.in_memory else recipe.dataset
        planned = _planned(recipe, segment.source, name)
        kimg = state.images_seen / 1000
        segment.folder.write_result(_outcome(segment, state))
        origin = Origin(
            run=before.identity, kimg=kimg, variant=variant_key(before.model_dump(mode="json"))
        )
        changed = planned.config.model_copy(update={"origin": origin})
        plan = replace(planned, config=changed, origin=segment.folder)
        return replace(self._segment(recipe, plan), changes=segment.changes + 1)

    def fork(self, frame: int, iteration: int) -> KeptState:
        """Return the kept state from which a replay comes to a frame, in a folder to go on in.

        It lies before the frame, because a checkpoint has neither the losses nor the gradients of
        the last update, which the frame shows.

        Args:
            frame: The number of the frame.
            iteration: The iteration that it shows.

        Raises:
            ConfigError: None is kept.
        """
        kept = self.kept_before(frame, iteration)
        folder = self._new_folder()
        shutil.copytree(kept.segment.folder.path, folder.path, dirs_exist_ok=True)
        folder.result_file.unlink(missing_ok=True)
        shutil.copyfile(kept.file, folder.checkpoint_file)
        self.forget(frame)
        self._delete_unused(folder)
        segment = replace(kept.segment, folder=folder)
        segment.record()
        return replace(kept, segment=segment)

    def kept_before(self, frame: int, iteration: int) -> KeptState:
        """Return the kept state from which a replay comes to a frame.

        Raises:
            ConfigError: None is kept.
        """
        earlier = [
            kept
            for kept in self._kept
            if kept.frame <= frame and (kept.pinned or kept.iteration < iteration)
        ]
        if not earlier:
            raise ConfigError(f"Frame {frame} is not kept any more.", "Choose a later one.")
        return max(earlier, key=lambda state: (state.frame, state.iteration))

    def run(self, segment: Segment, progress: Progress, attend: Callable[[Trainer], None]) -> Run:
        """Return the run of a segment, ready to be carried out."""
        options = RunOptions(
            out=segment.folder.path.parent,
            resume=True,
            device=self._options.device,
            threads=segment.threads,
            data_root=self._options.data_root,
            metrics=(),
            schedule=Schedule(evaluations=0),
            command=segment.recipe.command(segment.threads),
        )
        return Run(segment.plan, options, progress, folder=segment.folder, attend=attend)

    def keep(
        self, frame: int, iteration: int, segment: Segment, trainer: Trainer, *, pinned: bool
    ) -> None:
        """Keep a checkpoint of the moment, and drop old ones that are too many.

        Of those that a replay comes to, every second old one goes first, then the oldest of all.

        Args:
            frame: The number of the next frame.
            iteration: How many iterations there were.
            segment: The run.
            trainer: Its trainer, between two iterations.
            pinned: Whether a replay from an earlier checkpoint would not come here.
        """
        file = self._folder / f"state{self._number}-{frame}-{iteration}.safetensors"
        trainer.save(file)
        self._kept.append(KeptState(frame, iteration, segment, file, pinned))
        if self._bytes() > MOST_STATE_BYTES:
            old = [kept for kept in self._kept[: len(self._kept) // 2 + 1] if not kept.pinned]
            for kept in old[::2]:
                self._drop(kept)
        # From the oldest on, because a replay from before a pinned one would not come to it.
        while len(self._kept) > 1 and self._bytes() > MOST_STATE_BYTES:
            self._drop(self._kept[0])

    def check_change(self, segment: Segment, recipe: LabRecipe) -> None:
        """Refuse a change that a run cannot go on with.

        Raises:
            GanbenchError: The parts do not fit together, or the networks would be others.
        """
        name = None if segment.plan.in_memory else recipe.dataset
        planned = _planned(recipe, segment.source, name)
        before, after = _wrapping(segment.plan), _wrapping(planned)
        if before != after:
            names = join_words(sorted({text.partition(":")[0] for text in before ^ after}))
            raise ConfigError(
                f"{names} would change the networks, which a run cannot go on with.",
                "Start again with the other recipe.",
            )

    def forget(self, frame: int) -> None:
        """Forget the checkpoints after a frame."""
        for kept in [kept for kept in self._kept if kept.frame > frame]:
            self._drop(kept)

    def _delete_unused(self, *live: RunFolder) -> None:
        """Delete the folders of runs that are not live, and that no kept state is of."""
        used = {folder.path for folder in (*live, *(kept.segment.folder for kept in self._kept))}
        for path in self._folder.iterdir():
            if path.is_dir() and path not in used:
                shutil.rmtree(path)

    def _bytes(self) -> int:
        return sum(kept.file.stat().st_size for kept in self._kept)

    def _drop(self, kept: KeptState) -> None:
        self._kept.remove(kept)
        kept.file.unlink(missing_ok=True)

    def _segment(self, recipe: LabRecipe, plan: RunPlan) -> Segment:
        threads = self._options.threads
        if threads is None and plan.source.spec.kind == "points":
            threads = 1
        return Segment(recipe, plan, self._new_folder(), threads)

    def _new_folder(self) -> RunFolder:
        self._number += 1
        path = self._folder / f"run{self._number}"
        path.mkdir(parents=True)
        return RunFolder(path)


def _wrapping(plan: RunPlan) -> set[str]:
    """Return the tricks of a plan that change how networks are built, as they are written."""
    return {
        trick_text(describe_trick(trick))
        for trick in plan.tricks
        if overridden_hooks(trick) & {"wrap_generator", "wrap_discriminator"}
    }


def _planned(recipe: LabRecipe, source: Source, name: str | None) -> RunPlan:
    settings = {**recipe.settings, "seed": recipe.seed}
    return plan_for(source, name, recipe.model, recipe.tricks, settings)


def _outcome(segment: Segment, state: State) -> dict[str, Any]:
    """Return the result of a segment that a change ends."""
    config = segment.plan.config
    stats = segment.folder.stats()
    return {
        "status": "done",
        "identity": config.identity,
        "model": config.model,
        "dataset": config.dataset,
        "seed": config.seed,
        "kimg": state.images_seen / 1000,
        "seconds": float(stats[-1]["seconds"]) if stats else 0.0,
        "images_per_second": None,
        "parameters": state.sizes(),
        "device": str(state.device),
        "precision": state.precision,
        "metrics": {},
    }
