# SPDX-License-Identifier: MIT
"""A folder of sounds: WAV files as signals of one channel and one length.

Files are PCM of 8 or 16 bits, and all of one rate. Channels are averaged; a longer sound is cut
after the length asked for, a shorter one is followed by silence. Hidden files are ignored. Nine
tenths are for training, and the last tenth of a fixed permutation is held out.
"""

from __future__ import annotations

import hashlib
import os
import struct
import wave
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganbench.data.array_source import SPLIT_SEED, TEST_SHARE, Arrays, ArraySource, held_out
from ganbench.data.dataset import Source
from ganbench.data.files_below import FilesBelow, files_below
from ganbench.data.image_files import reading_as, shown
from ganbench.data.image_formats import is_image_name
from ganbench.data.image_labels import folder_labels, notices_of
from ganbench.data.square_images import failure_reason
from ganbench.errors import ConfigError, InputError
from ganbench.gan import DataSpec

DEFAULT_LENGTH = 16_384
"""Steps of a signal where no length is asked for: WaveGAN's (Donahue et al., arXiv:1802.04208)."""
_LENGTHS = range(16, 2**22 + 1)
_RULES = 1
"""Version of how sounds are read and split; raised when a change alters values or splits."""


def holds_sounds(path: Path) -> bool:
    """Tell whether a path is a folder with WAV files and no images in it."""
    if not path.is_dir():
        return False
    names = _sounds_below(path, lambda name: _is_sound(name) or is_image_name(name)).names
    return bool(names) and all(map(_is_sound, names))


def open_sounds(path: Path, length: int | None = None) -> Source:
    """Open a folder of WAV files; each is read once, to know what is in it.

    Folders directly below ``path`` are the classes where every sound lies in one of several. The
    version is a hash of names and contents.

    Args:
        path: The folder.
        length: The number of steps of each signal; None means 16,384.

    Raises:
        InputError: fewer than two sounds, a file that is damaged or not PCM of 8 or 16 bits, or
            files of different rates.
        ConfigError: a length that signals cannot have.
    """
    length = DEFAULT_LENGTH if length is None else length
    if length not in _LENGTHS:
        raise ConfigError(
            f"A length from {_LENGTHS[0]} to {_LENGTHS[-1]} steps was expected, not {length}.",
            f"For example: --dataset {path}@{DEFAULT_LENGTH}",
        )
    path = path.resolve()
    below = _sounds_below(path, _is_sound)
    names = below.names
    if len(names) < 2:
        raise InputError(f"The folder {path} holds only one sound; at least two were expected.")
    digest = hashlib.sha256()
    rates: dict[int, str] = {}
    failures: dict[str, str] = {}
    for name in names:
        try:
            rates.setdefault(_read_sound(path / name)[1], name)
            contents = hashlib.sha256((path / name).read_bytes()).hexdigest()
        except (OSError, ValueError) as error:
            failures[name] = failure_reason(error)
            continue
        digest.update(os.fsencode(f"{name}\0{contents}\n"))
    if failures:
        raise _unreadable(path, failures)
    _check_rates(path, rates)
    labels = folder_labels(names)
    spec = DataSpec(
        str(path) if length == DEFAULT_LENGTH else f"{path}@{length}",
        f"{_RULES}-{digest.hexdigest()[:16]}",
        (1, length),
        classes=labels.classes,
        rate=next(iter(rates)),
    )
    return ArraySource(
        spec,
        partial(_read, path, names, length, labels.labels),
        passed_over=below.passed_over,
        notices=notices_of(path, below.passed_over, labels),
    )


def _sounds_below(folder: Path, wanted: Callable[[str], bool]) -> FilesBelow:
    with reading_as(folder, "a folder"):
        return files_below(folder, wanted)


def _is_sound(name: str) -> bool:
    return name.lower().endswith(".wav")


def _unreadable(folder: Path, failures: dict[str, str]) -> InputError:
    """Return the error of sounds that cannot be read: it names the first, and counts them."""
    name, reason = next(iter(failures.items()))
    others = f" ({len(failures)} such files in {folder})" if len(failures) > 1 else ""
    return InputError(f"{folder / shown(name)} cannot be read as WAV: {reason}{others}.")


def _check_rates(folder: Path, rates: dict[int, str]) -> None:
    """Raise InputError if sounds have different rates; ``rates`` has a file of each."""
    if len(rates) > 1:
        (first_rate, first), (other_rate, other), *_ = rates.items()
        raise InputError(
            f"{shown(first)} in {folder} has a rate of {first_rate} Hz, and {shown(other)} one of "
            f"{other_rate} Hz; one rate was expected."
        )


def _read_sound(path: Path) -> tuple[NDArray[np.float32], int]:
    """Return the mean of a sound's channels (L,) in [-1, 1], and its rate in Hz.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is damaged, or not PCM of 8 or 16 bits.
    """
    try:
        with path.open("rb") as opened, wave.open(opened, "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            frames = file.readframes(file.getnframes())
    except (EOFError, RuntimeError, struct.error, wave.Error) as error:
        raise ValueError(str(error) or "it ends early") from error
    if width not in {1, 2} or rate < 1:
        raise ValueError(f"it holds steps of {8 * width} bits; 8 or 16 were expected")
    whole = frames[: len(frames) // (width * channels) * width * channels]
    steps = np.frombuffer(whole, "<i2" if width == 2 else np.uint8).astype(np.float32)
    signal = steps / 32768 if width == 2 else (steps - 128) / 128
    mixed: NDArray[np.float32] = signal.reshape(-1, channels).mean(axis=1, dtype=np.float32)
    return mixed, rate


def _read(
    folder: Path,
    names: Sequence[str],
    length: int,
    labels: NDArray[np.int64] | None,
    split: str,
) -> Arrays:
    chosen = held_out(len(names), split, TEST_SHARE, SPLIT_SEED)
    signals = np.zeros((len(chosen), 1, length), np.float32)
    for row, index in zip(signals, chosen, strict=True):
        try:
            sound = _read_sound(folder / names[index])[0][:length]
        except (OSError, ValueError) as error:  # the file has changed since it was opened
            raise _unreadable(folder, {names[index]: failure_reason(error)}) from error
        row[0, : len(sound)] = sound
    return signals, None if labels is None else labels[chosen]
