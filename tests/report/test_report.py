# SPDX-License-Identifier: MIT
"""Reports of made-up runs: what is in the files, that they need no network, that they escape."""

from __future__ import annotations

import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganbench.config import ConfigError, Recipe, RunConfig, TrickConfig
from ganbench.errors import UnknownNameError
from ganbench.records.environment import lasting
from ganbench.records.results import collect
from ganbench.records.run import RunFolder
from ganbench.report.published import published_rows
from ganbench.report.write import write_report

CHROMIUM = Path("/usr/bin/chromium")

# What each variant tends to: (metric at the end, seconds for the whole run).
IMAGES = {
    "vanilla": {"fid@mnist-cnn": 38.0, "is@mnist-cnn": 7.6, "modes": 10.0, "seconds": 62.0},
    "dcgan": {"fid@mnist-cnn": 11.0, "is@mnist-cnn": 9.1, "modes": 10.0, "seconds": 540.0},
    "wgan-gp": {"fid@mnist-cnn": 17.0, "is@mnist-cnn": 8.8, "modes": 10.0, "seconds": 610.0},
}
POINTS = {
    "vanilla": {"modes": 6.1, "high-quality": 0.93, "reverse-kl": 0.5, "seconds": 41.0},
    "wgan-gp": {"modes": 8.0, "high-quality": 0.88, "reverse-kl": 0.06, "seconds": 88.0},
}
FLOORS = {
    "fid@mnist-cnn": 0.9,
    "is@mnist-cnn": 9.83,
    "modes": 10.0,
    "high-quality": 0.989,
    "reverse-kl": 0.003,
}
BETTER = {"fid@mnist-cnn": "lower", "reverse-kl": "lower"}

PUBLISHED = {
    "row": [
        {
            "dataset": "ring8",
            "model": "GAN (PacGAN paper's own run)",
            "source": "Lin et al., 2018, arXiv:1712.04086, table 1",
            "metrics": {"modes": "6.3 ± 0.5", "high-quality": "98.2 % ± 0.2"},
            "differs": "Ten seeds and their standard error; networks and length differ.",
        }
    ]
}


def measurement(name: str, value: float, spread: float, seed: int) -> dict[str, object]:
    return {
        "value": value,
        "low": value - spread,
        "high": value + spread,
        "n": 2500,
        "floor": FLOORS[name],
        "protocol": f"{name}/v1 n_real=2500 n_fake=2500 split=test seed={seed}",
        "better": BETTER.get(name, "higher"),
        "unit": "",
        "note": "bootstrap over samples",
    }


def make_run(
    root: Path,
    model: str,
    dataset: str,
    seed: int,
    finals: dict[str, float],
    *,
    tricks: tuple[TrickConfig, ...] = (),
    status: str = "done",
    kimg: float = 320.0,
) -> RunFolder:
    """Write a run folder as training would, with numbers drawn from a seeded stream."""
    config = RunConfig(
        model=model,
        dataset=dataset,
        loss="wasserstein" if "wgan" in model else "non-saturating",
        tricks=tricks,
        recipe=Recipe(kimg=kimg),
        seed=seed,
        model_source="0123456789abcdef",
        dataset_version="1",
    )
    folder = RunFolder(root / f"{model}-{dataset}-seed{seed}-{config.identity[:8]}")
    random = np.random.default_rng([seed, *config.identity.encode()])
    folder.write_config(
        {
            "schema": 1,
            "identity": config.identity,
            "config": config.model_dump(mode="json"),
            "options": {},
            "command": f"ganbench run --model {model} --dataset {dataset} --out /home/someone/runs",
        }
    )
    folder.write_environment(environment())
    seconds = finals["seconds"] * random.uniform(0.97, 1.03)
    ends = 0.35 if status == "diverged" else 1.0
    for part in np.linspace(0.02, ends, 40):
        row = {
            "kimg": round(kimg * part, 2),
            "seconds": round(seconds * part, 2),
            "images_per_second": round(kimg * 1000 / seconds),
            "loss/discriminator/adversarial": 0.5 + math.exp(-5 * part) + random.normal(0, 0.05),
            "loss/generator/adversarial": 2 + part + random.normal(0, 0.15),
            "logits/real": 1 + part + random.normal(0, 0.1),
            "logits/fake": -1 - part + random.normal(0, 0.1),
        }
        if tricks:
            row[f"loss/discriminator/{tricks[0].name}"] = 0.3 * math.exp(-part)
        folder.append_stats(row)
    offsets = {name: random.normal(0, 0.05) for name in finals}
    metrics: dict[str, object] = {}
    for part in np.linspace(0.1, ends, 10 if ends == 1 else 4):
        metrics = {}
        for name, final in finals.items():
            if name == "seconds":
                continue
            start = 9 * final if BETTER.get(name) == "lower" else 0.3 * final
            value = final * (1 + offsets[name]) + (start - final) * math.exp(-6 * part)
            value = min(value, FLOORS[name]) if BETTER.get(name) != "lower" else value
            value = round(value) if name == "modes" else value
            metrics[name] = measurement(name, float(value), 0.02 * float(value), seed)
        folder.append_measurements(
            {"kimg": kimg * part, "seconds": round(seconds * part, 3), "metrics": metrics}
        )
    draw_grid(folder, dataset, random)
    if status == "running":
        return folder
    folder.write_result(
        {
            "status": status,
            "identity": config.identity,
            "model": model,
            "dataset": dataset,
            "seed": seed,
            "kimg": kimg * ends,
            "seconds": round(seconds * ends, 2),
            "images_per_second": kimg * 1000 / seconds,
            "parameters": {"generator": 1_486_352, "discriminator": 533_505},
            "metrics": {} if status == "diverged" else metrics,
            "device": "cpu",
            "precision": "fp32",
        }
    )
    return folder


