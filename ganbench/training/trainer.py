# SPDX-License-Identifier: MIT
"""The training loop of all GANs: batches, ticks, snapshots, checkpoints, and when to stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.data.array_source import rows_from_anywhere
from ganbench.data.batches import Batches
from ganbench.data.dataset import Dataset
from ganbench.gan import Batch
from ganbench.health.collapse import COLLAPSED_BELOW
from ganbench.progress import Progress
from ganbench.records.json_values import as_number, as_text, as_whole
from ganbench.records.run_folder import RunFolder
from ganbench.runtime.contention import Contention, busy_sentence
from ganbench.runtime.execution import arithmetic
from ganbench.state import State
from ganbench.step import alternate
from ganbench.streams import stream_seed
from ganbench.training.breach import one_sentence
from ganbench.training.checkpoint import (
    continue_from,
    load_checkpoint,
    misfit,
    save_checkpoint,
)
from ganbench.training.contract import check_memory, check_subset
from ganbench.training.first_iteration import first_iteration
from ganbench.training.signals import signals
from ganbench.trick import StepRule

ITERATIONS_PER_VOTE = 16
"""The number of iterations after which several processes ask each other whether to stop."""

DIVERSITY_SAMPLES = 256

Confirm = Callable[[State, Mapping[str, Any]], Mapping[str, Any]]

Attend = Callable[["Trainer"], None]
"""Is given the trainer before each iteration; it may wait, look at the state, or ask to stop."""


@dataclass(frozen=True)
class Schedule:
    """How often the loop pauses to record, draw, measure and save; none changes the weights."""

    ticks: int = 100
    """The number of rows of statistics."""
    snapshots: int = 8
    """The number of sample grids."""
    evaluations: int | None = None
    """The number of measurements; None leaves it to the harness, which knows how long one takes."""
    checkpoint_seconds: float = 20.0
    """The time between two checkpoints, at least."""


class Trainer:
    """Trains a state on a dataset, and writes statistics and checkpoints to a run folder.

    Args:
        state: The training state, newly built.
        dataset: The real examples.
        folder: The folder of the run.
        seed: The seed of the order of the examples.
        schedule: How often to record, draw, measure and save.
        snapshot: Draws the sample grid of a state, at some kimg.
        evaluate: Measures a state and returns the measurements as they are recorded, by name.
        confirm: Is given a state and its measurements; returns what else the record of the
            evaluation holds.
        progress: Is told of each tick and each measurement.
        attend: Is given the trainer before each iteration. The time it takes does not count.
    """

    def __init__(
        self,
        state: State,
        dataset: Dataset,
        folder: RunFolder,
        *,
        seed: int,
        schedule: Schedule,
        snapshot: Callable[[State, float], None],
        evaluate: Callable[[State], Mapping[str, Any]],
        progress: Progress,
        confirm: Confirm = lambda state, metrics: {},
        attend: Attend | None = None,
    ) -> None:
        self.state = state
        self.folder = folder
        self.schedule = schedule
        self.snapshot = snapshot
        self.evaluate = evaluate
        self.confirm = confirm
        self.progress = progress
        self.attend = attend
        self.stop_requested = False
        self.group = state.group
        self.seconds = 0.0
        self._iterations = 0
        self._attended_seconds = 0.0
        self._contention = Contention()
        self._checked = False  # whether an iteration has shown that the contract is kept
        self._stop_agreed = False
        self._ended = ""  # how training ended before its length, if the checkpoint says so
        self._last_look_up = 0  # the images seen then
        examples = _selected(state, dataset.to(state.device))
        if examples.sources is not None and state.sources is None:
            state.sources = examples.draw_sources
        self.batches = Batches(examples, state.recipe.batch_size, seed, self.group)
        self.target = math.ceil(round(1000 * state.recipe.kimg, 6))
        self._tick_images = max(state.recipe.batch_size, self.target // schedule.ticks)

    def resume(self) -> None:
        """Continue from the folder's checkpoint; drop rows that will be written again."""
        facts = load_checkpoint(self.state, self.folder.checkpoint_file)
        seconds, looked_up = as_number(facts.get("seconds")), as_whole(facts.get("looked_up"))
        if seconds is None or looked_up is None:
            raise misfit(self.folder.checkpoint_file, "it does not say how far it is")
        self.seconds, self._last_look_up = seconds, looked_up
        self._ended = as_text(facts.get("ended"))
        if self._ended not in {"", "diverged"}:
            raise misfit(self.folder.checkpoint_file, "it does not say how it ended")
        if self.group.first:
            self.folder.forget_after(self.state.images_seen / 1000)

    def continue_from(
        self, path: Path, *, same_optimizers: Collection[str], same_pace: bool, streams: bool
    ) -> None:
        """Begin with the checkpoint of another run: see ``checkpoint.continue_from``."""
        facts = continue_from(
            self.state,
            path,
            same_optimizers=same_optimizers,
            same_pace=same_pace,
            streams=streams,
        )
        self.seconds = as_number(facts.get("seconds")) or 0.0
        self._last_look_up = self.state.images_seen

    def train(self) -> str:
        """Train to the end; return the status: done, diverged, collapsed or interrupted.

        Raises:
            ContractError: A model or a trick failed.
        """
        with one_sentence("in training"):
            return self._train()

    def _train(self) -> str:
        if self._ended:
            return self._ended
        state = self.state
        iterate = state.tricks.step_rule(alternate)
        last_tick = last_save = self._clock()
        images_at_last_tick = state.images_seen
        next_tick = _next_multiple(state.images_seen, self._tick_images)
        while self._advance(iterate, min(next_tick, self.target)):
            row = state.statistics.flush(self.group)  # the only place that waits for the device
            if all(map(math.isfinite, row.values())):  # a network may fail on what is not finite
                row |= signals(state, self.group)
            self._tell_of_contention()
            now = self._clock()
            self.seconds += now - last_tick
            if self.group.first:
                images = state.images_seen - images_at_last_tick
                self._record_tick(row, images / (now - last_tick))
            if not all(math.isfinite(value) for value in row.values()):
                self._ended = "diverged"
                self.save()
                return self._ended
            self._look_up()
            if self.group.any_true(self._clock() - last_save > self.schedule.checkpoint_seconds):
                self.save()
                last_save = self._clock()
            self._iterations = 0
            images_at_last_tick, last_tick = state.images_seen, self._clock()
            next_tick = _next_multiple(state.images_seen, self._tick_images)
        if state.images_seen < self.target:
            self.seconds += self._clock() - last_tick
            self.save()
            return "interrupted"
        self.save()
        return self.group.broadcast_text(self._ending() if self.group.first else "")

    def _advance(self, iterate: StepRule, until: int) -> bool:
        """Iterate until that many images were seen; return False at the end, or on a stop."""
        state = self.state
        if state.images_seen >= self.target:
            return False
        self._contention.begin()
        with arithmetic(state.precision), state.streams.networks():
            while state.images_seen < until:
                if self.attend is not None:
                    self._let_attend(self.attend)
                if self._stopping():
                    return False
                if self._checked:
                    iterate(state, self.next_batch)
                else:
                    first_iteration(state, iterate, self.next_batch)
                    self._checked = True
        self._contention.end()
        return True

    def _let_attend(self, attend: Attend) -> None:
        """Let somebody look at the state, and leave out the time that it takes."""
        began = time.perf_counter()
        attend(self)
        self._attended_seconds += time.perf_counter() - began

    def _clock(self) -> float:
        """Return a time in seconds that stands still while somebody looks at the state."""
        return time.perf_counter() - self._attended_seconds

    def _tell_of_contention(self) -> None:
        """Say, once, that other processes take the cores that training needs."""
        waits = self.group.size > 1 or self.state.device.type != "cpu"  # for others, or the device
        lost = None if waits else self._contention.lost()
        if lost is not None:
            self.progress.say(busy_sentence(lost, torch.get_num_threads()))

    def _ending(self) -> str:
        """Return the status of training that was not interrupted."""
        diversity = self.diversity()
        if not math.isfinite(diversity):  # the last update broke the weights, after the last loss
            return "diverged"
        return "collapsed" if diversity < COLLAPSED_BELOW else "done"

    def next_batch(self) -> Batch:
        """Return the next batch of real examples, and count it as shown, over all processes."""
        batch = self.batches.at(self.state.images_seen)
        self.state.images_seen += self.batches.batch_size
        return batch

    def _stopping(self) -> bool:
        """Tell whether to stop now; several processes ask each other.

        They ask after a tick and every few iterations, because a tick may take minutes, and
        torchrun kills processes that take half a minute to stop.
        """
        if self.group.size == 1:
            return self.stop_requested
        if self._iterations % ITERATIONS_PER_VOTE == 0:
            self._stop_agreed = self.group.any_true(self.stop_requested)
        self._iterations += 1
        return self._stop_agreed

    def save(self, path: Path | None = None) -> None:
        """Write the checkpoint, to another file if one is named; all processes must call this."""
        check_memory(self.state)
        facts: dict[str, Any] = {"seconds": self.seconds, "looked_up": self._last_look_up}
        if self._ended:  # a run whose result could not be written must not train on
            facts["ended"] = self._ended
        save_checkpoint(self.state, path or self.folder.checkpoint_file, facts)

    def diversity(self) -> float:
        """Return how much samples vary among themselves, as a share of how much real ones do.

        This is the ratio of the standard deviations over 256 examples, averaged over pixels or
        coordinates: near one for a good generator, near zero when all samples are the same, not
        finite where the samples are not.
        """
        with evaluating(self.state):
            stream = torch.Generator(self.state.device).manual_seed(
                stream_seed(self.state.streams.seed, "eval/diversity")
            )
            fakes = self.state.sampler()(DIVERSITY_SAMPLES, stream).images
        return _spread(fakes) / max(self._real_spread, 1e-12)

    @cached_property
    def _real_spread(self) -> float:
        """How much real examples vary; they may be sorted, so they are taken from anywhere."""
        dataset = self.batches.dataset
        rows = torch.from_numpy(rows_from_anywhere(len(dataset), DIVERSITY_SAMPLES))
        return _spread(dataset.batch(rows.to(dataset.values.device)).images)

    def _record_tick(self, means: dict[str, float], images_per_second: float) -> None:
        """Write the statistics of a tick, and report them."""
        seen = self.state.images_seen
        row = {
            "kimg": seen / 1000,
            "seconds": round(self.seconds, 3),
            "images_per_second": round(images_per_second, 1),
            **means,
        }
        if all(map(math.isfinite, means.values())):
            row |= self._diversity_if_due()
        self.folder.append_stats(row)
        seconds = (self.target - seen) / images_per_second if images_per_second else math.inf
        self.progress.tick(row, min(1.0, seen / self.target), max(0.0, seconds))

    def _diversity_if_due(self) -> dict[str, float]:
        """Return the diversity of samples, if it is finite, where sample grids are drawn."""
        seen = self.state.images_seen
        if not part_ended(self._last_look_up, seen, self.target, self.schedule.snapshots):
            return {}
        diversity = self.diversity()
        return {"diversity": diversity} if math.isfinite(diversity) else {}

    def _look_up(self) -> None:
        """Draw the sample grid and measure, if either has become due since the last tick."""
        before, seen = self._last_look_up, self.state.images_seen
        self._last_look_up = seen
        if not self.group.first:
            return
        kimg = seen / 1000
        if part_ended(before, seen, self.target, self.schedule.snapshots):
            with evaluating(self.state):
                self.snapshot(self.state, kimg)
        evaluations = self.schedule.evaluations or 0
        if seen < self.target and part_ended(before, seen, self.target, evaluations):
            with evaluating(self.state):
                metrics = self.evaluate(self.state)
                further = self.confirm(self.state, metrics)
            seconds = round(self.seconds, 3)
            row = {"kimg": kimg, "seconds": seconds, "metrics": metrics, **further}
            self.folder.append_measurements(row)
            self.progress.measured(kimg, metrics)


