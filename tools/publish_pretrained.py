# SPDX-License-Identifier: MIT
"""Bundle the generators of finished runs with ganbench: weights, card, and the entry of the list.

    python tools/publish_pretrained.py runs/dcgan-mnist5k-seed0-1a2b3c4d

Each becomes ``MODEL@DATASET``: a folder in ``zoo/pretrained``, and a table in ``zoo/weights.toml``
that replaces an earlier one of that name. Matrices and kernels are stored in half precision where
that moves no pixel of 64 samples by more than one gray level.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from ganbench.config import RunConfig
from ganbench.errors import ConfigError, GanbenchError
from ganbench.export.document import export_document
from ganbench.export.hub_folder import fingerprint, write_hub_folder
from ganbench.export.plain_generator import plain_generator, tricks_that_choose
from ganbench.export.weights_file import examples_of, halved
from ganbench.harness.export_run import card_notes, largest_difference
from ganbench.harness.stored_run import load_state, plan_of_run
from ganbench.records.atomic_files import write_text
from ganbench.records.bundled_generators import (
    LARGEST_BYTES,
    LARGEST_TOTAL_BYTES,
    PretrainedGenerator,
    data_terms,
    pretrained_generators,
    zoo_folder,
)
from ganbench.records.exported_run import ExportedRun
from ganbench.records.json_values import json_text
from ganbench.records.measurement import Measurement
from ganbench.records.run_folder import RunFolder, open_run
from ganbench.registry import canonical
from ganbench.training.trainer import evaluating

LICENSE = "mit"
"""The license of the weights, as the Hub writes it."""
CPU = torch.device("cpu")


def pretrained_name(config: RunConfig) -> str:
    """Return the name of a generator: ``MODEL@DATASET``."""
    return canonical(f"{config.model}@{config.dataset}")


def publish(run: Path, zoo: Path) -> PretrainedGenerator:
    """Write the folder of a finished run's generator, and return its entry.

    Args:
        run: The folder of the run.
        zoo: The folder of the zoo.

    Raises:
        ConfigError: The run is not finished, its weights are too large, or nothing is known of the
            terms of its data.
    """
    folder = open_run(run)
    config, outcome = folder.description(), folder.outcome()
    if outcome["status"] != "done" or not outcome["metrics"]:
        raise ConfigError(f"{run} is {outcome['status']}; a finished and measured run is needed.")
    if config.dataset not in data_terms():
        raise ConfigError(
            f"The terms of {config.dataset} are not known.", f"Add [data.{config.dataset}]."
        )
    target = ExportedRun(zoo / "pretrained" / pretrained_name(config))
    gray_levels = _write(folder, target)
    size = target.generator_file.stat().st_size
    if size > LARGEST_BYTES:
        raise ConfigError(f"{target.generator_file} has {size:,} bytes, and at most "
                          f"{LARGEST_BYTES:,} are bundled.")  # fmt: skip
    metric, record = next(iter(outcome["metrics"].items()))
    measured = Measurement.read(record)
    state = load_state(plan_of_run(target), target, CPU)
    with evaluating(state):
        pixels = fingerprint(state)
    return PretrainedGenerator(
        model=config.model,
        dataset=config.dataset,
        classes=target.facts().classes,
        kimg=outcome["kimg"],
        parameters=state.sizes()["generator"],
        size_bytes=size,
        sha256=hashlib.sha256(target.generator_file.read_bytes()).hexdigest(),
        license=LICENSE,
        metric=metric,
        value=measured.value or 0.0,
        low=measured.low,
        high=measured.high,
        gray_levels=gray_levels,
        pixels=pixels,
    )


def _write(folder: RunFolder, target: ExportedRun) -> int | None:
    """Write the folder of a generator; return by how many gray levels rounding moves a pixel.

    None where the weights are not rounded.
    """
    state = load_state(plan_of_run(folder), folder, CPU)
    with evaluating(state):
        exported = plain_generator(state)
        tensors = exported.network.generator.state_dict()
        rounded = halved(tensors)
        moved = largest_difference(exported, examples_of(exported, rounded), state)
        half = state.data.is_image and moved <= 1
        gray_levels = round(moved) if half else None
        left_out = tricks_that_choose(state)
        document = export_document(folder, state, exported, left_out=left_out, half=half)
        name = target.path.name
        notes = card_notes(
            folder.description(), name, typed=name, license=LICENSE, gray_levels=gray_levels
        )
        write_hub_folder(state, rounded if half else tensors, document, notes, target.path)
    return gray_levels


def write_list(entries: dict[str, PretrainedGenerator], file: Path) -> None:
    """Write the tables of ``zoo/weights.toml``; what stands before them stays as it is.

    Raises:
        ConfigError: All together are too large.
    """
    total = sum(entry.size_bytes for entry in entries.values())
    if total > LARGEST_TOTAL_BYTES:
        raise ConfigError(f"All weights have {total:,} bytes; {LARGEST_TOTAL_BYTES:,} are bundled.")
    before = file.read_text(encoding="utf-8").partition("\n[pretrained.")[0].rstrip()
    tables = [_table(name, entries[name]) for name in sorted(entries)]
    write_text(file, "\n\n".join([before, *tables]) + "\n")


def _table(name: str, entry: PretrainedGenerator) -> str:
    values = {key: value for key, value in entry.model_dump().items() if value is not None}
    lines = [f"{key} = {json_text(value)}" for key, value in values.items() if key != "pixels"]
    pixels = ", ".join(f"{value:g}" for value in entry.pixels)
    return "\n".join([f'[pretrained."{name}"]', *lines, f"pixels = [{pixels}]"])


def _rounding(entry: PretrainedGenerator) -> str:
    return "not rounded" if entry.gray_levels is None else f"moved by {entry.gray_levels} levels"


def main(words: Sequence[str] | None = None) -> int:
    """Publish the runs that are named, and print a line for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("runs", nargs="+", type=Path, help="folders of finished runs")
    arguments = parser.parse_args(words)
    torch.set_num_threads(1)
    zoo = zoo_folder()
    entries = pretrained_generators()
    try:
        for run in arguments.runs:
            entry = publish(run, zoo)
            name = pretrained_name(open_run(run).description())
            entries[name] = entry
            sys.stdout.write(f"{name}: {entry.size_bytes / 1e6:.2f} MB, {entry.metric_text}, "
                             f"{_rounding(entry)}\n")  # fmt: skip
        write_list(entries, zoo / "weights.toml")
    except GanbenchError as error:
        sys.stderr.write(f"error: {error.message} {error.hint}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
