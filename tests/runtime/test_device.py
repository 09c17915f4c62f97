# SPDX-License-Identifier: MIT
"""Devices: what is chosen, and what this machine lacks."""

import pytest
import torch

from ganbench.errors import ConfigError
from ganbench.runtime.device import choose_device, device_facts
from ganbench.runtime.process_group import ProcessGroup


def test_the_best_device_is_chosen(monkeypatch):
    assert choose_device("cpu") == torch.device("cpu")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("cuda")


def test_a_device_that_is_not_there_is_said(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(ConfigError, match="no device 'cuda:2'; torch sees 2 GPUs") as raised:
        choose_device("cuda:2")
    assert "--device cpu" in raised.value.hint
    with pytest.raises(ConfigError, match="no device 'mps'"):
        choose_device("mps")


@pytest.mark.parametrize("name", ["tpu", "", "cuda:x", "meta", "CPU ", "xla"])
def test_what_is_no_device_is_refused(name):
    with pytest.raises(ConfigError, match="auto, cpu, cuda or mps was expected"):
        choose_device(name)


def test_what_is_recorded_of_the_cpu():
    facts = device_facts(torch.device("cpu"))
    assert facts["threads"] == torch.get_num_threads()
    assert "gpu" not in facts


def test_each_process_takes_the_gpu_of_its_number(monkeypatch):
    chosen = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    second = ProcessGroup(3, 4, local_rank=1)
    assert choose_device("cuda", second) == choose_device("auto", second) == torch.device("cuda:1")
    assert chosen == [torch.device("cuda:1")] * 2
    assert choose_device("cpu", second) == torch.device("cpu")
    with pytest.raises(ConfigError, match="a GPU of its own, and torch sees 2 GPUs") as raised:
        choose_device("cuda", ProcessGroup(2, 4, local_rank=2))
    assert raised.value.hint == "Use torchrun --nproc-per-node 2."
    for name in ("cuda:0", "mps", "tpu"):
        with pytest.raises(ConfigError, match=f"on auto, cpu or cuda, not '{name}'"):
            choose_device(name, second)
