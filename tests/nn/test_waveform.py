# SPDX-License-Identifier: MIT
"""Networks for sounds: lengths, and phase shuffle against numpy's padding."""

import numpy as np
import pytest
import torch

from ganbench.errors import ConfigError
from ganbench.nn.waveform import WaveDiscriminator, WaveGenerator, phase_shuffle, time_stages


@pytest.mark.parametrize("length", [2**power for power in range(6, 15)])
def test_every_power_of_two_is_drawn_and_judged(length):
    sounds = WaveGenerator(3, (2, length), width=1)(torch.randn(2, 3))
    assert sounds.shape == (2, 2, length)
    assert sounds.abs().max() <= 1
    assert WaveDiscriminator((2, length), width=1)(sounds).shape == (2, 1)


@pytest.mark.parametrize("length", [32, 1000, 32_768])
def test_other_lengths_are_refused(length):
    with pytest.raises(ConfigError, match=f"{length} steps.*power of two"):
        time_stages(length)


def test_the_layers_are_the_papers_at_its_length():
    network = WaveGenerator(100, (1, 16_384))
    channels = [layer.in_channels for layer in network.layers if hasattr(layer, "in_channels")]
    assert channels == [1024, 512, 256, 128, 64]
    assert network.project.out_features == 16_384


def test_phase_shuffle_is_reflection_padding_and_a_crop():
    most, length = 3, 10
    maps = torch.arange(400 * 2 * length, dtype=torch.float64).reshape(400, 2, length)
    torch.manual_seed(0)
    shifted = phase_shuffle(maps, most)
    counts = dict.fromkeys(range(-most, most + 1), 0)
    for example, result in zip(maps.numpy(), shifted.numpy(), strict=True):
        padded = np.pad(example, ((0, 0), (most, most)), mode="reflect")
        fitting = [
            shift
            for shift in counts
            if np.array_equal(padded[:, most - shift : most - shift + length], result)
        ]
        assert len(fitting) == 1
        counts[fitting[0]] += 1
    assert min(counts.values()) > 30, "each of seven shifts is as likely"


def test_phase_shuffle_acts_between_layers_in_training_only():
    network = WaveDiscriminator((1, 256), width=2, shuffle=2)
    sounds = torch.rand(4, 1, 256)
    torch.manual_seed(0)
    assert not torch.equal(network(sounds), network(sounds))
    network.eval()
    assert torch.equal(network(sounds), network(sounds))
    single = WaveDiscriminator((1, 64), width=2, shuffle=2)  # nothing lies between its layers
    assert torch.equal(single(sounds[:, :, :64]), single(sounds[:, :, :64]))
