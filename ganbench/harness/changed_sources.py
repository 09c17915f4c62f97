# SPDX-License-Identifier: MIT
"""What a trained run names and what has changed since: its data, and the files of its code."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ganbench import registry
from ganbench.errors import ConfigError, GanbenchError
from ganbench.harness.plan import RunPlan
from ganbench.records.exported_run import ExportedRun
from ganbench.records.run_folder import RunFolder
from ganbench.source_digest import source_digest
from ganbench.training.build import source_hash


def changed_code(plan: RunPlan, folder: RunFolder) -> list[str]:
    """Return a sentence for the model and each trick whose source is not the recorded one.

    Samples are drawn by the code as it is now, with the weights that were trained by the old one.
    Generators that are bundled are passed over: tests hold them to the samples that they draw.
    """
    if isinstance(folder, ExportedRun) and folder.bundled:
        return []
    config = plan.config
    sentences = []
    if _digest(partial(source_hash, config.model)) != config.model_source:
        sentences.append(f"The model {config.model} has changed since the run was trained")
    for name, recorded in config.trick_sources.items():
        if _digest(partial(source_digest, registry.tricks, name)) != recorded:
            sentences.append(f"The trick {name} has changed since the run was trained")
    return sentences


def check_data_unchanged(plan: RunPlan) -> None:
    """Refuse to take a dataset for the one that a run was trained on if it has changed since.

    Raises:
        ConfigError: The version of the dataset is another.
    """
    recorded, version = plan.config.dataset_version, plan.source.spec.version
    if version != recorded:
        raise ConfigError(
            f"{plan.config.dataset} has changed since the run was trained: its version is "
            f"{version}, not {recorded}.",
            f"To measure against it as it is now: --real {plan.config.dataset}",
        )


def _digest(compute: Callable[[], str]) -> str:
    """Return a digest, or the empty text if the source is not there anymore."""
    try:
        return compute()
    except GanbenchError:
        return ""
