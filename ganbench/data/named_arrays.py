# SPDX-License-Identifier: MIT
"""Arrays that are named after what they hold, in an npz file or in a mapping.

A key names the kind of the samples: ``images``, ``points``, ``sequences`` or ``videos``. Next to it
are ``labels`` (N,). Next to ``images`` are the ``sources``, the other image of each pair; next to
``sequences`` the ``alphabet``, a text for each token, and the ``rate``, the steps of a signal in a
second.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ganbench.config import join_words
from ganbench.data.in_memory import Examples, read_examples
from ganbench.data.value_layout import checked_labels
from ganbench.errors import InputError
from ganbench.gan import PLURALS, DataKind

KINDS_BY_KEY: dict[str, DataKind] = {plural: kind for kind, plural in PLURALS.items()}
_COMPANIONS = ("labels", "sources", "alphabet", "rate")


def kind_keys(keys: Iterable[object]) -> list[str]:
    """Return those keys that name a kind of samples."""
    return [key for key in keys if isinstance(key, str) and key in KINDS_BY_KEY]


def samples_keys(keys: Collection[str], name: str) -> tuple[str, str]:
    """Return the keys of the samples and of their labels among the arrays of an npz file.

    Samples are under a key that names their kind, under ``arr_0``, or the only array. Labels are
    under ``labels``, or under ``arr_1`` next to ``arr_0``. There need not be any. StudioGAN has
    images under ``x`` and labels under ``y``.

    Args:
        keys: The names of the arrays.
        name: The file's name in errors.

    Raises:
        InputError: it is unclear which array holds the samples, or the file holds statistics.
    """
    named = kind_keys(keys) or [key for key in ("arr_0",) if key in keys]
    others = [key for key in keys if key != "labels"]
    if set(keys) == {"x", "y"}:
        return "x", "y"
    if len(named) == 1:
        adjoined = named[0] == "arr_0" and "labels" not in keys
        return named[0], "arr_1" if adjoined else "labels"
    if not named and {"mu", "sigma"} <= set(keys):
        raise InputError(f"{name} holds statistics (mu, sigma), not samples.")
    if not named and len(others) == 1:
        return others[0], "labels"
    raise InputError(
        f"{name} holds {', '.join(keys) or 'no array'}; 'images', 'points', 'arr_0', 'sequences', "
        "'videos' or a single array was expected."
    )


def mapped_examples(arrays: Mapping[Any, object]) -> Examples:
    """Read samples in memory, and what belongs to them, from a mapping by name.

    Raises:
        InputError: two kinds of samples, a key that has no meaning, or values that cannot be read.
    """
    keys = kind_keys(arrays)
    others = [str(key) for key in arrays if key not in {*keys, *_COMPANIONS}]
    if len(keys) > 1 or others:
        raise InputError(
            f"The data have the keys {', '.join(map(str, arrays))}; one of "
            f"{', '.join(KINDS_BY_KEY)} was expected, perhaps with {join_words(_COMPANIONS)}."
        )
    (key,) = keys
    read = _read(key, arrays[key])
    labels = read.labels
    if arrays.get("labels") is not None:
        labels = checked_labels(arrays["labels"], len(read.values), f"'{key}'")
    return with_companions(replace(read, labels=labels, kind=KINDS_BY_KEY[key]), arrays)


def with_companions(examples: Examples, arrays: Mapping[Any, object]) -> Examples:
    """Add the sources, and the alphabet and the rate, which only sequences have.

    Raises:
        InputError: the sources are no images, the alphabet is no list of texts, or the rate no
            positive whole number.
    """
    if arrays.get("sources") is not None:
        examples = replace(examples, sources=_read("sources", arrays["sources"]))
    if examples.kind != "sequence":
        return examples
    alphabet, rate = arrays.get("alphabet"), arrays.get("rate")
    if alphabet is not None:
        letters = np.asarray(list(alphabet) if isinstance(alphabet, str) else alphabet)
        if letters.dtype.kind != "U" or letters.ndim != 1:
            raise InputError("The alphabet must be a list of texts, one for each token.")
        alphabet = tuple(map(str, letters))
    if rate is not None:
        number = np.asarray(rate)
        if number.dtype.kind not in "iu" or number.size != 1 or number.item() < 1:
            raise InputError("The rate must be a whole number of steps in a second, from 1.")
        rate = int(number.item())
    return replace(examples, alphabet=alphabet, rate=rate)


def _read(key: str, values: object) -> Examples:
    """Return the values of a key as examples that are not yet checked."""
    read = read_examples(values)
    if read is None:
        raise InputError(
            f"'{key}' is {type(values).__name__}; an array, a tensor or a list was expected."
        )
    return read
