# SPDX-License-Identifier: MIT
"""The names of everything that is registered, for use from Python."""

from __future__ import annotations

from ganbench import registry
from ganbench.records.bundled_generators import pretrained_generators


def list_models() -> list[str]:
    """Return the names of all models, in alphabetical order."""
    return registry.models.names()


def list_tricks() -> list[str]:
    """Return the names of all tricks, in alphabetical order."""
    return registry.tricks.names()


def list_backbones() -> list[str]:
    """Return the names of all backbones, in alphabetical order."""
    return registry.backbones.names()


def list_losses() -> list[str]:
    """Return the names of all losses, in alphabetical order."""
    return registry.losses.names()


def list_datasets() -> list[str]:
    """Return the names of all datasets, in alphabetical order."""
    return registry.datasets.names()


def list_metrics() -> list[str]:
    """Return the names of all metrics, in alphabetical order."""
    return registry.metrics.names()


def list_networks() -> list[str]:
    """Return the names of all feature networks, in alphabetical order."""
    return registry.networks.names()


def list_loggers() -> list[str]:
    """Return the names of all loggers, in alphabetical order."""
    return registry.loggers.names()


def list_pretrained() -> list[str]:
    """Return the names of all pretrained generators, which ``load_run`` takes."""
    return list(pretrained_generators())
