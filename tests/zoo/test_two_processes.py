# SPDX-License-Identifier: MIT
"""Every registered model trains in two processes, which stay alike and resume bit for bit."""

import pytest
import shared_zoo
import torch
from comparing import differing
from process_pairs import SECONDS, pair
from safetensors.torch import load_file


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return what each of two processes had in the end, by model, part and name."""
    folder = tmp_path_factory.mktemp("together")
    with pair(shared_zoo.__file__, folder, cwd=folder) as processes:
        for process in processes:
            _, err = process.communicate(timeout=SECONDS)
            assert process.returncode == 0, err
    return [load_file(folder / f"process{rank}.safetensors") for rank in range(2)]


def part(tensors, model, name):
    start = f"{model}:{name}:"
    return {
        key.removeprefix(start): value for key, value in tensors.items() if key.startswith(start)
    }


def running(name):
    """Tell whether a tensor holds running statistics, which each process takes from its part."""
    return "running_" in name or "num_batches" in name


@pytest.mark.parametrize("model", shared_zoo.SHARED)
def test_processes_stay_alike(trained, model):
    """Weights, moments, and what hooks gather are those of the whole batch in both."""
    first, second = (part(tensors, model, "whole") for tensors in trained)
    assert first
    assert not [name for name in differing(first, second) if not running(name)]
    assert all(value.isfinite().all() for value in first.values() if torch.is_floating_point(value))


@pytest.mark.parametrize("model", shared_zoo.SHARED)
def test_processes_resume_bit_for_bit(trained, model):
    for tensors in trained:
        assert not differing(part(tensors, model, "whole"), part(tensors, model, "resumed"))
