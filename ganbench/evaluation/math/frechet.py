# SPDX-License-Identifier: MIT
"""The Frechet distance between two Gaussians, fast and exact, and its delete-one jackknife.

Paper: Dowson & Landau, 1982, doi:10.1016/0047-259X(82)90077-X

|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)). With S1 = R R^T, the eigenvalues of S1 S2 are the
eigenvalues of the symmetric R^T S2 R. A symmetric solver is fast and gives real numbers. The square
root of the unsymmetric product, which pytorch-fid and clean-fid take, is slow and may come out
complex. Where there are fewer samples n than features d, a root has n - 1 columns: with
S2 = Q Q^T, the roots of the eigenvalues are the singular values of R^T Q. All in float64.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import numpy as np
import torch
from scipy.linalg import bandwidth
from scipy.linalg.lapack import dpotrf, dpstrf, dsygst

from ganbench.evaluation.math.arrays import Array, Features
from ganbench.evaluation.math.blockwise import blocks
from ganbench.evaluation.math.moments import Moments

_EPSILON = float(np.finfo(np.float64).eps)
_STEP = 0.5
"""Step of the quadrature in log s; its error falls as exp(-pi^2 / step), to 3e-9 here."""
_ROWS = 512

_roots: dict[int, tuple[weakref.ref[Moments], Array]] = {}


@dataclass(frozen=True)
class Jackknife:
    """A distance, with its error and bias from leaving out one generated sample at a time.

    ``standard_error`` is the standard error of the distance at this number of generated samples,
    with the reference held fixed. ``bias`` is the expected distance at this number minus the
    expected distance at infinitely many. ``changes`` (p,) are the distances without each sample of
    the probe, minus the distance with all samples.
    """

    distance: float
    standard_error: float
    bias: float
    changes: Array


def frechet_distance(real: Moments, fake: Moments) -> float:
    """Return the squared Frechet distance between two Gaussians.

    The square root of the covariance of ``real`` is computed once and kept.
    """
    # torch's solvers are twice as fast as numpy's where torch has MKL, and no slower elsewhere.
    if _is_thin(fake):
        shared = torch.from_numpy(root_of(real).T @ root_of(fake))  # (r1, r2)
        return _distance(real, fake, torch.linalg.svdvals(shared).square().numpy())
    eigenvalues = torch.linalg.eigvalsh(torch.from_numpy(_product(root_of(real), fake))).numpy()
    return _distance(real, fake, np.where(eigenvalues > 0.0, eigenvalues, 0.0))


def square_root(covariance: Array) -> Array:
    """Return R (d, r) with R R^T = covariance.

    R is the Cholesky factor where the covariance is not singular. Otherwise R is made of the
    eigenvectors, and r leaves out the directions without variance: rounding gives these +-eps
    times the largest variance, whose roots, 1e-8 each, would add up in the trace.
    """
    factor = _cholesky(covariance)
    if factor is not None:
        return factor
    eigenvalues, vectors = np.linalg.eigh(covariance)
    with_variance = eigenvalues > _rounding_error(eigenvalues)
    root: Array = vectors[:, with_variance] * np.sqrt(eigenvalues[with_variance])
    return root


def thin_root(covariance: Array, rank: int) -> Array:
    """Return R (d, r) with R R^T = covariance, where its rank is known to be ``rank`` at most.

    R is the Cholesky factor with the largest pivots first, which costs d^2 r rather than d^3.
    """
    factor, order, columns, _ = dpstrf(covariance.T, lower=1)
    lower = np.tril(factor[:, : min(int(columns), rank)])
    root: Array = np.empty_like(lower)
    root[order - 1] = lower
    return root


def root_of(moments: Moments) -> Array:
    """Return the root of a covariance, which is kept for as long as the moments are."""
    key = id(moments)
    known = _roots.get(key)
    if known is not None and known[0]() is moments:
        return known[1]
    if _is_thin(moments):
        root = thin_root(moments.covariance, moments.count - 1)
    else:
        root = square_root(moments.covariance)
    _roots[key] = (weakref.ref(moments, lambda _: _roots.pop(key, None)), root)
    return root


def jackknife(real: Moments, fake: Moments, probe: Features) -> Jackknife:
    """Return the distance with the delete-one jackknife over n = ``fake.count`` >= 3 samples.

    ``probe`` (p, d) holds the features of p random generated samples, or of all n. No distance is
    computed again: leaving out a sample takes a rank-one matrix from the covariance, whose effect
    on the trace is known exactly (``_trace_lost``), at the cost of one product of the probe with a
    (d, d) matrix. The mean over a probe is taken of the changes without their linear part, whose
    mean over all n samples is zero.
    """
    root, count = root_of(real), fake.count
    if _is_thin(fake):
        vectors, roots, _ = np.linalg.svd(root.T @ root_of(fake), full_matrices=False)
        eigenvalues = np.square(roots)  # (r,)
    else:
        eigenvalues, vectors = np.linalg.eigh(_product(root, fake))
        eigenvalues = np.where(eigenvalues > 0.0, eigenvalues, 0.0)
    distance = _distance(real, fake, eigenvalues)
    trace, shared = float(np.trace(fake.covariance)), float(np.sqrt(eigenvalues).sum())
    directions = root @ vectors  # (d, r)
    inverse = np.where(eigenvalues > _rounding_error(eigenvalues), eigenvalues, np.inf) ** -0.5
    offset = fake.mean - real.mean
    grown, weight = (count - 1) / (count - 2), count / (count - 1) ** 2
    changes, linear = np.empty(len(probe)), np.empty(len(probe))
    for rows in blocks(len(probe), _ROWS):
        centered = np.asarray(probe[rows], dtype=np.float64) - fake.mean  # (B, d)
        square, along = np.square(centered).sum(axis=1), centered @ offset  # (B,)
        squares = np.square(centered @ directions)  # (B, r)
        # The distance without each sample, minus the distance with all.
        changes[rows] = (
            (square / (count - 1) - 2.0 * along) / (count - 1)
            + (grown - 1.0) * trace
            - grown * weight * square
            - 2.0 * (np.sqrt(grown) - 1.0) * shared
            + 2.0 * np.sqrt(grown) * _trace_lost(eigenvalues, weight * squares)
        )
        linear[rows] = 2.0 * along + square - squares @ inverse
    linear -= (trace - shared) * (count - 1) / count
    error = float(np.sqrt((count - 1) * changes.var()))
    return Jackknife(distance, error, float(((count - 1) * changes + linear).mean()), changes)


def _distance(real: Moments, fake: Moments, eigenvalues: Array) -> float:
    difference = real.mean - fake.mean
    trace = float(np.trace(real.covariance) + np.trace(fake.covariance))
    shared = float(np.sqrt(eigenvalues).sum())
    return max(0.0, float(difference @ difference) + trace - 2.0 * shared)


def _is_thin(moments: Moments) -> bool:
    """Tell whether there are known to be no more samples than features."""
    return 0 < moments.count <= len(moments.mean)


def _product(root: Array, fake: Moments) -> Array:
    """Return R^T S R (r, r), of which only the diagonal and what is below it need be right."""
    product: Array
    if root.size and root.shape[0] == root.shape[1] and not bandwidth(root)[1]:
        # The step of a generalized eigenproblem: a third of the time of two plain products.
        product, _ = dsygst(fake.covariance.T, root, itype=2, lower=1)
        return product
    product = root.T @ fake.covariance @ root
    return product


def _rounding_error(eigenvalues: Features) -> float:
    """Return up to which size eigenvalues of a symmetric matrix may be rounding errors."""
    return len(eigenvalues) * _EPSILON * max(float(eigenvalues.max(initial=0.0)), 0.0)


def _cholesky(covariance: Array) -> Array | None:
    """Return the Cholesky factor, or None where a pivot may be a rounding error."""
    # Transposed, because LAPACK reads columns first: a symmetric matrix is then copied as it is.
    factor: Array
    factor, failed = dpotrf(covariance.T, lower=1, clean=1)
    if failed:
        return None
    pivots = np.square(factor.diagonal())
    singular = pivots.min() <= _rounding_error(pivots)
    return None if singular else factor


def _trace_lost(eigenvalues: Array, squares: Array) -> Array:
    """Return tr A^(1/2) - tr (A - u u^T)^(1/2), as (B,), for each of B vectors u.

    ``eigenvalues`` (r,) belong to A; ``squares`` (B, r) are the squared coordinates of u along its
    eigenvectors. As x^(1/2) is the integral of log(1 + x / s^2) / pi over s > 0, the difference is
    the integral of -log(1 - u^T (A + s^2)^-1 u) / pi. The trapezoidal rule in log s sums it;
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
