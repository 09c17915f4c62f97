# SPDX-License-Identifier: MIT
"""A notebook shows the recording of a run, made once more where there is none, or a live lab."""

import re
import warnings
from html import unescape

import numpy as np
import pytest

import ganbench
from ganbench.errors import ConfigError, MissingDataError
from ganbench.lab import notebook as module
from ganbench.lab.lab_recipe import LabRecipe
from ganbench.lab.live_lab import LiveLab
from ganbench.runtime.execution import Execution

SETTINGS = {"kimg": 0.4, "batch_size": 20}


def train(tmp_path, data="ring8", **more):
    return ganbench.run(
        "vanilla", data, settings=SETTINGS, out=tmp_path, metrics=[], progress=False, **more
    )


def test_a_recorded_run_is_shown_as_it_is(tmp_path):
    run = train(tmp_path, record=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shown = run.lab(height=500)
    page = (run.path / "lab.html").read_text()
    html = shown._repr_html_()
    assert "height: 500px" in html
    assert 'sandbox="allow-scripts allow-downloads"' in html
    assert unescape(re.search('srcdoc="([^"]*)"', html)[1]) == page
    assert shown.save(tmp_path / "copy.html").read_text() == page
    assert repr(shown).startswith("<RecordedPage, ")


@pytest.mark.parametrize("in_memory", [False, True])
def test_another_run_is_trained_once_more_and_this_is_said(tmp_path, in_memory):
    points = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    run = train(tmp_path, points if in_memory else "ring8")
    with pytest.warns(UserWarning, match="trained once more for its recording"):
        shown = run.lab()
    assert 'id="recording"' in shown.page
    assert (run.path / "lab.html").read_text() == shown.page
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run.lab().page == shown.page
    assert len(list(tmp_path.iterdir())) == 1


def test_it_is_trained_once_more_as_it_was_computed(tmp_path, monkeypatch):
    run = train(tmp_path, threads=1)
    document = run.folder.config()
    document["options"] |= {"memory_format": "contiguous", "threads": 2}
    run.folder.write_config(document)
    asked = []

    class Noted(module.RecordedRun):
        def __init__(self, plan, options, **more):
            asked.append((options.execution, options.threads))
            super().__init__(plan, options, **more)

    monkeypatch.setattr(module, "RecordedRun", Noted)
    with pytest.warns(UserWarning, match="trained once more"):
        run.lab()
    assert asked == [(Execution("contiguous"), 2)]


def test_a_run_that_goes_on_from_another_cannot_be_trained_once_more(tmp_path):
    further = ganbench.run(
        train(tmp_path), settings={"kimg": 0.8}, out=tmp_path, metrics=[], progress=False
    )
    with pytest.raises(ConfigError, match="goes on from another one"):
        further.lab()


def test_without_the_packages_a_sentence_says_what_to_install(tmp_path, monkeypatch):
    found = module.find_spec
    monkeypatch.setattr(module, "find_spec", lambda name: name != "anywidget" and found(name))
    with pytest.raises(MissingDataError, match=r"needs anywidget\.") as caught:
        train(tmp_path).lab(live=True)
    assert caught.value.hint == "pip install 'ganbench[notebook]'"


def test_closing_the_widget_ends_the_lab(tmp_path):
    pytest.importorskip("anywidget")
    widget = train(tmp_path).lab(live=True, height=600)
    assert (widget.height, widget.ended) == (600, False)
    lab = LiveLab(LabRecipe(), device="cpu")
    other = module._widget(lab, 600)
    assert (other.port, other.token) == (lab.port, lab.token)
    assert lab.running
    other.close()
    assert not lab.running
    assert other.ended
    widget.close()
