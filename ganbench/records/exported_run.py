# SPDX-License-Identifier: MIT
"""A trained generator without the rest of its run: a bundled one, a folder, or a single file.

    config.json        {"library_name", "format", "generator", "data", "run"}
    model.safetensors  the weights of the generator
    README.md          the model card
    samples.png        samples

A single safetensors file has the contents of ``config.json`` as its metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from ganbench.errors import DamagedRunError, InputError, suggest
from ganbench.paths import expand
from ganbench.records.atomic_files import check_regular_file, read_json
from ganbench.records.bundled_generators import pretrained_folder, pretrained_generators, zoo_folder
from ganbench.records.generator_facts import GeneratorFacts
from ganbench.records.json_values import as_mapping, as_number, parse_json
from ganbench.records.run_folder import RunFolder, check_result, open_run

FACTS = "facts"
"""The only key of the metadata of a weights' file: safetensors orders several at random."""
WEIGHTS = "model.safetensors"
_SUFFIX = ".safetensors"
_LARGEST_BYTES = 1 << 40


@dataclass(frozen=True)
class ExportedRun(RunFolder):
    """A run of which only the trained generator is here, with the records of its training."""

    @property
    def in_one_file(self) -> bool:
        """Whether it is a single file, and no folder."""
        return self.path.suffix == _SUFFIX

    @property
    def name(self) -> str:
        """Its name, without folders and the ending of a file."""
        return self.path.stem if self.in_one_file else self.path.resolve().name

    @property
    def bundled(self) -> bool:
        """Whether it is part of ganbench, whose tests hold it to the samples that it draws."""
        return self.path.parent == zoo_folder() / "pretrained"

    @property
    def config_file(self) -> Path:
        """The file that describes it."""
        return self.path if self.in_one_file else self.path / "config.json"

    @property
    def generator_file(self) -> Path:
        """The weights of the generator."""
        return self.path if self.in_one_file else self.path / WEIGHTS

    @property
    def finished(self) -> bool:
        """Whether the run was over when its generator was exported."""
        return "metrics" in self.result()

    def document(self) -> Mapping[str, Any]:
        """Return all that is recorded about the generator.

        Raises:
            DamagedRunError: It cannot be read, or describes no generator.
        """
        document = _document_in(self.path) if self.in_one_file else read_json(self.config_file)
        if not _describes_generator(document):
            raise DamagedRunError(f"{self.config_file} describes no generator.")
        return document

    @property
    def kimg(self) -> float:
        """How long it was trained, in thousands of real examples."""
        return as_number(self.config().get("kimg")) or 0.0

    def facts(self) -> GeneratorFacts:
        """Return what the generator takes, and what it returns."""
        return GeneratorFacts.read(self.document())

    def config(self) -> dict[str, Any]:
        """Return the record of the run: ``identity``, ``config``, ``command``."""
        return dict(as_mapping(self.document()["run"]))

    def result(self) -> dict[str, Any]:
        """Return how the run ended; empty if the generator was exported before its end."""
        return dict(as_mapping(self.config().get("result")))

    def outcome(self) -> dict[str, Any]:
        """Return how the run ended, with all the keys that a result must have.

        Raises:
            DamagedRunError: A key is missing, or has a value of a wrong type.
        """
        return check_result(self.result(), self.config_file)

    def sample_grids(self) -> list[Path]:
        """Return the picture of samples, if there is one."""
        picture = self.path / "samples.png"
        return [picture] if not self.in_one_file and picture.is_file() else []


def find_run(name: str | Path) -> RunFolder:
    """Return the run that a name means: a bundled generator, a folder, or a file of weights.

    A folder that has the name of a bundled generator is written ``./NAME``.

    Raises:
        InputError: There is nothing of that name, or it holds no run and no generator.
    """
    exported = find_exported(name)
    if exported is not None:
        return exported
    path = expand(name)
    if "@" in path.name and not path.exists():
        near = suggest(path.name, pretrained_generators())
        raise InputError(
            f"There is no run and no pretrained generator '{name}'. {near}".strip(),
            "See what there is: ganbench ls pretrained",
        )
    return open_run(path)


def find_exported(name: str | Path) -> ExportedRun | None:
    """Return the exported generator that a name means, or None where it means something else.

    Raises:
        InputError: It means a file of weights that says nothing about its generator.
    """
    folder = pretrained_folder(str(name)) if "/" not in str(name) else None
    if folder is not None:
        return ExportedRun(folder)
    path = expand(name)
    if path.suffix == _SUFFIX and path.is_file():
        if _describes_generator(_document_in(path)):
            return ExportedRun(path)
        raise InputError(
            f"{path} holds weights, and does not say which generator they belong to.",
            "Name the folder of the run, or export it: ganbench export RUN --to safetensors",
        )
    is_exported = (path / WEIGHTS).is_file() and (path / "config.json").is_file()
    return ExportedRun(path) if is_exported and _is_export(path / "config.json") else None


def _is_export(file: Path) -> bool:
    try:
        return _describes_generator(read_json(file))
    except DamagedRunError:
        return False


def _describes_generator(document: Mapping[str, Any]) -> bool:
    run = as_mapping(document.get("run"))
    return bool(as_mapping(document.get("data"))) and bool(as_mapping(run.get("config")))


def _document_in(path: Path) -> Mapping[str, Any]:
    """Return the metadata of a safetensors file.

    Raises:
        DamagedRunError: It is none.
    """
    try:
        check_regular_file(path, path.stat(), _LARGEST_BYTES)
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
        return as_mapping(parse_json(metadata.get(FACTS, "{}")))
    except (SafetensorError, OSError, ValueError) as error:
        raise DamagedRunError(f"{path} is no file of weights: {error}.") from error
