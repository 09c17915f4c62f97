# SPDX-License-Identifier: MIT
"""FastGAN: what is rebuilt of which images, and who learns from it."""

import pytest
import torch
from ganbench.zoo.fastgan import quarter
from small_models import small
from small_states import state_of

from ganbench.gan import Batch, DataSpec
from ganbench.step import gradients

DATA = DataSpec("images", "1", (1, 16, 16))
BATCH = Batch(torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1)
TERM = "variant/reconstruction"


def fastgan(tricks=()):
    return state_of(small("fastgan", DATA), DATA, tricks)


def test_a_quarter_of_a_map_covers_that_quarter_of_an_image():
    images = torch.arange(16 * 12).view(1, 1, 16, 12)
    corners = [quarter(images, corner, (8, 6)) for corner in range(4)]
    expected = [
        images[:, :, rows, columns]
        for rows in (slice(0, 8), slice(8, 16))
        for columns in (slice(0, 6), slice(6, 12))
    ]
    assert all(map(torch.equal, corners, expected))
    odd = quarter(images, 3, (9, 7))  # four of nine rows, three of seven columns, at the end
    assert torch.equal(odd, images[:, :, 9:, 7:])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_term_is_the_error_of_a_quarter_and_of_the_whole(seed):
    state = fastgan()
    hooks = state.tricks.variant
    state.streams["trick/variant"].manual_seed(seed)
    corner = int(torch.randint(4, (), generator=torch.Generator().manual_seed(seed)))
    turn = gradients(state, "discriminator", BATCH)
    outer, inner = turn.real.extras
    assert (outer.shape[2], inner.shape[2]) == (8, 4)
    rows = slice(4, 8) if corner // 2 else slice(0, 4)
    columns = slice(4, 8) if corner % 2 else slice(0, 4)
    decoders = state.partners["decoders"]
    part, whole = decoders(outer[:, :, rows, columns], inner)
    image_rows, image_columns = (slice(2 * each.start, 2 * each.stop) for each in (rows, columns))
    expected = (part - BATCH.images[:, :, image_rows, image_columns]).abs().mean()
    expected = expected + (whole - BATCH.images).abs().mean()
    torch.testing.assert_close(turn.terms[TERM], expected)
    assert hooks.discriminator_terms(turn).keys() == {"reconstruction"}


def test_the_discriminator_learns_to_rebuild_and_the_generator_does_not():
    state = fastgan()
    turn = gradients(state, "discriminator", BATCH)
    assert set(turn.terms) == {"adversarial", TERM}
    decoders = list(state.partners["decoders"].parameters())
    assert all(weight.grad is not None for weight in decoders)
    before = [weight.detach().clone() for weight in decoders]
    state.descend(turn)
    assert all(not torch.equal(*pair) for pair in zip(before, decoders, strict=True))
    assert set(gradients(state, "generator", BATCH).terms) == {"adversarial"}


def test_images_are_rebuilt_as_the_discriminator_was_shown_them():
    gan = small("fastgan", DATA)
    state = state_of(gan, DATA, [trick for trick in gan.tricks if "Aug" in type(trick).__name__])
    decoders = state.partners["decoders"]
    decoders.register_forward_hook(lambda module, inputs, output: (output[0] * 0, output[1] * 0))
    turn = gradients(state, "discriminator", BATCH)
    shown = turn.real.seen.images
    assert not torch.equal(shown, BATCH.images)
    whole = shown.abs().mean()  # what it costs to rebuild nothing
    quarters = [
        shown[:, :, rows : rows + 8, columns : columns + 8].abs().mean()
        for rows in (0, 8)
        for columns in (0, 8)
    ]
    assert any(torch.isclose(turn.terms[TERM], whole + part) for part in quarters)
