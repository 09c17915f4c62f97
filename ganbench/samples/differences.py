# SPDX-License-Identifier: MIT
"""How the files of two sets differ in ways that move a metric, and that no metric names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from ganbench.data.image_formats import ImageHeader
from ganbench.samples.image_samples import FileSamples
from ganbench.samples.sample_set import Samples

_SHARE = 0.01
"""Sets differ where the share of something is larger in one than in the other by more than this."""
_SHOWN_VALUES = 3

_TRAITS: tuple[tuple[str, Callable[[ImageHeader], str]], ...] = (
    ("in file format", lambda header: header.format),
    ("in size, in pixels", lambda header: f"{header.size[0]} x {header.size[1]}"),
    ("in color", lambda header: "gray" if header.gray else "color"),
    (
        "in transparency, which is laid over white",
        lambda header: "with transparency" if header.transparent else "opaque",
    ),
    (
        "in orientation tags, which are ignored",
        lambda header: "to be turned" if header.rotated else "upright",
    ),
)
"""What files may differ in, in words, and a file's own value."""


def file_differences(fake: Samples, real: Samples) -> tuple[str, ...]:
    """Return a sentence for each way in which the files of two sets differ, with counts.

    Sets that are no image files, or whose files were not decoded from where they lie, say nothing.
    """
    if not (isinstance(fake, FileSamples) and isinstance(real, FileSamples)):
        return ()
    fake_headers, real_headers = fake.headers(), real.headers()
    sentences = []
    for words, value in _TRAITS:
        counts = Counter(map(value, fake_headers)), Counter(map(value, real_headers))
        if _differ(*counts):
            sentences.append(
                f"The files differ {words}: fake {_counted(counts[0])}; real {_counted(counts[1])}."
            )
    return tuple(sentences)


def _differ(fake: Counter[str], real: Counter[str]) -> bool:
    """Tell whether the share of any value differs; sets without a readable file do not."""
    totals = fake.total(), real.total()
    if not all(totals):
        return False
    return any(
        abs(fake[value] / totals[0] - real[value] / totals[1]) > _SHARE for value in {*fake, *real}
    )


def _counted(counts: Counter[str]) -> str:
    """Return the most frequent values with their counts, and how many others there are."""
    common: Sequence[tuple[str, int]] = counts.most_common(_SHOWN_VALUES)
    others = counts.total() - sum(count for _, count in common)
    shown = [f"{count:,} {value}" for value, count in common]
    return ", ".join([*shown, *([f"{others:,} others"] if others else [])])
