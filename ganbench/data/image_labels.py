# SPDX-License-Identifier: MIT
"""The classes of image files: from ``dataset.json``, from ``.cls`` files, or from folders.

Folders directly below the first are classes where every image lies in one of several. They are
none where each holds a single file, and where they only divide a numbered list of files, as
StyleGAN's ``00000/``, ``00001/`` do: the folders' names are equal but for a number of two digits or
more, and the numbers of the files continue from each folder to the next.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganbench.data.files_below import counted_reasons
from ganbench.data.image_files import (
    CLASS_ENDING,
    LABEL_FILE,
    ImageFiles,
    shown,
    without_common_folder,
)
from ganbench.data.square_images import failure_reason
from ganbench.data.value_layout import MOST_CLASSES
from ganbench.errors import InputError
from ganbench.records.json_values import parse_json

_SHOWN_CLASSES = 5
_LAST_NUMBER = re.compile(r"(\d+)\D*$", re.ASCII)
_NUMBERED_FOLDER = re.compile(r"(.*?)(\d{2,})", re.ASCII)


@dataclass(frozen=True)
class FileLabels:
    """The classes of files.

    ``labels`` (N,) int64 in the order of the names, or None; ``classes`` is their number, 0 where
    there are none. ``notice`` says where they come from, or why folders are none; it is empty
    where there is nothing to say. ``from_file`` says that files name them, or that
    ``dataset.json`` says that there are none where folders would be classes.
    """

    labels: NDArray[np.int64] | None = None
    classes: int = 0
    notice: str = ""
    from_file: bool = False


def image_labels(files: ImageFiles) -> FileLabels:
    """Return the classes of image files.

    Raises:
        InputError: ``dataset.json`` is damaged, or names no class for some of the images.
    """
    recorded = None if files.label_file is None else _recorded_labels(files, files.label_file)
    in_folders = folder_labels(without_common_folder(files.names) if files.wrapped else files.names)
    if recorded is not None:
        turned_off = recorded.labels is None and in_folders.labels is not None
        return replace(recorded, from_file=recorded.from_file or turned_off)
    return _labels_beside(files) if files.class_files else in_folders


def folder_labels(names: Sequence[str]) -> FileLabels:
    """Return the classes that the folders of relative paths form, in alphabetical order."""
    parts = [name.split("/") for name in names]
    folders = sorted({part[0] for part in parts})
    if len(folders) < 2 or any(len(part) != 2 for part in parts):
        return FileLabels()
    if len(folders) == len(names):
        return FileLabels(
            notice=f"{_listed(folders)} hold a single file each, and were not taken for classes"
        )
    continued = _numbering_continues(parts)
    if continued and _are_numbered(folders):
        return FileLabels(
            notice=f"{_listed(folders)} were taken for parts of one numbered list, not for classes"
        )
    notice = f"{_listed(folders)} were taken for classes"
    if continued:
        notice += ", although the numbers of their files continue from each folder to the next"
    places = {folder: index for index, folder in enumerate(folders)}
    labels = np.array([places[folder] for folder, _ in parts], dtype=np.int64)
    return FileLabels(labels, len(folders), notice)


def notices_of(
    path: Path, passed_over: Mapping[str, int], labels: FileLabels | None = None
) -> tuple[str, ...]:
    """Return what a user must know of how files were read: sentences, most often none."""
    counted = f"passed over: {counted_reasons(passed_over)}" if passed_over else ""
    clauses = (counted, labels.notice if labels else "")
    return tuple(f"{shown(path.name)}: {clause}." for clause in clauses if clause)


def _listed(folders: Sequence[str]) -> str:
    """Return how many folders there are, and the names of the first."""
    names = ", ".join(shown(folder) for folder in folders[:_SHOWN_CLASSES])
    more = ", ..." if len(folders) > _SHOWN_CLASSES else ""
    return f"{len(folders):,} folders ({names}{more})"


def _are_numbered(folders: Sequence[str]) -> bool:
    """Tell whether the names of folders are equal but for a number of one length, from 2 digits."""
    matches = [_NUMBERED_FOLDER.fullmatch(folder) for folder in folders]
    forms = {(match[1], len(match[2])) if match else None for match in matches}
    return len(forms) == 1 and None not in forms


def _numbering_continues(parts: Sequence[Sequence[str]]) -> bool:
    """Tell whether the last numbers of the files rise from each folder to the next.

    ``parts`` are (folder, file), sorted by folder.
    """
    ranges: dict[str, list[int]] = {}
    for folder, file in parts:
        match = _LAST_NUMBER.search(file.rpartition(".")[0])
        if match is None or len(match[1]) > 18:
            return False
        ranges.setdefault(folder, []).append(int(match[1]))
    bounds = [(min(numbers), max(numbers)) for _, numbers in sorted(ranges.items())]
    return all(last < first for (_, last), (first, _) in pairwise(bounds))


def _labels_beside(files: ImageFiles) -> FileLabels:
    """Return the classes in the files ``.cls`` next to the images, a whole number in each.

    Raises:
        InputError: A file holds something else.
    """
    chosen = []
    with files.opened() as read:
        for name in files.class_files:
            try:
                label = int(read(name)[:20])
            except Exception as error:  # an archive raises many things
                raise InputError(
                    f"{shown(name)} in {files.path} holds no class: a whole number was expected."
                ) from error
            chosen.append(label)
    if not all(0 <= label < MOST_CLASSES for label in chosen):
        raise InputError(
            f"{files.path} has labels that are no classes, counted from 0 to {MOST_CLASSES - 1}."
        )
    classes = max(chosen) + 1
    notice = f"{classes:,} classes are from the files ending in {CLASS_ENDING}"
    return FileLabels(np.array(chosen, np.int64), classes, notice, from_file=True)


def _recorded_labels(files: ImageFiles, label_file: str) -> FileLabels | None:
    """Return the classes in ``dataset.json``, None if it is not StyleGAN's.

    The file holds ``{"labels": [[path, class], ...]}``, or null in place of the list.
    """
    document = _document(files, label_file)
    if not isinstance(document, dict) or "labels" not in document:
        return None
    if document["labels"] is None:
        return FileLabels(notice=f"{LABEL_FILE} says that there are no classes")
    where = f"{LABEL_FILE} in {files.path}"
    try:
        entries = {str(name).replace("\\", "/"): label for name, label in document["labels"]}
    except (TypeError, ValueError) as error:
        raise InputError(f"The labels in {where} are not pairs of a path and a class.") from error
    if not all(type(label) is int for label in entries.values()):
        return FileLabels(notice=f"the labels in {LABEL_FILE} are no classes and were not used")
    start = len(label_file) - len(LABEL_FILE)
    missing = [name for name in files.names if name[start:] not in entries]
    if missing:
        raise InputError(
            f"{where} names no class for {len(missing):,} of the {len(files.names):,} images, "
            f"first {shown(missing[0])}.",
            "Complete it, or give it another name to go without it.",
        )
    chosen = [entries[name[start:]] for name in files.names]
    if not all(0 <= label < MOST_CLASSES for label in chosen):
        raise InputError(
            f"{where} has labels that are no classes, counted from 0 to {MOST_CLASSES - 1}."
        )
    classes = max(chosen) + 1
    notice = f"{classes:,} classes are from {LABEL_FILE}"
    return FileLabels(np.array(chosen, np.int64), classes, notice, from_file=True)


def _document(files: ImageFiles, label_file: str) -> object:
    """Return what a JSON file holds.

    Raises:
        InputError: The file cannot be read.
    """
    try:
        with files.opened() as read:
            document: object = parse_json(read(label_file))
        return document
    except Exception as error:  # an archive and a parser raise many things
        reason = failure_reason(error).rstrip(".")
        raise InputError(
            f"{LABEL_FILE} in {files.path} cannot be read: {reason}.",
            "Repair it, or give it another name to go without it.",
        ) from error
