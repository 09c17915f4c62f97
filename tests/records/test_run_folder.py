# SPDX-License-Identifier: MIT
"""Run folders: their names, what is dropped on resume, what is damaged."""

import json

import pytest

from ganbench.config import Recipe, RunConfig
from ganbench.errors import DamagedRunError, InputError, StorageError
from ganbench.records.run_folder import OUTCOME, RunFolder, find_runs, name_folder, open_run

CONFIG = RunConfig(
    model="vanilla",
    dataset="ring8",
    loss="hinge",
    recipe=Recipe(kimg=1),
    model_source="0",
    dataset_version="1",
)
IDENTITY = CONFIG.identity
RESULT = {
    **dict.fromkeys(OUTCOME, 0),
    "status": "done",
    "identity": IDENTITY,
    "model": "vanilla",
    "dataset": "ring8",
    "metrics": {"modes": {"value": 8.0, "low": 7.5, "high": None, "floor": 8, "n": 64}},
}


def begin(path, identity=IDENTITY, *, finished=False):
    folder = RunFolder(path)
    folder.write_config({"identity": identity, "config": CONFIG.model_dump(mode="json")})
    if finished:
        folder.write_result(RESULT)
    return folder


def test_a_new_run_never_takes_a_folder_that_is_there(tmp_path):
    def name():
        return name_folder(tmp_path, "stem", IDENTITY, resume=False).path.name

    assert name() == f"stem-{IDENTITY[:8]}"
    begin(tmp_path / name())
    assert name() == f"stem-{IDENTITY[:8]}-2"
    begin(tmp_path / name(), finished=True)
    (tmp_path / name()).mkdir()
    assert name() == f"stem-{IDENTITY[:8]}-4"


def test_resume_takes_the_unfinished_run_of_the_same_identity(tmp_path):
    def name():
        return name_folder(tmp_path, "stem", IDENTITY, resume=True).path.name

    base = f"stem-{IDENTITY[:8]}"
    assert name() == base, "with none to resume it starts one"
    begin(tmp_path / base, finished=True)
    assert name() == base, "a finished one is taken as it is"
    begin(tmp_path / f"{base}-2")
    assert name() == f"{base}-2", "an unfinished one goes before a finished one"
    begin(tmp_path / f"{base}-3", finished=True)
    assert name() == f"{base}-2"
    begin(tmp_path / f"{base}-2", finished=True)
    assert name() == f"{base}-3", "else it is the latest"


def test_resume_passes_over_a_run_that_only_shares_the_first_digits(tmp_path):
    other = IDENTITY[:8] + "0" * 8
    base = f"stem-{IDENTITY[:8]}"
    begin(tmp_path / base, other)
    assert name_folder(tmp_path, "stem", IDENTITY, resume=True).path.name == f"{base}-2"


def test_resume_takes_a_folder_in_which_nothing_was_begun(tmp_path):
    (tmp_path / f"stem-{IDENTITY[:8]}").mkdir()
    folder = name_folder(tmp_path, "stem", IDENTITY, resume=True)
    assert folder.path.name == f"stem-{IDENTITY[:8]}"


def test_resume_does_not_overwrite_a_damaged_run(tmp_path):
    folder = begin(tmp_path / f"stem-{IDENTITY[:8]}")
    folder.config_file.write_text('{"identity": ')
    with pytest.raises(DamagedRunError, match=r"config\.json is damaged") as raised:
        name_folder(tmp_path, "stem", IDENTITY, resume=True)
    assert "without --resume" in raised.value.hint
    assert name_folder(tmp_path, "stem", IDENTITY, resume=False).path.name.endswith("-2")


def test_a_name_that_is_too_long_for_the_disk_is_a_sentence(tmp_path):
    with pytest.raises(StorageError, match="File name too long"):
        name_folder(tmp_path, "s" * 300, IDENTITY, resume=False)


def test_rows_that_are_written_again_are_dropped(tmp_path):
    folder = RunFolder(tmp_path)
    folder.forget_after(1.0)
    assert not folder.stats_file.exists()
    for kimg in (0.5, 1.0, 1.5):
        folder.append_stats({"kimg": kimg})
        folder.append_measurements({"kimg": kimg, "metrics": {}})
    with folder.stats_file.open("a") as file:
        file.write('{"other": 1}\n{"kimg": 2.0, "cut')
    folder.forget_after(1.0)
    assert [row["kimg"] for row in folder.stats()] == [0.5, 1.0]
    assert [row["kimg"] for row in folder.measurements()] == [0.5, 1.0]
    assert folder.stats_file.read_text() == '{"kimg":0.5}\n{"kimg":1.0}\n'


