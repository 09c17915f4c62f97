# SPDX-License-Identifier: MIT
"""The health of runs in folders: as recorded, or found in the statistics of older ones."""

import pytest
from histories import ticks

from ganbench.health.saturation import DISCRIMINATOR_SIGNAL
from ganbench.health.stored_health import stored_health
from ganbench.records.run_folder import RunFolder

RESULT = {
    "status": "done",
    "identity": "0" * 16,
    "model": "vanilla",
    "dataset": "ring8",
    "seed": 0,
    "kimg": 100.0,
    "seconds": 1.0,
    "images_per_second": None,
    "metrics": {},
}


@pytest.fixture
def folder(tmp_path):
    """Return the folder of an unfinished run with a saturated discriminator."""
    folder = RunFolder(tmp_path)
    for row in ticks({DISCRIMINATOR_SIGNAL: lambda kimg: 0.0}, 30):
        folder.append_stats(row)
    return folder


def test_an_unfinished_run_is_looked_through(folder):
    (event,) = stored_health(folder)["events"]
    assert (event["name"], event["kimg"], event["until"]) == ("saturation", 10.0, None)


def test_a_run_from_before_health_was_recorded_is_looked_through_with_its_status(folder):
    folder.write_result({**RESULT, "status": "collapsed"})
    names = [event["name"] for event in stored_health(folder)["events"]]
    assert names == ["saturation", "collapse"]


def test_what_was_recorded_counts(folder):
    health = {"events": [], "unchecked": {"memorization": "no"}}
    folder.write_result({**RESULT, "health": health})
    assert stored_health(folder) == health


def test_a_folder_without_rows_has_no_events(tmp_path):
    assert stored_health(RunFolder(tmp_path))["events"] == []
