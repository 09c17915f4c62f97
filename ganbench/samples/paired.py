# SPDX-License-Identifier: MIT
"""Two sets of samples side by side: files of one name, or rows of one number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing

import numpy as np
from torch import Tensor

from ganbench.errors import InputError
from ganbench.samples.image_files import shown, without_common_folder
from ganbench.samples.image_samples import CHUNK_BYTES, FileSamples, Images, chunk_of
from ganbench.samples.sample_set import CHUNK, Chunk, Samples
from ganbench.samples.subset import items


def counterparts(real: Samples, fake: Samples, size: int = CHUNK) -> Iterator[tuple[Chunk, Chunk]]:
    """Yield chunks of real samples, each with one of the fake samples that belong to them.

    Files belong together if their relative paths are equal, folders that all files of a set
    share and endings aside; samples without names if their numbers are. Both chunks have the
    same length and indices, which count the pairs, of files in the order of their names. Where
    one of two files cannot be read the other is left out as well.

    Raises:
        InputError: the two sets do not match one to one; samples that cannot be read.
    """
    reals, fakes = _ordered(real, fake)
    indices: list[int] = []
    first: list[Tensor] = []
    second: list[Tensor] = []
    held_bytes = 0
    with closing(reals), closing(fakes):
        for index, one, other in _matched(reals, fakes):
            held_bytes += one.nbytes + other.nbytes
            if indices and (len(indices) == size or held_bytes > CHUNK_BYTES):
                yield chunk_of(first, indices), chunk_of(second, indices)
                indices, first, second, held_bytes = [], [], [], one.nbytes + other.nbytes
            indices.append(index)
            first.append(one)
            second.append(other)
    if indices:
        yield chunk_of(first, indices), chunk_of(second, indices)


def _ordered(real: Samples, fake: Samples) -> tuple[Images, Images]:
    """Return both sets image by image, so that equal indices belong together."""
    if isinstance(real, FileSamples) and isinstance(fake, FileSamples):
        stems = _stems(real), _stems(fake)
        _check_match(real, fake, *stems)
        ordered = [
            samples.take(np.array(sorted(range(len(keys)), key=keys.__getitem__)))
            for samples, keys in zip((real, fake), stems, strict=True)
        ]
        return ordered[0].images(), ordered[1].images()
    if isinstance(real, FileSamples) or isinstance(fake, FileSamples):
        files, others = (real, fake) if isinstance(real, FileSamples) else (fake, real)
        raise InputError(
            f"Files are paired by name, and of {files.facts.name} and {others.facts.name} only the "
            "first has names."
        )
    if len(real) != len(fake):
        raise InputError(
            f"Samples without names are paired in their order; there are {len(real)} real and "
            f"{len(fake)} fake ones."
        )
    return items(real), items(fake)


def _stems(samples: FileSamples) -> list[str]:
    names = without_common_folder(samples.names)
    return [name.rpartition(".")[0] for name in names]


def _check_match(
    real: FileSamples, fake: FileSamples, reals: Sequence[str], fakes: Sequence[str]
) -> None:
    for samples, stems in ((real, reals), (fake, fakes)):
        stem, times = Counter(stems).most_common(1)[0]
        if times > 1:
            raise InputError(
                f"{samples.path} holds {times} files called '{shown(stem)}', endings aside; "
                "files are paired by name."
            )
    lacking, extra = sorted(set(reals) - set(fakes)), sorted(set(fakes) - set(reals))
    if lacking or extra:
        sentences = [
            f"{len(unmatched)} {which} files have no counterpart, first '{shown(unmatched[0])}'"
            for which, unmatched in (("real", lacking), ("fake", extra))
            if unmatched
        ]
        raise InputError(
            f"The files of {real.path} and {fake.path} do not match one to one: "
            f"{', and '.join(sentences)}."
        )


def _matched(reals: Images, fakes: Images) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Merge two rising streams; what only one of them has is passed over."""
    one, other = next(reals, None), next(fakes, None)
    while one is not None and other is not None:
        if one[0] == other[0]:
            yield one[0], one[1], other[1]
            one, other = next(reals, None), next(fakes, None)
        elif one[0] < other[0]:
            one = next(reals, None)
        else:
            other = next(fakes, None)
    for rest in (reals, fakes):  # read to the end, so that all that cannot be read is known
        for _ in rest:
            pass