def test_a_measurement_that_is_made_again_takes_the_place_of_the_first(tmp_path):
    folder = RunFolder(tmp_path)
    for kimg, value in ((1.0, 1), (2.0, 2), (2.0, 3)):
        folder.append_measurements({"kimg": kimg, "metrics": {"modes": value}})
    values = [(row["kimg"], row["metrics"]["modes"]) for row in folder.measurements()]
    assert values == [(1.0, 1), (2.0, 3)]


def test_grids_come_oldest_first_and_the_final_one_last(tmp_path):
    folder = RunFolder(tmp_path)
    assert folder.sample_grids() == []
    folder.samples_folder.mkdir()
    for name in ("final", "kimg000100.0", "drawn-seed0", "kimg000020.0", "mine", "finally"):
        (folder.samples_folder / f"{name}.png").touch()
    names = [path.stem for path in folder.sample_grids()]
    assert names == ["kimg000020.0", "kimg000100.0", "final"]


def test_a_description_is_the_configuration_that_was_written(tmp_path):
    assert begin(tmp_path).description() == CONFIG


@pytest.mark.parametrize(
    "document",
    [{}, {"config": 3}, {"config": {"model": "vanilla"}}, {"config": {"unknown": 1}}],
)
def test_a_configuration_of_something_else_is_said(tmp_path, document):
    folder = RunFolder(tmp_path)
    folder.config_file.write_text(json.dumps(document))
    with pytest.raises(DamagedRunError, match=r"config\.json describes no run: "):
        folder.description()


def test_an_outcome_is_whole_or_damaged(tmp_path):
    folder = begin(tmp_path, finished=True)
    whole = folder.outcome()
    assert whole == {"schema": 1, **RESULT}
    for key in OUTCOME:
        folder.result_file.write_text(json.dumps({k: v for k, v in whole.items() if k != key}))
        with pytest.raises(DamagedRunError, match=f"damaged: no '{key}'") as raised:
            folder.outcome()
        assert "--resume" in raised.value.hint
    folder.result_file.write_text('{"status": ')
    with pytest.raises(DamagedRunError, match="not valid JSON") as raised:
        folder.outcome()
    assert "Delete it" in raised.value.hint


def test_a_folder_without_a_run_is_said(tmp_path):
    with pytest.raises(InputError, match="holds no run"):
        open_run(tmp_path)
    begin(tmp_path / "a" / "b")
    begin(tmp_path / "a" / "c")
    assert open_run(tmp_path / "a" / "b").path == tmp_path / "a" / "b"
    assert [folder.path.name for folder in find_runs(tmp_path)] == ["b", "c"]
    assert list(find_runs(tmp_path / "nowhere")) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("status", 3),
        ("status", "superb"),
        ("status", "running"),
        ("identity", None),
        ("seed", "0"),
        ("seed", True),
        ("kimg", "10"),
        ("seconds", []),
        ("images_per_second", {}),
        ("metrics", []),
        ("metrics", {"fid": 3}),
        ("metrics", {"fid": {"value": "low"}}),
        ("metrics", {"fid": {**RESULT["metrics"]["modes"], "n": None}}),
    ],
)
def test_an_outcome_of_wrong_types_is_damaged(tmp_path, key, value):
    folder = begin(tmp_path, finished=True)
    folder.write_result({**RESULT, key: value})
    with pytest.raises(DamagedRunError, match=r"result\.json is damaged: ") as raised:
        folder.outcome()
    assert "--resume" in raised.value.hint


def test_rows_of_wrong_types_are_passed_over(tmp_path):
    folder = begin(tmp_path, finished=True)
    rows = [{"kimg": "1"}, {"kimg": None}, {"kimg": 10**400}, {"kimg": True}, {"kimg": 2}, {}]
    folder.stats_file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert folder.stats() == [{"kimg": 2}]
    folder.forget_after(5.0)
    assert folder.stats() == [{"kimg": 2}]
