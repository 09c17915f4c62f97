# SPDX-License-Identifier: MIT
"""What an exported generator carries about itself and its run, as plain data."""

from __future__ import annotations

from typing import Any

from ganbench.data.described_source import spec_record
from ganbench.export.plain_generator import ExportedGenerator
from ganbench.records.json_values import as_mapping
from ganbench.records.run_folder import RunFolder
from ganbench.records.strip_paths import strip_paths, strip_paths_in
from ganbench.sampling.draw import sampler_name
from ganbench.state import State

OWN = {"library_name": "ganbench"}
"""How every document begins, by which a file is known to be ganbench's."""

FORMAT = 1
"""The version of the document."""


def export_document(
    folder: RunFolder,
    state: State,
    exported: ExportedGenerator,
    *,
    left_out: list[str],
    half: bool = False,
) -> dict[str, Any]:
    """Return the contents of ``config.json``, and of the metadata of other formats.

    Args:
        folder: The run.
        state: Its trained state.
        exported: Its generator.
        left_out: The names of tricks that the export leaves out.
        half: Whether matrices and kernels are stored in half precision.
    """
    record = folder.config()
    config = dict(as_mapping(record.get("config")))
    config["tricks"] = [trick for trick in config["tricks"] if trick["name"] not in left_out]
    return {
        **OWN,
        "format": FORMAT,
        "generator": {
            **exported.facts.record(),
            "parameters": sum(weight.numel() for weight in exported.network.parameters()),
            "stored_as": "float16" if half else "float32",
            "random": exported.random,
            "sampler": sampler_name(state),
            "left_out": left_out,
        },
        "data": {**spec_record(state.data), "name": strip_paths(state.data.name)},
        "run": {
            "identity": record.get("identity"),
            "config": strip_paths_in(config),
            "command": record.get("command", ""),
            "kimg": state.images_seen / 1000 or record.get("kimg"),
            "result": strip_paths_in(folder.result()) if folder.finished else None,
        },
    }
