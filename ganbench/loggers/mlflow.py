# SPDX-License-Identifier: MIT
"""MLflow: a run in the file store ``mlruns`` next to the runs.

``MLFLOW_TRACKING_URI`` and ``MLFLOW_EXPERIMENT_NAME`` name another place. Steps are real images,
and timestamps are the start of the run plus the time of training.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from ganbench.registry import register
from ganbench.run_logger import LoggedRun, RunLogger

_KEY = "ganbench.key"
"""The tag by which a run is found again when it is resumed."""
_LONGEST = 500
"""The most characters of a parameter that every server keeps."""


@register("mlflow")
class MLflowLogger(RunLogger):
    """Writes to MLflow's file store: mlflow ui --backend-store-uri runs/mlruns."""

    packages = ("mlflow",)
    install = 'pip install "ganbench[mlflow]"'

    def __init__(self, run: LoggedRun) -> None:
        super().__init__(run)
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # otherwise MLflow 3 refuses it
        from mlflow.entities import Param
        from mlflow.tracking import MlflowClient

        store = run.folder.parent / "mlruns"
        address = os.environ.get("MLFLOW_TRACKING_URI") or store.absolute().as_uri()
        self._client: Any = MlflowClient(tracking_uri=address)
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "ganbench")
        with FileLock(run.folder.parent / ".mlflow.lock"):  # cells of a matrix begin together
            experiment = self._client.get_experiment_by_name(name)
            number = (
                experiment.experiment_id if experiment else self._client.create_experiment(name)
            )
        for earlier in self._client.search_runs([number], f"tags.`{_KEY}` = '{run.key}'"):
            self._client.delete_run(earlier.info.run_id)
        created = self._client.create_run(
            number,
            start_time=round(1000 * run.began),
            tags={_KEY: run.key},
            run_name=run.name,
        )
        self._run_id = created.info.run_id
        settings = [Param(_allowed(k), str(v)[:_LONGEST]) for k, v in run.settings.items()]
        self._client.log_batch(self._run_id, params=settings[:100])

    def values(self, images: int, seconds: float, values: Mapping[str, float]) -> None:
        """Write metrics."""
        from mlflow.entities import Metric

        time = round(1000 * (self.run.began + seconds))
        metrics = [Metric(_allowed(name), value, time, images) for name, value in values.items()]
        self._client.log_batch(self._run_id, metrics=metrics)

    def picture(self, images: int, seconds: float, file: Path) -> None:
        """Store a grid of samples as an artifact."""
        self._client.log_artifact(self._run_id, str(file), "samples")

    def end(self, status: str, metrics: Mapping[str, float]) -> None:
        """Set the status of the run; one that was interrupted is replaced when it goes on."""
        self._client.set_tag(self._run_id, "ganbench.status", status)
        ended = {"interrupted": "KILLED", "diverged": "FAILED"}.get(status, "FINISHED")
        self._client.set_terminated(self._run_id, ended)


def _allowed(name: str) -> str:
    """Return a name with the characters that MLflow allows.

    >>> _allowed("metrics/recall@vgg16-fc2")
    'metrics/recall_vgg16-fc2'
    """
    return re.sub(r"[^\w./ -]", "_", name)
