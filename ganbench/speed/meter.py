# SPDX-License-Identifier: MIT
"""One GAN under the stopwatch, in this process: how fast it trains, samples, answers.

Everything is the code that trains: the same state, the same batches, the same step.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from ganbench.config import RunConfig
from ganbench.data.batches import Batches
from ganbench.data.dataset import Dataset
from ganbench.gan import Batch, Role
from ganbench.runtime.execution import USUAL, Execution, arithmetic
from ganbench.speed.op_profile import shares
from ganbench.state import State
from ganbench.step import alternate
from ganbench.streams import stream_seed
from ganbench.training.build import build
from ganbench.training.trainer import evaluating
from ganbench.trick import Terms

STEADY = 0.05
"""Speeds of three turns in a row that differ by less than this share are steady."""
WARM_UP_TURNS = 60
"""After so many turns that were never steady, warming up is given up."""
STEP_PARTS = ("data", "discriminator", "generator", "penalties", "optimizer", "other")
"""What the time of an iteration is divided into."""


class Clock:
    """Seconds, read when the device has done all that it was given."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def now(self) -> float:
        """Wait for the device, and return the time in seconds from an arbitrary start."""
        synchronize_device(self.device)
        return time.perf_counter()

    def laps(self) -> Laps:
        """Return a stopwatch for the parts of a step."""
        return EventLaps() if self.device.type == "cuda" else Laps(self.now)


def synchronize_device(device: torch.device) -> None:
    """Wait until a device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


class Laps:
    """A stopwatch: each ``mark`` gives the time since the last one to a name."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._marks: list[tuple[str, Any]] = []

    def mark(self, name: str) -> None:
        """Note that what goes by this name has just ended."""
        self._marks.append((name, self._read()))

    def seconds(self) -> dict[str, float]:
        """Return the seconds by name, and begin anew."""
        marks, self._marks = self._marks, []
        found = dict.fromkeys((name for name, _ in marks[1:]), 0.0)
        for (_, before), (name, after) in pairwise(marks):
            found[name] += self._between(before, after)
        return found

    def _read(self) -> Any:
        return self._now()

    def _between(self, before: Any, after: Any) -> float:
        return float(after - before)


class EventLaps(Laps):
    """The same by CUDA events, which wait for nothing: the device's own time between them."""

    def __init__(self) -> None:
        super().__init__(time.perf_counter)

    def seconds(self) -> dict[str, float]:
        """Wait for the device; return the seconds by name."""
        torch.cuda.synchronize()
        return super().seconds()

    def _read(self) -> Any:
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record()
        return event

    def _between(self, before: Any, after: Any) -> float:
        return float(before.elapsed_time(after)) / 1000.0


