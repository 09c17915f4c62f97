# SPDX-License-Identifier: MIT
"""Exporting the generator of a run: from its folder to a file that is checked against it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganbench import registry
from ganbench.analysis.published import published_rows
from ganbench.config import RunConfig, join_words
from ganbench.errors import ConfigError, GanbenchError, suggest
from ganbench.export.document import export_document
from ganbench.export.hub_folder import FILES, write_hub_folder
from ganbench.export.model_card import CardNotes
from ganbench.export.onnx_file import is_own_onnx, run_onnx, write_onnx
from ganbench.export.plain_generator import (
    CHECKED,
    ExportedGenerator,
    plain_generator,
    tricks_on_latents,
    tricks_that_choose,
)
from ganbench.export.torchscript_file import run_torchscript, write_torchscript
from ganbench.export.weights_file import examples_of, halved, write_weights_file
from ganbench.harness.stored_run import load_state, plan_of_run
from ganbench.kinds import kind_of
from ganbench.records.bundled_generators import data_terms, zoo_folder
from ganbench.records.exported_run import WEIGHTS, ExportedRun, find_exported
from ganbench.records.own_files import check_target, replacing_own
from ganbench.records.run_folder import RunFolder
from ganbench.samples.modules import load_torchscript
from ganbench.samples.on_disk import TORCHSCRIPTS
from ganbench.state import State
from ganbench.training.checkpoint import read_tensors
from ganbench.training.trainer import evaluating

ENDINGS = {"onnx": ".onnx", "torchscript": ".pt", "safetensors": ".safetensors", "hub-folder": ""}
"""The formats of an export, and how their files end."""


@dataclass(frozen=True)
class Export:
    """An export that was written, and how it differs from the run.

    ``difference`` is the largest between 64 of its samples and the run's own, in gray levels where
    they are pixels. ``notes`` are sentences about what the format cannot hold.
    """

    path: Path
    form: str
    size_bytes: int
    difference: float
    in_gray_levels: bool
    notes: tuple[str, ...]

    @property
    def agreement(self) -> str:
        """How well the export agrees with the run, in words."""
        if not self.difference:
            return f"{CHECKED} samples are the same as the run's."
        unit = " of 255 gray levels" if self.in_gray_levels else ""
        most = f"{_rounded_up(self.difference)}{unit}"
        return f"{CHECKED} samples differ from the run's by at most {most}."


def _rounded_up(value: float) -> str:
    """Return a positive number with one digit, which is not less than the number.

    >>> _rounded_up(14), _rounded_up(2e-6), _rounded_up(0.0123), _rounded_up(0.1)
    ('20', '2e-06', '0.02', '0.1')
    """
    exact = Decimal(str(value))
    unit = Decimal(1).scaleb(exact.adjusted())
    up = exact.quantize(unit, ROUND_CEILING)
    return f"{float(up):g}"


def export_run(
    folder: RunFolder,
    *,
    to: str,
    out: Path | None = None,
    half: bool = False,
    data_root: Path | None = None,
) -> Export:
    """Write the generator of a run in another format, and compare it with the run.

    Args:
        folder: The run, finished or not, or an exported generator.
        to: ``onnx``, ``torchscript``, ``safetensors`` or ``hub-folder``.
        out: The file or folder to write; None means one in the working folder, named after the run.
            A file gets the ending of its format, if it has none.
        half: Store matrices and kernels in half precision; for safetensors and hub-folder.
        data_root: The folder that is searched first for downloaded datasets.

    Raises:
        ConfigError: The format is unknown, or does not go with the generator.
        MissingDataError: A package is missing.
        StorageError: The file is somebody else's, or cannot be written.
        DamagedRunError: The run cannot be read.
    """
    if to not in ENDINGS:
        raise ConfigError(
            f"There is no format '{to}'. {suggest(to, ENDINGS)}".strip(),
            f"There are: {join_words(ENDINGS)}.",
        )
    if half and to in {"onnx", "torchscript"}:
        raise ConfigError(
            f"Half precision is for files of weights, and {to} is a program.",
            "Leave out --half, or use --to safetensors.",
        )
    target = _target(folder, to, out)
    if to != "hub-folder":
        check_target(target, _is_own(to), inputs=(str(folder.path),))
    state = load_state(plan_of_run(folder, data_root=data_root), folder, torch.device("cpu"))
    with evaluating(state):
        exported = plain_generator(state)
        return _written(folder, state, exported, to, target, half=half)


def _target(folder: RunFolder, to: str, out: Path | None) -> Path:
    """Return the file or folder to write."""
    name = folder.name if isinstance(folder, ExportedRun) else folder.path.resolve().name
    if out is None:
        return Path(f"{name}{ENDINGS[to]}" if ENDINGS[to] else f"{name}-hub")
    if ENDINGS[to] and out.is_dir():
        return out / f"{name}{ENDINGS[to]}"
    known = TORCHSCRIPTS if to == "torchscript" else (ENDINGS[to],)
    return out if out.name.endswith(known) else out.with_name(f"{out.name}{ENDINGS[to]}")


def _is_own(to: str) -> Callable[[Path], bool]:
    """Return what tells whether ganbench wrote a file of a format."""

    def is_own(path: Path) -> bool:
        try:
            if to == "safetensors":
                return find_exported(path) is not None
            if to == "torchscript":
                # A pipe, of which torch would wait for the beginning, is no file.
                return path.is_file() and "run" in load_torchscript(path, torch.device("cpu"))[1]
            return is_own_onnx(path)
        except (GanbenchError, OSError):
            return False

    return is_own


def _written(
    folder: RunFolder,
    state: State,
    exported: ExportedGenerator,
    to: str,
    target: Path,
    *,
    half: bool,
) -> Export:
    """Write an export, and compare what it draws with what the run draws."""
    left_out = tricks_that_choose(state)
    notes = [
        f"{name} chooses among samples by the discriminator, which is not exported: it is left out."
        for name in left_out
    ]
    if state.precision != "fp32":
        computed = ", as the file computes" if to in _PROGRAMS else ""
        notes.append(
            f"The run draws its samples in {state.precision}, and they are compared in "
            f"fp32{computed}."
        )
    if ENDINGS[to] in {".onnx", ".pt"}:
        on_latents = [name for name in tricks_on_latents(state) if name not in left_out]
        left_out += on_latents
        notes += [
            f"{name} changes how latents are drawn, which whoever uses the file does: it is left "
            "out."
            for name in on_latents
        ]
        if exported.facts.prior == "own":
            notes.append(
                "The model draws latents in a way of its own, which the file cannot hold: whoever "
                "uses the file must draw them alike."
            )
    document = export_document(folder, state, exported, left_out=left_out, half=half)
    if to in _PROGRAMS:
        write, run = _PROGRAMS[to]
        write(exported, document, target)
        made = run(exported, target)
    else:
        made = _write_weights(folder, state, exported, to, target, document, half=half)
    files = [target / name for name in FILES] if target.is_dir() else [target]
    size = sum(file.stat().st_size for file in files)
    difference = largest_difference(exported, made, state)
    return Export(target, to, size, difference, state.data.is_image, tuple(notes))


_PROGRAMS = {"onnx": (write_onnx, run_onnx), "torchscript": (write_torchscript, run_torchscript)}
"""The formats that hold the network itself: how each is written, and run."""


def _write_weights(
    folder: RunFolder,
    state: State,
    exported: ExportedGenerator,
    to: str,
    target: Path,
    document: dict[str, Any],
    *,
    half: bool,
) -> Tensor:
    """Write the weights, alone or with a card; return what the generator makes of them."""
    tensors = exported.network.generator.state_dict()
    gray_levels = None
    if half:
        tensors = halved(tensors)
        moved = largest_difference(exported, examples_of(exported, tensors), state)
        gray_levels = round(moved) if state.data.is_image else None
    if to == "safetensors":
        write_weights_file(tensors, document, target)
        file = target
    else:
        notes = card_notes(folder.description(), target.resolve().name, gray_levels=gray_levels)
        with replacing_own(target, FILES):
            write_hub_folder(state, tensors, document, notes, target)
        file = target / WEIGHTS
    stored, _ = read_tensors(file, torch.device("cpu"))
    return examples_of(exported, stored)


def largest_difference(exported: ExportedGenerator, made: Tensor, state: State) -> float:
    """Return by how much samples (B, ...) differ at most from those that the run makes.

    Pixels are compared in gray levels, other values as they are.
    """
    kind, data = kind_of(state.data), state.data
    ours, others = (kind.to_samples(values, data).double() for values in (exported.examples, made))
    return float((ours - others).abs().max())


def card_notes(
    config: RunConfig,
    name: str,
    *,
    typed: str = ".",
    license: str = "",
    gray_levels: int | None = None,
) -> CardNotes:
    """Return what a card says about a run beyond its own records.

    Args:
        config: The configuration of the run.
        name: The title of the card.
        typed: What a command takes for the generator.
        license: The SPDX identifier of the license of the weights; empty if none is stated.
        gray_levels: The most by which half precision moved a pixel; None without it.
    """
    known = registry.models.entries().get(config.model)
    published = tomllib.loads((zoo_folder() / "published.toml").read_text(encoding="utf-8"))
    rows = [row.model_dump() for row in published_rows(published) if row.dataset == config.dataset]
    return CardNotes(
        name=name,
        typed=typed,
        summary=known.summary if known else "",
        paper=known.paper if known else "",
        license=license,
        terms=data_terms().get(config.dataset),
        published=rows,
        gray_levels=gray_levels,
    )
