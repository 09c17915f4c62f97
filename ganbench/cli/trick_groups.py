# SPDX-License-Identifier: MIT
"""Tricks in groups by what they act on, as their hooks say; nothing is imported for that."""

from __future__ import annotations

from collections.abc import Collection

TRICK_GROUPS = {
    "penalties and other terms of the loss": {"discriminator_terms", "generator_terms"},
    "the data, the latents, and what the discriminator sees": {
        *("condition", "fakes", "latents", "reals", "see", "subset"),
    },
    "the loss": {"wrap_loss"},
    "the networks": {"wrap_discriminator", "wrap_generator"},
    "how weights move": {"after_step", "gradients", "opponent", "optimizer", "step_rule"},
    "how samples are drawn": {"sampler"},
}
"""The hooks by which a trick belongs to a group; the first group that has one of them counts."""

OTHER = "other"


def trick_group(methods: Collection[str]) -> str:
    """Return the group of a trick from the methods that its class defines."""
    return next((group for group, hooks in TRICK_GROUPS.items() if hooks & set(methods)), OTHER)
