# SPDX-License-Identifier: MIT
"""Names of cases: what differs, and which of several measurements counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ganbench.report.speed.speed_sentences import asides


def test_only_settings_that_differ_are_named_and_no_two_cases_have_the_same_name(
    made_up: Any, tmp_path: Path
) -> None:
    same = [made_up.case("dcgan", 16), made_up.case("dcgan", 64)]
    alike = made_up.gathered(tmp_path / "alike", made_up.document(same))
    assert alike.differing == ()
    assert [row.series for row in alike.machines[0].rows] == ["dcgan", "dcgan"]
    assert {row.setting for row in alike.machines[0].rows} == {"mnist5k@32, fp32"}
    changes: list[dict[str, Any]] = [{}, {"dataset": "ring8"}, {"precision": "medium"}]
    changes += [{"memory_format": "contiguous"}, {"compile": True}, {"threads": 1}]
    cases = [made_up.case("dcgan", 64, **change) for change in changes]
    speed = made_up.gathered(tmp_path / "differ", made_up.document(cases))
    assert speed.differing == ("dataset", "precision", "memory_format", "compile", "threads")
    (machine,) = speed.machines
    assert len({row.series for row in machine.rows}) == len(changes)
    assert machine.rows[4].setting == "mnist5k@32, fp32, channels_last, compiled, 2 threads"


def test_of_repeats_the_one_with_most_rounds_is_shown_whichever_comes_first(
    made_up: Any, tmp_path: Path
) -> None:
    short = made_up.case("dcgan", 64, training={"images_per_second": 1.0, "rounds": [1.0]})
    lost = made_up.failed("dcgan", 64, "Out of memory.")
    whole = made_up.case("dcgan", 64)
    for index, cases in enumerate([[short, whole, lost], [lost, short, whole]]):
        (machine,) = made_up.gathered(tmp_path / str(index), made_up.document(cases)).machines
        assert [len(row.case.rounds) for row in machine.rows] == [5]
        assert "2 repeats set aside: " in " ".join(asides(machine))
