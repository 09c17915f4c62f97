# SPDX-License-Identifier: MIT
"""Measurements of speed as a document would hold them."""

from __future__ import annotations

from ganbench.records.speed_record import SpeedCase


def case(*tricks: str, growth: float = 20.0, threads: int = 1, status: str = "ok") -> SpeedCase:
    """Return a measurement of the model ``gan`` on ``digits``, by whose memory it is told apart."""
    return SpeedCase(
        model="gan",
        tricks=tricks,
        dataset="digits",
        batch_size=64,
        device="cpu",
        precision="fp32",
        memory_format="channels-last",
        compile=False,
        threads=threads,
        status=status,  # type: ignore[arg-type]
        memory_mib={"resident": 500.0, "growth": growth, "allocated": None},
    )
