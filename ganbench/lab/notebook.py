# SPDX-License-Identifier: MIT
"""The lab in a notebook: a recorded run in a frame, or a live lab as a widget."""

from __future__ import annotations

import importlib
import tempfile
import warnings
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ganbench.errors import ConfigError, MissingDataError, StorageError
from ganbench.harness.begun_run import recorded_execution, recorded_threads
from ganbench.harness.plan import RunPlan
from ganbench.harness.run_options import RunOptions
from ganbench.harness.trained_run import TrainedRun
from ganbench.lab.live_lab import LiveLab
from ganbench.lab.recorded_run import RecordedRun, check_recordable
from ganbench.lab.recording import FRAMES
from ganbench.lab.run_recipe import recipe_of_run
from ganbench.records.atomic_files import write_text
from ganbench.records.run_folder import RunFolder
from ganbench.training.trainer import Schedule

_LIVE_PACKAGES = ("anywidget", "starlette", "uvicorn", "websockets")

_WIDGET = """
function render({ model, el }) {
  const local = ["localhost", "127.0.0.1"];
  const host = local.includes(location.hostname) ? location.hostname : local[1];
  const address = `http://${host}:${model.get("port")}/?token=${model.get("token")}`;
  const frame = document.createElement("iframe");
  frame.title = "ganbench lab";
  frame.style.cssText = `width: 100%; height: ${model.get("height")}px; border: 0`;
  frame.src = address;
  const hint = document.createElement("p");
  const link = document.createElement("a");
  link.href = address;
  link.target = "_blank";
  link.textContent = "Open the lab in a tab of its own";
  hint.append(link, " if nothing is shown here.");
  el.append(frame, hint);
  const show = () => {
    if (!model.get("ended")) return;
    frame.remove();
    hint.textContent = "The lab is closed.";
  };
  model.on("change:ended", show);
  show();
}
export default { render };
"""
"""The front end: the lab's page in a frame. It is asked for by the name of this machine that the
notebook's own address has, because the lab's cookie goes to no other site."""


@dataclass(frozen=True)
class RecordedPage:
    """A recorded run, which a notebook shows in a frame.

    ``page`` is a whole HTML file that loads nothing, ``height`` that of the frame in pixels.
    """

    page: str
    height: int

    def _repr_html_(self) -> str:
        return (
            f'<iframe title="A recorded run" sandbox="allow-scripts allow-downloads" '
            f'style="width: 100%; height: {self.height}px; border: 0" '
            f'srcdoc="{escape(self.page)}"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<RecordedPage, {len(self.page) / 1e6:.1f} MB, which a notebook shows>"

    def save(self, path: str | Path) -> Path:
        """Write the page as a file that opens in any browser, and return the file.

        Raises:
            StorageError: It cannot be written.
        """
        write_text(Path(path), self.page)
        return Path(path)


def show_run(run: TrainedRun, *, live: bool, height: int, device: str) -> Any:
    """Return what a notebook shows of a run: its recording, or a widget with a live lab.

    Args:
        run: The run.
        live: Whether to train it again in a live lab.
        height: The height of the frame in pixels.
        device: Where it is trained, if it is.

    Raises:
        MissingDataError: A live lab needs packages that are not installed.
        ConfigError: The lab does not show such data, or cannot repeat the run.
    """
    if live:
        return _live(run, height, device)
    file = RunFolder(run.path).recording_file
    if file.is_file():
        return RecordedPage(file.read_text(encoding="utf-8"), height)
    if run.config.origin is not None:
        raise ConfigError(
            "The run goes on from another one, and was not recorded while it trained.",
            "Train it again with record=True.",
        )
    check_recordable(run.plan)
    warnings.warn(
        "The run was not recorded while it trained, so it is trained once more for its recording.",
        stacklevel=3,
    )
    page = _recorded_again(run.plan, run.folder, device)
    if type(run.folder) is RunFolder:  # an exported generator has no such file
        with suppress(StorageError):  # somebody else's folder: the page is shown all the same
            write_text(file, page)
    return RecordedPage(page, height)


def _recorded_again(plan: RunPlan, trained: RunFolder, device: str) -> str:
    """Train a run once more in a folder that is deleted, and return the page that plays it."""
    with tempfile.TemporaryDirectory(prefix="ganbench-lab-") as folder:
        options = RunOptions(
            out=Path(folder),
            device=device,
            threads=recorded_threads(trained),
            execution=recorded_execution(trained),
            metrics=(),
            schedule=Schedule(evaluations=0),
        )
        run = RecordedRun(plan, options, frames=FRAMES)
        run.execute()
        return run.folder.recording_file.read_text(encoding="utf-8")


def _live(run: TrainedRun, height: int, device: str) -> Any:
    """Start a lab that trains a run again, and return the widget that shows it."""
    missing = [name for name in _LIVE_PACKAGES if not find_spec(name)]
    if missing:
        raise MissingDataError(
            f"A live lab in a notebook needs {' and '.join(missing)}.",
            "pip install 'ganbench[notebook]'",
        )
    return _widget(LiveLab(recipe_of_run(run.path), device=device), height)


def _widget(lab: LiveLab, height: int) -> Any:
    """Return the widget of a live lab; to close it is to end the lab."""
    anywidget, traitlets = map(importlib.import_module, ("anywidget", "traitlets"))

    class LabWidget(anywidget.AnyWidget):  # type: ignore[misc, name-defined]
        """The page of a lab in a frame."""

        _esm = _WIDGET
        port = traitlets.Int().tag(sync=True)
        token = traitlets.Unicode().tag(sync=True)
        height = traitlets.Int().tag(sync=True)
        ended = traitlets.Bool(default_value=False).tag(sync=True)

        def close(self) -> None:
            """End the lab, and take the widget away."""
            self.ended = True
            lab.close()
            super().close()

    return LabWidget(port=lab.port, token=lab.token, height=height)
