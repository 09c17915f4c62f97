# SPDX-License-Identifier: MIT
"""Training speed of ganbench next to loops written by hand, in turns.

    python benchmarks/training_speed.py [--models vanilla,dcgan,wgan-gp,dcgan+sn+r1]
        [--precisions fp32,bf16] [--rounds 7] [--seconds 2] [--threads 2] [--no-check]
        [--json FILE]

- *article* (``vanilla`` alone): the loop of the article that ganbench starts from, with its one
  missing import: a DataLoader over PIL images, sigmoid and BCELoss, the generator's graph built
  and thrown away in the discriminator's step, every batch printed.
- *plain*: the loop that people write after PyTorch's tutorials, in fp32, on contiguous memory and
  with torch's default Adam. Its data are a float tensor in memory, so that arithmetic is compared
  and not the reading of files. One pass of the generator serves both players.
- *careful*: the arithmetic of ganbench's step (logits and softplus, no wasted gradients, fused
  Adam, bytes in memory, channels-last convolutions, the same precision), written out flat.
- *ganbench*: the step of ``ganbench run``, with the recipe's defaults.

First a check (``update_check.py``) shows that *careful* and *ganbench* are the same arithmetic: an
update of each player from the same weights, images and latents gives the same weights.

Each loop has a process of its own (``turns.py``): *careful* and *ganbench* run in
``arithmetic(precision)`` like ``ganbench run``, the others with torch's own settings. They take
turns, and the order changes from round to round, so that a machine which slows down slows all. A
turn is as many whole iterations as ``--seconds`` take; garbage is collected before a turn, not in
it. Figures are medians over rounds; ratios are of the same round. FLOPs are counted over the matrix
products and convolutions of an iteration. The ceiling is the best that a large product or
convolution of that precision has reached in any round so far.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext, redirect_stdout
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args

import torch
from loops import Careful, ganbench, ganbench_state
from plain_loops import article, plain
from problems import BATCH, CPU, PROBLEMS, Problem
from turns import Contestant, Measured
from update_check import check_all

from ganbench.config import Precision
from ganbench.records.environment import describe_environment
from ganbench.records.speed_record import Roofline
from ganbench.runtime.execution import arithmetic
from ganbench.speed.flops import Flops
from ganbench.speed.roofline import measure_roofline

REFERENCES = ("article", "plain", "careful")
"""The loops that later ones are compared with, in this order."""


@dataclass
class Loop:
    """A loop, and its speeds."""

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
    variants: list[tuple[str, Precision]] = [("article", "fp32")] if model == "vanilla" else []
    variants.append(("plain", "fp32"))
    variants += [(name, precision) for precision in precisions for name in ("careful", "ganbench")]
    loops = [
        Loop(name, precision, Contestant(run_loop, model, name, precision))
        for name, precision in variants
    ]
    for loop in loops:
        loop.flops_per_image = loop.process.introduction()
    return loops


def run_loop(model: str, name: str, precision: Precision) -> Measured:
    """Yield the operations per image; then, for each number of seconds sent, images per second."""
    iterations, finish = make_loop(PROBLEMS[model], name, precision)
    sets_arithmetic = name in {"ganbench", "careful"}
    settings = arithmetic(precision) if sets_arithmetic else nullcontext()
    with settings, redirect_stdout(io.StringIO()):
        with Flops() as counter:
            images = next(iterations)
        seconds = yield counter.total / images
        while True:
            begun, images = time.perf_counter(), 0
            while time.perf_counter() - begun < seconds:
                images += next(iterations)
            finish()
            seconds = yield images / (time.perf_counter() - begun)


def make_loop(
    problem: Problem, name: str, precision: Precision
) -> tuple[Iterator[int], Callable[[], Any]]:
    """Return a loop, and a function that ends each turn of it, within the turn's time."""
    if name == "ganbench":
        state = ganbench_state(problem, precision)
        return ganbench(problem, state), state.statistics.flush
    if name == "careful":
        return iter(Careful(problem, precision)), do_nothing
    return (article if name == "article" else plain)(problem), do_nothing


def do_nothing() -> None:
    """End a turn of a loop that keeps no statistics."""


