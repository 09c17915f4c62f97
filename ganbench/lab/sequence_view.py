# SPDX-License-Identifier: MIT
"""Sequences: a few of them, as waveforms or as lines of text."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from ganbench.gan import Batch
from ganbench.kinds import kind_of
from ganbench.lab.view import View, ViewPicture, as_floats


class SequenceView(View):
    """Shows sequences (C, L)."""

    data: ClassVar = "sequence"
    count: ClassVar = 8
    drawn: ClassVar = 8

    def picture(
        self, fakes: Batch, scores: Tensor | None, real_scores: Tensor | None
    ) -> ViewPicture:
        """Return the sequences and their scores."""
        picture = ViewPicture()
        if self.state.data.alphabet is None:
            picture.arrays["fake"] = as_floats(fakes.images.transpose(1, 2))
            picture.arrays["real"] = as_floats(self.reals.images.transpose(1, 2))
        else:
            picture.header["text"] = self.plain(fakes.images)
            picture.header["real_text"] = self.plain(self.reals.images)
        if scores is not None:
            picture.arrays["scores"] = self.scale.shown(scores)
        if real_scores is not None:
            picture.arrays["real_scores"] = self.scale.shown(real_scores)
        return picture

    def plain(self, images: Tensor) -> Any:
        """Return signals as lists of steps of channels, and tokens as text."""
        alphabet = self.state.data.alphabet
        if alphabet is None:
            return images.transpose(1, 2).tolist()
        tokens = kind_of(self.state.data).to_samples(images.cpu(), self.state.data)
        if tokens.is_floating_point():  # a score is not finite
            return ["" for _ in tokens]
        return ["".join(alphabet[token] for token in line) for line in tokens.tolist()]
