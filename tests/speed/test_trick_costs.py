# SPDX-License-Identifier: MIT
"""The benchmark of what tricks cost: ratios to the model alone within rounds, on speeds made up."""

from types import SimpleNamespace

import pytest
from scripts import checkout_script

from ganbench.speed.bench import CaseFailedError

RATES = {"none": (100.0, 1000.0), "slow": (25.0, 1000.0), "sampling": (100.0, 10.0)}
MEMORY = {"none": 50.0, "slow": 80.0, "sampling": 50.0}


@pytest.fixture
def script(monkeypatch):
    """The benchmark, on a machine that is half as fast in each round as in the one before."""
    costs = checkout_script("benchmarks/trick_costs.py")

    class Process:
        closed = 0

        def __init__(self, workload):
            self.tricks = workload.config
            self.round = 0

        def ask(self, method, *_):
            if method == "memory":
                return {"growth": MEMORY[self.tricks]}
            if method in {"start", "warm_up"}:
                return None
            if self.tricks not in RATES:
                raise CaseFailedError("out of memory")
            speed = RATES[self.tricks][method == "sample"] / 2**self.round
            self.round += method == "sample"
            return speed

        def close(self):
            Process.closed += 1

    monkeypatch.setattr(costs, "BenchProcess", Process)
    return costs


def cell(tricks):
    return SimpleNamespace(arm=SimpleNamespace(tricks=tricks), config=tricks)


def test_times_are_multiples_of_those_of_the_model_alone_in_the_same_round(script):
    names = ["none", "slow", "broken", "sampling"]
    slow, broken, sampling = script.measure([cell(name) for name in names], 1, 3, 0.6)
    assert (slow.training, slow.sampling, slow.memory) == ([4.0] * 3, [1.0] * 3, 30.0)
    assert (sampling.training, sampling.sampling, sampling.memory) == ([1.0] * 3, [100.0] * 3, 0.0)
    assert (broken.training, broken.problem, broken.memory) == ([], "out of memory", None)
    assert script.BenchProcess.closed == len(names)
    assert slow.row == "| `slow` | 4.00 | 4.00, 4.00 | 1.00 | +30 |"
    assert broken.row == "| `broken` | out of memory | | | |"


def test_without_the_model_alone_there_is_nothing_to_compare_with(script):
    with pytest.raises(SystemExit, match="The model alone: out of memory"):
        script.measure([cell("broken"), cell("slow")], 1, 1, 0.6)
    assert script.BenchProcess.closed == 2


@pytest.mark.parametrize("suite", ["atlas-rates", "zoo-digits", "no-such-suite"])
def test_other_suites_are_refused_in_one_sentence(script, suite, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["trick_costs.py", suite])
    with pytest.raises(SystemExit):
        script.main()
    assert f"error: {suite} must have" in (said := capsys.readouterr().err) or "no suite" in said
