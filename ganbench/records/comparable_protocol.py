# SPDX-License-Identifier: MIT
"""What of a protocol decides whether two numbers compare."""

from __future__ import annotations

import re
from functools import lru_cache

WITHOUT_REAL = (
    "high-quality",
    "is",
    "lpips-diversity",
    "lpips-within-class",
    "modes",
    "ms-ssim",
    "reverse-kl",
    "total-variation",
    "vendi",
)
"""The metrics whose values depend on no real samples; earlier versions named some all the same."""


@lru_cache(maxsize=4096)
def comparable(protocol: str) -> str:
    """Return a protocol without what may differ between numbers that compare.

    That is the seed; the way of drawing, which differs with the tricks that are compared; and real
    samples on which the value does not depend, which earlier versions named.

    >>> comparable("fid/v1 n_fake=5000 seed=3 split=train")
    'fid/v1 n_fake=5000 split=train'
    >>> comparable("fid/v1@x/ddof=1/mnist:v1/split=train/n_real=9/n_fake=5/sampler=ema")
    'fid/v1@x/ddof=1/mnist:v1/split=train/n_real=9/n_fake=5'
    >>> comparable("is/v1@x/splits=1/mnist:v1/split=train/n_real=9/n_fake=5")
    'is/v1@x/splits=1/n_fake=5'
    """
    if protocol.partition("/")[0] in WITHOUT_REAL:
        of_density = "@" not in protocol.partition("/v")[2].partition("/")[0]
        kept = r"\1" if of_density else ""
        protocol = re.sub(r"(/[^/]*:v[^/]*)/split=[^/]*/n_real=[^/]*", kept, protocol)
    protocol = re.sub(r"/sampler=[^/]*", "", protocol)
    seedless = re.sub(r"(?<![\w-])seed\s*[=: ]\s*\d+", "", protocol)
    seedless = re.sub(r"([,;/|·])\s*(?=[,;/|·])", "", seedless)  # a separator that is now double
    return re.sub(r"\s+", " ", seedless).strip(" ,;/|·")
