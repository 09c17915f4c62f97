# SPDX-License-Identifier: MIT
"""What a run, a report or a suite used, and the papers that are to be cited for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganbench import registry
from ganbench.config import parse_trick
from ganbench.entries import Entry
from ganbench.errors import GanbenchError, InputError, UnknownNameError, suggest
from ganbench.papers.paper import Paper, find_paper, known_papers, papers_named
from ganbench.paths import expand
from ganbench.records.json_values import as_mapping
from ganbench.records.load import load_runs
from ganbench.records.run_record import RunRecord
from ganbench.typed_values import read_toml

_NETWORK = re.compile(r"^[^/]+/v[^@/]+@([\w-]+):")
"""The network in the protocol of a measurement: ``fid/v1@inception:6726825d/...``."""


@dataclass(frozen=True, order=True)
class Use:
    """An entry that was used, such as the model ``dcgan``; ``kind`` is singular: ``model``."""

    kind: str
    name: str

    def __str__(self) -> str:
        """Return the kind and the name: ``model dcgan``."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Credits:
    """The papers of what was used, by key, and what of it has no paper in the list."""

    papers: tuple[Paper, ...]
    without_paper: tuple[Use, ...]


def papers_of(kind: str, entry: Entry) -> list[Paper]:
    """Return the papers of an entry: those that its docstring names, then further ones.

    Args:
        kind: The kind of the entry, such as ``model``.
        entry: The entry, as the registry lists it.
    """
    return list(dict.fromkeys([*papers_named(entry.paper), *_taken_from(Use(kind, entry.name))]))


def credits_of(names: Iterable[str], suites: Mapping[str, Path]) -> Credits:
    """Return the papers to cite for anything that has a name or a folder.

    Args:
        names: Folders of runs or reports, suites, entries of the registry, keys of papers.
        suites: The files of the bundled suites, by name.

    Raises:
        UnknownNameError: Nothing has the name.
        InputError: A folder holds no run, or a suite cannot be read.
    """
    papers: dict[str, Paper] = {}
    without: dict[Use, None] = {}
    for name in names:
        if paper := find_paper(name):
            papers[paper.key] = paper
            continue
        for use in _uses_named(name, suites):
            credited = _papers_of_use(use)
            papers |= {paper.key: paper for paper in credited}
            if not credited:
                without[use] = None
    return Credits(tuple(papers[key] for key in sorted(papers)), tuple(sorted(without)))


def _uses_named(name: str, suites: Mapping[str, Path]) -> Iterator[Use]:
    """Yield what a folder, a suite or an entry of that name uses."""
    path = expand(name)
    if path.is_dir():
        for run in load_runs([path], curves=False):
            yield from uses_of_run(run)
    elif name in suites or (path.suffix == ".toml" and path.is_file()):
        yield from uses_of_suite(read_toml(suites.get(name, path)))
    else:
        yield from _uses_of_entry(name, suites)


def _uses_of_entry(name: str, suites: Mapping[str, Path]) -> Iterator[Use]:
    """Yield the entries of that name, and the network that a metric uses: ``fid@mnist-cnn``.

    A name of several things stands for all of them; ``metrics/lpips`` is one of them.
    """
    if registry.is_file_name(name):
        yield _use_of_file(name)
        return
    plural, _, short = name.rpartition("/")
    catalogues = _catalogues()
    if plural in registry.KINDS:
        only = registry.KINDS[plural]
        catalogues = {kind: each for kind, each in catalogues.items() if each is only}
    plain, _, network = registry.canonical(short if plural in registry.KINDS else name).partition(
        "@"
    )
    kinds = [kind for kind, catalogue in catalogues.items() if plain in catalogue.entries()]
    if not kinds:
        entries = (entry for catalogue in catalogues.values() for entry in catalogue.entries())
        near = suggest(plain, [*entries, *suites, *known_papers()])
        raise UnknownNameError(
            f"Nothing is called '{name}'. {near}".strip(),
            "Name a folder of runs, a suite, or anything that ganbench ls lists.",
        )
    for kind in kinds:
        yield Use(kind, plain)
    if "metric" in kinds and (used := network or registry.metrics.get(plain).network):
        yield Use("network", used)


def _use_of_file(name: str) -> Use:
    """Return the entry in a user's file, whose kind the file tells.

    Raises:
        InputError: The file does not exist, or holds no such entry.
    """
    problems = []
    for kind in ("model", "trick", "loss"):
        try:
            _catalogues()[kind].entry(name)
        except InputError as error:
            problems.append(error)
        else:
            return Use(kind, name)
    raise problems[0]


