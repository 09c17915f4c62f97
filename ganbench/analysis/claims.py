# SPDX-License-Identifier: MIT
"""What papers claim for their tricks, to stand next to what was found."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from ganbench.analysis.zoo_lists import read_list, zoo_document
from ganbench.config import Record

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class PaperClaim(Record):
    """What the paper of a trick claims for it: one sentence, with figures as printed."""

    trick: Annotated[str, Field(pattern=rf"^{_NAME.pattern}$")]
    claim: Annotated[str, Field(pattern=r"^\S.*\.$")]
    source: Annotated[str, Field(pattern=r"arXiv:\d{4}\.\d{4,5}, \S")]
    """Authors, year, arXiv identifier, and the place in the paper."""


def read_claims(document: Mapping[str, Any]) -> dict[str, PaperClaim]:
    """Read the claims of a TOML document with ``[[claim]]`` tables, by trick.

    Raises:
        ConfigError: A claim is wrong or incomplete, a trick has two, or the document holds no list
            of claims.
    """
    return read_list(document, "claim", PaperClaim, "trick")


@functools.cache
def known_claims() -> Mapping[str, PaperClaim]:
    """Return the claims that are bundled with the zoo, by trick."""
    return read_claims(zoo_document("claims.toml"))


def single_trick(tricks: str) -> str:
    """Return the name of the only trick in a set as labels write it; empty for any other set.

    >>> single_trick("r1(weight=0.1)"), single_trick("ema + r1"), single_trick("")
    ('r1', '', '')
    """
    name = _NAME.match(tricks)
    return name[0] if name and " + " not in tricks else ""
