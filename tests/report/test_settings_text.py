# SPDX-License-Identifier: MIT
"""Settings in words."""

from __future__ import annotations

from ganbench.report.settings_text import settings_table, subtitle


def test_settings_are_split_into_what_is_shared_and_what_differs() -> None:
    optimizer = {"kind": "adam", "learning_rate": 0.0002, "betas": [0.5, 0.999], "momentum": 0.0}
    first = {"loss": "minimax", "recipe": {"kimg": 10.0, "generator_optimizer": optimizer}}
    second = {"loss": "minimax", "recipe": {"kimg": 20.0, "generator_optimizer": optimizer}}
    table = settings_table([{**first, "seed": 0}, {**second, "seed": 1}])
    assert table.same == {
        "loss": "minimax",
        "generator optimizer": "adam(learning_rate=0.0002, betas=(0.5, 0.999))",
    }
    assert table.differing == {"kimg": ("10", "20")}


def test_tricks_are_named_with_their_parameters() -> None:
    ema = {"name": "ema", "parameters": {"decay": 0.999}}
    table = settings_table([{"tricks": [ema]}, {"tricks": []}, {}])
    assert table.differing == {"tricks": ("ema(decay=0.999)", "none", "–")}


def test_a_subtitle_names_what_the_label_does_not() -> None:
    config = {"loss": "wasserstein", "tricks": [{"name": "ema"}, {"name": "gradient-penalty"}]}
    assert subtitle(config, "wgan-gp + ema") == "wasserstein · gradient-penalty"
    assert subtitle({}, "wgan-gp") == ""
