# SPDX-License-Identifier: MIT
"""The Frechet distance between two Gaussians, fast and exact, and what leaving a sample out does.

Paper: Dowson & Landau, 1982, doi:10.1016/0047-259X(82)90077-X

|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)). With S1 = R R^T the eigenvalues of S1 S2 are those of
the symmetric R^T S2 R, so that a symmetric solver does, which is fast and gives real numbers: the
square root of the unsymmetric product, as pytorch-fid and clean-fid take it, is slow and may come
out complex. All in float64.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import numpy as np
import torch
from scipy.linalg import bandwidth
from scipy.linalg.lapack import dpotrf, dsygst

from ganbench.evaluation.math.moments import Array, Moments
from ganbench.evaluation.metric import Features

_EPSILON = float(np.finfo(np.float64).eps)
_STEP = 0.5
"""Step of the quadrature in log s; its error falls as exp(-pi^2 / step), to 3e-9 here."""
_ROWS = 512

_ROOTS: dict[int, tuple[weakref.ref[Moments], Array]] = {}


@dataclass(frozen=True)
class Resampled:
    """A distance, with what leaving out one fake sample at a time says of it.

    ``standard_error`` is that of the distance at this number of fakes, the reference being held
    fixed; ``bias`` is by how much the expectation at this
    number lies above that at infinitely many fakes.
    """

    distance: float
    standard_error: float
    bias: float


def frechet_distance(real: Moments, fake: Moments, root: Array | None = None) -> float:
    """Return the squared Frechet distance between two Gaussians.

    ``root`` is ``square_root(real.covariance)``; without it, it is computed once for ``real``.
    """
    root = root_of(real) if root is None else root
    # torch's solver is twice as fast as numpy's where it comes with MKL, and no slower elsewhere.
    values = torch.linalg.eigvalsh(torch.from_numpy(_product(root, fake))).numpy()
    return _distance(real, fake, _cleaned(values, fake))


def square_root(covariance: Array) -> Array:
    """Return R (d, r) with R R^T = covariance.

    R is the Cholesky factor where the covariance is not singular. Else it is made of the
    eigenvectors, and r leaves out the directions without variance: rounding gives them +-eps
    times the largest variance, whose roots, 1e-8 each, would add up in the trace.
    """
    factor = _cholesky(covariance)
    if factor is not None:
        return factor
    values, vectors = np.linalg.eigh(covariance)
    kept = values > _rounding(values)
    root: Array = vectors[:, kept] * np.sqrt(values[kept])
    return root


def root_of(moments: Moments) -> Array:
    """Return ``square_root`` of a covariance; it is kept for as long as the moments are."""
    key = id(moments)
    known = _ROOTS.get(key)
    if known is not None and known[0]() is moments:
        return known[1]
    root = square_root(moments.covariance)
    _ROOTS[key] = (weakref.ref(moments, lambda _: _ROOTS.pop(key, None)), root)
    return root


def resampled(real: Moments, fake: Moments, probe: Features) -> Resampled:
    """Return the distance with the delete-one jackknife over the fakes, n = ``fake.count`` >= 3.

    ``probe`` (p, d) are the features of p random ones of the n fakes, or of all. No distance is
    computed again: leaving out one sample takes a rank-one matrix from the covariance, whose
    effect on the trace is known exactly (``_lost``), at the cost of one product of the probe with
    a (d, d) matrix. Taken over a probe, the mean is that of what the linear part, whose mean over
    all fakes is zero, leaves.
    """
    root, count = root_of(real), fake.count
    values, vectors = np.linalg.eigh(_product(root, fake))
    values = _cleaned(values, fake)
    distance = _distance(real, fake, values)
    trace, shared = float(np.trace(fake.covariance)), float(np.sqrt(values).sum())
    directions = root @ vectors  # (d, r)
    inverse = np.where(values > _rounding(values), values, np.inf) ** -0.5
    offset = fake.mean - real.mean
    grown, weight = (count - 1) / (count - 2), count / (count - 1) ** 2
    changes, linear = np.empty(len(probe)), np.empty(len(probe))
    for start in range(0, len(probe), _ROWS):
        part = np.asarray(probe[start : start + _ROWS], dtype=np.float64) - fake.mean  # (B, d)
        square, along = np.square(part).sum(axis=1), part @ offset
        squares = np.square(part @ directions)  # (B, r)
        rows = slice(start, start + _ROWS)
        # The distance without each sample, minus that with all.
        changes[rows] = (
            (square / (count - 1) - 2.0 * along) / (count - 1)
            + (grown - 1.0) * trace
            - grown * weight * square
            - 2.0 * (np.sqrt(grown) - 1.0) * shared
            + 2.0 * np.sqrt(grown) * _lost(values, weight * squares)
        )
        linear[rows] = 2.0 * along + square - squares @ inverse
    linear -= (trace - shared) * (count - 1) / count
    error = float(np.sqrt((count - 1) * changes.var()))
    return Resampled(distance, error, float(((count - 1) * changes + linear).mean()))


def _distance(real: Moments, fake: Moments, eigenvalues: Array) -> float:
    difference = real.mean - fake.mean
    trace = float(np.trace(real.covariance) + np.trace(fake.covariance))
    shared = float(np.sqrt(eigenvalues).sum())
    return max(0.0, float(difference @ difference) + trace - 2.0 * shared)


def _product(root: Array, fake: Moments) -> Array:
    """Return R^T S R (r, r), of which only the diagonal and what is below it need be right."""
    product: Array
    if root.size and root.shape[0] == root.shape[1] and not bandwidth(root)[1]:
        # The step of a generalized eigenproblem: a third of the time of two plain products.
        product, _ = dsygst(fake.covariance.T, root, itype=2, lower=1)
        return product
    product = root.T @ fake.covariance @ root
    return product


def _cleaned(eigenvalues: Features, fake: Moments) -> Array:
    """Return eigenvalues without what rounding alone has made of those that are zero.

    Where there are fewer samples than features many are zero, and those below the rounding error
    are taken for them; else only negative ones are, which keeps the small ones of a full matrix.
    """
    singular = 0 < fake.count <= len(fake.mean)
    least = _rounding(eigenvalues) if singular else 0.0
    return np.where(eigenvalues > least, eigenvalues, 0.0)


def _rounding(eigenvalues: Features) -> float:
    """Return up to which size eigenvalues of a symmetric matrix may be rounding error."""
    return len(eigenvalues) * _EPSILON * max(float(eigenvalues.max(initial=0.0)), 0.0)


def _cholesky(covariance: Array) -> Array | None:
    """Return the Cholesky factor, or None where a pivot may be rounding error."""
    # Transposed, because LAPACK reads columns first: a symmetric matrix is then copied as it is.
    factor: Array
    factor, failed = dpotrf(covariance.T, lower=1, clean=1)
    if failed:
        return None
    pivots = np.square(factor.diagonal())
    singular = pivots.min() <= _rounding(pivots)
    return None if singular else factor


def _lost(eigenvalues: Array, squares: Array) -> Array:
    """Return tr A^(1/2) - tr (A - u u^T)^(1/2), (B,), for each of B vectors u.

    ``eigenvalues`` (r,) are those of A; ``squares`` (B, r) are the squared coordinates of u along
    its eigenvectors. As x^(1/2) is the integral of log(1 + x / s^2) / pi over s > 0, the
    difference is that of -log(1 - u^T (A + s^2)^-1 u) / pi. The trapezoidal rule in log s sums it;
    beyond its ends the integrand falls as s and as 1 / s, and geometric series stand for the rest.
    """
    largest = float(np.sqrt(eigenvalues.max(initial=0.0)))
    if not largest:  # A is zero, and so is every u that is a part of it
        return np.zeros(len(squares))
    logarithms = np.arange(np.log(1e-7 * largest), np.log(1e4 * largest), _STEP)
    nodes = np.exp(logarithms)  # (S,)
    taken = squares @ (1.0 / (eigenvalues[:, None] + np.square(nodes)))  # (B, S)
    integrand = -np.log1p(-np.minimum(taken, 1.0 - _EPSILON)) * nodes
    ends = (integrand[:, 0] + integrand[:, -1]) / np.expm1(_STEP)
    lost: Array = (integrand.sum(axis=1) + ends) * _STEP / np.pi
    return lost
