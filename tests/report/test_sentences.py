# SPDX-License-Identifier: MIT
"""Sentences of a report: the table of settings."""

from __future__ import annotations

from ganbench.report import sentences


def test_settings_are_split_into_what_is_shared_and_what_differs() -> None:
    optimizer = {"kind": "adam", "learning_rate": 0.0002, "betas": [0.5, 0.999], "momentum": 0.0}
    one = {"loss": "minimax", "recipe": {"kimg": 10.0, "generator_optimizer": optimizer}}
    other = {"loss": "minimax", "recipe": {"kimg": 20.0, "generator_optimizer": optimizer}}
    found = sentences.settings_table([{**one, "seed": 0}, {**other, "seed": 1}])
    assert found.same == {
        "loss": "minimax",
        "generator optimizer": "adam(learning_rate=0.0002, betas=(0.5, 0.999))",
    }
    assert found.differing == {"kimg": ("10", "20")}
