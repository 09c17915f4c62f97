# SPDX-License-Identifier: MIT
"""Batches: every example once an epoch, a function of the seed and of the images seen."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganbench.data.batches import Batches
from ganbench.data.dataset import Dataset
from ganbench.errors import InputError
from ganbench.gan import DataSpec

SPEC = DataSpec("numbers", "1", (1,))


def numbers(count, labels=False):
    values = torch.arange(count, dtype=torch.float32).view(count, 1)
    return Dataset(SPEC, "train", values, torch.arange(count) if labels else None)


def sequence(count, batch_size, batches, seed=0):
    source = Batches(numbers(count), batch_size, seed)
    drawn = [source.at(index * batch_size).images.flatten() for index in range(batches)]
    return torch.cat(drawn).int().tolist()


@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 2**63 - 1))
def test_each_epoch_is_a_permutation_and_batches_pass_its_end(count, batch_size, seed):
    batches = -(-3 * count // batch_size)
    drawn = sequence(count, batch_size, batches, seed)
    assert len(drawn) == batches * batch_size
    for epoch in range(3):
        assert sorted(drawn[epoch * count : (epoch + 1) * count]) == list(range(count))


def test_epochs_and_seeds_have_orders_of_their_own():
    first = sequence(50, 50, 3)
    assert first[:50] != first[50:100] != first[100:]
    assert first != list(range(50)) * 3
    assert first != sequence(50, 50, 3, seed=1)
    assert first == sequence(50, 50, 3)


@given(st.integers(0, 500))
def test_a_batch_is_a_function_of_the_images_seen(seen):
    whole = sequence(30, 1, 520)
    fresh = Batches(numbers(30), 20, 0)
    assert fresh.at(seen).images.flatten().int().tolist() == whole[seen : seen + 20]
    fresh.at(0)
    assert fresh.at(seen).images.flatten().int().tolist() == whole[seen : seen + 20]


def test_the_batch_size_does_not_change_the_order():
    assert sequence(30, 7, 10) == sequence(30, 10, 7)


def test_labels_stay_with_their_examples():
    batch = Batches(numbers(30, labels=True), 45, 3).at(20)
    assert batch.images.flatten().int().tolist() == batch.labels.tolist()
    assert len(batch) == 45


def test_an_empty_dataset_is_refused():
    with pytest.raises(InputError, match="numbers has no examples"):
        Batches(numbers(0), 4, 0)
