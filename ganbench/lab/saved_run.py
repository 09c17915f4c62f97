# SPDX-License-Identifier: MIT
"""A run of the lab, saved as a folder that every other command reads."""

from __future__ import annotations

import re
import shutil

from ganbench.errors import ConfigError
from ganbench.harness.run_metrics import missing_metrics, wanted_metrics
from ganbench.harness.stored_run import measure_again
from ganbench.lab.lab_options import LabOptions
from ganbench.lab.segments import Segment
from ganbench.records.atomic_files import storage_errors
from ganbench.records.run_folder import RunFolder, name_folder

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.+-]{0,79}")


def save_segment(segment: Segment, options: LabOptions, name: str, *, ended: bool) -> RunFolder:
    """Copy the folder of a run to the folder of runs, measured if it has ended.

    A run that has not ended is saved with its checkpoint, as an interrupted run is.

    Args:
        segment: The run, whose checkpoint is that of the moment.
        options: Where runs are saved.
        name: The name of the folder; empty for the one that ``ganbench run`` would choose.
        ended: Whether the run has ended.

    Raises:
        ConfigError: The name is no plain name, or is taken.
        StorageError: The folder cannot be written.
    """
    config = segment.plan.config
    if not name:
        stem = segment.plan.folder_stem
        target = name_folder(options.runs, stem, config.identity, resume=False).path
    elif _NAME.fullmatch(name) is None:
        raise ConfigError("The name of a run has letters, digits, and - _ + . only.")
    else:
        target = options.runs / name
        if target.exists():
            raise ConfigError(f"There is a folder '{name}' already.", "Choose another name.")
    if ended:
        measure_again(
            segment.plan,
            segment.folder,
            _metrics(segment),
            device=options.device,
            threads=segment.threads,
        )
    with storage_errors(target):
        shutil.copytree(segment.folder.path, target, dirs_exist_ok=True)
    return RunFolder(target)


def _metrics(segment: Segment) -> list[str]:
    return missing_metrics(segment.folder.outcome(), wanted_metrics(segment.source, None))
