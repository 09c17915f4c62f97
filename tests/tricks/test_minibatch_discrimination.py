# SPDX-License-Identifier: MIT
"""The closeness of examples, against its formula and an update of a linear discriminator."""

import numpy as np
import pytest
import torch
from dirac_gan import RATE, dirac

from ganbench.errors import ConfigError
from ganbench.gan import Batch
from ganbench.step import update
from ganbench.tricks.minibatch_discrimination import Closeness, MinibatchDiscrimination

pytestmark = pytest.mark.usefixtures("float64")


def test_the_formula():
    closeness = Closeness(3, 2, 4)
    features = torch.randn(5, 3)
    vectors = (features @ closeness.project.weight.T).reshape(5, 2, 4).detach().numpy()
    expected = [
        [
            np.mean([np.exp(-abs(one[b] - vectors[other][b]).sum()) for other in others])
            for b in range(2)
        ]
        for place, one in enumerate(vectors)
        for others in [[other for other in range(5) if other != place]]
    ]
    np.testing.assert_allclose(closeness(features).detach(), expected)


def test_maps_are_averaged_over_their_places():
    closeness, maps = Closeness(3, 2, 4), torch.randn(5, 3, 2, 2)
    torch.testing.assert_close(closeness(maps), closeness(maps.mean((2, 3))))


def test_the_update_of_a_linear_discriminator():
    """D(x) = psi x + v o(x), where o is 1 for the fakes, which are all theta."""
    state = dirac(MinibatchDiscrimination(kernels=1, size=1))
    joined, real = state.discriminator, np.array([0.4, 1.0, -0.2, 0.1])
    factor = joined.statistics.project.weight.item()
    added = joined.added.weight.item()
    update(state, "discriminator", Batch(torch.tensor(real)[:, None]))
    distances = abs(real[:, None] - real)
    closeness = (np.exp(-abs(factor) * distances).sum(1) - 1) / 3
    np.testing.assert_allclose(joined.layer.weight.item(), 0.7 - RATE * (1.3 - real.mean()))
    np.testing.assert_allclose(joined.added.weight.item(), added - RATE * (1 - closeness.mean()))
    slope = (distances * np.exp(-abs(factor) * distances)).sum(1).mean() / 3
    slope *= np.sign(factor) * added
    np.testing.assert_allclose(joined.statistics.project.weight.item(), factor - RATE * slope)


@pytest.mark.parametrize("count", [1, 2, 128])
def test_the_values_do_not_grow_with_the_batch(count):
    values = Closeness(3, 2, 4)(torch.randn(count, 3))
    assert 0 <= values.min() <= values.max() <= 1
    alike = Closeness(3, 2, 4)(torch.ones(count, 3))
    torch.testing.assert_close(alike, torch.full((count, 2), float(count > 1)))


def test_a_batch_is_not_shared():
    with pytest.raises(ConfigError, match="2 processes share"):
        MinibatchDiscrimination().check_parts(8, 2)
    MinibatchDiscrimination(kernels=0).check_parts(8, 2)
