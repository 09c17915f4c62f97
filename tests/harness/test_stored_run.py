# SPDX-License-Identifier: MIT
"""Stored runs: further tricks that act on their samples."""

from dataclasses import dataclass

import torch

from ganbench import registry
from ganbench.config import TrickConfig
from ganbench.harness.stored_run import load_state
from ganbench.trick import Trick


@dataclass(frozen=True)
class Shifted(Trick):
    """Gathers a number before samples are drawn."""

    shift: float = 3.0

    def start(self, state):
        return {"shift": torch.tensor(self.shift)}

    def sampler(self, sampler, state):
        return sampler


def test_a_further_trick_has_what_it_gathers_at_the_start(train, session):
    name = registry.tricks.add(Shifted)
    new, old = train(metrics=[]), train(metrics=[], tricks=[Shifted(2.0)])
    for run, parameters, shift in (
        (new, {}, 3.0),
        (old, {}, 2.0),
        (old, {"shift": 5.0}, 5.0),
    ):
        sampling = [TrickConfig(name=name, parameters=parameters)]
        state = load_state(run.plan, run.folder, torch.device("cpu"), sampling=sampling)
        assert state.memory[name] == {"shift": shift}
        assert state.memory_names[name] == {"shift"}