def uses_of_run(run: RunRecord) -> Iterator[Use]:
    """Yield what a run was trained and measured with."""
    config = run.config
    yield Use("model", str(config.get("model") or run.model))
    yield Use("dataset", str(config.get("dataset") or run.dataset).partition("@")[0])
    for trick in config.get("tricks", ()):
        yield Use("trick", str(as_mapping(trick).get("name")))
    loss = str(config.get("loss", ""))
    if loss in registry.losses.entries() or config.get("loss_source"):
        yield Use("loss", loss)  # any other loss belongs to its model
    yield from _backbones(as_mapping(config.get("parameters")).get("backbone"))
    yield from _optimizers(as_mapping(config.get("recipe")))
    for name, measurement in run.metrics.items():
        yield Use("metric", name.partition("@")[0])
        if network := _NETWORK.match(measurement.protocol):
            yield Use("network", network[1])


def _optimizers(recipe: Mapping[str, Any]) -> Iterator[Use]:
    """Yield the optimizers of a recipe that a paper introduced."""
    for role in ("generator", "discriminator"):
        settings = as_mapping(recipe.get(f"{role}_optimizer"))
        if settings.get("kind") == "adam":
            yield Use("optimizer", "adam")
        elif settings.get("kind") == "sgd" and str(settings.get("momentum")).startswith("-"):
            yield Use("optimizer", "negative-momentum")


def uses_of_suite(suite: Mapping[str, Any]) -> Iterator[Use]:
    """Yield the models, tricks, datasets and metrics that a suite names."""
    for kind in ("model", "dataset"):
        for name in _listed(suite.get(f"{kind}s", ())):
            yield Use(kind, name.partition("@")[0])
    for trick_set in _listed(suite.get("tricks", ())):
        for text in trick_set.split("+"):
            if text.strip() not in {"", "none"} and not text.endswith(":off"):
                yield Use("trick", parse_trick(text).name)
    for settings in (as_mapping(suite.get("set")), as_mapping(suite.get("vary"))):
        for loss in _listed(settings.get("loss", ())):
            yield Use("loss", loss)
        yield from _backbones(settings.get("model.backbone"))
    for name in [*_listed(suite.get("metrics", ())), *_listed(suite.get("metric", ()))]:
        metric, _, network = name.partition("@")
        yield Use("metric", metric)
        if network:
            yield Use("network", network)


def _backbones(named: object) -> Iterator[Use]:
    """Yield the backbones that a setting names; which networks ``auto`` is, the data decide."""
    for text in _listed(named):
        name = registry.canonical(parse_trick(text).name)
        if name in _catalogues()["backbone"].entries() or registry.is_file_name(name):
            yield Use("backbone", name)


def _listed(names: object) -> list[str]:
    """Return names as a list; a single name stands for a list of itself."""
    if isinstance(names, str):
        return [names]
    return [str(name) for name in names] if isinstance(names, list | tuple) else []


def _papers_of_use(use: Use) -> list[Paper]:
    """Return the papers of something that was used; none if nothing is known of it here."""
    if use.kind not in _catalogues():
        return _taken_from(use)
    try:
        return papers_of(use.kind, _catalogues()[use.kind].entry(use.name))
    except GanbenchError:  # a user's file that is not here, or data without a name
        return []


def _taken_from(use: Use) -> list[Paper]:
    """Return the papers whose records name an entry."""
    name = f"{use.kind}:{use.name}"
    return [paper for paper in known_papers().values() if name in paper.ganbench]


def entries_by_paper() -> dict[str, list[str]]:
    """Return what ganbench has of each paper, such as ``trick:r1``, by the paper's key."""
    entries = {key: list(paper.ganbench) for key, paper in known_papers().items()}
    for kind, catalogue in _catalogues().items():
        for name, entry in catalogue.entries().items():
            for paper in papers_named(entry.paper):
                entries[paper.key].append(f"{kind}:{name}")
    return {key: sorted(set(names)) for key, names in entries.items()}


def _catalogues() -> dict[str, registry.Registry[Any]]:
    """Return every registry by its kind in one word: ``network`` for feature networks."""
    return {each.kind.rpartition(" ")[2]: each for each in registry.KINDS.values()}
