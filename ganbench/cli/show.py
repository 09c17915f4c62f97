# SPDX-License-Identifier: MIT
"""``ganbench show``: all that is known of one model, trick, dataset, metric, suite or run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganbench.cli import options
from ganbench.cli.output import METRIC_COLUMNS_TO_LEAVE, console, metrics_table, print_json, remark
from ganbench.paths import expand

if TYPE_CHECKING:
    from ganbench.registry import Entry

DEFAULT_DATASET = "mnist5k"

EXAMPLES = """\
Examples:

ganbench show dcgan

ganbench show wgan-gp --dataset ring8

ganbench show runs/vanilla-mnist5k-seed0-1a2b3c4d

ganbench show dcgan@mnist5k
"""


def command(
    name: Annotated[str, typer.Argument(help="Name of anything that ganbench ls lists, or a run.")],
    dataset: options.DatasetName = DEFAULT_DATASET,
    as_json: options.JsonFlag = False,
) -> None:
    """Describe one thing: its documentation, its parameters or recipe, where its source is."""
    path = expand(name)
    if path.is_dir() or path.suffix == ".safetensors" or "@" in name:
        _show_run(name, as_json=as_json)
        return
    from ganbench.harness.builtin_suites import builtin_suites

    if name in builtin_suites():
        _show_suite(name, builtin_suites()[name], as_json=as_json)
        return
    kind, entry = _find(name)
    if kind != "model" and dataset != DEFAULT_DATASET:
        remark(f"--dataset changes the description of a model, and {name} is a {kind}.")
    details = _details(kind, name, dataset)
    facts: dict[str, Any] = {
        "kind": kind,
        "name": entry.name,
        "summary": entry.summary,
        "paper": entry.paper,
        "source": entry.origin,
        "documentation": entry.documentation,
        **details,
    }
    if as_json:
        print_json(facts)
        return
    from rich.text import Text

    from ganbench.records.json_values import json_text

    screen = console()
    screen.print(Text.assemble((entry.name, "bold"), f" ({kind})"))
    screen.print(entry.documentation)
    screen.print()
    for key, value in details.items():
        screen.print(key, style="bold")
        screen.print_json(json_text(value))
    screen.print(f"source: {entry.origin}", soft_wrap=True)


def _find(name: str) -> tuple[str, Entry]:
    """Return the entry called ``name`` among all kinds."""
    from ganbench import registry
    from ganbench.errors import InputError, UnknownNameError, suggest

    if registry.is_file_name(name):
        problems = []
        for catalogue in (registry.models, registry.tricks, registry.losses):
            try:
                return catalogue.kind, catalogue.entry(name)
            except InputError as error:
                problems.append(error)
        raise problems[0]
    known: list[str] = []
    for catalogue in registry.KINDS.values():
        entries = catalogue.entries()
        if registry.canonical(name) in entries:
            return catalogue.kind.rpartition(" ")[2], entries[registry.canonical(name)]
        known += entries
    raise UnknownNameError(
        f"Nothing is called '{name}'. {suggest(name, known)}".strip(), "See ganbench ls."
    )


def _details(kind: str, name: str, dataset: str) -> dict[str, Any]:
    """Return what only the loaded thing knows: recipe, parameters, shape."""
    from dataclasses import fields

    from ganbench import registry
    from ganbench.moving import recorded

    if kind == "model":
        from ganbench.errors import ConfigError
        from ganbench.harness.plan import plan

        try:
            config = plan(name, dataset).config
        except ConfigError as error:
            if dataset != DEFAULT_DATASET:
                raise
            return {f"on {dataset}": error.message}  # nobody has named data that it is for
        return {
            f"recipe on {dataset}": config.recipe.model_dump(mode="json"),
            "parameters": config.parameters,
            "loss": config.loss,
            "tricks": [trick.model_dump() for trick in config.tricks],
        }
    if kind == "trick":
        parameters = fields(registry.tricks.get(name))
        defaults = {parameter.name: recorded(parameter.default) for parameter in parameters}
        return {"parameters": defaults}
    if kind == "dataset":
        from ganbench.data import open_dataset

        spec = open_dataset(name).spec
        return {"shape": list(spec.shape), "classes": spec.classes, "version": spec.version}
    if kind == "network":
        return {}
    if kind == "loss":
        loss = registry.losses.get(name)
        return {
            "sees the real logits in the generator's turn": loss.paired,
            "is a cost of each logit": loss.real_part is not None,
            "is a mean over examples": loss.mean,
        }
    metric = registry.metrics.get(name)
    return {
        "better": metric.better,
        "version": metric.version,
        "needs": list(metric.needs),
        "network": metric.network,
    }


def _show_suite(name: str, path: Path, *, as_json: bool) -> None:
    """Describe a suite: the file itself is its description."""
    import tomllib

    text = path.read_text(encoding="utf-8")
    if as_json:
        facts = {"kind": "suite", "name": name, "summary": tomllib.loads(text).get("title", "")}
        print_json({**facts, "source": str(path), "suite": tomllib.loads(text)})
        return
    from rich.text import Text

    screen = console()
    screen.print(Text.assemble((name, "bold"), " (suite)"))
    screen.print(text)
    screen.print(f"Run it: ganbench compare {name}")
    screen.print(f"source: {path}", soft_wrap=True)


def _show_run(name: str, *, as_json: bool) -> None:
    """Describe a run, or an exported generator, from its records."""
    from ganbench.records.exported_run import ExportedRun, find_run
    from ganbench.records.json_values import json_text

    folder = find_run(name)
    config = folder.description()
    rows = folder.stats()
    result: dict[str, Any] = {"status": "unfinished", "metrics": {}}
    if folder.finished:
        result = folder.outcome()
    if as_json:
        print_json({"kind": "run", "run": str(expand(name)), **folder.config(), "result": result})
        return
    screen = console()
    screen.print_json(json_text(config.model_dump(mode="json")))
    if result["metrics"]:
        table = metrics_table(result["metrics"], folder.path.name)
        screen.print_table(table, least=METRIC_COLUMNS_TO_LEAVE)
    if config.origin is not None:
        screen.print(
            f"It went on from the run {config.origin.run[:8]}, at {config.origin.kimg:.4g} kimg."
        )
    seen = rows[-1]["kimg"] if rows else config.origin.kimg if config.origin else 0.0
    if isinstance(folder, ExportedRun):
        seen = folder.kimg
        screen.print(f"The generator alone: {folder.generator_file}", soft_wrap=True)
    screen.print(f"{result['status']}: {seen:.4g} of {config.recipe.kimg:.4g} kimg")
    for picture in folder.sample_grids()[-1:]:
        screen.print(f"Samples: {picture}", soft_wrap=True)
