# SPDX-License-Identifier: MIT
"""Which examples tricks select for training, compared with numpy."""

import numpy as np
import pytest
import torch
from dirac_gan import dirac
from torch.nn.functional import avg_pool2d

from ganbench.gan import Batch
from ganbench.tricks.instance_selection import InstanceSelection

pytestmark = pytest.mark.usefixtures("float64")


def mahalanobis(values):
    """Return the squared distance of each row from the mean, in units of the covariance."""
    centered = values - values.mean(0)
    inverse = np.linalg.inv(np.cov(values, rowvar=False, bias=True))
    return np.einsum("ni,ij,nj->n", centered, inverse, centered)


def correlated(count, size):
    random = np.random.default_rng(0)
    return random.normal(size=(count, size)) @ random.normal(size=(size, size)) + 3


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_instance_selection_keeps_the_densest_part_of_a_gaussian(share):
    points = correlated(200, 3)
    indices = InstanceSelection(share=share).subset(Batch(torch.tensor(points)), dirac())
    expected = np.sort(np.argsort(mahalanobis(points))[: round(200 * share)])
    assert indices.tolist() == expected.tolist()


def test_instance_selection_fits_a_gaussian_to_each_class_and_keeps_its_share():
    """A rare class far from the others would be left out by one Gaussian for all."""
    points = correlated(200, 3)
    labels = np.arange(200) % 10 // 7  # 140 of class 0, 60 of class 1
    points[labels == 1] += 100
    batch = Batch(torch.tensor(points), torch.tensor(labels))
    indices = InstanceSelection(share=0.3).subset(batch, dirac())
    expected = []
    for label in (0, 1):
        (members,) = (labels == label).nonzero()
        closest = np.argsort(mahalanobis(points[members]))[: round(0.3 * len(members))]
        expected.extend(members[closest])
    assert indices.tolist() == sorted(expected)


def test_instance_selection_keeps_one_example_of_each_class():
    batch = Batch(torch.randn(5, 2), torch.tensor([0, 0, 3, 0, 0]))
    kept = InstanceSelection(share=0.01).subset(batch, dirac())
    assert batch.take(kept).labels.sort().values.tolist() == [0, 3]


def test_instance_selection_of_images_reads_their_principal_components():
    """Of averages of two by two pixels; borders that are always black tell nothing."""
    images = torch.zeros(300, 1, 32, 32)
    images[:, :, :4, :4] = torch.tensor(correlated(300, 16)).reshape(300, 1, 4, 4)
    pooled = avg_pool2d(images, 2)[:, 0, :2, :2].reshape(300, 4).numpy()
    distances = InstanceSelection().distances(images)
    np.testing.assert_allclose(distances, mahalanobis(pooled), rtol=1e-8)
    centered = pooled - pooled.mean(0)
    _, _, directions = np.linalg.svd(centered, full_matrices=False)
    two = centered @ directions[:2].T
    distances = InstanceSelection(components=2).distances(images)
    np.testing.assert_allclose(distances, mahalanobis(two), rtol=1e-8)


def test_instance_selection_leaves_out_what_is_unlike_the_rest():
    points = torch.randn(100, 2, generator=torch.Generator().manual_seed(0))
    points[[7, 50]] += 20
    kept = InstanceSelection(share=0.98).subset(Batch(points), dirac())
    assert kept.tolist() == [index for index in range(100) if index not in {7, 50}]


def test_instance_selection_keeps_at_least_one_example_and_all_of_them_at_a_share_of_one():
    batch = Batch(torch.randn(5, 2))
    assert len(InstanceSelection(share=0.01).subset(batch, dirac())) == 1
    assert InstanceSelection(share=1.0).subset(batch, dirac()) is None
