# SPDX-License-Identifier: MIT
"""An earlier run as an object: its result, and samples from its trained generator."""

from __future__ import annotations

import warnings
from base64 import b64encode
from collections.abc import Mapping
from functools import cached_property
from html import escape
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from torch import Tensor

from ganbench.config import RunConfig
from ganbench.data.dataset import Source
from ganbench.harness.changed_sources import changed_code
from ganbench.harness.export_run import export_run
from ganbench.harness.measured_values import MeasuredValues, RecordMapping, data_frame
from ganbench.harness.plan import RunPlan
from ganbench.harness.stored_run import load_state, plan_of_run
from ganbench.health.stored_health import stored_health
from ganbench.kinds import kind_of
from ganbench.paths import expand
from ganbench.records.exported_run import find_exported
from ganbench.records.read_run import read_run
from ganbench.records.run_event import RunEvent, read_events
from ganbench.records.run_folder import RunFolder
from ganbench.runtime.device import choose_device
from ganbench.sampling.draw import DrawnSamples, draw
from ganbench.state import State
from ganbench.training.trainer import evaluating
from ganbench.typed_values import MOST_SAMPLES, MOST_SEED, check_whole

if TYPE_CHECKING:
    from altair import VConcatChart
    from pandas import DataFrame


class TrainedRun(RecordMapping):
    """A run in its folder; as a mapping, it has the keys of the run's ``result.json``.

    A run that was interrupted has no result yet: its status is ``unfinished``.

    Args:
        path: The run's folder, the name of a pretrained generator, or an exported one.
        source: The data it was trained on, if they cannot be opened by name.
        device: Where samples are drawn: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
    """

    def __init__(self, path: Path, *, source: Source | None = None, device: str = "auto") -> None:
        self._folder = find_exported(path) or RunFolder(path)
        self._source = source
        self._device = device

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self._folder.path

    @property
    def folder(self) -> RunFolder:
        """The files of the run."""
        return self._folder

    @cached_property
    def config(self) -> RunConfig:
        """The run's configuration: model, data, recipe, tricks, seed."""
        return self._folder.description()

    @cached_property
    def result(self) -> Mapping[str, Any]:
        """The contents of ``result.json``."""
        if self._folder.finished:
            return self._folder.outcome()
        return {"status": "unfinished", "identity": self.config.identity, "metrics": {}}

    @property
    def status(self) -> str:
        """``done``, ``diverged``, ``collapsed`` or ``unfinished``."""
        return str(self.result["status"])

    @property
    def metrics(self) -> MeasuredValues:
        """The final measurements by name, each as it is recorded."""
        return MeasuredValues(self.result["metrics"])

    @cached_property
    def health(self) -> Mapping[str, Any]:
        """What went wrong and when, as ``events``, and what was not looked for: ``unchecked``."""
        return stored_health(self._folder)

    @property
    def history(self) -> list[dict[str, Any]]:
        """The statistics of training, a row for each tick: kimg, seconds, losses, logits."""
        return self._folder.stats()

    def sample(
        self, count: int = 64, *, seed: int | None = None, label: int | None = None
    ) -> Tensor:
        """Draw samples as their kind stores them.

        These are uint8 images (count, C, H, W) or videos (count, C, T, H, W), float32 points
        (count, D) or signals (count, C, L), or int64 tokens (count, L).

        Args:
            count: The number of samples.
            seed: The same seed draws the same samples; None means the run's seed.
            label: The class to draw; None draws all with equal probability.

        Raises:
            ConfigError: The model draws no classes, or not this one; a number is out of bounds.
            DamagedRunError: The checkpoint is missing or damaged.
        """
        return self._draw(count, seed, "samples", label).samples

    def grid(self, count: int | None = None, *, seed: int | None = None) -> Image.Image:
        """Return a picture of samples.

        It shows a square of images, each to the right of its source if it was made from one, points
        in the plane, waveforms over spectrograms, lines of text or film strips.

        Args:
            count: The number of samples; None means 64, or as many as suit another kind of data.
            seed: The same seed draws the same samples; None means the run's seed.

        Raises:
            DamagedRunError: The checkpoint is missing or damaged.
        """
        kind, data = kind_of(self._state.data), self._state.data
        return kind.picture(self._draw(count or kind.pictured, seed, "grid").pictured, data)

    def export(self, to: str, path: str | Path | None = None, *, half: bool = False) -> Path:
        """Write the generator in another format, and return the file or folder.

        Args:
            to: ``onnx``, ``torchscript``, ``safetensors`` or ``hub-folder``.
            path: What to write; None means a file in the working folder, named after the run.
            half: Store matrices and kernels in half precision; for safetensors and hub-folder.

        Raises:
            ConfigError: The format is unknown, or does not go with the generator.
            MissingDataError: A package is missing.
            StorageError: The file is somebody else's, or cannot be written.
        """
        out = None if path is None else expand(path)
        export = export_run(self._folder, to=to, out=out, half=half)
        for note in export.notes:
            warnings.warn(note, stacklevel=2)
        return export.path

    def lab(self, *, live: bool = False, height: int = 720) -> Any:
        """Return the run as a notebook shows it: played back in a frame, or trained live.

        A run that was recorded while it trained (``record=True``) is shown at once; otherwise it
        is trained once more for its recording, which stays in its folder.

        Args:
            live: Train it again in a live lab, as a widget whose ``close()`` ends the lab; needs
                the extra ``notebook``, and a notebook on the same machine.
            height: The height of the frame in pixels.

        Raises:
            MissingDataError: A live lab needs packages that are not installed.
            ConfigError: The lab does not show such data, or cannot repeat the run.
        """
        notebook = import_module("ganbench.lab.notebook")  # the lab stands above this package
        return notebook.show_run(self, live=live, height=height, device=self._device)

    def _draw(
        self, count: int, seed: int | None, purpose: str, label: int | None = None
    ) -> DrawnSamples:
        """Draw samples from the random stream of a purpose."""
        check_whole("The number of samples", count, 1, MOST_SAMPLES)
        check_whole("The seed", seed, 0, MOST_SEED)
        with evaluating(self._state):
            return draw(
                self._state,
                count,
                seed=self.config.seed if seed is None else seed,
                purpose=purpose,
                label=label,
            )

    @cached_property
    def plan(self) -> RunPlan:
        """The resolved run: its model, tricks and data as objects."""
        return plan_of_run(self._folder, self._source)

    @cached_property
    def _state(self) -> State:
        for sentence in changed_code(self.plan, self._folder):
            warnings.warn(f"{sentence}.", stacklevel=2)
        return load_state(self.plan, self._folder, choose_device(self._device))

    @property
    def _record(self) -> Mapping[str, Any]:
        return self.result

    def __repr__(self) -> str:
        config = self.config
        facts = [f"{config.model} on {config.dataset}, seed {config.seed}: {self.status}"]
        facts += [f"{name} {value}" for name, value in self.metrics.short().items()]
        return f"<TrainedRun {', '.join(facts)}, in {self.path}>"

    def plot(self) -> VConcatChart:
        """Return the metrics, losses and logits along training as a chart of altair.

        Raises:
            MissingDataError: The run recorded neither.
        """
        from ganbench.report.charts.notebook_charts import training_chart

        return training_chart(read_run(self.folder))

    def to_pandas(self) -> DataFrame:
        """Return the statistics of training as a table with a row for each tick.

        Raises:
            MissingDataError: Pandas is not installed.
        """
        return data_frame(self.history)

    @property
    def _events(self) -> tuple[RunEvent, ...]:
        return read_events(self.health)

    def _repr_html_(self) -> str:
        """Show the run in a notebook: its samples, its measurements, what went wrong."""
        config = self.config
        facts = f"{config.model} on {config.dataset}, seed {config.seed}: {self.status}"
        picture = self._repr_png_()
        image = b64encode(picture).decode("ascii") if picture else ""
        parts = [
            f"<p><b>{escape(facts)}</b><br><code>{escape(str(self.path))}</code></p>",
            f'<img alt="samples" src="data:image/png;base64,{image}">' if image else "",
            self.metrics._repr_html_() if self.metrics else "",
            *(f"<p>{escape(f'{event.name}: {event.message}')}</p>" for event in self._events),
        ]
        return "".join(parts)

    def _repr_png_(self) -> bytes | None:
        """Show the last sample grid in a notebook."""
        grids = self._folder.sample_grids()
        if not grids:
            return None
        with Image.open(grids[-1]) as image, BytesIO() as buffer:
            image.save(buffer, format="PNG")
            return buffer.getvalue()
