# SPDX-License-Identifier: MIT
"""``ganbench show``: all that is known of one model, trick, dataset, paper, suite or run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganbench.cli import options
from ganbench.cli.idle_options import refuse_idle
from ganbench.cli.options import OUTPUT
from ganbench.cli.output import (
    METRIC_COLUMNS_TO_LEAVE,
    console,
    metrics_table,
    print_json,
    print_unmeasured,
)
from ganbench.paths import expand

if TYPE_CHECKING:
    from ganbench.analysis.claims import PaperClaim
    from ganbench.analysis.learned import Learned
    from ganbench.registry import Entry

DEFAULT_DATASET = "mnist5k"

EXAMPLES = """\
Examples:

ganbench show dcgan

ganbench show wgan-gp --dataset ring8

ganbench show backbones/dcgan

ganbench show karras2020analyzing --bibtex

ganbench show runs/vanilla-mnist5k-seed0-1a2b3c4d

ganbench show dcgan@mnist5k
"""


def command(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of what ganbench ls lists, or a run.")],
    dataset: options.DatasetName = DEFAULT_DATASET,
    as_bibtex: Annotated[
        bool,
        typer.Option(
            "--bibtex",
            help="Print the BibTeX of a paper, or of the papers of anything else.",
            metavar="",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    as_json: options.JsonFlag = False,
) -> None:
    """Describe one thing: its documentation, its parameters or recipe, where its source is."""
    if as_bibtex:
        from ganbench.cli.cite import command as cite

        refuse_idle(context, {"dataset"}, "with --bibtex")
        cite([name], as_json=as_json)
        return
    path = expand(name)
    typed, name = name, _without_variant(name)
    if path.is_dir() or path.suffix == ".safetensors" or "@" in name:
        _refuse_dataset(context, "run")
        _show_run(typed, as_json=as_json)
        return
    from ganbench.harness.builtin_suites import builtin_suites
    from ganbench.papers.paper import find_paper
    from ganbench.registry import is_file_name

    if paper := find_paper(name):
        from ganbench.cli.paper_output import print_paper

        _refuse_dataset(context, "paper")
        print_paper(paper, as_json=as_json)
        return

    if name in builtin_suites():
        _refuse_dataset(context, "suite")
        _show_suite(name, builtin_suites()[name], as_json=as_json)
        return
    kind, entry, namesakes = _find(name)
    if kind != "model":
        _refuse_dataset(context, kind)
    loaded = typed.rpartition("/")[2] if kind == "dataset" else entry.name
    details = _details(kind, name if is_file_name(name) else loaded, dataset)
    from ganbench.papers.credits import papers_of

    papers = papers_of(kind, entry)
    claim = _claim(kind, entry)
    learned = _learned(kind, entry)
    facts: dict[str, Any] = {
        "kind": kind,
        "name": entry.name,
        "summary": entry.summary,
        "paper": entry.paper,
        "papers": [paper.key for paper in papers],
        **({"claim": claim.model_dump()} if claim else {}),
        **({"learned": learned.model_dump()} if learned else {}),
        "source": entry.origin,
        "documentation": entry.documentation,
        **details,
    }
    if as_json:
        print_json(facts)
        return
    _print_entry(kind, entry, details)
    lines = [f"what its paper claims: {claim.claim} ({claim.source})"] if claim else []
    lines += [f"measured: {learned.summary}"] if learned else []
    lines += [f"paper: {paper.title}, {paper.published} ({paper.key})" for paper in papers]
    lines += [f"of the same name: ganbench show {namesake}" for namesake in namesakes]
    for line in lines:
        console().print(line)
    console().print(f"source: {entry.origin}", soft_wrap=True)


def _refuse_dataset(context: typer.Context, kind: str) -> None:
    """Refuse ``--dataset``, which changes the description of a model alone."""
    refuse_idle(context, {"dataset"}, f"in the description of a {kind}")


def _print_entry(kind: str, entry: Entry, details: dict[str, Any]) -> None:
    """Print what an entry's docstring says, and what only the loaded thing knows."""
    from rich.text import Text

    from ganbench.records.json_values import json_text

    screen = console()
    screen.print(Text.assemble((entry.name, "bold"), f" ({kind})"))
    screen.print(entry.documentation)
    screen.print()
    for key, value in details.items():
        screen.print(key, style="bold")
        screen.print_json(json_text(value))


