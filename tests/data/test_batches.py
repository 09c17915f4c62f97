# SPDX-License-Identifier: MIT
"""Batches: every example once an epoch, a function of the seed and of the images seen."""

import threading
from dataclasses import replace

import pytest
import torch
from fake_card import fake_card
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


def host(count):
    """A dataset that stays in the host's memory, with a device that its batches are sent to."""
    return replace(numbers(count, labels=True), target=torch.device("cpu"))


@given(st.lists(st.integers(0, 200), min_size=1, max_size=12))
def test_batches_picked_ahead_are_those_asked_for(positions):
    ahead, plain = Batches(host(30), 8, 0), Batches(numbers(30, labels=True), 8, 0)
    for position in positions:
        for seen in (position, position + 8):  # the second has been picked ahead
            batch, expected = ahead.at(seen), plain.at(seen)
            assert torch.equal(batch.images, expected.images)
            assert torch.equal(batch.labels, expected.labels)


def test_the_next_batch_is_picked_by_a_thread_before_it_is_asked_for(monkeypatch):
    picked, rows = [], Dataset.rows

    def noting(self, indices):
        picked.append((threading.current_thread(), len(indices)))
        return rows(self, indices)

    monkeypatch.setattr(Dataset, "rows", noting)
    batches = Batches(host(30), 8, 0)
    batches.at(0)
    batches._picking[1].result(timeout=10)
    assert [size for _, size in picked] == [8, 8]
    batches.at(8)
    batches._picking[1].result(timeout=10)
    assert len(picked) == 3  # the second was not picked again
    assert len({thread for thread, _ in picked} - {threading.main_thread()}) == 1
    picked.clear()
    Batches(numbers(30), 8, 0).at(0)  # on a device already
    assert picked == [(threading.main_thread(), 8)]


def test_a_batch_is_sent_to_a_card_without_waiting(monkeypatch):
    pixels = torch.arange(48, dtype=torch.uint8).view(12, 1, 2, 2)
    dataset = Dataset(DataSpec("tiny", "1", (1, 2, 2)), "train", pixels, torch.arange(12))
    expected = Batches(dataset, 5, 0).at(0)
    with fake_card(monkeypatch) as card:
        batches = Batches(replace(dataset, target=torch.device("cuda")), 5, 0)
        batch = batches.at(0)
        assert card.log == ["up", "up"]
        assert torch.equal(batch.images.cpu(), expected.images)
        assert torch.equal(batch.labels.cpu(), expected.labels)
        batches.at(5)
        assert card.log[4:] == ["up", "up"]
