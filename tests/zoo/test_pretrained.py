# SPDX-License-Identifier: MIT
"""Every bundled generator loads, has its hash and size, and draws what it drew when published."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganbench
from ganbench import registry
from ganbench.export.hub_folder import FILES, fingerprint
from ganbench.harness.stored_run import load_state, plan_of_run
from ganbench.networks.digit_cnn import accuracy
from ganbench.records.bundled_generators import (
    LARGEST_BYTES,
    LARGEST_TOTAL_BYTES,
    data_terms,
    pretrained_generators,
    zoo_folder,
)
from ganbench.records.exported_run import find_run
from ganbench.training.trainer import evaluating

ROOT = Path(__file__).resolve().parents[2]
ENTRIES = pretrained_generators()
EACH = pytest.mark.parametrize("name", ENTRIES)


@pytest.fixture(scope="module")
def state():
    """Return a function that loads a generator once."""
    loaded = {}

    def of(name):
        if name not in loaded:
            run = find_run(name)
            loaded[name] = load_state(plan_of_run(run), run, torch.device("cpu"))
        return loaded[name]

    return of


@EACH
def test_the_weights_are_those_of_the_list(name):
    run, entry = find_run(name), ENTRIES[name]
    content = run.generator_file.read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry.sha256
    assert len(content) == entry.size_bytes <= LARGEST_BYTES
    outcome = run.outcome()
    assert outcome["status"] == "done"
    assert outcome["metrics"][entry.metric]["value"] == entry.value
    assert run.kimg == entry.kimg == outcome["kimg"]


def test_all_of_them_are_listed_and_small_together():
    folders = {path.name for path in (zoo_folder() / "pretrained").iterdir()}
    assert folders == set(ENTRIES) == set(ganbench.list_pretrained())
    assert sum(entry.size_bytes for entry in ENTRIES.values()) <= LARGEST_TOTAL_BYTES


@EACH
def test_it_draws_what_it_drew(name, state):
    """Rounding differs from machine to machine, so a pixel may differ by one gray level."""
    entry, trained = ENTRIES[name], state(name)
    with evaluating(trained):
        drawn = np.array(fingerprint(trained))
    assert np.abs(drawn - entry.pixels).max() <= (1 if trained.data.is_image else 1e-3)
    assert len(set(entry.pixels)) > 5
    assert trained.sizes()["generator"] == entry.parameters


@EACH
def test_it_works_without_its_data(name, monkeypatch):
    def absent(*words, **more):
        raise AssertionError("the data are opened")

    monkeypatch.setattr("ganbench.data.described_source.open_dataset", absent)
    monkeypatch.setattr("ganbench.harness.plan.open_dataset", absent)
    run = ganbench.load_run(name)
    samples = run.sample(4, label=3 if ENTRIES[name].classes else None)
    assert samples.dtype == torch.uint8
    assert samples.float().std() > 20, "they are no gray squares"
    assert run._repr_png_().startswith(b"\x89PNG")


@EACH
def test_a_class_that_is_asked_for_is_the_class_that_is_drawn(name):
    """The classifier of the data agrees on most samples, of ten classes."""
    entry, run = ENTRIES[name], ganbench.load_run(name)
    if not entry.classes:
        pytest.skip("draws no classes")
    classifier = registry.networks.get(run.plan.source.spec.network)()
    labels = torch.arange(entry.classes).repeat_interleave(20)
    drawn = torch.cat([run.sample(20, label=label) for label in range(entry.classes)])
    assert accuracy(classifier, drawn, labels) > 0.5
    assert accuracy(classifier, drawn, labels.flip(0)) < 0.2


@EACH
def test_its_card_is_in_the_form_of_the_hub(name):
    folder, entry = find_run(name).path, ENTRIES[name]
    assert {path.name for path in folder.iterdir()} == FILES
    card = (folder / "README.md").read_text()
    header, _, text = card.removeprefix("---\n").partition("\n---\n")
    assert f"license: {entry.license}" in header.splitlines()
    assert "library_name: ganbench" in header.splitlines()
    assert re.search(
        rf"name: \"{re.escape(entry.metric)}\"\n      value: {entry.value:.6g}", header
    )
    headings = re.findall("^## (.+)", text, re.MULTILINE)
    assert headings == [
        "How to use it",
        "How it was trained",
        "How good it is",
        "Limits",
        "Data and license",
        "Watermark",
    ]
    rounded = "Its matrices and kernels are in half precision" in text
    assert rounded == (entry.gray_levels is not None)
    assert not rounded or f"at most {entry.gray_levels} of" in text
    for fact in (entry.metric, find_run(name).config()["command"]):
        assert fact in text
    assert data_terms()[entry.dataset].license in text
    with Image.open(folder / "samples.png") as picture:
        assert picture.size[0] >= 480


def test_the_documentation_lists_what_is_bundled():
    text = (ROOT / "docs" / "pretrained.md").read_text()
    rows = re.findall(r"^\| (`[^`]+@[^`]+`) \| (.+) \|$", text, re.MULTILINE)
    assert dict(rows) == {
        f"`{name}`": f"{entry.size_bytes / 1e6:.1f} | {entry.classes or '–'} | {entry.kimg:g} | "
        f"{entry.metric_text} | "
        + ("not rounded" if entry.gray_levels is None else f"{entry.gray_levels} of 255")
        for name, entry in ENTRIES.items()
    }
