# SPDX-License-Identifier: MIT
"""Bundling a finished run: its folder, its entry, and what is not bundled."""

import tomllib

import pytest
from scripts import checkout_script

import ganbench
from ganbench.config import validate
from ganbench.errors import ConfigError
from ganbench.records.bundled_generators import PretrainedGenerator
from ganbench.records.exported_run import ExportedRun

publishing = checkout_script("tools/publish_pretrained.py")


@pytest.fixture(scope="module")
def run(tmp_path_factory, shared_cache):
    settings = {"kimg": 0.1, "batch_size": 20}
    folder = tmp_path_factory.mktemp("runs")
    words = {"settings": settings, "samples": 64, "progress": False, "out": folder}
    return ganbench.run("dcgan", "mnist5k", metrics=["fid@pixels"], **words)


def test_a_finished_run_becomes_a_folder_and_an_entry(run, tmp_path):
    entry = publishing.publish(run.path, tmp_path)
    folder = tmp_path / "pretrained" / "dcgan@mnist5k"
    exported = ExportedRun(folder)
    assert (entry.model, entry.dataset, entry.metric) == ("dcgan", "mnist5k", "fid@pixels")
    assert entry.value == run.metrics["fid@pixels"]["value"]
    assert entry.size_bytes == exported.generator_file.stat().st_size
    assert entry.gray_levels <= 1
    assert exported.document()["generator"]["stored_as"] == "float16"
    assert "ganbench sample dcgan@mnist5k" in (folder / "README.md").read_text()

    listed = tmp_path / "weights.toml"
    listed.write_text('[data.mnist5k]\ntitle = "x"\n\n[pretrained."old@mnist5k"]\nmodel = "old"\n')
    publishing.write_list({"dcgan@mnist5k": entry}, listed)
    tables = tomllib.loads(listed.read_text())
    assert tables["data"] == {"mnist5k": {"title": "x"}}
    assert set(tables["pretrained"]) == {"dcgan@mnist5k"}
    assert validate(PretrainedGenerator, tables["pretrained"]["dcgan@mnist5k"]) == entry


def test_what_is_not_bundled(run, tmp_path, monkeypatch):
    monkeypatch.setattr(publishing, "LARGEST_BYTES", 1000)
    with pytest.raises(ConfigError, match="at most 1,000 are bundled"):
        publishing.publish(run.path, tmp_path)
    monkeypatch.setattr(publishing, "data_terms", dict)
    with pytest.raises(ConfigError, match="The terms of mnist5k are not known"):
        publishing.publish(run.path, tmp_path)
    monkeypatch.setattr(publishing, "LARGEST_TOTAL_BYTES", -1)
    with pytest.raises(ConfigError, match="All weights have 0 bytes"):
        publishing.write_list({}, tmp_path / "weights.toml")


def test_a_run_that_diverged_is_not_bundled(run, tmp_path, capsys):
    path = run.path / "result.json"
    whole = path.read_text()
    path.write_text(whole.replace('"done"', '"diverged"'))
    assert publishing.main([str(run.path)]) == 2
    path.write_text(whole)
    assert "is diverged; a finished and measured run is needed" in capsys.readouterr().err