def _without_variant(name: str) -> str:
    """Return the name of a dataset without its size, or of a metric without its network.

    The name of a pretrained generator, such as ``dcgan@mnist5k``, is left whole.
    """
    from ganbench import registry

    plain = name.partition("@")[0]
    plural, _, short = plain.rpartition("/")
    key = registry.canonical(short if plural in registry.KINDS else plain)
    known = (registry.datasets.entries(), registry.metrics.entries())
    return plain if any(key in entries for entries in known) else name


def _find(name: str) -> tuple[str, Entry, list[str]]:
    """Return the kind and the entry called ``name``, and how those of other kinds are called."""
    from ganbench import registry
    from ganbench.errors import InputError, UnknownNameError, suggest

    if registry.is_file_name(name):
        problems = []
        for catalogue in (
            registry.models,
            registry.tricks,
            registry.losses,
            registry.backbones,
        ):
            try:
                return catalogue.kind, catalogue.entry(name), []
            except InputError as error:
                problems.append(error)
        raise problems[0]
    plural, _, short = name.rpartition("/")
    key = registry.canonical(short if plural in registry.KINDS else name)
    catalogues = {plural: registry.KINDS[plural]} if plural in registry.KINDS else registry.KINDS
    homes = {kind: each for kind, each in catalogues.items() if key in each.entries()}
    if not homes:
        known = [entry for catalogue in catalogues.values() for entry in catalogue.entries()]
        raise UnknownNameError(
            f"Nothing is called '{name}'. {suggest(key, known)}".strip(), "See ganbench ls."
        )
    first, *others = homes
    kind = homes[first].kind.rpartition(" ")[2]
    return kind, homes[first].entries()[key], [f"{other}/{key}" for other in others]


def _claim(kind: str, entry: Entry) -> PaperClaim | None:
    """Return what the paper of a trick claims for it; None if nothing was verified."""
    from ganbench import registry
    from ganbench.analysis.claims import known_claims

    if kind != "trick" or not registry.tricks.is_own(entry):
        return None
    return known_claims().get(entry.name)


def _learned(kind: str, entry: Entry) -> Learned | None:
    """Return what a model of the zoo was measured to learn; None if nothing was."""
    from ganbench import registry
    from ganbench.analysis.learned import known_learned

    if kind != "model" or not registry.models.is_own(entry):
        return None
    return known_learned().get(entry.name)


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
    if kind == "backbone":
        from ganbench.model_parameters import resolve_parameters

        return {"parameters": resolve_parameters(name, registry.backbones.get(name), {})}
    if kind == "dataset":
        from ganbench.data import open_dataset

        spec = open_dataset(name).spec
        return {"shape": list(spec.shape), "classes": spec.classes, "version": spec.version}
    if kind in {"network", "logger"}:
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
    from ganbench.cli.health_output import print_best, print_events
    from ganbench.health.stored_health import stored_health
    from ganbench.records.exported_run import ExportedRun, find_run
    from ganbench.records.json_values import json_text

    folder = find_run(name)
    config = folder.description()
    rows = folder.stats()
    seen = rows[-1]["kimg"] if rows else config.origin.kimg if config.origin else 0.0
    result: dict[str, Any] = {"status": "unfinished", "kimg": seen, "metrics": {}}
    if folder.finished:
        result = folder.outcome()
    result["health"] = stored_health(folder)
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
    if config.turns_by_hand:
        made = "update was" if config.turns_by_hand == 1 else "updates were"
        screen.print(
            f"{config.turns_by_hand:,} {made} made by hand, in a lab: no command repeats this run."
        )
    if isinstance(folder, ExportedRun):
        seen = folder.kimg
        screen.print(f"The generator alone: {folder.generator_file}", soft_wrap=True)
    screen.print(f"{result['status']}: {seen:.4g} of {config.recipe.kimg:.4g} kimg")
    print_unmeasured(result)
    print_best(result)
    print_events(result)
    for picture in folder.sample_grids()[-1:]:
        screen.print(f"Samples: {picture}", soft_wrap=True)
