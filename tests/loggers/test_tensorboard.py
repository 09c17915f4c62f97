# SPDX-License-Identifier: MIT
"""What TensorBoard reads from the event file is what the run recorded."""

import io

import numpy as np
import pytest
from logged_runs import numbers
from PIL import Image


@pytest.fixture(scope="module")
def events(logged):
    """Return what TensorBoard's own reader finds in a run."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    everything = EventAccumulator(str(logged.path / "tensorboard"), size_guidance={})
    everything.Reload()
    return everything


def of_plugin(events, plugin):
    return events.PluginTagToContent(plugin)


def test_scalars_equal_the_records_to_the_last_bit(logged, events):
    from tensorboard.util.tensor_util import make_ndarray

    found = {
        tag: [
            (event.step, make_ndarray(event.tensor_proto).item()) for event in events.Tensors(tag)
        ]
        for tag in events.Tags()["tensors"]
        if events.SummaryMetadata(tag).plugin_data.plugin_name == "scalars"
    }
    assert found == numbers(logged)
    assert len(found["kimg"]) == 10
    assert len(found["metrics/modes"]) == 2


def test_times_are_those_of_training(logged, events):
    began = logged.config_file.stat().st_mtime
    recorded = [row["seconds"] for row in logged.stats()]
    assert [event.wall_time - began for event in events.Tensors("kimg")] == pytest.approx(
        recorded, abs=1e-3
    )


def test_grids_are_there_once_and_pixel_for_pixel(logged, events):
    shown = events.Images("samples")
    assert [event.step for event in shown] == [1000, 2000]
    pictures = [np.asarray(Image.open(io.BytesIO(event.encoded_image_string))) for event in shown]
    files = [logged.samples_folder / "kimg000001.0.png", logged.samples_folder / "final.png"]
    for picture, file in zip(pictures, files, strict=True):
        assert np.array_equal(picture, np.asarray(Image.open(file).convert("RGB")))


def test_the_recipe_is_text_and_hyperparameters(logged, events):
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    (text,) = events.Tensors("config/text_summary")
    assert "| `recipe.kimg` | 2.0 |" in text.tensor_proto.string_val[0].decode()
    start = HParamsPluginData.FromString(
        of_plugin(events, "hparams")["_hparams_/session_start_info"]
    )
    chosen = start.session_start_info.hparams
    assert chosen["recipe.batch_size"].number_value == 20
    assert chosen["model"].string_value == "vanilla"
