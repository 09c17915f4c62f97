# SPDX-License-Identifier: MIT
"""The contract of a metric: its documented example is measured, and its facts are in force."""

from __future__ import annotations

import textwrap

import pytest

from ganbench import registry
from ganbench.evaluation import metric
from ganbench.evaluation.metric import Metric
from ganbench.evaluation.reference import Reference

IMPORTS = """
from ganbench import register
from ganbench.evaluation.checks import require_float64
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.metric import Metric, Value
"""


@pytest.fixture
def example(tmp_path):
    """The metric in the documentation of the module, in a file of its own."""
    _, _, rest = metric.__doc__.partition("::\n")
    lines = [line for line in rest.splitlines() if line.startswith("    ") or not line.strip()]
    path = tmp_path / "brightness.py"
    path.write_text(IMPORTS + textwrap.dedent("\n".join(lines)))
    return path


def test_the_documented_example_is_a_metric(example, noise):
    (measured,) = Reference(noise, metrics=[str(example)]).evaluate(noise.values[:20]).values()
    assert measured.value == pytest.approx(float(noise.values[:20].double().mean() / 255))
    assert measured.protocol.startswith("brightness/v1@pixels/max32px-area-unit/n_fake=20")
    assert measured.better == "higher"
    assert measured.floor == pytest.approx(0.5, abs=0.02)


def test_every_metric_states_its_facts_and_knows_its_name():
    for name in registry.metrics.names():
        kind = registry.metrics.get(name)
        assert issubclass(kind, Metric)
        assert kind().name == name
        assert kind.better in {"higher", "lower"}
        assert kind.needs or kind.points == "mixture"
        assert registry.metrics.entry(name).paper, f"{name} cites no paper"