class Flops(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the floating-point operations of what is computed meanwhile, by torch's formulas.

    A multiplication and the addition that follows it are two. torch's own counter keeps account
    by modules too, and for that cannot follow a gradient in a leaf, as penalties take it.
    """

    total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Carry an operation out, and count it."""
        output = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.total += int(formula(*args, **(kwargs or {}), out_val=output))
        return output


@dataclass
class Meter:
    """A GAN that is about to be measured on a device.

    Images are real images shown to the discriminator, as in the records of runs. Times are in
    seconds. The state is trained meanwhile, and is of no further use.
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
        self._batches = Batches(
            self.dataset.to(self.device), self.state.recipe.batch_size, self.config.seed
        )
        self._iterate = self.state.tricks.step_rule(alternate)
        self._stream = torch.Generator(self.device)
        self._stream.manual_seed(stream_seed(self.config.seed, "throughput"))

    def next_batch(self) -> Batch:
        """Return the next batch of real examples, as the trainer does."""
        batch = self._batches.at(self.state.images_seen)
        self.state.images_seen += len(batch)
        return batch

    def iterate(self, count: int = 1) -> None:
        """Make so many iterations of the step."""
        with arithmetic(self.state.precision):
            for _ in range(count):
                self._iterate(self.state, self.next_batch)
        self.state.statistics.flush()

    def train(self, seconds: float) -> float:
        """Train for about so long, whole iterations; return the images per second."""
        return self._turn(self._train_some, seconds)

    def sample(self, seconds: float) -> float:
        """Draw samples in batches of the recipe's size; return the samples per second."""
        return self._turn(self._sample_some, seconds)

    def latencies(self, count: int) -> list[float]:
        """Return the seconds that each of ``count`` single samples took, from noise to image."""
        found = []
        with evaluating(self.state):
            sampler = self.state.sampler()
            for _ in range(count + 1):
                begun = self.clock.now()
                sampler(1, self._stream)
                found.append(self.clock.now() - begun)
        return found[1:]

    def warm_up(self, seconds: float = 0.25) -> bool:
        """Train in turns, and sample once, until the speed is steady; False if it never is."""
        self.latencies(1)
        speeds: list[float] = []
        for _ in range(WARM_UP_TURNS):
            speeds.append(self.train(seconds))
            last = speeds[-3:]
            if len(last) == 3 and max(last) - min(last) < STEADY * max(last):
                return True
        return False

    def split(self, iterations: int) -> dict[str, float]:
        """Return the seconds of an iteration by part (see ``STEP_PARTS``), means over so many.

        What penalties cost is the difference that leaving all terms of tricks out makes to the
        players' turns, in iterations that take turns with whole ones.
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

        They are those of the matrix products and convolutions that are carried out, in forward
        and backward passes and second derivatives alike (see ``Flops``).
        """
        seen = self.state.images_seen
        with Flops() as counted:  # type: ignore[no-untyped-call]
            self.iterate(self.cycle)
        training = counted.total / (self.state.images_seen - seen)
        batch = self.state.recipe.batch_size
        with evaluating(self.state), Flops() as counted:  # type: ignore[no-untyped-call]
            self.state.sampler()(batch, self._stream)
        return {"training": training, "sampling": counted.total / batch}

    def profile(self, iterations: int = 10) -> dict[str, float]:
        """Return the share of the time of training by kind of operation (see ``profile.KINDS``)."""
        rounds = max(1, iterations // self.cycle) * self.cycle
        return shares(lambda: self.iterate(rounds), self.clock.now, self.device)

    @property
    def cycle(self) -> int:
        """After how many iterations the step repeats itself: some tricks act at each n-th."""
        return max([1, *(getattr(trick, "every", 1) for trick in self.state.tricks)])

    @property
    def _has_terms(self) -> bool:
        tricks = self.state.tricks
        return bool(tricks.having("discriminator_terms") or tricks.having("generator_terms"))

    def _lap(self, laps: Laps, next_batch: Callable[[], Batch]) -> None:
        with arithmetic(self.state.precision):
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
        batch = self.state.recipe.batch_size
        with evaluating(self.state):
            sampler = self.state.sampler()
            return sum(len(sampler(batch, self._stream)) for _ in range(count))

    def _turn(self, some: Callable[[int], int], seconds: float) -> float:
        """Do something for about so long; return how many images a second it was.

        The clock, which makes the device wait, is read a few times only: each stretch is twice
        as long as the one before, and the last is as long as there is time.
        """
        begun = self.clock.now()
        images = done = 0
        count = 1
        while True:
            images += some(count)
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
    """Mark when each part of a step ends; ``muted`` leaves out what tricks add to the losses.

    Yields a function that has the batches watched, too. What happens before a player's gradients
    are there is its turn: forward passes, loss and backward pass.
    """
    backward, move, terms = state.backward, state.move, state.tricks.terms

    def watched_backward(role: Role, objective: Terms) -> None:
        backward(role, objective)
        laps.mark(role)

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

    muffled = (lambda step: {}) if muted else terms
    with (
        _replaced(state, backward=watched_backward, move=watched_move),
        _replaced(state.tricks, terms=muffled),
    ):
        yield batches


@contextmanager
def _replaced(owner: object, **functions: Callable[..., Any]) -> Iterator[None]:
    """Give one object other methods for a while."""
    own = vars(owner)
    before = {name: own[name] for name in functions if name in own}
    own.update(functions)
    try:
        yield
    finally:
        for name in functions:
            del own[name]
        own.update(before)
