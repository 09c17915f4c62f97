# SPDX-License-Identifier: MIT
"""A folder of sounds: WAV files as signals of one channel and one length.

Files are PCM of 8 or 16 bits, and all of one rate. Channels are averaged; a longer sound is cut
after the length asked for, a shorter one is followed by silence. Hidden files are ignored. Nine
tenths are for training, and the last tenth of a fixed permutation is held out.
"""

from __future__ import annotations

import hashlib
import os
import wave
from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from ganbench.data.array_source import SPLIT_SEED, TEST_SHARE, Arrays, ArraySource, held_out
from ganbench.data.dataset import Source
from ganbench.data.folder import classes_of, is_image_name
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
    if any(is_image_name(file.relative_to(path).as_posix()) for file in path.rglob("*")):
        return False
    return bool(_sound_names(path))


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
    names = _sound_names(path)
    if len(names) < 2:
        raise InputError(f"The folder {path} holds only one sound; at least two were expected.")
    digest = hashlib.sha256()
    rates: dict[int, str] = {}
    for name in names:
        rates.setdefault(_read_sound(path / name)[1], name)
        contents = hashlib.sha256((path / name).read_bytes()).hexdigest()
        digest.update(os.fsencode(f"{name}\0{contents}\n"))
    if len(rates) > 1:
        (first_rate, first), (other_rate, other), *_ = rates.items()
        raise InputError(
            f"{first} in {path} has a rate of {first_rate} Hz, and {other} one of {other_rate} Hz; "
            "one rate was expected."
        )
    classes = classes_of(names)
    spec = DataSpec(
        str(path) if length == DEFAULT_LENGTH else f"{path}@{length}",
        f"{_RULES}-{digest.hexdigest()[:16]}",
        (1, length),
        classes=len(classes),
        rate=next(iter(rates)),
    )
    return ArraySource(spec, partial(_read, path, names, length, classes))


def _sound_names(folder: Path) -> list[str]:
    """Return the relative paths, with slashes, of the WAV files at or below a folder, sorted."""
    names = ((path, path.relative_to(folder).as_posix()) for path in folder.rglob("*"))
    return sorted(
        name
        for path, name in names
        if path.suffix.lower() == ".wav"
        and not any(part.startswith(".") for part in PurePosixPath(name).parts)
        and path.is_file()
    )


def _read_sound(path: Path) -> tuple[NDArray[np.float32], int]:
    """Return the mean of a sound's channels (L,) in [-1, 1], and its rate in Hz."""
    try:
        with path.open("rb") as opened, wave.open(opened, "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            frames = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise InputError(
            f"{path} cannot be read as WAV: {str(error) or 'it ends early'}."
        ) from error
    if width not in {1, 2} or rate < 1:
        raise InputError(f"{path} holds steps of {8 * width} bits; 8 or 16 were expected.")
    whole = frames[: len(frames) // (width * channels) * width * channels]
    steps = np.frombuffer(whole, "<i2" if width == 2 else np.uint8).astype(np.float32)
    signal = steps / 32768 if width == 2 else (steps - 128) / 128
    mixed: NDArray[np.float32] = signal.reshape(-1, channels).mean(axis=1, dtype=np.float32)
    return mixed, rate


def _read(
    folder: Path, names: Sequence[str], length: int, classes: Sequence[str], split: str
) -> Arrays:
    chosen = [names[index] for index in held_out(len(names), split, TEST_SHARE, SPLIT_SEED)]
    signals = np.zeros((len(chosen), 1, length), np.float32)
    for row, name in zip(signals, chosen, strict=True):
        sound = _read_sound(folder / name)[0][:length]
        row[0, : len(sound)] = sound
    if not classes:
        return signals, None
    labels = np.array([classes.index(name.split("/")[0]) for name in chosen], np.int64)
    return signals, labels
