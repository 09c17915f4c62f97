# SPDX-License-Identifier: MIT
"""Precision and recall of large sets: ganbench against full distance matrices.

    python benchmarks/precision_recall.py [--samples 10000] [--size 2048] [--rounds 3] [--json FILE]

- *plain*: the method of prdc and its descendants: three full matrices of Euclidean distances by
  scikit-learn with ``n_jobs=8``, like prdc, and the k-th smallest of each row by ``argpartition``.
- *torch-fidelity*: its own function, which keeps three full matrices by ``torch.cdist``.
- *ganbench*: the sweep that all four metrics share, so its time includes density and coverage.

Each measurement is a process of its own that makes its features, and then computes. Its memory
is the growth of its peak resident memory after the features are made. The processes take turns,
and the order changes from round to round. The figures are medians over rounds, and ratios are of
the same round.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

K = 3
Pair = tuple[float, float]
Features = NDArray[np.float32]


def features(samples: int, size: int) -> tuple[Features, Features]:
    """Return real and generated features, rectified like those of a network."""
    random = np.random.default_rng(0)
    real, fake = (random.standard_normal((samples, size), dtype=np.float32) for _ in range(2))
    for side, scale in ((real, 1.0), (fake, 0.99)):
        np.multiply(side, scale, out=side)
        np.maximum(side, 0.0, out=side)
    return real, fake


def plain(real: Features, fake: Features) -> Pair:
    """Return precision and recall from three full matrices."""
    from sklearn.metrics import pairwise_distances

    def radii(side: Features) -> NDArray[np.float32]:
        distances = pairwise_distances(side, side, metric="euclidean", n_jobs=8)
        indices = np.argpartition(distances, K + 1, axis=-1)[..., : K + 1]
        return np.take_along_axis(distances, indices, axis=-1).max(axis=-1)

    real_radii, fake_radii = radii(real), radii(fake)
    distances = pairwise_distances(real, fake, metric="euclidean", n_jobs=8)
    precision = (distances <= real_radii[:, None]).any(axis=0).mean()
    recall = (distances <= fake_radii[None]).any(axis=1).mean()
    return float(precision), float(recall)


def torch_fidelity(real: Features, fake: Features) -> Pair:
    """Return precision and recall by torch-fidelity's defaults."""
    import torch
    from torch_fidelity.metric_prc import calculate_precision_recall_full

    pair = calculate_precision_recall_full(torch.from_numpy(fake), torch.from_numpy(real), K)
    return float(pair[0]), float(pair[1])


def ganbench(real: Features, fake: Features) -> Pair:
    """Return precision and recall by ganbench's sweep."""
    from ganbench.evaluation.math.neighborhoods import sweep_neighborhoods

    neighborhoods = sweep_neighborhoods(real, fake)
    return float(neighborhoods.inside.mean()), float(neighborhoods.recalled.mean())


METHODS: dict[str, Callable[[Features, Features], Pair]] = {
    "plain": plain,
    "torch-fidelity": torch_fidelity,
    "ganbench": ganbench,
}


def peak_mib() -> float:
    """Return the peak of this process's resident memory so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 if sys.platform != "darwin" else 1024**2)


def measure(method: str, samples: int, size: int, threads: int) -> None:
    """Print the figures of a method as JSON; libraries are loaded and warmed up before."""
    import torch

    if threads:
        torch.set_num_threads(threads)
    small = features(64, 32)
    METHODS[method](*small)
    real, fake = features(samples, size)
    before, begin = peak_mib(), time.perf_counter()
    values = METHODS[method](real, fake)
    seconds = time.perf_counter() - begin
    print(json.dumps({"values": values, "seconds": seconds, "mib": peak_mib() - before}))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0 is its default")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--only", choices=METHODS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        measure(options.only, options.samples, options.size, options.threads)
        return
    words = [sys.executable, __file__, *sys.argv[1:], "--only"]
    figures: dict[str, list[dict[str, float]]] = {name: [] for name in METHODS}
    for turn in range(options.rounds):
        names = list(METHODS)
        for name in names[turn % 3 :] + names[: turn % 3]:
            done = subprocess.run([*words, name], capture_output=True, text=True, check=True)
            figures[name].append(json.loads(done.stdout))
        print(f"round {turn + 1}/{options.rounds}", file=sys.stderr)
    report(figures, options)


def report(figures: dict[str, list[dict[str, float]]], options: argparse.Namespace) -> None:
    """Print the figures, and write them to a file if one is named."""
    print(f"{options.samples:,} x {options.samples:,} x {options.size:,} float32")
    for name, rounds in figures.items():
        seconds, mib = (
            statistics.median(turn[key] for turn in rounds) for key in ("seconds", "mib")
        )
        precision, recall = rounds[0]["values"]  # type: ignore[misc]
        print(
            f"{name:14s} {seconds:8.2f} s {mib:9.0f} MiB   "
            f"precision {precision:.4f}, recall {recall:.4f}"
        )
    ratios: dict[str, dict[str, list[float]]] = {}
    for other in list(figures)[:-1]:
        pairs = list(zip(figures[other], figures["ganbench"], strict=True))
        ratios[other] = {key: [a[key] / b[key] for a, b in pairs] for key in ("seconds", "mib")}
        for key, words in (("seconds", "times as fast as"), ("mib", "times less memory than")):
            values = ratios[other][key]
            middle, low, high = statistics.median(values), min(values), max(values)
            print(f"{middle:.1f} {words} {other} (min {low:.1f}, max {high:.1f})")
    if options.json:
        facts = {"machine": platform.machine(), "samples": options.samples, "size": options.size}
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({**facts, "rounds": figures, "ratios": ratios}, file, indent=2)


if __name__ == "__main__":
    main()