def _spread(examples: Tensor) -> float:
    """Return the standard deviation over examples (N, ...), averaged over pixels or coordinates."""
    return float(examples.std(0, correction=0).mean())


@contextmanager
def evaluating(state: State) -> Iterator[None]:
    """Put every network into evaluation mode, without gradients, and restore its mode after.

    Random streams of training are set aside: an evaluation changes nothing.
    """
    gathered = [value for memory in state.memory.values() for value in memory.values()]
    networks = [state.generator, state.discriminator, *state.partners.values()]
    networks += [value for value in gathered if isinstance(value, nn.Module)]
    modes = [network.training for network in networks]
    for network in networks:
        network.eval()
    try:
        with torch.no_grad(), state.streams.set_aside():
            yield
    finally:
        for network, mode in zip(networks, modes, strict=True):
            network.train(mode)


def _selected(state: State, dataset: Dataset) -> Dataset:
    """Return the examples that the tricks select for training."""
    for trick in state.tricks.having("subset"):
        all_indices = torch.arange(len(dataset), device=dataset.values.device)
        indices = trick.subset(dataset.batch(all_indices), state)
        if indices is not None:
            check_subset(trick, indices, len(dataset))
        dataset = dataset if indices is None else dataset.take(indices.to(all_indices.device))
    return dataset


def _next_multiple(seen: int, step: int) -> int:
    """Return the first multiple of ``step`` above ``seen``."""
    return (seen // step + 1) * step


def part_ended(before: int, seen: int, target: int, count: int) -> bool:
    """Tell whether one of ``count`` equal parts of training ended after ``before`` images.

    Args:
        before: The images that had been seen when this was asked the last time.
        seen: The images that have been seen.
        target: The images that are seen in all.
        count: The number of parts, 0 or more.
    """
    return count > 0 and seen * count // target > before * count // target
