# SPDX-License-Identifier: MIT
"""One run from its plan to its result: data, training, samples, metrics, records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ganbench.config import RunConfig
from ganbench.data import Dataset
from ganbench.errors import ConfigError
from ganbench.evaluation.reference import Reference
from ganbench.harness.begun_run import record_threads, recorded_execution, recorded_threads
from ganbench.harness.best_evaluation import APART, best_evaluation, is_best
from ganbench.harness.continuation import start_from_origin
from ganbench.harness.plan import RunPlan
from ganbench.harness.run_logs import RunLogs
from ganbench.harness.run_metrics import (
    AS_USUAL,
    MeasuredMetrics,
    RunMetrics,
    missing_metrics,
    wanted_metrics,
)
from ganbench.harness.run_options import RunOptions
from ganbench.harness.stored_run import add_sources, measure_again
from ganbench.harness.watched_progress import WatchedProgress
from ganbench.health.watch import watch_over
from ganbench.kinds import kind_of
from ganbench.progress import SILENT, Progress
from ganbench.records.atomic_files import (
    check_writable,
    storage_errors,
    sweep_temporary_files,
)
from ganbench.records.environment import describe_environment
from ganbench.records.locks import holding_run
from ganbench.records.run_folder import RunFolder, name_folder
from ganbench.runtime.device import choose_device, device_facts
from ganbench.runtime.execution import Execution
from ganbench.runtime.threads import default_threads, set_threads
from ganbench.sampling.draw import draw
from ganbench.sampling.sample_files import write_picture
from ganbench.speed.thread_choice import choose_threads
from ganbench.state import State
from ganbench.training.batch_memory import check_batch_memory
from ganbench.training.checkpoint import export_generator
from ganbench.training.distributed import first_then_others, join_processes
from ganbench.training.trainer import Attend, Schedule, Trainer, evaluating

EVALUATIONS = 4
"""How many times a run is measured during training, by default, if metrics are quick."""


class Run:
    """A run that is about to be carried out.

    Args:
        plan: The model, data, tricks and settings, resolved.
        options: How the run is carried out.
        progress: Is told how far the run is.
        folder: The folder of the run, which the caller holds; None means a folder below
            ``options.out``.
        attend: Is given the trainer before each iteration.
    """

    def __init__(
        self,
        plan: RunPlan,
        options: RunOptions,
        progress: Progress = SILENT,
        *,
        folder: RunFolder | None = None,
        attend: Attend | None = None,
    ) -> None:
        self.plan = plan
        self.options = options
        self.logs = RunLogs(progress, options.loggers)
        self.progress = WatchedProgress(self.logs)
        self.trainer: Trainer | None = None
        self._attend = attend
        self.stop_requested = False
        self.added_metrics: list[str] = []
        """The metrics that a finished run lacked, and that were added."""
        self.group = join_processes()
        self._holds_folder = folder is not None
        self.folder = folder or self._named_folder()

    @property
    def config(self) -> RunConfig:
        """What is trained, and from what."""
        return self.plan.config

    def _named_folder(self) -> RunFolder:
        """Return the folder below ``options.out`` that is the run's, or may be once it is made."""
        stem, identity = self.plan.folder_stem, self.config.identity
        return name_folder(self.options.out, stem, identity, resume=self.options.resume)

    @contextmanager
    def _holding_folder(self) -> Iterator[None]:
        """Hold the run's folder in the first process; it is the same one in all."""
        with ExitStack() as stack:
            if self.group.first and not self._holds_folder:
                held = holding_run(self.folder, self._named_folder, resume=self.options.resume)
                self.folder = stack.enter_context(held)
            self.folder = RunFolder(Path(self.group.broadcast_text(str(self.folder.path))))
            yield

    def stop(self) -> None:
        """Ask the loop to save and stop after the current iteration, or before the first."""
        self.stop_requested = True
        if self.trainer is not None:
            self.trainer.stop_requested = True

    def execute(self) -> dict[str, Any]:
        """Train, measure and record; return the result, which a finished run has already.

        With several processes, the first one measures and records, and all return its result.

        Raises:
            GanbenchError: The data cannot be read, records are damaged, or the disk is full.
        """
        if self.options.resume and self.folder.finished:
            return self._complete()
        device = choose_device(self.options.device, self.group)
        data = self.plan.source.spec
        make_gan = self.plan.gan_with_tricks
        check_batch_memory(data, self.config, device, make_gan, self.group.size)
        dataset = self._load_dataset()
        threads = set_threads(self._threads(dataset, device))
        state = self.plan.build(device, self.group, self.execution)
        add_sources(state, self.plan)
        measure = RunMetrics(
            self._real(dataset),
            seed=self.config.seed,
            device=str(device),
            metrics=self.options.metrics,
            samples=self.options.samples,
            progress=self.progress,
        )
        if not measure.any_requested:
            self.progress.say(nothing_measured(self.config.dataset))
        self.trainer = Trainer(
            state,
            dataset,
            self.folder,
            seed=self.config.seed,
            schedule=self._schedule(measure.reference),
            snapshot=lambda state, kimg: self._snapshot(state, f"kimg{kimg:08.1f}"),
            evaluate=measure,
            confirm=lambda state, metrics: self._confirm(state, metrics, measure),
            progress=self.progress,
            attend=self._attend,
        )
        self.trainer.stop_requested = self.stop_requested
        if self.config.origin is not None and not self._has_begun:
            start_from_origin(self.trainer, self.plan)  # before a folder is made: it may not fit
        with self._holding_folder():
            if self.options.resume and self.folder.finished:  # by the process that held it before
                return self.folder.outcome()
            return self._train(self.trainer, measure, threads)

    def _complete(self) -> dict[str, Any]:
        """Return the result of a finished run, with the requested metrics that it lacked."""
        outcome, measuring = self.folder.outcome(), self.options.measuring
        metrics = self.options.metrics
        if metrics is None:  # what it has stays, unless other samples are asked for
            metrics = (
                ()
                if measuring == AS_USUAL
                else (*outcome["metrics"], *outcome.get("unmeasured", ()))
            )
        wanted = wanted_metrics(self.plan.source, metrics, measuring)
        self.added_metrics = missing_metrics(outcome, wanted)
        if self.added_metrics or self.options.loggers:
            with self._holding_folder():
                if self.group.first and self.added_metrics:
                    measure_again(
                        self.plan,
                        self.folder,
                        self.added_metrics,
                        device=self.options.device,
                        threads=self.options.threads,
                        measuring=measuring,
                        progress=self.progress,
                    )
                if self.group.first:
                    self.logs.write(self.folder)
                self.group.wait()
        return self.folder.outcome()

    def _train(self, trainer: Trainer, measure: RunMetrics, threads: int) -> dict[str, Any]:
        """Train in the folder that is held, measure and record; return the result."""
        state = trainer.state
        trainer.folder = self.folder
        if self.group.first:
            check_writable(self.folder.path)
        self._begin(state.device, threads)
        with self.logs.listening(self.folder if self.group.first else None):
            status = trainer.train()
            finishes = self.group.first and status != "interrupted"
            result = self._finish(state, status, measure) if finishes else None
        # The others wait here for the first: torchrun may end all processes when one leaves.
        self.stop_requested = self.group.any_true(self.stop_requested)
        if status == "interrupted":
            return {"schema": 1, **self._facts(state, status), "metrics": {}}
        return result or self.folder.outcome()

    def _threads(self, dataset: Dataset, device: torch.device) -> int:
        """Return the number of threads: as asked for, as the run began, or the best one now."""
        begun = self._begun_threads
        if begun is not None and (self.options.threads is None or self.options.keeps_threads):
            return begun  # another number would add in another order
        if self.options.threads is not None:
            return self.options.threads
        most = default_threads(self.group.size)
        if self.group.size > 1:
            return most
        return choose_threads(self.config, dataset, device, most, self.execution)

    def _load_dataset(self) -> Dataset:
        """Load the examples to train on, and check that they are the ones that were planned."""
        source = self.plan.source
        dataset = first_then_others(self.group, lambda: source.load(source.splits[0]))
        if dataset.spec.version != self.config.dataset_version:
            raise ConfigError(
                f"{self.config.dataset} has changed since this run was planned.",
                "Train without --resume.",
            )
        return dataset

    def _real(self, trained: Dataset) -> Dataset:
        """Return the examples that metrics compare with."""
        source, measuring = self.plan.source, self.options.measuring
        return first_then_others(self.group, lambda: measuring.real(source, trained))

    def _schedule(self, reference: Reference) -> Schedule:
        """Return the schedule; by default, slow metrics are not measured during training."""
        schedule = self.options.schedule
        if schedule.evaluations is not None:
            return schedule
        return replace(schedule, evaluations=0 if reference.slow else EVALUATIONS)

    def _begin(self, device: torch.device, threads: int) -> None:
        """Write the run's configuration, or continue from the checkpoint of an unfinished run."""
        assert self.trainer is not None
        if self.group.first:
            sweep_temporary_files(self.folder.path)
        if self._has_begun:
            self.trainer.resume()
            if self.group.first and self._begun_threads not in {None, threads}:
                record_threads(self.folder, threads, self.trainer.state.images_seen / 1000)
            self.progress.watch = watch_over(self.folder.stats(), self.folder.measurements())
            return
        if not self.group.first:
            return
        for file in (self.folder.stats_file, self.folder.metrics_file):
            with storage_errors(file):
                file.unlink(missing_ok=True)
        torch_facts = {**device_facts(device), **self._processes}
        self.folder.write_environment(
            describe_environment(threads=threads, device=str(device), torch_facts=torch_facts)
        )
        self.folder.write_config(self.record(threads, str(device)))

    @property
    def _begun_threads(self) -> int | None:
        """The number of threads that the record of a run that has begun states."""
        return recorded_threads(self.folder) if self._has_begun else None

    @property
    def execution(self) -> Execution:
        """How steps are computed: as before if the run has begun, otherwise as is asked for."""
        return recorded_execution(self.folder) if self._has_begun else self.options.execution

    def record(self, threads: int | None, device: str) -> dict[str, Any]:
        """Return the contents of config.json.

        Args:
            threads: The number of CPU threads; None if it was left to torch.
            device: The device that trains: ``cpu``, ``cuda:0``.
        """
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
        """Draw and measure the trained pair, export the generator, and write the result last."""
        measured = MeasuredMetrics()
        kimg = state.images_seen / 1000
        with evaluating(state):
            self._snapshot(state, "final")
            if status != "diverged":
                measured = measure.final(state)
                metrics = measured.metrics
                if measure.any_requested and not metrics:
                    status = "diverged"  # a sample is not finite, although all losses were
                row = {"kimg": kimg, "seconds": round(self._seconds, 3), "metrics": metrics}
                if self.folder.measurements():  # otherwise there is nothing to choose from
                    row |= self._confirm(state, metrics, measure)
                self.folder.append_measurements(row)
                self.logs.measured_last(kimg, round(self._seconds, 3), metrics)
        export_generator(
            state.sampler().generator,
            self.folder.generator_file,
            {"role": "generator", "config": self.config.model_dump(mode="json")},
        )
        metrics, unmeasured = measured.metrics, measured.unmeasured
        best = best_evaluation(self.folder.measurements()) if metrics else {}
        result = {
            **self._facts(state, status),
            "metrics": metrics,
            **({"unmeasured": unmeasured} if unmeasured else {}),
            **({"best": best} if best else {}),
            "health": self.progress.ended(kimg, metrics, status),
        }
        self.folder.write_result(result)
        self.logs.end(status, metrics)
        return {"schema": 1, **result}

    def _confirm(
        self, state: State, metrics: Mapping[str, Any], measure: RunMetrics
    ) -> dict[str, Any]:
        """Measure the best evaluation so far on samples apart from those that show it is best."""
        kimg = state.images_seen / 1000
        earlier = [row for row in self.folder.measurements() if row["kimg"] != kimg]
        return {APART: measure.apart(state)} if is_best(metrics, earlier) else {}

    @property
    def _has_begun(self) -> bool:
        """Whether an earlier command has begun the run, which is to continue."""
        return self.options.resume and self.folder.checkpoint_file.is_file()

    @property
    def _seconds(self) -> float:
        return self.trainer.seconds if self.trainer else 0.0

    @property
    def _processes(self) -> dict[str, int]:
        """The number of processes that train, if there are several, for the record."""
        return {"processes": self.group.size} if self.group.size > 1 else {}

    def _facts(self, state: State, status: str) -> dict[str, Any]:
        """Return everything that the result holds except the metrics."""
        speeds = sorted(row["images_per_second"] for row in self.folder.stats())
        return {
            "status": status,
            "identity": self.config.identity,
            "model": self.config.model,
            "dataset": self.config.dataset,
            "seed": self.config.seed,
            "kimg": state.images_seen / 1000,
            "seconds": round(self._seconds, 2),
            "images_per_second": speeds[len(speeds) // 2] if speeds else None,
            "parameters": state.sizes(),
            "device": str(state.device),
            "precision": state.precision,
            **self._processes,
        }

    def _snapshot(self, state: State, name: str) -> None:
        """Draw the sample grid, always from the same latents."""
        count = kind_of(state.data).pictured
        drawn = draw(state, count, seed=self.config.seed, purpose="grid")
        file = self.folder.samples_folder / f"{name}.png"
        write_picture(drawn, state.data, file)
        self.logs.pictured(state.images_seen / 1000, round(self._seconds, 3), file)


def nothing_measured(dataset: str) -> str:
    """Return the sentence that a run without metrics begins with."""
    return (
        f"Nothing will be measured: no metric is named, and none suits {dataset} by itself. "
        "For example: --metrics fid,kid,lpips"
    )
