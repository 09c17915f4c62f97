# SPDX-License-Identifier: MIT
"""The Frechet distance of 2,048 features, by several methods in turn in one process.

    python benchmarks/frechet_distance.py [--rounds 5] [--size 2048] [--threads 2] [--json FILE]

- *sqrtm*: tr of ``scipy.linalg.sqrtm(S1 @ S2)``, like pytorch-fid, clean-fid and dgm-eval.
- *eigvals*: the roots of ``numpy.linalg.eigvals(S1 @ S2)``, by torch-fidelity's own function.
- *ganbench*: ``frechet_distance``; the reference's root is computed again each time.
- *ganbench, root kept*: the same with the root computed before, as for a floor or a second set of
  fakes.
- *ganbench, interval*: value, standard error and bias by the exact delete-one jackknife over
  4,096 samples, with the root computed before.

All read the same two means and covariances of rectified features, of full rank. The methods take
turns, and the order changes from round to round. The figures are medians over rounds, and ratios
are of the same round.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import scipy
import torch
from scipy.linalg import sqrtm
from threadpoolctl import threadpool_limits
from torch_fidelity.metric_fid import fid_statistics_to_metric

from ganbench.evaluation.math.frechet import frechet_distance, jackknife, root_of
from ganbench.evaluation.math.moments import Moments, moments

PROBED = 4096
Method = Callable[[], float]


def features(seed: int, count: int, size: int) -> np.ndarray:
    """Return rectified features (count, size) float32 whose variances span some decades."""
    random = np.random.default_rng(seed)
    mixing = np.random.default_rng(0).normal(size=(size, size)).astype(np.float32) / size**0.5
    scales = np.exp(-4 * np.random.default_rng(1).random(size)).astype(np.float32)
    drawn = random.normal(size=(count, size)).astype(np.float32) @ mixing
    return np.maximum(drawn + 0.05 * seed, 0) * scales


def by_sqrtm(real: Moments, fake: Moments) -> float:
    """Return the distance by pytorch-fid's formula."""
    root = sqrtm(real.covariance @ fake.covariance)
    difference = real.mean - fake.mean
    trace = np.trace(real.covariance) + np.trace(fake.covariance)
    return float(difference @ difference + trace - 2 * np.trace(root).real)


def by_eigvals(real: Moments, fake: Moments) -> float:
    """Return the distance by torch-fidelity's function."""
    pair = [{"mu": side.mean, "sigma": side.covariance} for side in (real, fake)]
    (value,) = fid_statistics_to_metric(*pair, False).values()
    return float(value)


def methods_of(size: int) -> dict[str, Method]:
    """Return every method to compute the same distance, by name."""
    real = moments(features(0, size + 1000, size))
    drawn = features(1, max(PROBED, size + 1000), size)
    fake, probe = moments(drawn), drawn[:PROBED]
    root_of(real)  # computed once, and kept with the moments
    return {
        "sqrtm": lambda: by_sqrtm(real, fake),
        "eigvals": lambda: by_eigvals(real, fake),
        "ganbench": lambda: frechet_distance(replace(real), fake),
        "ganbench, root kept": lambda: frechet_distance(real, fake),
        "ganbench, interval": lambda: jackknife(real, fake, probe).distance,
    }


def timed(method: Method) -> tuple[float, float]:
    """Return the seconds of one turn, and the distance."""
    begin = time.perf_counter()
    value = method()
    return time.perf_counter() - begin, value


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    seconds: dict[str, list[float]] = {}
    values: dict[str, float] = {}
    with threadpool_limits(options.threads):
        for method in methods_of(64).values():  # loads everything that is loaded on first use
            method()
        methods = methods_of(options.size)
        names = list(methods)
        for turn in range(options.rounds):
            first = turn % len(names)
            for name in names[first:] + names[:first]:
                turn_seconds, values[name] = timed(methods[name])
                seconds.setdefault(name, []).append(turn_seconds)
            print(f"round {turn + 1}/{options.rounds}", file=sys.stderr)
    ratios = {
        f"{slow} / {fast}": [a / b for a, b in zip(seconds[slow], seconds[fast], strict=True)]
        for fast in names[2:]
        for slow in names[:2]
    }
    print(
        f"Frechet distance, d = {options.size}, float64, {options.threads} threads, "
        f"numpy {np.__version__}, scipy {scipy.__version__}, torch {torch.__version__}"
    )
    for name in names:
        middle, low, high = _spread(seconds[name])
        deviation = values[name] / values["ganbench"] - 1
        print(
            f"{name:32s} median {middle:7.3f} s  (min {low:.3f}, max {high:.3f})  "
            f"value {values[name]:.9f}  ({deviation:+.1e} of ganbench's)"
        )
    for name, by_round in ratios.items():
        middle, low, high = _spread(by_round)
        print(f"{name:32s} median {middle:7.1f}    (min {low:.1f}, max {high:.1f})")
    if options.json:
        facts = {"threads": options.threads, "size": options.size, "machine": platform.machine()}
        versions = {library.__name__: library.__version__ for library in (np, scipy, torch)}
        measured = {"seconds": seconds, "ratios": ratios, "values": values}
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(facts | versions | measured, file, indent=2)


def _spread(values: list[float]) -> tuple[float, float, float]:
    return statistics.median(values), min(values), max(values)


if __name__ == "__main__":
    main()
