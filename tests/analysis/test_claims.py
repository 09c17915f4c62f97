# SPDX-License-Identifier: MIT
"""What papers claim for tricks: every claim is complete, and belongs to the paper of its trick."""

from __future__ import annotations

import re

import pytest

from ganbench import registry
from ganbench.analysis.claims import known_claims, read_claims, single_trick
from ganbench.errors import ConfigError

UNVERIFIED = {"instance-noise", "standing-statistics", "wgan-div"}
"""The tricks for which no claim could be verified."""

ROW = {"trick": "r1", "claim": "It converges.", "source": "A, 2018, arXiv:1801.04406, table 1"}


def test_every_trick_has_a_claim_or_is_known_to_have_none() -> None:
    entries = registry.tricks.entries().values()
    own = {entry.name for entry in entries if registry.tricks.is_own(entry)}
    assert own - set(known_claims()) == UNVERIFIED
    assert set(known_claims()) <= own


@pytest.mark.parametrize("trick", sorted(known_claims()))
def test_the_source_is_the_paper_that_the_trick_names(trick: str) -> None:
    source = known_claims()[trick].source
    cited = registry.tricks.entry(trick).paper
    assert source.startswith(f"{cited}, "), f"{trick} names {cited}"


def test_a_claim_is_one_sentence() -> None:
    for claim in known_claims().values():
        assert not re.search(r"[.!?] [A-Z]", claim.claim), claim.trick
        assert len(claim.claim) <= 180, claim.trick


@pytest.mark.parametrize(
    "change",
    [
        {"claim": "no end"},
        {"claim": ""},
        {"source": "A, 2018, arXiv:1801.04406"},
        {"source": "A, 2018, table 1"},
        {"trick": "R1"},
        {"figure": "3"},
    ],
    ids=str,
)
def test_what_is_no_claim_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="claim 2"):
        read_claims({"claim": [{**ROW, "trick": "r2"}, {**ROW, **change}]})


def test_a_trick_has_one_claim_and_a_document_nothing_else() -> None:
    assert read_claims({"claim": [ROW]})["r1"].claim == "It converges."
    assert read_claims({}) == {}
    with pytest.raises(ConfigError, match="second one for the trick r1"):
        read_claims({"claim": [ROW, ROW]})
    with pytest.raises(ConfigError, match=r"\[\[claim\]\]"):
        read_claims({"claims": [ROW]})


@pytest.mark.parametrize(
    ("tricks", "name"),
    [
        ("gradient-penalty", "gradient-penalty"),
        ("r1(weight=0.1, every=4)", "r1"),
        ("ema + r1(weight=0.1)", ""),
        ("", ""),
        ("./mine.py", ""),
    ],
)
def test_a_set_is_a_single_trick_or_none(tricks: str, name: str) -> None:
    assert single_trick(tricks) == name
