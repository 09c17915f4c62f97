# SPDX-License-Identifier: MIT
"""Are floors, biases, intervals, and counts of modes right? Simulations with known answers.

    python benchmarks/simulated_metrics.py [PART ...] [--trials 40] [--json FILE]

The parts, all of them by default:

- *floors*: the floor from the real set alone, compared with the mean value of fresh samples of
  the same distribution against fresh real sets, at the same counts.
- *bias*: the bias that FID reports, compared with its mean excess over the true value, where the
  numbers of real and generated samples differ.
- *intervals*: how often 95 % intervals hold the expectation over the fakes, with the reference
  held fixed, which is what they are made for; and the expectation over references as well.
- *modes*: how many modes are counted in real images of a known number of classes, by PacGAN's
  rule (a single sample), by a minimum count, and with the classifier's errors taken out.
- *mind*: how much the bias of MIND depends on the seed, with one halving and with ten.

Features are Gaussian, or Gaussian and rectified; images are the test digits of mnist5k, and the
test images of Fashion-MNIST where they are on this machine. All seeds are fixed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganbench import registry
from ganbench.data import open_dataset
from ganbench.errors import MissingDataError
from ganbench.evaluation.corrected_modes import corrected_modes, expected_counts, seen_modes
from ganbench.evaluation.evidence import Evidence, of_features
from ganbench.evaluation.held_out import floor_of_held_out
from ganbench.evaluation.metric import Value
from ganbench.metrics import mind

Features = NDArray[np.float32]
Draw = Callable[[np.random.Generator, int], Features]
Row = dict[str, Any]

FLOOR_METRICS = ("fid", "mind", "coverage", "density", "precision", "recall", "authpct", "kid-full")
FLOOR_COUNTS = ((2000, 300), (1000, 1000), (500, 2000))
BIAS_COUNTS = ((300, 20_000), (20_000, 300), (300, 300), (2000, 2000))
INTERVAL_METRICS = ("fid", "kid-full", "mind", "precision", "recall", "density", "coverage")
INTERVAL_COUNTS = ((1000, 300), (300, 1000))
FEW_DIRECTIONS = 200
"""Directions of MIND, fewer than its own, which cost time and move no expectation."""


def gaussian(size: int) -> Draw:
    """Return what draws Gaussian features whose deviations fall from 1 to 1/4."""
    deviations = np.geomspace(1.0, 0.25, size)
    return lambda random, count: (random.normal(size=(count, size)) * deviations).astype(np.float32)


def rectified(size: int) -> Draw:
    """Return what draws correlated features with their negative values replaced by 0."""
    mixing = np.random.default_rng(size).normal(size=(size, size)) / size**0.5
    return lambda random, count: np.maximum(
        random.normal(size=(count, size)) @ mixing + 0.2, 0.0
    ).astype(np.float32)


FEATURES = {
    "Gaussian, d = 16": gaussian(16),
    "Gaussian, d = 64": gaussian(64),
    "rectified, d = 64": rectified(64),
}


def floors(trials: int) -> Iterator[Row]:
    """Yield the mean floor and its deviation next to the mean value of fresh samples."""
    metrics = {name: registry.metrics.get(name)() for name in FLOOR_METRICS}
    for features, draw in FEATURES.items():
        for n_real, n_fake in FLOOR_COUNTS:
            random = np.random.default_rng(0)
            values: dict[str, list[float]] = {name: [] for name in metrics}
            estimates: dict[str, list[float | None]] = {name: [] for name in metrics}
            for trial in range(trials):
                real, fake = of_features(draw(random, n_real)), of_features(draw(random, n_fake))
                for name, metric in metrics.items():
                    values[name].append(metric.compute(real, fake, seed=0).value)
                    if trial < max(4, trials // 4):
                        floor = metric.floor(real, n_fake)
                        floor = floor or floor_of_held_out(metric, real, n_fake)
                        estimates[name].append(floor.value)
            for name in metrics:
                known = [value for value in estimates[name] if value is not None]
                yield {
                    "features": features,
                    "real": n_real,
                    "fake": n_fake,
                    "metric": name,
                    "value": float(np.mean(values[name])),
                    "error": float(np.std(values[name]) / trials**0.5),
                    "floor": float(np.mean(known)) if known else None,
                    "deviation": float(np.std(known)) if known else None,
                }


def bias(trials: int) -> Iterator[Row]:
    """Yield the mean bias that FID reports next to the mean excess of its value."""
    fid = registry.metrics.get("fid")()
    for features, draw in FEATURES.items():
        for scale in (1.0, 1.5):
            large = np.random.default_rng(1)
            for n_real, n_fake in BIAS_COUNTS:
                random = np.random.default_rng(0)
                true = _true_distance(draw, scale, large)
                rounds = max(4, trials // (4 if max(n_real, n_fake) > 5000 else 1))
                measured = [
                    fid.compute(
                        of_features(draw(random, n_real)),
                        of_features(draw(random, n_fake) * np.float32(scale)),
                        seed=0,
                    )
                    for _ in range(rounds)
                ]
                yield {
                    "features": features,
                    "scale": scale,
                    "real": n_real,
                    "fake": n_fake,
                    "excess": float(np.mean([value.value for value in measured])) - true,
                    "bias": float(np.mean([value.bias for value in measured])),
                    "warned": float(np.mean([bool(value.warning) for value in measured])),
                }


def _true_distance(draw: Draw, scale: float, random: np.random.Generator) -> float:
    """Return FID at infinitely many samples: scaling by s adds (s - 1)^2 (tr S + |m|^2)."""
    if scale == 1.0:
        return 0.0
    sample = draw(random, 400_000).astype(np.float64)
    return (scale - 1.0) ** 2 * float(sample.var(axis=0).sum() + np.square(sample.mean(0)).sum())


def intervals(trials: int) -> Iterator[Row]:
    """Yield how often intervals hold the expectation, the reference held fixed or drawn again."""
    metrics = {name: registry.metrics.get(name)() for name in INTERVAL_METRICS}
    for features, draw in FEATURES.items():
        for scale in (1.0, 1.3):
            for n_real, n_fake in INTERVAL_COUNTS:
                random = np.random.default_rng(0)
                fixed = _whole(draw(random, n_real))
                measured: dict[tuple[str, str], list[Value]] = {}
                for _ in range(trials):
                    fake = _whole(draw(random, n_fake) * np.float32(scale))
                    again = _whole(draw(random, n_real))
                    for kind, real in (("held fixed", fixed), ("drawn again", again)):
                        for name, metric in metrics.items():
                            value = metric.compute(real, fake, seed=0)
                            measured.setdefault((name, kind), []).append(value)
                for name in metrics:
                    yield {
                        "features": features,
                        "scale": scale,
                        "real": n_real,
                        "fake": n_fake,
                        "metric": name,
                        "reference held fixed": _covered(measured[name, "held fixed"]),
                        "reference drawn again": _covered(measured[name, "drawn again"]),
                    }


def _whole(features: Features) -> Evidence:
    """Return evidence without halves, which serve warnings alone and take half of the time."""
    return replace(of_features(features), half=None)


def _covered(measured: list[Value]) -> float:
    """Return the share of intervals that hold the mean value of all measurements."""
    mean = float(np.mean([value.value for value in measured]))
    ends = [(value.low, value.high) for value in measured]
    held = [low <= mean <= high for low, high in ends if low is not None and high is not None]
    return float(np.mean(held))


def modes(trials: int) -> Iterator[Row]:
    """Yield counts of modes by each rule where the number of classes is known."""
    digits, labels = _classified("mnist5k", "mnist-cnn")
    by_class = [np.flatnonzero(labels == label) for label in range(10)]
    for true in (1, 10, 100, 500, 1000):
        for count in (2500, 26_000):
            random, rows = np.random.default_rng(0), []
            for _ in range(max(3, trials // 10)):
                triples = random.choice(random.permutation(1000)[:true], count)
                rows.append((len(np.unique(triples)), _stacked(triples, digits, by_class, random)))
            yield _counted(f"stacked digits, {true} modes", count, rows)
    try:
        clothes, labels = _classified("fashion-mnist", "fashion-cnn")
    except MissingDataError as error:
        print(f"Without Fashion-MNIST: {error}", file=sys.stderr)
        return
    for true in (1, 2, 5, 9, 10):
        for count in (200, 1000, 5000):
            random, rows = np.random.default_rng(0), []
            for trial in range(max(10, trials // 2)):
                classes = [trial % 10] if true == 1 else random.permutation(10)[:true]
                chosen = random.choice(np.flatnonzero(np.isin(labels, classes)), count)
                rows.append((true, clothes[chosen][:, None]))
            yield _counted(f"clothes, {true} classes", count, rows)


def _classified(dataset: str, network: str) -> tuple[Features, NDArray[np.int64]]:
    """Return the probabilities (N, 10) and the labels (N,) of a dataset's test images."""
    images = open_dataset(dataset).load("test")
    classifier = registry.networks.get(network)()
    parts = [classifier.extract(part).probabilities for part in images.values.split(500)]
    assert images.labels is not None
    return torch.cat(parts).numpy(), images.labels.numpy()