def measure(
    name: str,
    loops: list[Loop],
    ceilings: dict[Precision, Roofline],
    *,
    rounds: int,
    seconds: float,
) -> None:
    """Let loops take turns, in an order that rotates from round to round; the ceiling comes last.

    Args:
        name: of the problem.
        loops: get the speed of each round.
        ceilings: the highest so far, by precision; higher ones replace them.
        rounds: in which every loop has a turn.
        seconds: of a turn.
    """
    for loop in loops:
        loop.process.turn(seconds)  # to warm up
    for turn in range(rounds):
        for place in range(len(loops)):
            loop = loops[(place + turn) % len(loops)]
            loop.speeds.append(loop.process.turn(seconds))
        for precision in {loop.precision: None for loop in loops}:
            ceiling = measure_roofline(CPU, precision)
            highest = ceilings.setdefault(precision, ceiling)
            ceilings[precision] = max(highest, ceiling, key=lambda roofline: roofline.gflops)
        print(f"{name}: round {turn + 1} of {rounds}", file=sys.stderr)


def ratios(loop: Loop, loops: list[Loop]) -> dict[str, list[float]]:
    """Return the ratios of a loop's speeds to those of its references, round by round.

    *careful* is that of the same precision; the others have only one precision.
    """
    references = {
        other.name: other
        for other in loops
        if other.name in REFERENCES[: reference_count(loop)]
        and (other.name != "careful" or other.precision == loop.precision)
    }
    return {
        name: [own / others for own, others in zip(loop.speeds, other.speeds, strict=True)]
        for name, other in references.items()
    }


def reference_count(loop: Loop) -> int:
    """Return how many of the references a loop may be compared with."""
    return REFERENCES.index(loop.name) if loop.name in REFERENCES else len(REFERENCES)


def spread(values: list[float] | None, form: str) -> str:
    """Return a median as text, with the extremes in brackets."""
    if not values:
        return ""
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:{form}} ({low:{form}}, {high:{form}})"


def table(loops: list[Loop], ceilings: dict[Precision, Roofline]) -> str:
    """Return the table of a model in Markdown, its columns aligned."""
    references = [name for name in REFERENCES if any(loop.name == name for loop in loops)]
    rows = [
        ["loop", "precision", "images/s"]
        + [f"/ {name}" for name in references]
        + ["MFLOP/image", "GFLOP/s", "of ceiling"]
    ]
    for loop in loops:
        by_reference = ratios(loop, loops)
        rows.append(
            [loop.name, loop.precision, spread(loop.speeds, ",.0f")]
            + [spread(by_reference.get(name), ".2f") for name in references]
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
    """Return everything that was measured of a loop."""
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
    parser.add_argument("--models", type=names_among(PROBLEMS), default=list(PROBLEMS))
    parser.add_argument(
        "--precisions", type=names_among(get_args(Precision)), default=["fp32", "bf16"]
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long a turn is")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--check", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args()


def names_among(known: Iterable[str]) -> Callable[[str], list[str]]:
    """Return a function that reads names, separated by commas."""
    names = list(known)

    def read(text: str) -> list[str]:
        if unknown := [name for name in text.split(",") if name not in names]:
            raise argparse.ArgumentTypeError(f"no '{unknown[0]}'; there are {', '.join(names)}")
        return text.split(",")

    return read


def main() -> None:
    """Check, measure and print."""
    arguments = options()
    torch.set_num_threads(arguments.threads)
    environment = describe_environment(
        threads=arguments.threads, device="cpu", torch_facts={"version": torch.__version__}
    )
    machine = f"{environment['processor']}, {arguments.threads} threads"
    print(f"{machine}, torch {torch.__version__}, batch {BATCH}", flush=True)
    checked = check_all(arguments.models, arguments.precisions) if arguments.check else None
    ceilings: dict[Precision, Roofline] = {}
    measured = {}
    for name in arguments.models:
        measured[name] = start_loops(name, arguments.precisions)
        measure(name, measured[name], ceilings, rounds=arguments.rounds, seconds=arguments.seconds)
        for loop in measured[name]:
            loop.process.end()
        print(
            f"\n{name}, {PROBLEMS[name].dataset}:\n\n{table(measured[name], ceilings)}", flush=True
        )
    print()
    for ceiling in ceilings.values():
        print(f"Ceiling of {ceiling.precision}: {ceiling.gflops:,.0f} GFLOP/s ({ceiling.by}).")
    if arguments.json:
        document = {
            "environment": environment,
            "batch": BATCH,
            "rounds": arguments.rounds,
            "seconds": arguments.seconds,
            "update_distances": checked,
            "ceilings": {precision: asdict(ceiling) for precision, ceiling in ceilings.items()},
            "models": {
                name: [as_data(loop, loops, ceilings[loop.precision].gflops) for loop in loops]
                for name, loops in measured.items()
            },
        }
        arguments.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
