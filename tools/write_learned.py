# SPDX-License-Identifier: MIT
"""Write zoo/learned.toml from runs: when each model drew every mode, and what it draws at the end.

    python tools/write_learned.py runs/zoo-digits runs/zoo-digits-longer

Of several runs of a model the first counts that drew every mode at some evaluation, the shortest
first; if none did, the longest. A run that diverged or has no count of modes is named and left out.
What the file says under ``why`` stays while modes are missing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ganbench.analysis.learned import Learned, read_learned
from ganbench.data import open_dataset
from ganbench.errors import GanbenchError
from ganbench.harness.best_evaluation import leading_metric
from ganbench.records.atomic_files import write_text
from ganbench.records.bundled_generators import zoo_folder
from ganbench.records.json_values import json_text
from ganbench.records.run_folder import RunFolder, find_runs
from ganbench.typed_values import read_toml

HEADER = """\
# SPDX-License-Identifier: MIT
# What each image model drew of mnist5k by its own recipe: tools/write_learned.py writes the figures
# from runs of the suite zoo-digits, and of longer runs of the same recipes. Only "why" is written
# by hand.
"""
METRIC = "modes"


def learned(folder: RunFolder) -> Learned | None:
    """Return what a finished run learned; None if it diverged or its modes were not counted."""
    outcome = folder.outcome()
    end = _modes(outcome)
    if outcome["status"] == "diverged" or end is None:
        return None
    config = folder.description()
    environment = folder.environment()
    of = open_dataset(config.dataset).spec.classes
    full = next((row for row in folder.measurements() if _modes(row) == of), None)
    metric = leading_metric(outcome["metrics"]) or METRIC
    return Learned(
        model=config.model,
        dataset=config.dataset,
        seed=config.seed,
        kimg=outcome["kimg"],
        seconds=outcome["seconds"],
        threads=environment["threads"],
        processor=environment["processor"],
        modes=end,
        of=of,
        metric=metric,
        value=outcome["metrics"][metric]["value"],
        all_after_kimg=full["kimg"] if full else None,
        all_after_seconds=full["seconds"] if full else None,
    )


def _modes(row: dict[str, Any]) -> int | None:
    value = (row["metrics"].get(METRIC) or {}).get("value")
    return None if value is None else int(value)


def chosen(found: Iterable[Learned], reasons: dict[str, str]) -> list[Learned]:
    """Return one entry for each model, in the order of names, with the reasons that are known."""
    best: dict[str, Learned] = {}
    for entry in sorted(found, key=lambda entry: entry.kimg):
        if entry.model not in best or not best[entry.model].complete:
            best[entry.model] = entry
    return [
        entry if entry.complete else entry.model_copy(update={"why": reasons.get(entry.model, "")})
        for _, entry in sorted(best.items())
    ]


def table(entry: Learned) -> str:
    """Return an entry as TOML."""
    values = entry.model_dump(exclude_defaults=True)
    return "\n".join(["[[run]]", *(f"{key} = {json_text(value)}" for key, value in values.items())])


def main(words: Sequence[str] | None = None) -> int:
    """Write the file, and print a line for each model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("runs", nargs="+", type=Path, help="folders of finished runs, at any depth")
    parser.add_argument("--file", type=Path, default=zoo_folder() / "learned.toml")
    arguments = parser.parse_args(words)
    try:
        earlier = read_learned(read_toml(arguments.file)) if arguments.file.exists() else {}
        folders = [folder for runs in arguments.runs for folder in find_runs(runs)]
        found = []
        for folder in folders:
            entry = learned(folder) if folder.finished else None
            if entry is None:
                sys.stderr.write(f"{folder.path.name} is left out\n")
            else:
                found.append(entry)
        reasons = {model: entry.why for model, entry in earlier.items()}
        entries = chosen(found, reasons)
    except GanbenchError as error:
        sys.stderr.write(f"error: {error.message} {error.hint}\n")
        return error.exit_code
    write_text(arguments.file, "\n\n".join([HEADER.strip(), *map(table, entries)]) + "\n")
    for entry in entries:
        sys.stdout.write(f"{entry.model}: {entry.summary}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
