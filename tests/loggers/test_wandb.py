# SPDX-License-Identifier: MIT
"""What the offline file of Weights & Biases holds is what the run recorded."""

import json
import struct

import pytest
from logged_runs import numbers

BLOCK = 32768


def records(file):
    """Yield the records of a ``.wandb`` file: LevelDB's log format after seven bytes of header."""
    data, at, parts = file.read_bytes(), 7, []
    assert data[:4] == b":W&B"
    while at + 7 <= len(data):
        left = BLOCK - at % BLOCK
        if left < 7:
            at += left
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + 7])
        parts.append(data[at + 7 : at + 7 + length])
        at += 7 + length
        if kind in {1, 4}:  # whole, or the last part
            yield b"".join(parts)
            parts = []


@pytest.fixture(scope="module")
def history(logged):
    """Return the rows of the history, and all records, of the one offline run that is left."""
    from wandb.proto.wandb_internal_pb2 import Record

    (file,) = logged.path.glob("wandb/offline-run-*/*.wandb")
    everything = [Record.FromString(record) for record in records(file)]
    rows = [
        {
            item.key or "/".join(item.nested_key): json.loads(item.value_json)
            for item in entry.history.item
        }
        for entry in everything
        if entry.WhichOneof("record_type") == "history"
    ]
    return rows, everything


def test_the_history_equals_the_records(logged, history):
    rows, _ = history
    found = {}
    for row in rows:
        for name, value in row.items():
            if not name.startswith("_") and not name.startswith("samples"):
                found.setdefault(name, []).append((row["_step"], value))
    assert found == numbers(logged)
    assert [row["_step"] for row in rows if "samples/path" in row] == [1000, 2000]


def test_the_run_carries_its_settings_and_how_it_ended(logged, history):
    _, everything = history
    (run,) = [entry.run for entry in everything if entry.WhichOneof("record_type") == "run"]
    settings = {item.key: json.loads(item.value_json) for item in run.config.update}
    assert settings["recipe.batch_size"] == 20
    assert run.display_name == logged.path.name
    (exit_record,) = [e.exit for e in everything if e.WhichOneof("record_type") == "exit"]
    assert exit_record.exit_code == 0