def _stacked(
    triples: NDArray[np.int64],
    digits: Features,
    by_class: list[NDArray[np.int64]],
    random: np.random.Generator,
) -> Features:
    """Return the probabilities (N, 3, 10) of stacks of three digits, of these classes."""
    classes = np.stack([triples // 100, triples // 10 % 10, triples % 10], axis=1)  # (N, 3)
    rows = np.empty_like(classes)
    for label, members in enumerate(by_class):
        chosen = classes == label
        rows[chosen] = random.choice(members, chosen.sum())
    return digits[rows]


def _counted(images: str, count: int, sets: list[tuple[int, Features]]) -> Row:
    """Return the mean number of modes by each rule, over sets with their true numbers."""
    totals = []
    for true, factors in sets:
        places = factors.shape[2] ** np.arange(factors.shape[1] - 1, -1, -1)
        per_mode = np.bincount(factors.argmax(axis=2) @ places)
        everything = factors.shape[2] ** factors.shape[1]
        expected = expected_counts(factors, seen_modes(factors))
        totals.append(
            [
                true,
                (per_mode > 0).sum(),
                (per_mode >= 5).sum(),
                (per_mode >= max(1.0, 0.1 * count / everything)).sum(),
                (expected >= 0.5).sum(),
                corrected_modes(factors),
            ]
        )
    names = ("true", "one sample", "five", "a tenth", "corrected, half", "corrected, a tenth")
    means = np.mean(totals, axis=0)
    return {
        "images": images,
        "samples": count,
        **dict(zip(names, map(float, means), strict=True)),
        "most wrong": float(max(abs(row[5] - row[0]) / row[0] for row in totals)),
    }


def mind_bias(trials: int) -> Iterator[Row]:
    """Yield how far the bias of MIND varies with the seed, as largest over smallest."""
    metric = registry.metrics.get("mind")()
    for features, draw in FEATURES.items():
        for count in (100, 400, 1600):
            random = np.random.default_rng(0)
            real, fake = (of_features(draw(random, count)) for _ in range(2))
            row: Row = {"features": features, "samples": count}
            for halvings in (1, 10):
                mind.HALVINGS = halvings
                values = [_bias(metric, real, fake, seed) for seed in range(max(10, trials // 2))]
                row[f"largest over smallest, {halvings}"] = max(values) / min(values)
                row[f"deviation, {halvings}"] = float(np.std(values) / np.mean(values))
            yield row


def _bias(metric: Any, real: Evidence, fake: Evidence, seed: int) -> float:
    return float(metric.compute(real, fake, seed=seed).bias)


PARTS: dict[str, Callable[[int], Iterator[Row]]] = {
    "floors": floors,
    "bias": bias,
    "intervals": intervals,
    "modes": modes,
    "mind": mind_bias,
}


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def main() -> None:
    """Run the parts, and print and write their rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    mind.DIRECTIONS = FEW_DIRECTIONS
    document: dict[str, list[Row]] = {}
    for part in options.parts or PARTS:
        print(f"\n{part}")
        document[part] = []
        for row in PARTS[part](options.trials):
            document[part].append(row)
            print("; ".join(f"{name} {_text(value)}" for name, value in row.items()), flush=True)
    if options.json:
        options.json.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
