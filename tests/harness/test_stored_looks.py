# SPDX-License-Identifier: MIT
"""Closer looks at stored runs: drawn where the networks are there, and left out where not."""

import os

import numpy as np
import pytest

from ganbench.harness.stored_looks import CHANGED, StoredLooks
from ganbench.records.read_run import read_run


def looks_of(run):
    record = read_run(run.folder)
    return StoredLooks({record.name: run.path})(record)


def test_points_show_the_modes_that_the_run_recorded(train, monkeypatch):
    monkeypatch.delenv("GANBENCH_OFFLINE", raising=False)
    run = train()
    (look,) = looks_of(run)
    assert look.kind == "plane"
    assert look.note == f"{run.metrics['modes']['value']:.0f} of 8 modes"
    panels = np.split(np.asarray(look.image).astype(int)[:, : 3 * 182 - 2], [181, 363], axis=1)
    assert all(np.ptp(panel) > 50 for panel in panels), "each of the three shows something"
    assert "GANBENCH_OFFLINE" not in os.environ


def test_images_show_what_lies_between_latents_and_what_they_are_next_to(train):
    run = train("dcgan", "mnist5k", settings={"kimg": 0.1}, metrics=["fid@mnist-cnn"])
    between, neighbors = looks_of(run)
    assert (between.kind, neighbors.kind) == ("interpolation", "neighbors")
    assert between.image.size == neighbors.image.size == (242, 242)
    assert "% of 250 samples" in neighbors.note
    assert looks_of(run)[0].image.tobytes() == between.image.tobytes()


@pytest.mark.parametrize(("trick", "shown"), [("truncation", True), ("drs:burn_in=50", False)])
def test_a_sampler_that_chooses_shows_no_way_between_latents(train, trick, shown):
    """It would show accepted samples in the order of their acceptance as if they were steps."""
    run = train("dcgan", "mnist5k", tricks=[trick], settings={"kimg": 0.1}, metrics=[])
    kinds = [look.kind for look in looks_of(run)]
    assert ("interpolation" in kinds) == shown


@pytest.mark.parametrize("lost", ["checkpoint.safetensors", "config.json"])
def test_without_networks_there_is_nothing_to_see(train, lost):
    run = train()
    record = read_run(run.folder)
    (run.path / lost).write_text("{}")
    assert not StoredLooks({record.name: run.path})(record)
    assert not StoredLooks({})(record)


def test_data_that_have_changed_are_no_data_of_the_run(train, tmp_path):
    """The points of a file, which is written again after a run on it."""
    points = tmp_path / "points.npz"
    random = np.random.default_rng(0)
    np.savez(points, points=random.normal(size=(400, 2)).astype(np.float32))
    run = train("vanilla", str(points), metrics=[])
    record = read_run(run.folder)
    looks = StoredLooks({record.name: run.path})
    assert [look.kind for look in looks(record)] == ["plane"]
    np.savez(points, points=random.normal(size=(400, 2)).astype(np.float32) + 9)
    assert not looks(record), "nor of data that were opened before"
    assert not looks_of(run)


def test_code_that_has_changed_is_said(train, monkeypatch):
    run = train()
    monkeypatch.setattr("ganbench.harness.stored_looks.changed_code", lambda plan, folder: ["yes"])
    (look,) = looks_of(run)
    assert look.note.endswith(f"; {CHANGED}")


def test_the_page_shows_them_unless_told_otherwise(train, cli, tmp_path):
    run = train()
    for flag, shown in (("--looks", True), ("--no-looks", False)):
        out = tmp_path / flag
        assert cli("report", str(run.path.parent), "--out", str(out), flag).code == 0
        page = (out / "index.html").read_text()
        assert ("Density, discriminator and modes" in page) == shown
        assert "Density, discriminator" not in (out / "README.md").read_text()
