# SPDX-License-Identifier: MIT
"""How a run that has begun is computed, as its record states: what it keeps when it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ganbench.errors import DamagedRunError
from ganbench.records.atomic_files import read_json
from ganbench.records.json_values import as_mapping, as_whole
from ganbench.records.run_folder import RunFolder
from ganbench.runtime.execution import USUAL, Execution


def recorded_threads(folder: RunFolder) -> int | None:
    """Return the number of threads that the record of a run states, if it states one.

    Raises:
        DamagedRunError: The record cannot be read.
    """
    return as_whole(_options(folder).get("threads"))


def recorded_execution(folder: RunFolder) -> Execution:
    """Return how a run computes its steps, of which the record states what is not usual.

    Raises:
        DamagedRunError: The record cannot be read.
    """
    options = _options(folder)
    contiguous = options.get("memory_format") == "contiguous"
    return Execution(
        memory_format="contiguous" if contiguous else USUAL.memory_format,
        compile=options.get("compile") is True,
    )


def record_threads(folder: RunFolder, threads: int, kimg: float) -> None:
    """Record that a run goes on with another number of threads from some kimg.

    Raises:
        DamagedRunError: The record cannot be read.
    """
    document = folder.config()
    options = dict(_options(folder))
    change = {"kimg": kimg, "before": options.get("threads"), "after": threads}
    earlier = options.get("threads_changed")
    changes = [*(earlier if isinstance(earlier, list) else []), change]
    options |= {"threads": threads, "threads_changed": changes}
    folder.write_config({**document, "options": options})
    with suppress(DamagedRunError):  # a damaged environment is no reason to end training
        environment = read_json(folder.environment_file)
        torch_facts = {**as_mapping(environment.get("torch")), "threads": threads}
        folder.write_environment({**environment, "threads": threads, "torch": torch_facts})


def _options(folder: RunFolder) -> Mapping[str, Any]:
    return as_mapping(folder.config().get("options"))
