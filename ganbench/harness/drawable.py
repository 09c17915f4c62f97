# SPDX-License-Identifier: MIT
"""Generators to draw from, whatever holds them: a run, an exported generator, or a program."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from ganbench.config import parse_trick
from ganbench.data.value_range import ValueRange
from ganbench.errors import ConfigError
from ganbench.gan import DataSpec
from ganbench.harness.changed_sources import changed_code
from ganbench.harness.stored_run import load_state, plan_of_run
from ganbench.paths import expand
from ganbench.records.exported_run import ExportedRun, find_run
from ganbench.records.run_folder import RunFolder
from ganbench.samples import open_samples
from ganbench.samples.on_disk import TORCHSCRIPTS
from ganbench.samples.sample_set import Samples
from ganbench.sampling.draw import DrawnSamples, draw
from ganbench.training.trainer import evaluating

PROGRAMS = (".onnx", *TORCHSCRIPTS)
"""The endings of files that hold the network itself, not only its weights."""


@dataclass(frozen=True)
class Unstated:
    """What a program may leave unstated, as its user says it; None where it states it itself."""

    latent_dim: int | None = None
    classes: int | None = None
    value_range: ValueRange | None = None


class DrawableGenerator(ABC):
    """A generator to draw from."""

    folder: Path | None
    """The folder of the run, where samples belong; None for a generator without such a folder."""
    name: str
    data: DataSpec
    """What it draws; known once it is loaded."""
    remarks: Sequence[str] = ()
    """What has changed since it was trained; known once it is loaded."""

    @abstractmethod
    def load(self, device: torch.device, tricks: Sequence[str]) -> None:
        """Read the weights.

        Args:
            device: Where samples are drawn.
            tricks: Tricks that act on sampling, as they are written on the command line.

        Raises:
            GanbenchError: The generator cannot be read, or a trick cannot act on it.
        """

    @abstractmethod
    def draw(self, count: int, seed: int, label: int | None) -> DrawnSamples:
        """Draw samples, of one class or of all.

        Raises:
            ConfigError: The generator draws no classes, or not this one.
        """


class _RunGenerator(DrawableGenerator):
    """The generator of a run, or one that was exported with what ganbench needs to rebuild it."""

    def __init__(self, run: RunFolder, data_root: Path | None) -> None:
        self._run = run
        self._data_root = data_root
        exported = isinstance(run, ExportedRun)
        self.folder = None if exported else run.path
        self.name = run.name if isinstance(run, ExportedRun) else run.path.name

    def load(self, device: torch.device, tricks: Sequence[str]) -> None:
        """Rebuild the networks, and read their weights."""
        plan = plan_of_run(self._run, data_root=self._data_root)
        self.remarks = changed_code(plan, self._run)
        sampling = [parse_trick(text) for text in tricks]
        self._state = load_state(plan, self._run, device, sampling=sampling)
        self.data = self._state.data

    def draw(self, count: int, seed: int, label: int | None) -> DrawnSamples:
        """Draw as the run does."""
        with evaluating(self._state):
            return draw(self._state, count, seed=seed, label=label)


class _ProgramGenerator(DrawableGenerator):
    """A generator in a file that holds the network itself."""

    folder = None

    def __init__(self, path: Path, unstated: Unstated) -> None:
        self._path = path
        self._unstated = unstated
        self.name = path.stem
        self._device = torch.device("cpu")

    def load(self, device: torch.device, tricks: Sequence[str]) -> None:
        """Draw the first samples, which say what the file draws."""
        if tricks:
            raise ConfigError(
                f"Tricks act on the samples of a run, and {self._path} is a program.",
                "Leave out --trick, or name the run.",
            )
        self._device = device
        facts = self._open(count=1).facts
        assert facts.shape is not None
        self.data = DataSpec(self.name, facts.version, facts.shape, classes=facts.classes)

    def draw(self, count: int, seed: int, label: int | None) -> DrawnSamples:
        """Draw as a measurement does."""
        samples = self._open(count=count, seed=seed, label=label)
        labels = None if samples.labels is None else torch.from_numpy(samples.labels)
        chunks = [chunk.values for chunk in samples.chunks() if isinstance(chunk.values, Tensor)]
        return DrawnSamples(torch.cat(chunks), labels)

    def _open(self, *, count: int, seed: int = 0, label: int | None = None) -> Samples:
        """Open the samples that the program draws."""
        return open_samples(
            self._path,
            count=count,
            seed=seed,
            label=label,
            device=self._device,
            **asdict(self._unstated),
        )


def open_generator(
    name: str, unstated: Unstated = Unstated(), data_root: Path | None = None
) -> DrawableGenerator:
    """Return the generator that a name means, before its weights are read.

    Args:
        name: The folder of a run; the name of a pretrained generator; an exported one, as a folder
            or a file.
        unstated: What the user says of a program that does not say it itself.
        data_root: The folder that is searched first for downloaded datasets.

    Raises:
        InputError: There is nothing of that name, or it holds no generator.
        ConfigError: Something is stated of a generator that states everything.
    """
    if name.lower().endswith(PROGRAMS) and expand(name).is_file():
        return _ProgramGenerator(expand(name), unstated)
    run = find_run(name)
    if unstated != Unstated():
        raise ConfigError(
            f"{name} states its latent size, its classes and its range.",
            "Leave out --latent-dim, --classes and --range.",
        )
    return _RunGenerator(run, data_root)
