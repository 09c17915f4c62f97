# SPDX-License-Identifier: MIT
"""Training speed of ganbench beside loops written by hand, in turns.

    python benchmarks/training_speed.py [--models vanilla,dcgan,wgan-gp,dcgan+sn+r1]
        [--precisions fp32,bf16] [--rounds 7] [--seconds 2] [--threads 2] [--no-check]
        [--json FILE]

- *article* (``vanilla`` alone): the loop of the article that ganbench starts from, with its one
  missing import: a DataLoader over PIL images, sigmoid and BCELoss, the generator's graph built
  and thrown away in the discriminator's step, every batch printed.
- *plain*: the loop that people write after PyTorch's tutorials, in fp32, on contiguous memory and
  with Adam as torch has it by default. Its data are a float tensor in memory, so that arithmetic
  is compared and not the reading of files. One pass of the generator serves both players.
- *careful*: the arithmetic of ganbench's step (logits and softplus, no wasted gradients, fused
  Adam, bytes in memory, channels-last convolutions, the same precision), written out flat.
- *ganbench*: the step that ``ganbench run`` uses, with the recipe's defaults.

First it is checked that *careful* and *ganbench* are the same arithmetic: an update of each player
from the same weights, images and latents gives the same weights.

Each loop has a process of its own (``turns.py``): *careful* and *ganbench* run in
``arithmetic(precision)`` as ``ganbench run`` does, the others in what torch sets. They take turns,
and the order changes from round to round, so that a machine which slows down slows all; a turn is
as many whole iterations as ``--seconds`` take, with garbage collected before and not meanwhile.
Figures are medians over rounds; ratios are of the same round. FLOPs are those of the matrix
products and convolutions that an iteration carries out; the ceiling is the best that a large
product or convolution of that precision reached in any round so far.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext, redirect_stdout
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args

import torch
from loops import (
    BATCH,
    CPU,
    PROBLEMS,
    Careful,
    Problem,
    article,
    ganbench,
    ganbench_state,
    plain,
)
from torch import Tensor, nn
from turns import Contestant, Measured

from ganbench.config import Precision
from ganbench.data.batches import Batches
from ganbench.records.environment import describe_environment
from ganbench.records.speed_record import Roofline
from ganbench.runtime.execution import arithmetic
from ganbench.speed.flops import Flops
from ganbench.speed.roofline import measure_roofline
from ganbench.state import State
from ganbench.step import update
from ganbench.streams import Streams

REFERENCES = ("article", "plain", "careful")
TOLERANCE = 1e-4
"""How far apart the updates of careful and ganbench may be, as a share of their size."""


@dataclass
class Loop:
    """A loop to measure, and what has been measured."""

    name: str
    precision: Precision
    process: Contestant
    flops_per_image: float = 0.0
    speeds: list[float] = field(default_factory=list)

    @property
    def gflops(self) -> float:
        """GFLOP/s at the median speed."""
        return self.flops_per_image * statistics.median(self.speeds) / 1e9


def start_loops(model: str, precisions: Iterable[Precision]) -> list[Loop]:
    """Start all loops of a problem."""
    chosen: list[tuple[str, Precision]] = [("article", "fp32")] if model == "vanilla" else []
    chosen.append(("plain", "fp32"))
    chosen += [(name, one) for one in precisions for name in ("careful", "ganbench")]
    loops = [Loop(name, one, Contestant(run_loop, model, name, one)) for name, one in chosen]
    for loop in loops:
        loop.flops_per_image = loop.process.introduction()
    return loops


def run_loop(model: str, name: str, precision: Precision) -> Measured:
    """Yield the floating-point operations of an image; then, sent seconds, images per second."""
    iterations, finish = make_loop(PROBLEMS[model], name, precision)
    own = name in {"ganbench", "careful"}
    with arithmetic(precision) if own else nullcontext(), redirect_stdout(io.StringIO()):
        with Flops() as counted:
            images = next(iterations)
        seconds = yield counted.total / images
        while True:
            begun, images = time.perf_counter(), 0
            while time.perf_counter() - begun < seconds:
                images += next(iterations)
            finish()
            seconds = yield images / (time.perf_counter() - begun)


def make_loop(
    problem: Problem, name: str, precision: Precision
) -> tuple[Iterator[int], Callable[[], Any]]:
    """Return a loop, and what a turn of it ends with, within its time."""
    if name == "ganbench":
        state = ganbench_state(problem, precision)
        return ganbench(problem, state), state.statistics.flush
    if name == "careful":
        return iter(Careful(problem, precision)), nothing
    return (article if name == "article" else plain)(problem), nothing


def nothing() -> None:
    """End a turn of a loop that puts nothing aside."""


# -- the check -------------------------------------------------------------------------------


def check(problem: Problem, precision: Precision) -> dict[str, float]:
    """Let careful and ganbench make an update of each player from the same start.

    Returns, for each network, how far apart they are in its worst tensor, as a share of their
    size: the changes of parameters and buffers, and the gradients, as Adam's first update does
    not tell a loss from its double.
    """
    careful, state = Careful(problem, precision), ganbench_state(problem, precision)
    pairs = {
        "generator": (careful.generator, state.generator),
        "discriminator": (careful.discriminator, state.discriminator),
    }
    for mine, theirs in pairs.values():
        copy(theirs, mine)
    before = {name: tensors(theirs) for name, (_, theirs) in pairs.items()}
    make_updates(careful, state, problem, precision)
    return {
        name: max(
            apart(changes(before[name], one) for one in both),
            apart(gradients(one) for one in both),
        )
        for name, both in pairs.items()
    }


def make_updates(careful: Careful, state: State, problem: Problem, precision: Precision) -> None:
    """Make an update of each player, by hand and by ganbench, with the same random numbers."""
    streams = Streams(0, CPU)
    noise, lines = streams["noise"], streams["trick/gradient-penalty"]
    batch = Batches(problem.images, BATCH, seed=0).at(0)
    share = torch.rand(BATCH, generator=lines) if careful.penalty else None
    size = (BATCH, careful.latent_dim)
    with arithmetic(precision):
        update(state, "discriminator", batch)
        latents = torch.randn(size, generator=noise)
        careful.discriminator_turn(batch.images.detach().clone(), latents, share)
        update(state, "generator", batch)
        careful.generator_turn(torch.randn(size, generator=noise))


def copy(source: nn.Module, target: nn.Module) -> None:
    """Copy parameters and buffers by their order: the two networks may name them differently."""
    with torch.no_grad():
        for theirs, mine in zip(
            [*source.parameters(), *source.buffers()],
            [*target.parameters(), *target.buffers()],
            strict=True,
        ):
            assert theirs.shape == mine.shape, (theirs.shape, mine.shape)
            mine.copy_(theirs)


def tensors(network: nn.Module) -> list[Tensor]:
    """Return copies of the parameters and buffers of a network."""
    return [one.detach().double().clone() for one in (*network.parameters(), *network.buffers())]


def changes(before: list[Tensor], network: nn.Module) -> list[Tensor]:
    """Return what the tensors of a network have changed by."""
    return [now - then for now, then in zip(tensors(network), before, strict=True)]


def gradients(network: nn.Module) -> list[Tensor]:
    """Return the gradients that an update has left in a network."""
    return [one.grad.double() for one in network.parameters() if one.grad is not None]


def apart(both: Iterable[list[Tensor]]) -> float:
    """Return the largest distance of a tensor of two lists, as a share of the second's size."""
    mine, theirs = both
    return max(
        float((here - there).norm() / there.norm().clamp_min(1e-30))
        for here, there in zip(mine, theirs, strict=True)
    )