def environment() -> dict[str, object]:
    return {
        "schema": 1,
        "python": "3.11.7",
        "system": "Linux",
        "kernel": "6.1.0",
        "processor": "Example CPU @ 3.0 GHz",
        "cores": 2,
        "threads": 2,
        "device": "cpu",
        "packages": {"torch": "2.14.1", "ganbench": "0.1.0"},
        "checkout": {"commit": "0" * 40, "dirty": False},
    }


def draw_grid(folder: RunFolder, dataset: str, random: np.random.Generator) -> None:
    folder.samples_folder.mkdir(parents=True, exist_ok=True)
    if dataset == "ring8":
        pixels = np.full((300, 300, 3), 255, dtype=np.uint8)
        angles = random.integers(0, 8, 900) * math.pi / 4
        x = 150 + 110 * np.cos(angles) + random.normal(0, 4, 900)
        y = 150 + 110 * np.sin(angles) + random.normal(0, 4, 900)
        pixels[y.astype(int), x.astype(int)] = (0, 114, 178)
    else:
        yy, xx = np.mgrid[0:28, 0:28]
        tiles = []
        for _ in range(64):
            r, w = random.uniform(5, 10), random.uniform(1, 2.5)
            tiles.append(255 * np.exp(-(((np.hypot(yy - 14, xx - 14) - r) / w) ** 2)))
        pixels = np.vstack([np.hstack(tiles[8 * i : 8 * i + 8]) for i in range(8)]).astype(np.uint8)
    Image.fromarray(pixels).save(folder.samples_folder / "final.png")


def make_suite(root: Path) -> Path:
    """Write the runs that the tests report on: two datasets, and runs that went badly."""
    gp = TrickConfig(name="gradient-penalty", parameters={"weight": 10.0})
    ema = TrickConfig(name="ema", parameters={"decay": 0.999})
    for seed in range(3):
        make_run(root, "vanilla", "mnist5k", seed, IMAGES["vanilla"])
        make_run(root, "dcgan", "mnist5k", seed, IMAGES["dcgan"])
        make_run(root, "dcgan", "mnist5k", seed, IMAGES["dcgan"], tricks=(ema,))
        make_run(root, "wgan-gp", "mnist5k", seed, IMAGES["wgan-gp"], tricks=(gp,))
    for seed in range(5):
        status = {3: "diverged", 4: "collapsed"}.get(seed, "done")
        make_run(root, "vanilla", "ring8", seed, POINTS["vanilla"], status=status)
        make_run(root, "wgan-gp", "ring8", seed, POINTS["wgan-gp"], tricks=(gp,))
    make_run(root, "vanilla", "ring8", 7, POINTS["vanilla"], status="running")
    broken = make_run(root, "vanilla", "ring8", 8, POINTS["vanilla"])
    broken.config_file.write_text('{"schema": 1, "ident')
    return root
