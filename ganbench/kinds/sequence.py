# SPDX-License-Identifier: MIT
"""Sequences: signals such as sound, or tokens such as letters, along one axis of time.

Signals are floats in [-1, 1]. Tokens are stored as numbers; networks see one-hot columns, so a
generator's output is read as the scores of C tokens, of which the highest is taken.
"""

from __future__ import annotations

import wave
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.functional import one_hot

from ganbench.errors import ConfigError
from ganbench.gan import DataSpec
from ganbench.kinds.kind import FileWriter, Kind
from ganbench.kinds.signal_picture import channel_maps, signal_panels
from ganbench.kinds.text_picture import text_lines

DEFAULT_RATE = 16_000
"""Steps of a signal in a second, where the data do not tell."""


class SequenceKind(Kind):
    """Sequences; samples are signals, float32 (N, C, L), or tokens, int64 (N, L)."""

    pictured: ClassVar = 8

    def to_network(self, samples: Tensor, data: DataSpec) -> Tensor:
        """Return signals as they are, and tokens as one-hot columns (N, C, L)."""
        if samples.is_floating_point():
            return samples
        return one_hot(samples.long(), data.channels).transpose(1, 2).float()

    def to_samples(self, examples: Tensor, data: DataSpec) -> Tensor:
        """Clamp signals to [-1, 1], or take the tokens of the highest score, if all are finite."""
        if not bool(examples.isfinite().all()):
            return examples
        return examples.float().clamp(-1, 1) if data.alphabet is None else examples.argmax(dim=1)

    def valid(self, samples: Tensor, data: DataSpec) -> Tensor:
        """Tell which samples (N, ...) are finite and in [-1, 1], or hold tokens from 0 to C - 1."""
        if samples.is_floating_point():
            in_range = samples.abs() <= 1  # False for NaN
        else:
            in_range = (samples >= 0) & (samples < data.channels)
        return in_range.flatten(1).all(dim=1)

    def measured(self, data: DataSpec) -> int:
        """Return 5,000 sequences."""
        return 5000

    def picture(self, samples: Tensor, data: DataSpec) -> Image.Image:
        """Return lines of text, waveforms over spectrograms, or a map of many channels."""
        if data.alphabet is not None:
            return text_lines(self.texts(samples, data))
        if data.channels <= 2:
            return signal_panels(samples.nan_to_num(), data.rate)
        return channel_maps(samples.nan_to_num())

    def texts(self, samples: Tensor, data: DataSpec) -> list[str]:
        """Return the text of each of a number of token sequences.

        Scores (N, C, L) of a generator that is not finite are read as far as they go.

        Raises:
            ConfigError: The data are signals, which have no alphabet.
        """
        if data.alphabet is None:
            raise ConfigError(f"{data.name} holds signals; only tokens have an alphabet.")
        tokens = samples.nan_to_num().argmax(dim=1) if samples.is_floating_point() else samples
        return ["".join(data.alphabet[token] for token in row) for row in tokens.tolist()]

    def arrays(self, samples: Tensor, data: DataSpec) -> dict[str, NDArray[Any]]:
        """Return ``sequences``, signals or tokens, with their ``alphabet`` and ``rate``."""
        arrays: dict[str, NDArray[Any]] = {"sequences": samples.numpy()}
        if data.alphabet is not None:
            arrays["alphabet"] = np.array(data.alphabet)
        if data.rate is not None:
            arrays["rate"] = np.array(data.rate)
        return arrays

    def file_writer(self, data: DataSpec) -> FileWriter | None:
        """Return how a text is written, or a signal of one or two channels as WAV."""
        if data.alphabet is not None:
            return FileWriter(".txt", partial(_write_text, self, data))
        if data.channels <= 2:
            return FileWriter(".wav", partial(_write_wav, data.rate or DEFAULT_RATE))
        return None


def _write_text(kind: SequenceKind, data: DataSpec, sample: Tensor, path: Path) -> None:
    path.write_text(kind.texts(sample[None], data)[0] + "\n", encoding="utf-8")


def _write_wav(rate: int, sample: Tensor, path: Path) -> None:
    """Write a signal (C, L) as PCM of 16 bits."""
    steps = sample.nan_to_num().clamp(-1, 1).mul(32767).round().to(torch.int16)
    with path.open("wb") as opened, wave.open(opened, "wb") as file:
        file.setnchannels(len(steps))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(steps.T.contiguous().numpy().astype("<i2").tobytes())