def check_all(names: Sequence[str], precisions: Sequence[Precision]) -> dict[str, Any]:
    """Check every problem in every precision; end the program where the arithmetic differs."""
    found = {name: {one: check(PROBLEMS[name], one) for one in precisions} for name in names}
    for name, by_precision in found.items():
        for precision, distances in by_precision.items():
            worst = max(distances, key=lambda role: distances[role])
            said = f"{name}, {precision}: updates differ by {distances[worst]:.1e} of their size"
            if not distances[worst] <= TOLERANCE:
                raise SystemExit(f"careful and ganbench are not the same arithmetic: {said}")
            print(f"check: {said}", file=sys.stderr)
    return found


# -- measuring and printing ------------------------------------------------------------------


def measure(
    name: str,
    loops: list[Loop],
    ceilings: dict[Precision, Roofline],
    *,
    rounds: int,
    seconds: float,
) -> None:
    """Let loops take turns, in an order that rotates from round to round; the ceiling comes last.

    ``ceilings`` takes up what is higher than what it holds.
    """
    for loop in loops:
        loop.process.turn(seconds)  # to warm up
    for turn in range(rounds):
        for place in range(len(loops)):
            loop = loops[(place + turn) % len(loops)]
            loop.speeds.append(loop.process.turn(seconds))
        for precision in {loop.precision: None for loop in loops}:
            found = measure_roofline(CPU, precision)
            best = ceilings.setdefault(precision, found)
            ceilings[precision] = max(best, found, key=lambda one: one.gflops)
        print(f"{name}: round {turn + 1} of {rounds}", file=sys.stderr)


