# SPDX-License-Identifier: MIT
"""Write zoo/learned.toml from runs: when each model drew every mode, and what it draws at the end.

    python tools/write_learned.py runs/zoo-digits runs/zoo-digits-longer

Of several runs of a model the first counts that drew every mode at some evaluation, the shortest
first; if none did, the longest. A run is named and left out that diverged, has no modes counted, is
of other data, or has another recipe than its model's own at any length. Entries of models of which
no run counts stay, and so does what the file says under ``why`` while modes are missing.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ganbench.analysis.learned import Learned, read_learned
from ganbench.config import RunConfig, validate
from ganbench.data import open_dataset
from ganbench.errors import GanbenchError, InputError
from ganbench.harness.best_evaluation import leading_metric
from ganbench.harness.plan import plan
from ganbench.records.atomic_files import write_text
from ganbench.records.bundled_generators import zoo_folder
from ganbench.records.json_values import as_mapping, as_number, as_text, json_text
from ganbench.records.run_folder import RunFolder, find_runs
from ganbench.typed_values import read_toml

HEADER = """\
# SPDX-License-Identifier: MIT
# What each image model drew of mnist5k by its own recipe: tools/write_learned.py writes the figures
# from runs of the suite zoo-digits, and of longer runs of the same recipes. Only "why" is written
# by hand.
"""
METRIC = "modes"
DATASET = "mnist5k"
RECIPE = ("parameters", "loss", "tricks", "recipe", "precision", "origin")
"""The parts of a configuration that a model's own recipe states."""


def learned(folder: RunFolder) -> Learned:
    """Return what a finished run learned.

    Raises:
        GanbenchError: The run says nothing of its model's own recipe on the data, or is damaged.
    """
    if not folder.finished:
        raise InputError("it is not finished")
    outcome, config, environment = folder.outcome(), folder.description(), folder.environment()
    if outcome["status"] == "diverged":
        raise InputError("it diverged")
    if config.dataset != DATASET:
        raise InputError(f"it was trained on {config.dataset}, not on {DATASET}")
    if changed := _changed(config):
        raise InputError(f"it is not of the model's own recipe: {', '.join(changed)} differs")
    end = _modes(outcome)
    if end is None:
        raise InputError("its modes were not counted")
    of = open_dataset(config.dataset).spec.classes
    full = next((row for row in folder.measurements() if _modes(row) == of), None)
    metric = leading_metric(outcome["metrics"]) or METRIC
    facts = {
        "model": config.model,
        "dataset": config.dataset,
        "seed": config.seed,
        "kimg": outcome["kimg"],
        "seconds": outcome["seconds"],
        "threads": environment.get("threads"),
        "processor": environment.get("processor"),
        "modes": end,
        "modes_corrected": _corrected(outcome),
        "of": of,
        "metric": metric,
        "value": outcome["metrics"][metric]["value"],
        "all_after_kimg": full["kimg"] if full else None,
        "all_after_seconds": full["seconds"] if full else None,
    }
    return validate(Learned, facts, "")


def _changed(config: RunConfig) -> list[str]:
    """Return the settings in which a run differs from its model's own, except length and seed."""
    own, had = (
        _flat(each.model_dump(mode="json", include=set(RECIPE)))
        for each in (plan(config.model, config.dataset).config, config)
    )
    keys = dict.fromkeys([*own, *had])
    return [key for key in keys if key != "recipe.kimg" and own.get(key) != had.get(key)]


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    """Return settings with those of the recipe by their dotted keys."""
    recipe = {f"recipe.{key}": value for key, value in values["recipe"].items()}
    return {**{key: value for key, value in values.items() if key != "recipe"}, **recipe}


def _modes(row: dict[str, Any]) -> int | None:
    value = as_number(as_mapping(as_mapping(row.get("metrics")).get(METRIC)).get("value"))
    return None if value is None else int(value)


def _corrected(row: dict[str, Any]) -> int | None:
    """Return the modes without the classifier's errors: measured, or told next to the modes."""
    metrics = as_mapping(row.get("metrics"))
    value = as_number(as_mapping(metrics.get(f"{METRIC}-corrected")).get("value"))
    if value is not None:
        return int(value)
    note = as_text(as_mapping(metrics.get(METRIC)).get("note"))
    told = re.search(r"(\d+) with the classifier's errors taken out", note)
    return int(told[1]) if told else None


def found_in(paths: Iterable[Path]) -> list[Learned]:
    """Return what the runs below some folders learned; those that say nothing are named.

    Raises:
        InputError: A folder is missing, or holds no run.
    """
    found = []
    for path in paths:
        folders = list(find_runs(path)) if path.is_dir() else []
        if not folders:
            raise InputError(f"There is no run in {path}.", "Name folders of finished runs.")
        for folder in folders:
            try:
                found.append(learned(folder))
            except GanbenchError as error:
                sys.stderr.write(f"{folder.path.name} is left out: {error.message.rstrip('.')}\n")
    return found


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
        reasons = {model: entry.why for model, entry in earlier.items()}
        counted = {entry.model: entry for entry in chosen(found_in(arguments.runs), reasons)}
    except GanbenchError as error:
        sys.stderr.write(f"error: {error.message} {error.hint}\n")
        return error.exit_code
    entries = [entry for _, entry in sorted({**earlier, **counted}.items())]
    write_text(arguments.file, "\n\n".join([HEADER.strip(), *map(table, entries)]) + "\n")
    for entry in counted.values():
        sys.stdout.write(f"{entry.model}: {entry.summary}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
