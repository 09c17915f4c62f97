# SPDX-License-Identifier: MIT
"""What a trained run names and what has changed since: its data, and the files of its code."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ganbench import registry
from ganbench.config import parse_trick
from ganbench.errors import ConfigError, GanbenchError
from ganbench.harness.plan import RunPlan
from ganbench.records.exported_run import ExportedRun
from ganbench.records.run_folder import RunFolder
from ganbench.source_digest import source_digest
from ganbench.training.build import backbone_source, source_hash


def changed_code(plan: RunPlan, folder: RunFolder) -> list[str]:
    """Return a sentence for the model, its backbone and each trick whose source has changed.

    Samples are drawn by the code as it is now, with the weights that were trained by the old one.
    The loss is left out, because it draws nothing. Generators that are bundled are passed over:
    tests hold them to the samples that they draw.
    """
    if isinstance(folder, ExportedRun) and folder.bundled:
        return []
    config = plan.config
    changed = []
    if _digest(partial(source_hash, config.model)) != config.model_source:
        changed.append(f"model {config.model}")
    if _digest(partial(backbone_source, config.parameters)) != config.backbone_source:
        changed.append(f"backbone {parse_trick(str(config.parameters['backbone'])).name}")
    for name, recorded in config.trick_sources.items():
        if _digest(partial(source_digest, registry.tricks, name)) != recorded:
            changed.append(f"trick {name}")
    return [f"The {each} has changed since the run was trained" for each in changed]


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
