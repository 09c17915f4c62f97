# SPDX-License-Identifier: MIT
"""Weights of networks: where they are published, what is stored here, and how it gets here."""

from ganbench.weights.installed import (
    MissingWeightsError,
    fetch,
    have,
    identity,
    import_file,
    load,
    state,
    stored,
    verify,
)

__all__ = [
    "MissingWeightsError",
    "fetch",
    "have",
    "identity",
    "import_file",
    "load",
    "state",
    "stored",
    "verify",
]
