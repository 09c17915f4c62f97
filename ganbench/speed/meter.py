# SPDX-License-Identifier: MIT
"""One GAN under the stopwatch, in this process: how fast it trains and samples.

What is timed is the code that trains: the same state, the same batches, the same step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from ganbench.config import RunConfig
from ganbench.data.batches import Batches
from ganbench.data.dataset import Dataset
from ganbench.gan import Batch, Role
from ganbench.runtime.execution import USUAL, Execution, arithmetic
from ganbench.speed.clock import Clock, Laps
from ganbench.speed.flops import Flops
from ganbench.speed.op_profile import shares
from ganbench.state import State
from ganbench.step import alternate
from ganbench.streams import stream_seed
from ganbench.training.build import build
from ganbench.training.trainer import evaluating
from ganbench.turn import Turn

STEADY = 0.05
"""Three speeds in a row that differ by less than this share are steady."""
WARM_UP_TURNS = 60
"""Warming up ends after this many turns, even if the speed was never steady."""
MOST_CYCLE = 128
"""Measurements count no more iterations than this as one round of the step."""
STEP_PARTS = ("data", "discriminator", "generator", "penalties", "optimizer", "other")
"""The parts into which the time of an iteration is divided."""


@dataclass
class Meter:
    """A GAN that is measured on a device.

    Images are real images shown to the discriminator, as in the records of runs. Times are in
    seconds. Measuring trains the state, which is of no further use.

    Args:
        config: the run.
        dataset: the real examples.
        device: where.
        execution: memory format and compilation.
    """

    config: RunConfig
    dataset: Dataset
    device: torch.device
    execution: Execution = USUAL
    clock: Clock = field(init=False)
    state: State = field(init=False)

    def __post_init__(self) -> None:
        self.clock = Clock(self.device)
        self.state = build(self.config, self.dataset.spec, self.device, execution=self.execution)
        dataset = self.dataset.to(self.device)
        if dataset.sources is not None:
            self.state.sources = dataset.draw_sources
        self._batches = Batches(dataset, self.state.recipe.batch_size, self.config.seed)
        self._iterate = self.state.tricks.step_rule(alternate)
        self._stream = torch.Generator(self.device)
        self._stream.manual_seed(stream_seed(self.config.seed, "throughput"))

    def next_batch(self) -> Batch:
        """Return the next batch of real examples, as the trainer does."""
        batch = self._batches.at(self.state.images_seen)
        self.state.images_seen += len(batch)
        return batch

    def iterate(self, count: int = 1) -> None:
        """Make ``count`` iterations of the step."""
        with arithmetic(self.state.precision), self.state.streams.networks():
            for _ in range(count):
                self._iterate(self.state, self.next_batch)
        self.state.statistics.flush()

    def train(self, seconds: float) -> float:
        """Train for about this long, in whole iterations; return the images per second."""
        return self._turn(self._train_some, seconds)

    def sample(self, seconds: float) -> float:
        """Draw samples in batches of the recipe's size; return the samples per second."""
        return self._turn(self._sample_some, seconds)

    def latencies(self, count: int) -> list[float]:
        """Return the seconds that each of ``count`` single samples took, from noise to image."""
        seconds = []
        with evaluating(self.state):
            sampler = self.state.sampler()
            for _ in range(count + 1):
                begun = self.clock.now()
                sampler(1, self._stream)
                seconds.append(self.clock.now() - begun)
        return seconds[1:]

    def warm_up(self, seconds: float = 0.25, turns: int = WARM_UP_TURNS) -> bool:
        """Train in turns, and sample once, until the speed is steady; False if it never is."""
        self.latencies(1)
        speeds: list[float] = []
        for _ in range(turns):
            speeds.append(self.train(seconds))
            last = speeds[-3:]
            if len(last) == 3 and max(last) - min(last) < STEADY * max(last):
                return True
        return False

    def split(self, iterations: int) -> dict[str, float]:
        """Return the seconds of an iteration by part (see ``STEP_PARTS``), means over iterations.

        The cost of penalties is measured by leaving out all terms of tricks in iterations that
        take turns with whole ones: it is how much shorter the players' turns become.
        """
        laps = self.clock.laps()
        whole: dict[str, float] = dict.fromkeys(STEP_PARTS, 0.0)
        plain: dict[str, float] = dict.fromkeys(STEP_PARTS, 0.0)
        rounds = max(1, iterations // self.cycle)
        for _ in range(rounds):
            for into, muted in ((whole, False), (plain, True)):
                if muted and not self._has_terms:
                    continue
                with watched(self.state, laps, muted=muted) as next_batch:
                    self._lap(laps, next_batch(self.next_batch))
                for name, seconds in laps.seconds().items():
                    into[name] += seconds / (rounds * self.cycle)
        if self._has_terms:
            for role in ("discriminator", "generator"):
                whole["penalties"] += max(0.0, whole[role] - plain[role])
                whole[role] = min(whole[role], plain[role])
        return whole

    def flops(self) -> dict[str, float]:
        """Return the floating-point operations per image of training, and of sampling.

        Counted are the matrix products and convolutions that are carried out in forward passes,
        backward passes and second derivatives (see ``Flops``).
        """
        seen = self.state.images_seen
        with Flops() as counter:  # type: ignore[no-untyped-call]
            self.iterate(self.cycle)
        training = counter.total / (self.state.images_seen - seen)
        batch_size = self.state.recipe.batch_size
        with evaluating(self.state), Flops() as counter:  # type: ignore[no-untyped-call]
            self.state.sampler()(batch_size, self._stream)
        return {"training": training, "sampling": counter.total / batch_size}

    def profile(self, iterations: int = 10) -> dict[str, float]:
        """Return the share of training time by kind of operation (see ``OPERATION_KINDS``)."""
        whole_cycles = max(1, iterations // self.cycle) * self.cycle
        return shares(lambda: self.iterate(whole_cycles), self.clock.now, self.device)

    @property
    def cycle(self) -> int:
        """Iterations after which the step repeats itself: some tricks act at every n-th.

        At most ``MOST_CYCLE``, over which each trick acts nearly as often as in the long run.
        """
        periods = (getattr(trick, "every", None) or 1 for trick in self.state.tricks)
        return min(MOST_CYCLE, math.lcm(*periods))

    @property
    def _has_terms(self) -> bool:
        tricks = self.state.tricks
        return bool(tricks.having("discriminator_terms") or tricks.having("generator_terms"))

    def _lap(self, laps: Laps, next_batch: Callable[[], Batch]) -> None:
        with arithmetic(self.state.precision), self.state.streams.networks():
            laps.mark("start")
            for _ in range(self.cycle):
                self._iterate(self.state, next_batch)
                laps.mark("other")
        self.state.statistics.flush()

    def _train_some(self, count: int) -> int:
        seen = self.state.images_seen
        self.iterate(count)
        return self.state.images_seen - seen

    def _sample_some(self, count: int) -> int:
        batch_size = self.state.recipe.batch_size
        with evaluating(self.state):
            sampler = self.state.sampler()
            return sum(len(sampler(batch_size, self._stream)) for _ in range(count))

    def _turn(self, repeat: Callable[[int], int], seconds: float) -> float:
        """Repeat some work for about this long; return the images per second.

        ``repeat`` does the work ``count`` times, and returns how many images that were. The
        clock, which makes the device wait, is read only a few times: each stretch is twice as
        long as the one before, and the last takes the time that is left.
        """
        begun = self.clock.now()
        images = done = 0
        count = 1
        while True:
            images += repeat(count)
            done += count
            elapsed = self.clock.now() - begun
            if elapsed >= seconds:
                return images / elapsed
            left = math.ceil(done * (seconds - elapsed) / elapsed) if elapsed > 0 else count
            count = max(1, min(2 * count, left))


@contextmanager
def watched(
    state: State, laps: Laps, *, muted: bool
) -> Iterator[Callable[[Callable[[], Batch]], Callable[[], Batch]]]:
    """Mark when each part of a step ends; ``muted`` leaves out the terms that tricks add.

    Yields a function that wraps ``next_batch`` so that batches are watched, too. A player's turn
    is everything until its gradients are there: forward passes, loss and backward pass.
    """
    backward, move, terms = state.backward, state.move, state.tricks.terms

    def watched_backward(turn: Turn, *, retain_graph: bool = False) -> None:
        backward(turn, retain_graph=retain_graph)
        laps.mark(turn.role)

    def watched_move(role: Role) -> None:
        laps.mark("other")
        move(role)
        laps.mark("optimizer")

    def batches(next_batch: Callable[[], Batch]) -> Callable[[], Batch]:
        def watched_batch() -> Batch:
            laps.mark("other")
            batch = next_batch()
            laps.mark("data")
            return batch

        return watched_batch

    chosen_terms = (lambda turn: {}) if muted else terms
    with (
        _replaced(state, backward=watched_backward, move=watched_move),
        _replaced(state.tricks, terms=chosen_terms),
    ):
        yield batches


@contextmanager
def _replaced(owner: object, **functions: Callable[..., Any]) -> Iterator[None]:
    """Give an object other methods for a while."""
    attributes = vars(owner)
    before = {name: attributes[name] for name in functions if name in attributes}
    attributes.update(functions)
    try:
        yield
    finally:
        for name in functions:
            del attributes[name]
        attributes.update(before)
