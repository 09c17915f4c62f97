# SPDX-License-Identifier: MIT
"""Samples from a folder, or from a file whose format its ending tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ganbench.data.array_rows import ArrayRows, RowReader, npy_rows
from ganbench.data.dataset_names import ARCHIVES
from ganbench.data.hugging_face import holds_hugging_face, hugging_face_examples
from ganbench.data.image_files import ImageFiles
from ganbench.data.named_arrays import KINDS_BY_KEY
from ganbench.data.open_image_files import open_image_files
from ganbench.data.pair_folder import IMAGES, beside_pairs, holds_pairs
from ganbench.data.value_layout import check_named_kind, checked_labels, layout_of
from ganbench.errors import InputError
from ganbench.gan import DataKind
from ganbench.records.generator_facts import GeneratorFacts
from ganbench.samples.array_samples import ArraySamples, npz_arrays
from ganbench.samples.generator_samples import check_drawable, file_version
from ganbench.samples.image_samples import FileSamples
from ganbench.samples.modules import load_torchscript, module_samples
from ganbench.samples.onnx_model import onnx_samples
from ganbench.samples.open_options import OpenOptions, refuse, refuse_passed_over
from ganbench.samples.points_file import read_points
from ganbench.samples.sample_set import Samples
from ganbench.samples.subset import choose_subset

TORCHSCRIPTS = (".pt", ".pth", ".ts", ".torchscript", ".jit")
TEXTS = (".csv", ".txt", ".tsv")
READABLE = ("a folder", *ARCHIVES, ".npz", ".npy", *TEXTS, *TORCHSCRIPTS, ".onnx")


def open_path(path: Path, options: OpenOptions) -> Samples:
    """Open a folder, or a file by its ending.

    Raises:
        InputError: there is nothing at the path, or it cannot be read as samples.
    """
    if holds_hugging_face(path):
        examples = hugging_face_examples(path)
        values = ArrayRows(examples.values)
        return open_array(values, str(path), path.name, options, labels=examples.labels)
    if path.is_dir():
        if not holds_pairs(path):
            return _files(open_image_files(path), options)
        files = open_image_files(path / IMAGES)
        files.passed_over.update(beside_pairs(path))
        return _files(files, options)
    ending = path.name.lower()
    if not path.is_file():
        raise InputError(f"{path} is neither a file nor a folder.")
    if ending.endswith(ARCHIVES):
        return _files(open_image_files(path), options)
    if ending.endswith(".npz"):
        rows, key, labels = npz_arrays(path)
        if options.labels is None and labels is not None:
            labels = checked_labels(labels, rows.shape[0], str(path))
        name = f"'{key}' in {path}"
        kind = KINDS_BY_KEY.get(key)
        return open_array(rows, name, path.name, options, labels=labels, kind=kind)
    if ending.endswith(".npy"):
        return open_array(npy_rows(path), str(path), path.name, options)
    if ending.endswith(TEXTS):
        return open_array(ArrayRows(read_points(path)), str(path), path.name, options)
    refuse(options, labels=True)
    if ending.endswith(TORCHSCRIPTS):
        return _torchscript(path, options)
    if ending.endswith(".onnx"):
        return onnx_samples(
            path,
            count=options.count,
            seed=options.seed,
            device=options.device,
            latent_dim=options.latent_dim,
            classes=options.classes,
            value_range=options.value_range,
            label=options.label,
        )
    if ending.endswith(".py"):
        raise InputError(f"{path} registers no dataset.", f"Name a function: {path}:generate")
    raise InputError(
        f"{path} cannot be read as samples; supported are {', '.join(READABLE)}.",
        "For a single image name its folder; pickles are never read.",
    )


def _files(files: ImageFiles, options: OpenOptions) -> Samples:
    refuse_passed_over(files.passed_over, str(files.path), options)
    count = len(files.names)
    labels = options.labels
    return FileSamples(
        files,
        chosen=choose_subset(count, options.count, options.seed),
        labels=None if labels is None else checked_labels(labels, count, str(files.path)),
        strict=options.strict,
    )


def open_array(
    rows: RowReader,
    name: str,
    short: str,
    options: OpenOptions,
    *,
    labels: NDArray[np.int64] | None = None,
    channels_first: bool = False,
    kind: DataKind | None = None,
) -> Samples:
    """Open the rows of an array.

    Args:
        rows: The rows (N, ...).
        name: The array's name in errors.
        short: The array's name in protocols.
        options: The options of ``open_samples``; its labels go before ``labels``.
        labels: The classes (N,) that the source itself has, or None.
        channels_first: Whether (N, C, H, W) is preferred where both layouts are possible.
        kind: The kind that the array's key names, or None.
    """
    layout = layout_of(rows.shape, name, channels_first=channels_first)
    check_named_kind(rows.shape, rows.dtype, layout, kind, name)
    count = rows.shape[0]
    if options.labels is not None:
        labels = checked_labels(options.labels, count, name)
    return ArraySamples(
        rows,
        name=name,
        short=short,
        chosen=choose_subset(count, options.count, options.seed),
        labels=labels,
        channels_first=channels_first,
        value_range=options.value_range,
    )


def _torchscript(path: Path, options: OpenOptions) -> Samples:
    module, metadata = load_torchscript(path, options.device)
    return open_module(module, path.name, options, metadata, file_version(path))


def open_module(
    module: nn.Module,
    name: str,
    options: OpenOptions,
    metadata: dict[str, Any] | None = None,
    version: str = "",
) -> Samples:
    """Open a torch module as a generator; options go before its metadata."""
    facts = GeneratorFacts.read(metadata)
    check_drawable(facts, name)
    return module_samples(
        module,
        name=name,
        count=options.count,
        seed=options.seed,
        device=options.device,
        latent_dim=options.latent_dim or facts.latent_dim or None,
        classes=options.classes or facts.classes or None,
        value_range=options.value_range or facts.value_range,
        version=version,
        prior=facts.prior,
        label=options.label,
    )
