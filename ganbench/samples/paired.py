# SPDX-License-Identifier: MIT
"""Two sets of samples side by side: files of the same name, or rows of the same number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing

import numpy as np
from torch import Tensor

from ganbench.data.image_files import shown, without_common_folder
from ganbench.errors import InputError
from ganbench.samples.image_samples import CHUNK_BYTES, FileSamples, Images, chunk_of
from ganbench.samples.sample_set import CHUNK, Chunk, Samples
from ganbench.samples.subset import items


def counterparts(real: Samples, fake: Samples, size: int = CHUNK) -> Iterator[tuple[Chunk, Chunk]]:
    """Yield chunks of real samples, each with a chunk of the fake samples that belong to them.

    Files belong together if their relative paths are equal, apart from endings and from folders
    that all files of a set share. Samples without names belong together if their numbers are
    equal. Both chunks have the same length and indices, which count the pairs; pairs of files are
    in the order of their names. Where one of two files cannot be read, both are left out.

    Args:
        real: The real samples.
        fake: The fake samples.
        size: The most pairs in a chunk.

    Raises:
        InputError: the two sets do not match one to one, or samples cannot be read.
    """
    reals, fakes = _ordered(real, fake)
    indices: list[int] = []
    real_images: list[Tensor] = []
    fake_images: list[Tensor] = []
    held_bytes = 0
    with closing(reals), closing(fakes):
        for index, real_image, fake_image in _matched(reals, fakes):
            pair_bytes = real_image.nbytes + fake_image.nbytes
            held_bytes += pair_bytes
            if indices and (len(indices) == size or held_bytes > CHUNK_BYTES):
                yield chunk_of(real_images, indices), chunk_of(fake_images, indices)
                indices, real_images, fake_images, held_bytes = [], [], [], pair_bytes
            indices.append(index)
            real_images.append(real_image)
            fake_images.append(fake_image)
    if indices:
        yield chunk_of(real_images, indices), chunk_of(fake_images, indices)


def _ordered(real: Samples, fake: Samples) -> tuple[Images, Images]:
    """Return both sets image by image, so that images of equal indices belong together."""
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
            f"{len(fake)} fake samples."
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
    only_real, only_fake = sorted(set(reals) - set(fakes)), sorted(set(fakes) - set(reals))
    if only_real or only_fake:
        clauses = [
            f"{len(unmatched)} {side} files have no counterpart, first '{shown(unmatched[0])}'"
            for side, unmatched in (("real", only_real), ("fake", only_fake))
            if unmatched
        ]
        raise InputError(
            f"The files of {real.path} and {fake.path} do not match one to one: "
            f"{', and '.join(clauses)}."
        )


def _matched(reals: Images, fakes: Images) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Merge two streams of rising indices, and skip indices that only one of them has."""
    real, fake = next(reals, None), next(fakes, None)
    while real is not None and fake is not None:
        if real[0] == fake[0]:
            yield real[0], real[1], fake[1]
            real, fake = next(reals, None), next(fakes, None)
        elif real[0] < fake[0]:
            real = next(reals, None)
        else:
            fake = next(fakes, None)
    for images in (reals, fakes):  # read to the end, so that every unreadable file is known
        for _ in images:
            pass
