# SPDX-License-Identifier: MIT
"""Scalars of event files are read as TensorBoard reads them."""

import math

import pytest

from ganbench.errors import ConfigError, InputError, MissingDataError
from ganbench.records.event_curves import MOST_EVENTS, read_event_curves

pytest.importorskip("tensorboard", reason="needs tensorboard: pip install 'ganbench[tensorboard]'")


@pytest.fixture
def write(tmp_path):
    """Write scalars (tag, step, value) into an event file; return the folder of all files."""

    def call(points, below="", **settings):
        from torch.utils.tensorboard import SummaryWriter

        new_style = settings.pop("new_style", False)
        writer = SummaryWriter(str(tmp_path / "logs" / below), **settings)
        for tag, step, value in points:
            writer.add_scalar(tag, value, step, new_style=new_style)
        writer.close()
        return tmp_path / "logs"

    return call


@pytest.mark.parametrize("new_style", [False, True])
def test_scalars_of_both_styles_are_read(write, new_style):
    folder = write(
        [("loss/d", 1, 0.5), ("fid", 100, 12.0), ("loss/d", 2, 0.25)], new_style=new_style
    )
    curves = {curve.tag: curve for curve in read_event_curves(f"other={folder}")}
    assert curves.keys() == {"loss/d", "fid"}
    assert (curves["loss/d"].steps, curves["loss/d"].values) == ((1, 2), (0.5, 0.25))
    assert {curve.source for curve in curves.values()} == {"other"}


def test_a_subfolder_is_a_run(write):
    write([("a", 1, 1.0)], "train")
    folder = write([("a", 1, 2.0)], "deep/test")
    sources = {curve.source: curve.values for curve in read_event_curves(f" x = {folder} ".strip())}
    assert sources == {"x/deep/test": (2.0,), "x/train": (1.0,)}


def test_a_restart_counts_once_and_what_is_not_finite_is_left_out(write):
    write([("a", step, 0.0) for step in range(10)], filename_suffix=".first")
    again = [("a", step, 1.0) for step in range(6, 12)] + [("a", 12, math.nan)]
    folder = write(again, purge_step=6, filename_suffix=".second")
    (curve,) = read_event_curves(f"x={folder}")
    assert curve.steps == tuple(range(12))
    assert curve.values == (0.0,) * 6 + (1.0,) * 6


def test_long_curves_are_thinned_and_keep_their_end(write):
    folder = write([("a", step, float(step)) for step in range(3 * MOST_EVENTS + 2)])
    (curve,) = read_event_curves(f"x={folder}")
    assert len(curve.steps) <= MOST_EVENTS + 1
    assert curve.steps[-1] == 3 * MOST_EVENTS + 1
    assert curve.values == tuple(map(float, curve.steps))


def test_mistakes_are_sentences(write, tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="a name and a folder were expected"):
        read_event_curves("logs")
    with pytest.raises(InputError, match="There is no folder"):
        read_event_curves(f"x={tmp_path / 'nowhere'}")
    with pytest.raises(InputError, match="holds no event file with scalars"):
        read_event_curves(f"x={tmp_path}")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "events.out.tfevents.1").write_bytes(b"x" * 100)
    with pytest.raises(InputError, match=r"holds no event file with scalars|cannot be read"):
        read_event_curves(f"x={tmp_path / 'bad'}")
    monkeypatch.setattr("ganbench.records.event_curves.find_spec", lambda name: None)
    with pytest.raises(MissingDataError, match="which is not installed"):
        read_event_curves(f"x={tmp_path}")


def test_a_report_of_curves_alone_needs_no_folder_of_runs(write, cli, tmp_path, monkeypatch):
    folder = write([("fid", 1, 12.0), ("fid", 2, 11.0)])
    monkeypatch.chdir(tmp_path)
    words = ("--curves", f"other={folder}", "--out", tmp_path / "page", "--format", "md")
    assert cli("report", *words).code == 0
    assert "other" in (tmp_path / "page" / "README.md").read_text()
    assert cli("report", "none", *words).code != 0, "a folder that was typed must be there"
