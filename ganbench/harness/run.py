# SPDX-License-Identifier: MIT
"""One run from its description to its result: data, training, samples, metrics, records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from ganbench import paths
from ganbench.config import TrickConfig
from ganbench.data import Source, open_dataset
from ganbench.errors import ConfigError
from ganbench.evaluation.reference import Reference
from ganbench.harness.plan import RunPlan
from ganbench.harness.run_metrics import RunMetrics
from ganbench.progress import SILENT, Progress
from ganbench.records.atomic_files import (
    check_writable,
    replacing,
    storage_errors,
    sweep_temporary_files,
)
from ganbench.records.environment import describe_environment
from ganbench.records.run_folder import RunFolder, name_folder
from ganbench.runtime.device import choose_device, device_facts
from ganbench.runtime.execution import USUAL, Execution
from ganbench.runtime.threads import set_threads
from ganbench.sampling.draw import draw, picture
from ganbench.state import State
from ganbench.training.checkpoint import export_generator, load_checkpoint
from ganbench.training.distributed import first_then_others, join_processes
from ganbench.training.trainer import Schedule, Trainer, evaluating
from ganbench.trick import Trick, Tricks, overridden_hooks
from ganbench.trick_config import make_trick, merge_tricks

EVALUATIONS = 4
"""How often a run is measured along the way where metrics are quick and nothing is said."""


@dataclass(frozen=True)
class RunOptions:
    """How a run is carried out; nothing here changes its weights but the number of threads."""

    out: Path = field(default_factory=paths.runs)
    resume: bool = False
    device: str = "auto"
    threads: int | None = None
    data_root: Path | None = None
    metrics: tuple[str, ...] | None = None
    samples: int | None = None
    schedule: Schedule = field(default_factory=Schedule)
    execution: Execution = USUAL
    command: str = ""
    sources: Mapping[str, Source] = field(default_factory=dict)
    """Datasets that were handed over as objects, by the name that runs record."""

    def open(self, dataset: str) -> Source:
        """Return the dataset of that name: the one handed over, or what the name opens."""
        return self.sources.get(dataset) or open_dataset(dataset, self.data_root)


class Run:
    """A run that is about to take place.

    Args:
        plan: What it is.
        options: How it is carried out.
        progress: Hears how far it is.
        folder: Where it is stored; None leaves that to the options.
    """

    def __init__(
        self,
        plan: RunPlan,
        options: RunOptions,
        progress: Progress = SILENT,
        *,
        folder: RunFolder | None = None,
    ) -> None:
        self.plan = plan
        self.config = plan.config
        self.options = options
        self.progress = progress
        self.trainer: Trainer | None = None
        self.stop_requested = False
        self.group = join_processes()
        self.folder = folder or self._named_folder()

    def _named_folder(self) -> RunFolder:
        """Return the folder that the options leave to the run; all processes have the same."""
        stem, identity = self.plan.folder_stem, self.config.identity
        named = name_folder(self.options.out, stem, identity, resume=self.options.resume)
        return RunFolder(Path(self.group.broadcast_text(str(named.path))))

    def stop(self) -> None:
        """Ask the loop to save and to stop after the current iteration, or before the first."""
        self.stop_requested = True
        if self.trainer is not None:
            self.trainer.stop_requested = True

    def execute(self) -> dict[str, Any]:
        """Train, measure and record; return the result (of the earlier run if it is finished).

        Of several processes the first measures and records, and all return what it found.

        Raises:
            GanbenchError: bad data, damaged records, a full disk.
        """
        if self.options.resume and self.folder.finished:
            return self.folder.outcome()
        device = choose_device(self.options.device, self.group)
        threads = set_threads(self.options.threads)
        source = self.plan.source
        dataset = first_then_others(self.group, lambda: source.load(source.splits[0]))
        if dataset.spec.version != self.config.dataset_version:
            raise ConfigError(
                f"{self.config.dataset} has changed since this run was described.",
                "Train without --resume.",
            )
        state = self.plan.build(device, self.group, self.options.execution)
        measure = RunMetrics(
            dataset,
            seed=self.config.seed,
            device=str(device),
            metrics=self.options.metrics,
            samples=self.options.samples,
            progress=self.progress,
        )
        self.trainer = Trainer(
            state,
            dataset,
            self.folder,
            seed=self.config.seed,
            schedule=self._schedule(measure.reference),
            snapshot=lambda at, kimg: self._snapshot(at, f"kimg{kimg:08.1f}"),
            evaluate=measure,
            progress=self.progress,
        )
        self.trainer.stop_requested = self.stop_requested
        if self.group.first:
            check_writable(self.folder.path)
        self._begin(device, threads)
        status = self.trainer.train()
        finishes = self.group.first and status != "interrupted"
        result = self._finish(state, status, measure) if finishes else None
        # The others wait here for the first: torchrun may end all when one leaves.
        self.stop_requested = self.group.any_true(self.stop_requested)
        if status == "interrupted":
            return {"schema": 1, **self._facts(state, status), "metrics": {}}
        return result or self.folder.outcome()

    def _schedule(self, reference: Reference) -> Schedule:
        """Leave evaluations along the way out where one would take longer than training."""
        given = self.options.schedule
        usual = 0 if reference.slow else EVALUATIONS
        return given if given.evaluations is not None else replace(given, evaluations=usual)

    def _begin(self, device: torch.device, threads: int) -> None:
        """Write what the run is, or take up the checkpoint of an unfinished one."""
        assert self.trainer is not None
        if self.group.first:
            sweep_temporary_files(self.folder.path)
        if self.options.resume and self.folder.checkpoint_file.is_file():
            self.trainer.resume()
            return
        if not self.group.first:
            return
        for file in (self.folder.stats_file, self.folder.metrics_file):
            with storage_errors(file):
                file.unlink(missing_ok=True)
        known = {**device_facts(device), **self._processes}
        self.folder.write_environment(
            describe_environment(threads=threads, device=str(device), torch_facts=known)
        )
        self.folder.write_config(self.record(threads, str(device)))

    def record(self, threads: int | None, device: str) -> dict[str, Any]:
        """Return what config.json says of the run."""
        return {
            "schema": 1,
            "identity": self.config.identity,
            "config": self.config.model_dump(mode="json"),
            "options": {
                "threads": threads,
                "device": device,
                **self._processes,
                **self.options.execution.record(),
            },
            "command": self.options.command,
        }

    def _finish(self, state: State, status: str, measure: RunMetrics) -> dict[str, Any]:
        """Measure and draw the trained pair, and write the result last."""
        metrics: dict[str, Any] = {}
        with evaluating(state):
            self._snapshot(state, "final")
            if status != "diverged":
                metrics = measure(state)
                if measure.wanted and not metrics:
                    status = "diverged"  # a sample was not finite, and no loss had seen it
                self.folder.append_measurements(
                    {
                        "kimg": state.images_seen / 1000,
                        "seconds": round(self._seconds, 3),
                        "metrics": metrics,
                    }
                )
        export_generator(
            state.sampler().generator,
            self.folder.generator_file,
            {"role": "generator", "config": self.config.model_dump(mode="json")},
        )
        result = {**self._facts(state, status), "metrics": metrics}
        self.folder.write_result(result)
        return {"schema": 1, **result}

    @property
    def _seconds(self) -> float:
        return self.trainer.seconds if self.trainer else 0.0

    @property
    def _processes(self) -> dict[str, int]:
        """Return how many processes trained, where it was more than one."""
        return {"processes": self.group.size} if self.group.size > 1 else {}

    def _facts(self, state: State, status: str) -> dict[str, Any]:
        """Return what is known of the run beside its metrics."""
        rows = self.folder.stats()
        speed = sorted(row["images_per_second"] for row in rows)
        return {
            "status": status,
            "identity": self.config.identity,
            "model": self.config.model,
            "dataset": self.config.dataset,
            "seed": self.config.seed,
            "kimg": state.images_seen / 1000,
            "seconds": round(self._seconds, 2),
            "images_per_second": speed[len(speed) // 2] if speed else None,
            "parameters": state.sizes(),
            "device": str(state.device),
            "precision": state.precision,
            **self._processes,
        }

    def _snapshot(self, state: State, name: str) -> None:
        """Draw the sample grid: always the same latents."""
        count = 64 if state.data.is_image else 2500
        samples = draw(state, count, seed=self.config.seed, purpose="grid")
        with replacing(self.folder.samples_folder / f"{name}.png") as temporary:
            picture(samples, state.data).save(temporary, format="PNG", optimize=True)


def load_state(
    plan: RunPlan,
    folder: RunFolder,
    device: torch.device,
    *,
    sampling: Sequence[TrickConfig] = (),
) -> State:
    """Return the trained state of a run, ready for drawing samples from it.

    ``sampling`` are further tricks, of those that act on nothing but how samples are drawn.

    Raises:
        DamagedRunError: the configuration or the checkpoint is missing or damaged.
        ConfigError: a trick that acts on training.
    """
    state = plan.build(device)
    load_checkpoint(state, folder.checkpoint_file)
    if sampling:
        state.tricks = Tricks(_for_sampling([*state.tricks], sampling))
    return state


def _for_sampling(trained: list[Trick], asked: Sequence[TrickConfig]) -> list[Trick]:
    """Join the tricks of a trained run with further ones that only act on sampling."""
    for config in asked:
        trick = make_trick(config)
        if overridden_hooks(trick) != {"sampler"}:
            raise ConfigError(
                f"The trick '{config.name}' acts on training, and this run is trained.",
                "For sampling there are truncation and drs.",
            )
    return merge_tricks(trained, asked)
