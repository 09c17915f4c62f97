# SPDX-License-Identifier: MIT
"""Results that are mappings, and tables in a notebook."""

import numpy as np
import pytest

import ganbench
from ganbench.harness.measured_values import EvaluationResult


def test_an_evaluation_is_a_mapping_and_a_table():
    points = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    result = ganbench.evaluate(
        fake=points[:100], real=points[100:], metrics=["mind@points"], progress=False
    )
    assert set(result) >= {"metrics", "fake", "real", "compute", "environment"}
    assert result["fake"]["count"] == 100
    assert result.metrics["mind@points"]["value"] > 0
    assert "mind@points" in repr(result)
    assert "<table>" in result._repr_html_()
    (drawn,) = result.plot().to_dict()["datasets"]["mind@points"]
    assert drawn["value"] == pytest.approx(result.metrics["mind@points"]["value"], rel=1e-3)
    pandas = pytest.importorskip("pandas")
    table = result.to_pandas()
    assert isinstance(table, pandas.DataFrame)
    assert table.loc["mind@points", "value"] == result.metrics["mind@points"]["value"]


def test_notes_are_shown_with_the_table_and_escaped():
    sides = {"name": "a", "count": 1}
    document = {"metrics": {}, "fake": sides, "real": sides, "notes": ["<b>: passed over."]}
    result = EvaluationResult(document)
    assert result.notes == ["<b>: passed over."]
    assert repr(result).endswith("\n<b>: passed over.")
    assert result._repr_html_().endswith("<p>&lt;b&gt;: passed over.</p>")


def test_a_number_of_samples_that_is_not_known_is_not_shown():
    sides = {"fake": {"name": "a", "count": 1200}, "real": {"name": "their", "count": 0}}
    result = EvaluationResult({"metrics": {}, "unmeasured": {}, "notes": [], **sides})
    assert repr(result).startswith("<EvaluationResult 1,200 of a against their>")
