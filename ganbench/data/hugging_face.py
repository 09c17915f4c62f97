# SPDX-License-Identifier: MIT
"""Hugging Face datasets in a folder, as ``save_to_disk`` writes them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ganbench.data.dataset import Source
from ganbench.data.in_memory import Examples, read_examples
from ganbench.data.memory_source import memory_source
from ganbench.errors import GanbenchError, InputError, MissingDataError, error_text, foreign_errors

SPLITS_FILE = "dataset_dict.json"
"""The file that a folder with several splits has."""


def holds_hugging_face(path: Path) -> bool:
    """Tell whether ``save_to_disk`` wrote a folder: a dataset, or a dictionary of splits."""
    if not path.is_dir():
        return False
    single = (path / "state.json").is_file() and (path / "dataset_info.json").is_file()
    return single or (path / SPLITS_FILE).is_file()


def open_hugging_face(path: Path, resolution: int | None = None) -> Source:
    """Open a dataset of images on disk to train on; it is read whole.

    Raises:
        MissingDataError: The package ``datasets`` is not installed.
        InputError: The folder is damaged, or its examples are not of one size.
    """
    path = path.resolve()
    loaded = _loaded(path)
    parts = dict(loaded) if (path / SPLITS_FILE).is_file() else {"all": loaded}
    examples = {split: replace(_read(path, part), name=str(path)) for split, part in parts.items()}
    return memory_source(examples, resolution=resolution)


def hugging_face_examples(path: Path) -> Examples:
    """Return the examples of a single split on disk.

    Raises:
        MissingDataError: The package ``datasets`` is not installed.
        InputError: The folder is damaged, or holds several splits.
    """
    if (path / SPLITS_FILE).is_file():
        splits = sorted(part.name for part in path.iterdir() if holds_hugging_face(part))
        raise InputError(
            f"{path} holds several splits: {', '.join(splits)}.",
            f"Name one of them: {path / splits[0]}" if splits else "",
        )
    return _read(path, _loaded(path))


def _loaded(path: Path) -> Any:
    try:
        from datasets import load_from_disk
    except ImportError as error:
        raise MissingDataError(
            f"{path} is a Hugging Face dataset, and the package datasets is not installed.",
            "pip install datasets",
        ) from error

    def wording(error: BaseException) -> GanbenchError:
        return InputError(f"{path} cannot be read by Hugging Face's datasets: {error_text(error)}.")

    with foreign_errors(wording):
        return load_from_disk(str(path))


def _read(path: Path, dataset: Any) -> Examples:
    examples = read_examples(dataset)
    if examples is None:
        raise InputError(f"{path} holds no examples.")
    return examples
