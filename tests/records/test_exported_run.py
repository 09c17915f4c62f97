# SPDX-License-Identifier: MIT
"""Exported generators by name, folder and file: found, told from runs, and refused."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from ganbench.errors import DamagedRunError, InputError
from ganbench.records.bundled_generators import pretrained_generators, zoo_folder
from ganbench.records.exported_run import ExportedRun, find_exported, find_run
from ganbench.records.run_folder import RunFolder

CONFIG = {"model": "vanilla", "dataset": "ring8"}
DOCUMENT = {"generator": {}, "data": {"name": "ring8"}, "run": {"config": CONFIG, "kimg": 3}}


def write(path, document=DOCUMENT, weights=True):
    """Write a folder, or a file, that says what it holds."""
    tensors = {"w": np.zeros(2, np.float32)}
    if path.suffix:
        save_file(tensors, path, {} if document is None else {"facts": json.dumps(document)})
        return path
    path.mkdir()
    (path / "config.json").write_text(json.dumps(document))
    if weights:
        save_file(tensors, path / "model.safetensors")
    return path


@pytest.mark.parametrize("name", ["g.safetensors", "folder"])
def test_a_file_and_a_folder(tmp_path, name):
    run = find_run(write(tmp_path / name))
    assert isinstance(run, ExportedRun)
    assert (run.name, run.kimg) == (name.partition(".")[0], 3)
    assert run.config()["config"] == CONFIG
    assert not run.finished
    assert not run.bundled
    assert run.generator_file.is_file()
    assert run.stats() == run.sample_grids() == []


def test_a_bundled_generator_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = next(iter(pretrained_generators()))
    for typed in (name, name.upper(), zoo_folder() / "pretrained" / name):
        run = find_run(typed)
        assert isinstance(run, ExportedRun)
        assert run.bundled
        assert run.name == name
    write(tmp_path / name)
    assert find_run(name).bundled
    assert not find_run(f"./{name}").bundled


def test_a_run_is_a_run(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"identity": "x", "config": CONFIG}))
    assert type(find_run(tmp_path)) is RunFolder
    assert find_exported(tmp_path) is None
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert find_exported(tmp_path) is None, "its config.json is that of a run, or another program's"


def test_what_is_nothing_of_all_that(tmp_path):
    with pytest.raises(InputError, match="does not say which generator"):
        find_run(write(tmp_path / "weights.safetensors", None))
    with pytest.raises(InputError, match=r"There is no folder .*nothing"):
        find_run(tmp_path / "nothing")
    with pytest.raises(InputError, match="holds no run"):
        find_run(tmp_path)
    with pytest.raises(InputError, match=r"no pretrained generator 'dcgan@mnist5'.*dcgan@mnist5k"):
        find_run("dcgan@mnist5")
    (tmp_path / "cut.safetensors").write_bytes(b"\x08\x00")
    with pytest.raises(DamagedRunError, match="is no file of weights"):
        find_run(tmp_path / "cut.safetensors")


def test_a_result_that_lacks_keys_is_refused(tmp_path):
    document = {**DOCUMENT, "run": {"config": CONFIG, "result": {"metrics": {}, "status": "done"}}}
    run = find_run(write(tmp_path / "g.safetensors", document))
    assert run.finished
    with pytest.raises(DamagedRunError, match="no 'identity'"):
        run.outcome()
