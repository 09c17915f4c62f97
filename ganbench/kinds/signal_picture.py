# SPDX-License-Identifier: MIT
"""Pictures of signals: the waveform of each over its spectrogram, or a map of many channels."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from ganbench.kinds.eight_bit import to_uint8

WAVE_COLORS = ((0, 114, 178), (213, 94, 0))
"""The colors of the waveforms of the first and the second channel."""
_DYNAMIC_RANGE = 80.0
"""Decibels below the loudest that the spectrogram still shows."""


def signal_panels(
    signals: Tensor,
    rate: int | None = None,
    *,
    columns: int = 2,
    width: int = 360,
    height: int = 80,
    padding: int = 12,
) -> Image.Image:
    """Draw signals (N, C, L) in [-1, 1], C = 1 or 2, each as a waveform over its spectrogram.

    Time runs to the right in both. The spectrogram is that of the channels' mean; frequency runs
    up from 0 to half of the rate.

    Args:
        signals: The signals.
        rate: Steps in a second, which the captions then tell; or None.
        columns: The number of panels in a row.
        width: The width of a panel in pixels.
        height: The height of its waveform, and of its spectrogram, in pixels.
        padding: The space between panels in pixels.
    """
    rows = math.ceil(len(signals) / columns)
    panel_height = 2 * height + 4
    sheet = Image.new(
        "RGB",
        (columns * (width + padding) + padding, rows * (panel_height + padding) + padding + 12),
        "white",
    )
    pen = ImageDraw.Draw(sheet)
    for index, signal in enumerate(signals):
        left = padding + index % columns * (width + padding)
        top = padding + index // columns * (panel_height + padding)
        _draw_waveform(pen, signal.numpy(), left, top, width, height)
        loudness = decibels(signal.mean(dim=0))
        pixels = 255 * (1 - (loudness / _DYNAMIC_RANGE + 1).clip(0, 1))
        image = Image.fromarray(pixels[::-1].astype(np.uint8))
        enlarged = image.resize((width, height), Image.Resampling.NEAREST)
        sheet.paste(enlarged, (left, top + height + 4))
    pen.text((padding, sheet.height - 16), _caption(signals.shape[2], rate), fill=(90, 90, 90))
    return sheet


def decibels(signal: Tensor) -> NDArray[np.float64]:
    """Return the spectrogram of a signal (L,) in decibels below its loudest point.

    The Hann window is the power of two near the root of 4 L, from 16 to 512 steps, and moves by a
    quarter of itself. Rows (window / 2 + 1,) are frequencies from 0 to half of the rate, columns
    are moments in time; silence is far below ``-80``.
    """
    window = 2 ** min(9, max(4, round(math.log2(2 * math.sqrt(len(signal))))))
    spectrum = torch.stft(
        signal.double(),
        window,
        hop_length=window // 4,
        window=torch.hann_window(window, dtype=torch.float64),
        pad_mode="constant",
        return_complex=True,
    ).abs()
    loudest = max(float(spectrum.max()), 1e-6)
    relative: NDArray[np.float64] = 20 * (spectrum / loudest).clamp(min=1e-9).log10().numpy()
    return relative


def channel_maps(signals: Tensor, *, width: int = 732, padding: int = 8) -> Image.Image:
    """Draw signals (N, C, L) in [-1, 1] of many channels as maps from black to white.

    Channels run down and time to the right.
    """
    count, channels, _ = signals.shape
    height = min(160, max(32, 4 * channels))
    sheet = Image.new("L", (width, count * (height + padding) - padding), 255)
    for index, signal in enumerate(signals):
        image = Image.fromarray(to_uint8(signal).numpy())
        across = Image.Resampling.NEAREST if image.width < width else Image.Resampling.BOX
        sheet.paste(image.resize((width, height), across), (0, index * (height + padding)))
    return sheet


def _draw_waveform(
    pen: ImageDraw.ImageDraw,
    signal: NDArray[np.float32],
    left: int,
    top: int,
    width: int,
    height: int,
) -> None:
    """Draw the channels of a signal (C, L) below each other; the middle line of each is zero."""
    right, lane = left + width - 1, height / len(signal)
    across = left + np.arange(signal.shape[1]) * (width - 1) / max(1, signal.shape[1] - 1)
    pen.rectangle((left, top, right, top + height - 1), outline=(215, 215, 215))
    for index, channel in enumerate(signal):
        middle = top + (index + 0.5) * lane
        pen.line((left, middle, right, middle), fill=(150, 150, 150))
        down = middle - channel.clip(-1, 1) * (lane / 2 - 2)
        pen.line([*zip(across.tolist(), down.tolist(), strict=True)], fill=WAVE_COLORS[index])


def _caption(length: int, rate: int | None) -> str:
    """Return what the axes of all panels span."""
    if rate is None:
        return f"{length} steps; frequencies from 0 to half a cycle a step"
    return f"{length / rate:.3g} s; frequencies from 0 to {rate / 2000:g} kHz"