def ratios(loop: Loop, loops: list[Loop]) -> dict[str, list[float]]:
    """Return a loop's speeds by those of the loops it is held against, round by round.

    *careful* is that of the same precision; the others have one.
    """
    against = {
        other.name: other
        for other in loops
        if other.name in REFERENCES[: order(loop)]
        and (other.name != "careful" or other.precision == loop.precision)
    }
    return {
        name: [mine / theirs for mine, theirs in zip(loop.speeds, other.speeds, strict=True)]
        for name, other in against.items()
    }


def order(loop: Loop) -> int:
    """Return how many of the references a loop may be held against."""
    return REFERENCES.index(loop.name) if loop.name in REFERENCES else len(REFERENCES)


def spread(values: list[float] | None, form: str) -> str:
    """Write a median, with the extremes in brackets."""
    if not values:
        return ""
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:{form}} ({low:{form}}, {high:{form}})"


def table(loops: list[Loop], ceilings: dict[Precision, Roofline]) -> str:
    """Return the table of a model in Markdown, its columns aligned."""
    against = [one for one in REFERENCES if any(loop.name == one for loop in loops)]
    rows = [
        ["loop", "precision", "images/s"]
        + [f"/ {one}" for one in against]
        + ["MFLOP/image", "GFLOP/s", "of ceiling"]
    ]
    for loop in loops:
        held = ratios(loop, loops)
        rows.append(
            [loop.name, loop.precision, spread(loop.speeds, ",.0f")]
            + [spread(held.get(one), ".2f") for one in against]
            + [f"{loop.flops_per_image / 1e6:,.1f}", f"{loop.gflops:,.0f}"]
            + [f"{loop.gflops / ceilings[loop.precision].gflops:.0%}"]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    )


def as_data(loop: Loop, loops: list[Loop], ceiling: float) -> dict[str, Any]:
    """Return all that was found out about a loop."""
    return {
        "loop": loop.name,
        "precision": loop.precision,
        "images_per_second": loop.speeds,
        "ratios": ratios(loop, loops),
        "flops_per_image": loop.flops_per_image,
        "gflops": loop.gflops,
        "share_of_ceiling": loop.gflops / ceiling,
    }


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--models", type=chosen(PROBLEMS), default=list(PROBLEMS))
    parser.add_argument("--precisions", type=chosen(get_args(Precision)), default=["fp32", "bf16"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long a turn is")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--check", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args()


def chosen(known: Iterable[str]) -> Callable[[str], list[str]]:
    """Return what reads names between commas."""
    names = list(known)

    def read(text: str) -> list[str]:
        if unknown := [one for one in text.split(",") if one not in names]:
            raise argparse.ArgumentTypeError(f"no '{unknown[0]}'; there are {', '.join(names)}")
        return text.split(",")

    return read


def main() -> None:
    """Check, measure and print."""
    given = options()
    torch.set_num_threads(given.threads)
    about = describe_environment(
        threads=given.threads, device="cpu", torch_facts={"version": torch.__version__}
    )
    print(
        f"{about['processor']}, {given.threads} threads, torch {torch.__version__}, batch {BATCH}",
        flush=True,
    )
    checked = check_all(given.models, given.precisions) if given.check else None
    ceilings: dict[Precision, Roofline] = {}
    measured = {}
    for name in given.models:
        measured[name] = start_loops(name, given.precisions)
        measure(name, measured[name], ceilings, rounds=given.rounds, seconds=given.seconds)
        for loop in measured[name]:
            loop.process.end()
        print(
            f"\n{name}, {PROBLEMS[name].dataset}:\n\n{table(measured[name], ceilings)}", flush=True
        )
    print()
    for one in ceilings.values():
        print(f"The ceiling of {one.precision}: {one.gflops:,.0f} GFLOP/s ({one.by}).")
    if given.json:
        document = {
            "environment": about,
            "batch": BATCH,
            "rounds": given.rounds,
            "seconds": given.seconds,
            "update_distances": checked,
            "ceilings": {precision: asdict(one) for precision, one in ceilings.items()},
            "models": {
                name: [as_data(loop, loops, ceilings[loop.precision].gflops) for loop in loops]
                for name, loops in measured.items()
            },
        }
        given.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
