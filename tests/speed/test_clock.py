# SPDX-License-Identifier: MIT
"""The device's own time is that of the device that computes."""

import torch

from ganbench.speed.clock import Clock


def test_the_gpu_that_computes_is_timed(monkeypatch):
    """Functions of ``torch.cuda`` mean the current GPU, number 0, if none is named."""
    asked = []

    class Event:
        def __init__(self, **options): ...

        def record(self, stream=None):
            asked.append(stream)

        def elapsed_time(self, other):
            return 2000.0

    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device=None: device)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device=None: asked.append(device))
    second = torch.device("cuda:1")
    clock = Clock(second)
    clock.now()
    laps = clock.laps()
    laps.mark("start")
    laps.mark("data")
    assert laps.seconds() == {"data": 2.0}
    assert asked == [second] * 4
