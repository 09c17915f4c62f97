# SPDX-License-Identifier: MIT
"""Documents of speed: named by their question, read back whole, refused where they are damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ganbench.errors import DamagedRunError, InputError, StorageError
from ganbench.records.speed_record import (
    CASE_KEY,
    SpeedProtocol,
    case_key,
    find_speeds,
    read_speeds,
    speeds_name,
    write_speeds,
)


def case(model: str = "dcgan", **changes: Any) -> dict[str, Any]:
    return {
        "model": model,
        "tricks": ["r1:weight=10"],
        "dataset": "mnist5k@32",
        "batch_size": 64,
        "device": "cpu",
        "device_name": "Example CPU",
        "precision": "fp32",
        "memory_format": "channels_last",
        "compile": False,
        "threads": 2,
        "settings": [],
        "status": "ok",
        "problem": "",
        "steady": True,
        "training": {"images_per_second": 812, "rounds": [800.0, 812, 815.2]},
        "sampling": {"images_per_second": None, "rounds": []},
        "latency_ms": {"p50": 1.9, "p90": 2.2, "p99": 3.1, "count": 100},
        "split_ms": {"data": 0.2, "discriminator": 40.1, "penalties": None},
        "memory_mib": {"resident": 812.0, "growth": -1.5, "allocated": None},
        "share_of_ceiling": 0.91,
        "something": "that a later version adds",
        **changes,
    }


def document(*cases: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "ganbench": "0.1.0",
        "command": "ganbench throughput dcgan --out /home/someone/runs",
        "environment": {"device": "cpu", "threads": 2, "kernel": "6.1"},
        "protocol": {"rounds": 3, "seconds": 1.0, "latencies": 100},
        "ceilings": [{"device": "cpu", "precision": "fp32", "threads": 2, "gflops": 187.2}],
        "cases": list(cases or (case(),)),
        **changes,
    }


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = write_speeds(tmp_path, document(case(), case("vanilla", status="failed", problem="no")))
    assert path.parent == tmp_path / "throughput"
    assert path.stem.startswith("dcgan-vanilla-cpu-")
    record = read_speeds(path)
    first, second = record.cases
    assert record.name == path.stem
    assert first.training is not None
    assert (first.training.images_per_second, first.rounds) == (812, (800.0, 812, 815.2))
    assert first.sampling is not None
    assert first.sampling.images_per_second is None
    assert (first.tricks, first.share_of_ceiling) == (("r1:weight=10",), 0.91)
    assert first.memory_mib == {"resident": 812.0, "growth": -1.5, "allocated": None}
    assert (second.status, second.problem) == ("failed", "no")
    assert record.protocol == SpeedProtocol(rounds=3, seconds=1.0, latencies=100)
    assert record.ceilings[0].gflops == 187.2
    assert record.command == "ganbench throughput dcgan --out runs", "no place on this machine"
    assert "/home/someone" not in path.read_text()


def test_a_document_that_was_read_is_written_as_it_was(tmp_path: Path) -> None:
    path = write_speeds(tmp_path / "a", document())
    again = write_speeds(tmp_path / "b", read_speeds(path).document)
    assert again.name == path.name
    assert again.read_bytes() == path.read_bytes()


def test_the_key_is_of_what_makes_cases_alike() -> None:
    first = case()
    assert case_key(first) == (
        *("dcgan", ("r1:weight=10",), "mnist5k@32", 64),
        *("cpu", "fp32", "channels_last", False, 2, ()),
    )
    assert hash(case_key(first)) == hash(case_key(case(training=None, status="failed")))
    for name in CASE_KEY:
        assert case_key({**first, name: "other"}) != case_key(first), name


def test_a_question_asked_again_replaces_its_older_answer(tmp_path: Path) -> None:
    a, b = case(), case("vanilla")
    first = write_speeds(tmp_path, document(a, b))
    kernel = {"device": "cpu", "threads": 2, "kernel": "6.2"}
    slower = {**b, "training": {"images_per_second": 1.0, "rounds": [1.0]}}
    assert write_speeds(tmp_path, document(a, slower, environment=kernel)) == first
    assert read_speeds(first).cases[1].rounds == (1.0,)
    # In another order, the same question again, though named by the model that comes first.
    assert speeds_name(document(b, a))[-8:] == first.stem[-8:]
    others = [
        document(a),
        document(a, {**b, "batch_size": 32}),
        document(a, b, environment={"device": "cpu", "threads": 1}),
    ]
    assert len({write_speeds(tmp_path, other) for other in others} | {first}) == 4


def test_names_of_models_become_names_of_files() -> None:
    hostile = document(case("../../a b/\\c"), case("<x>" * 40))
    assert speeds_name(hostile).startswith("a-b-c-x-x-")
    assert len(speeds_name(hostile)) < 80
    assert not set(speeds_name(hostile)) & set("/\\<> ")


def test_they_are_found_in_the_order_of_their_names(tmp_path: Path) -> None:
    assert list(find_speeds(tmp_path / "missing")) == []
    for model in ("vanilla", "dcgan", "wgan-gp"):
        write_speeds(tmp_path, document(case(model)))
    (tmp_path / "throughput" / ".vanilla.json.abcdefgh").write_text("half of one")
    (tmp_path / "throughput" / "notes.txt").write_text("mine")
    names = [record.name for record in find_speeds(tmp_path)]
    assert [name.rsplit("-", 2)[0] for name in names] == ["dcgan", "vanilla", "wgan-gp"]


def broken(**changes: Any) -> dict[str, Any]:
    return document({**case(), **changes})


DAMAGED = {
    "no schema": ({**document(), "schema": None}, "its schema is None, not 1"),
    "no cases": ({**document(), "cases": []}, "cases: "),
    "cases of another kind": ({**document(), "cases": {"a": 1}}, "cases: "),
    "no environment": ({k: v for k, v in document().items() if k != "environment"}, "environment"),
    "no model": (document({k: v for k, v in case().items() if k != "model"}), "cases.0.model"),
    "another status": (broken(status="fine"), "cases.0.status"),
    "a text for a number": (
        broken(training={"images_per_second": "812", "rounds": []}),
        "cases.0.training.images_per_second",
    ),
    "a round without a number": (
        broken(training={"images_per_second": 8, "rounds": [1.0, None]}),
        "cases.0.training.rounds.1",
    ),
    "a negative speed": (
        broken(training={"images_per_second": -1.0, "rounds": []}),
        "cases.0.training.images_per_second",
    ),
    "a batch of none": (broken(batch_size=0), "cases.0.batch_size"),
    "a truth for a number": (broken(gflops=True), "cases.0.gflops"),
}


@pytest.mark.parametrize(("value", "where"), DAMAGED.values(), ids=DAMAGED)
def test_what_is_damaged_is_refused_with_the_place(
    tmp_path: Path, value: dict[str, Any], where: str
) -> None:
    path = tmp_path / "throughput" / "x.json"
    path.parent.mkdir()
    path.write_text(json.dumps(value))
    with pytest.raises(DamagedRunError, match="is damaged") as refused:
        read_speeds(path)
    assert where in refused.value.message
    (record,) = find_speeds(tmp_path)
    assert record.problem.startswith("x.json is damaged: ")
    assert (record.name, record.cases) == ("x", ())


def test_a_protocol_is_whole_or_none(tmp_path: Path) -> None:
    for partial in ({}, {"rounds": 3}, {"rounds": 3, "seconds": None, "latencies": 1}):
        assert read_speeds(write_speeds(tmp_path, document(protocol=partial))).protocol is None
    path = write_speeds(tmp_path, document(protocol={"rounds": 3, "seconds": -1, "latencies": 1}))
    with pytest.raises(DamagedRunError, match=r"protocol\.seconds"):
        read_speeds(path)


def test_a_case_finds_its_ceiling_by_device_precision_and_threads(tmp_path: Path) -> None:
    record = read_speeds(write_speeds(tmp_path, document(case(), case(precision="bf16"))))
    (ceiling,) = record.ceilings
    assert [entry.ceiling_key == ceiling.ceiling_key for entry in record.cases] == [True, False]
    assert ceiling.ceiling_key == ("cpu", "fp32", 2)


def test_half_a_file_and_a_newer_one_are_told_apart(tmp_path: Path) -> None:
    path = write_speeds(tmp_path, document())
    text = path.read_text()
    path.write_text(text[: len(text) // 2])
    with pytest.raises(DamagedRunError, match="not valid JSON"):
        read_speeds(path)
    path.write_text(json.dumps({**document(), "schema": 2}))
    with pytest.raises(InputError, match="newer ganbench: its schema is 2, not 1"):
        read_speeds(path)
    with pytest.raises(DamagedRunError, match="cannot be read"):
        read_speeds(tmp_path / "throughput" / "missing.json")


def test_numbers_that_are_not_finite_become_null(tmp_path: Path) -> None:
    path = write_speeds(
        tmp_path, document(case(gflops=float("nan"), share_of_ceiling=float("inf")))
    )
    assert "NaN" not in path.read_text()
    (only,) = read_speeds(path).cases
    assert (only.gflops, only.share_of_ceiling) == (None, None)
    path.write_text(path.read_text().replace("187.2", "NaN"))
    assert read_speeds(path).ceilings[0].gflops is None, "written by another program"


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "throughput").write_text("a file")
    with pytest.raises(StorageError, match="cannot be written"):
        write_speeds(tmp_path, document())
