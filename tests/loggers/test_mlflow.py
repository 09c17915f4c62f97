# SPDX-License-Identifier: MIT
"""What MLflow reads from its file store is what the run recorded."""

import pytest
from logged_runs import numbers

from ganbench.loggers.mlflow import _allowed


@pytest.fixture(scope="module")
def stored(logged):
    """Return MLflow's client, and the runs that it shows."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=(logged.path.parent / "mlruns").absolute().as_uri())
    experiment = client.get_experiment_by_name("ganbench")
    return client, client.search_runs([experiment.experiment_id])


def test_one_run_is_left_whose_metrics_equal_the_records(logged, stored):
    client, (run,) = stored
    found = {
        name: [
            (metric.step, metric.value)
            for metric in client.get_metric_history(run.info.run_id, name)
        ]
        for name in run.data.metrics
    }
    assert found == {_allowed(name): points for name, points in numbers(logged).items()}


def test_settings_grids_and_status(logged, stored):
    client, (run,) = stored
    assert run.data.params["recipe.batch_size"] == "20"
    assert (run.info.run_name, run.info.status) == (logged.path.name, "FINISHED")
    listed = [artifact.path for artifact in client.list_artifacts(run.info.run_id, "samples")]
    assert listed == ["samples/kimg000001.0.png", "samples/kimg000002.0.png"]
