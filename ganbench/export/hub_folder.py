# SPDX-License-Identifier: MIT
"""A generator as a folder with the layout of a Hugging Face repository."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganbench.export.model_card import CardNotes, model_card
from ganbench.export.weights_file import write_weights_file
from ganbench.kinds import kind_of
from ganbench.records.atomic_files import write_json, write_text
from ganbench.records.exported_run import WEIGHTS
from ganbench.sampling.draw import draw
from ganbench.sampling.sample_files import write_picture
from ganbench.state import State

FILES = frozenset({WEIGHTS, "config.json", "README.md", "samples.png"})
"""The files of the folder."""
_STRIDE = 7919
"""A prime, so that the values of a fingerprint are not all from one column."""


def write_hub_folder(
    state: State,
    tensors: Mapping[str, Tensor],
    document: Mapping[str, Any],
    notes: CardNotes,
    folder: Path,
) -> None:
    """Write the weights, their description, the card, and a picture of samples.

    Args:
        state: The trained state, with its networks in evaluation mode.
        tensors: The weights of the generator, as they are stored.
        document: The description of the generator.
        notes: What else the card says.
        folder: The folder.

    Raises:
        StorageError: The folder cannot be written.
    """
    write_weights_file(tensors, document, folder / WEIGHTS)
    write_json(folder / "config.json", document)
    write_text(folder / "README.md", model_card(document, notes))
    drawn = draw(state, kind_of(state.data).pictured, seed=0)
    write_picture(drawn, state.data, folder / "samples.png")


def fingerprint(state: State, *, count: int = 16, values: int = 64) -> tuple[float, ...]:
    """Return values of a generator's first samples, from all over them, for a later comparison.

    Args:
        state: The trained state, with its networks in evaluation mode.
        count: The number of samples, drawn with seed 0.
        values: The number of values.
    """
    samples = draw(state, count, seed=0).samples.flatten()
    places = torch.arange(values) * _STRIDE % len(samples)
    return tuple(round(float(value), 6) for value in samples[places])
