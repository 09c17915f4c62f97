# SPDX-License-Identifier: MIT
"""Pictures of signals: where a sine's frequency and its waveform lie."""

import numpy as np
import pytest
import torch

from ganbench.kinds.signal_picture import channel_maps, decibels, signal_panels


def sine(cycles_per_step, length=1024, amplitude=0.8):
    return amplitude * torch.sin(2 * torch.pi * cycles_per_step * torch.arange(length).double())


@pytest.mark.parametrize("cycles_per_step", [0.05, 0.125, 0.25, 0.4])
def test_a_sine_is_loudest_at_its_frequency(cycles_per_step):
    spectrum = decibels(sine(cycles_per_step))
    window = 2 * (len(spectrum) - 1)
    assert window == 64  # the root of 4 x 1024
    assert spectrum.shape[1] == 1024 / (window / 4) + 1
    middle = spectrum[:, spectrum.shape[1] // 2]
    assert abs(middle.argmax() - cycles_per_step * window) <= 0.5
    assert spectrum.max() == 0
    far = np.abs(np.arange(len(spectrum)) - cycles_per_step * window) > 6
    assert middle[far].max() < -50  # the side lobes of Hann's window fall fast


def test_silence_and_very_short_signals_have_a_spectrogram():
    assert decibels(torch.zeros(50)).max() < -80
    assert decibels(torch.ones(1)).shape[0] == 9


@pytest.mark.parametrize("cycles_per_step", [0.1, 0.3])
def test_the_picture_shows_frequency_upward_below_the_waveform(cycles_per_step):
    signal = sine(cycles_per_step).float()[None, None]
    made = np.array(signal_panels(signal, columns=1, width=200, height=100, padding=10))
    assert made.shape == (10 + 204 + 10 + 12, 220, 3)
    spectrogram = made[114:214, 10:210, 0].astype(int)
    darkest = np.flatnonzero(spectrogram[:, 100] == spectrogram[:, 100].min()).mean()
    assert abs((100 - darkest) / 100 * 0.5 - cycles_per_step) < 0.02
    waveform = made[10:110, 10:210]
    blue = np.argwhere((waveform == (0, 114, 178)).all(axis=2))
    peak = float(signal.max())  # full scale is two pixels short of the frame
    assert abs(blue[:, 0].min() - (50 - peak * 48)) <= 1
    assert abs(blue[:, 0].max() - (50 + peak * 48)) <= 1


def test_time_runs_to_the_right():
    signal = torch.cat([torch.zeros(500), sine(0.2, 500).float()])[None, None]
    made = np.array(signal_panels(signal, columns=1, width=200, height=100, padding=10))[..., 0]
    spectrogram = made[114:214, 10:210]
    assert spectrogram[:, 20:80].min() > 200
    assert spectrogram[:, 120:180].min() < 20


def test_panels_stand_in_rows_and_two_channels_below_each_other():
    assert signal_panels(torch.zeros(5, 1, 40), width=100, height=30, padding=4).size == (
        2 * 104 + 4,
        3 * 68 + 4 + 12,
    )
    loud_below = torch.stack([torch.zeros(400), sine(0.2, 400).float()])[None]
    made = np.array(signal_panels(loud_below, columns=1, width=200, height=100, padding=0))
    orange = np.argwhere((made[:100] == (213, 94, 0)).all(axis=2))
    blue = np.argwhere((made[:100] == (0, 114, 178)).all(axis=2))
    assert orange[:, 0].min() > 50
    assert blue[:, 0].max() == blue[:, 0].min() == 25


def test_a_map_of_many_channels_runs_down_and_right():
    signals = torch.full((2, 4, 10), -1.0)
    signals[1, 3, 9] = 1.0
    made = np.array(channel_maps(signals, width=100, padding=8))
    assert made.shape == (2 * 40 - 8, 100)
    assert np.argwhere(made[:32] > 0).size == 0
    assert (made[32:40] == 255).all()
    bright = np.argwhere(made[40:] == 255)
    assert bright.min(0).tolist() == [24, 90]
