# SPDX-License-Identifier: MIT
"""Folders of runs with made-up results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganbench.config import Recipe, RunConfig
from ganbench.records.run_folder import RunFolder

FID = {
    "value": 12.5,
    "low": 11.0,
    "high": 14.0,
    "n": 2500,
    "floor": 0.9,
    "protocol": "fid/v1",
    "better": "lower",
    "unit": "",
    "note": "bootstrap",
}


def write_run(root: Path, seed: int = 0, name: str = "", **changes: Any) -> RunFolder:
    """Write a finished run; ``changes`` are fields of its configuration."""
    settings_of_run: dict[str, Any] = {
        "model": "vanilla",
        "dataset": "ring8",
        "loss": "non-saturating",
        "recipe": Recipe(kimg=10),
        "model_source": "a" * 16,
        "dataset_version": "1",
    }
    config = RunConfig(**{**settings_of_run, **changes}, seed=seed)
    folder = RunFolder(root / (name or f"run-{config.identity[:8]}"))
    folder.write_config(
        {
            "schema": 1,
            "identity": config.identity,
            "config": config.model_dump(mode="json"),
            "options": {},
            "command": "ganbench run --out /home/someone/runs",
        }
    )
    folder.write_environment({"python": "3.11.7", "threads": 1, "kernel": "6.1", "device": "cpu"})
    for tick in range(1, 4):
        folder.append_stats(
            {"kimg": tick, "seconds": 2 * tick, "loss/generator/adversarial": 0.5 * tick}
        )
    folder.append_measurements({"kimg": 5, "seconds": 6, "metrics": {"fid": {**FID, "value": 30}}})
    folder.append_measurements({"kimg": 10, "seconds": 12, "metrics": {"fid": FID}})
    folder.write_result(
        {
            "status": "done",
            "identity": config.identity,
            "model": config.model,
            "dataset": config.dataset,
            "seed": seed,
            "kimg": 10.0,
            "seconds": 12.0,
            "images_per_second": 833.0,
            "parameters": {"generator": 100, "discriminator": 50},
            "metrics": {"fid": FID},
            "device": "cpu",
            "precision": "fp32",
        }
    )
    return folder


@pytest.fixture
def make_run() -> Callable[..., RunFolder]:
    """Write a finished run: ``make_run(root, seed, name, loss="minimax")``."""
    return write_run
