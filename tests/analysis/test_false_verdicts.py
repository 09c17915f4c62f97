# SPDX-License-Identifier: MIT
"""How often a page of many verdicts has a false one, in the designs of the atlas and at five seeds.

Pages are drawn by the thousand. The rule is written out for whole arrays, and the code that judges
real records agrees with it on a few pages of each kind.
"""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import special

from ganbench.analysis.comparison import ALPHA, compare_to
from ganbench.analysis.failures import Trouble, failure_tests
from ganbench.analysis.tables import metric_table
from ganbench.analysis.verdicts import judge_matrix
from ganbench.harness.builtin_suites import builtin_suites
from ganbench.harness.suite import SuiteFile, find_suite
from ganbench.records.measurement import Measurement
from ganbench.records.run_record import RunRecord

PAGES = 4000


@dataclass(frozen=True)
class Design:
    """What a page judges: sets of tricks on datasets, each pair with all seeds.

    A learning rate has a baseline of its own, as a dataset has, and counts as one.
    """

    datasets: int
    tricks: int
    seeds: int


FIVE_SEEDS = Design(datasets=2, tricks=50, seeds=5)
TOYS = Design(datasets=2, tricks=55, seeds=8)
DIGITS = Design(datasets=1, tricks=62, seeds=6)
ATLAS = {
    "atlas-toys": TOYS,
    "atlas-digits": DIGITS,
    "atlas-rates": Design(datasets=5, tricks=20, seeds=6),
    "atlas-resnet": Design(datasets=1, tricks=10, seeds=6),
    "atlas-weights": Design(datasets=1, tricks=15, seeds=6),
}


def normal(random, shape):
    """Return values as of a FID: logarithms are normal, and what a seed has is shared."""
    shared = random.normal(0, 0.12, (*shape[:2], 1, shape[3]))
    return 40 * np.exp(shared + random.normal(0, 0.12, shape))


def wide(random, shape):
    return 40 * np.exp(random.normal(0, 0.6, shape))


def heavy(random, shape):
    return 40 + 5 * random.standard_t(3, shape)


def jumping(random, shape):
    """Return values of which one in ten is three times as large."""
    return normal(random, shape) * np.where(random.random(shape) < 0.1, 3.0, 1.0)


def clustered(random, shape):
    """Return values that are either about one or about five, equally often."""
    return np.where(random.random(shape) < 0.5, 1.0, 5.0) + random.normal(0, 0.3, shape)


def shape_of_a_page(design):
    """Return the shape of the values of a page: datasets, baseline and tricks, seeds."""
    return design.datasets, 1 + design.tricks, design.seeds


def pages_of(draw, design=FIVE_SEEDS, *, seed=0, pages=PAGES):
    """Return values (pages, datasets, baseline and tricks, seeds); no trick has an effect."""
    return draw(np.random.default_rng(seed), (pages, *shape_of_a_page(design)))


def with_effects(values, effects):
    """Return the values where some tricks take 60 % away."""
    values = values.copy()
    values[:, :, 1 : 1 + effects] *= 0.4
    return values


def shown(values):
    """Return which differences are shown (pages, datasets, tricks), by t tests and Holm's rule."""
    differences = values[:, :, 1:] - values[:, :, :1]
    count = differences.shape[-1]
    t = differences.mean(-1) / differences.std(-1, ddof=1) * count**0.5
    p_values = 2 * special.stdtr(count - 1, -abs(t))
    flat = p_values.reshape(len(values), -1)
    order = flat.argsort(1)
    steps = flat.shape[1] - np.arange(flat.shape[1])
    corrected = np.maximum.accumulate(np.take_along_axis(flat, order, 1) * steps, 1)
    found = np.zeros(flat.shape, bool)
    np.put_along_axis(found, order, corrected < ALPHA, 1)
    return found.reshape(p_values.shape)


def false_pages(values, effects=0):
    """Return the share of pages on which a trick without effect is said to help or hurt."""
    return shown(with_effects(values, effects))[:, :, effects:].any((1, 2)).mean()


def judged(page):
    """Return which tricks help or hurt (datasets, tricks) by the code that judges records."""
    compared = []
    for index, dataset in enumerate(page):
        runs = [
            RunRecord(
                name=f"{arm} {seed}",
                status="done",
                model="gan",
                dataset=f"d{index}",
                variant=f"gan + t{arm}" if arm else "gan",
                tricks=f"t{arm}" if arm else "",
                seed=seed,
                metrics={"fid": Measurement(float(value), n=1, protocol="p", better="lower")},
            )
            for arm, values in enumerate(dataset)
            for seed, value in enumerate(values)
        ]
        table = metric_table(runs, f"d{index}")
        compared.append((table, compare_to(table)))
    matrix = judge_matrix(compared)
    assert matrix.tests == len(page) * (len(page[0]) - 1)
    return [[verdict.kind != "unclear" for verdict in here.on_main] for here in matrix.datasets]


def test_every_suite_of_the_atlas_has_its_design():
    assert {name for name in builtin_suites() if name.startswith("atlas-")} == set(ATLAS)


@pytest.mark.parametrize(("name", "design"), ATLAS.items(), ids=ATLAS)
def test_the_designs_are_those_of_the_suites(name, design):
    suite = SuiteFile(find_suite(name)).read()
    assert suite.comparisons == design.datasets * design.tricks
    rates = suite.vary.get("learning_rate", [None])
    assert len(suite.datasets) * len(rates) == design.datasets
    assert len(suite.seeds) == design.seeds


@pytest.mark.parametrize("draw", [normal, wide, heavy, jumping])
@pytest.mark.parametrize("design", [FIVE_SEEDS, *ATLAS.values()], ids=["five seeds", *ATLAS])
def test_fewer_than_one_page_in_twenty_has_a_false_verdict(draw, design):
    values = pages_of(draw, design)  # drawing them takes longer than judging them
    shares = {n: false_pages(values, n) for n in (0, 3, 15) if n < design.tricks}
    assert all(0 < share < 0.05 for share in shares.values()), shares


def test_without_the_correction_nearly_every_page_has_one():
    values = pages_of(normal, pages=400)
    differences = values[:, :, 1:] - values[:, :, :1]
    t = differences.mean(-1) / differences.std(-1, ddof=1) * FIVE_SEEDS.seeds**0.5
    alone = 2 * special.stdtr(FIVE_SEEDS.seeds - 1, -abs(t)) < ALPHA
    assert alone.any((1, 2)).mean() > 0.85


def test_effects_are_found():
    """So that few false verdicts are not the merit of few verdicts."""
    assert shown(with_effects(pages_of(normal, pages=400), 3))[:, :, :3].mean() > 0.3


def test_values_in_two_even_clusters_need_six_seeds():
    """All five differences agree by chance too often, and their spread is small by then."""
    assert 0.07 < false_pages(pages_of(clustered)) < 0.12
    for design in ATLAS.values():
        values = pages_of(clustered, design)
        assert max(false_pages(values, n) for n in (0, 3, 15) if n < design.tricks) < 0.05


@pytest.mark.parametrize("tricks", [4, 13])
def test_values_in_two_even_clusters_are_too_much_for_three_seeds(tricks):
    design = Design(datasets=1, tricks=tricks, seeds=3)
    assert 0.07 < false_pages(pages_of(clustered, design)) < 0.19


@pytest.mark.parametrize(("design", "least", "most"), [(TOYS, 0.10, 0.15), (DIGITS, 0.06, 0.10)])
def test_a_trick_that_changes_the_shape_and_not_the_mean_is_said_to_help_too_often(
    design, least, most
):
    """One run in ten is three times as bad, and the others are better by as much together."""
    values = np.random.default_rng(0).normal(0, 0.1, (PAGES, *shape_of_a_page(design)))
    values = 40 * np.exp(values)
    bad = np.random.default_rng(1).random((PAGES, design.seeds)) < 0.1
    values[:, 0, 1] *= np.where(bad, 3.0, 0.7 / 0.9)
    assert least < shown(values)[:, 0, 0].mean() < most


@pytest.mark.parametrize("draw", [normal, clustered])
def test_the_code_that_judges_records_says_the_same(draw):
    values = with_effects(pages_of(draw, seed=1, pages=600), 3)
    found = shown(values)
    with_false = found[:, :, 3:].any((1, 2))
    some = [*np.flatnonzero(with_false)[:3], *np.flatnonzero(~with_false)[:3]]
    assert len(some) == 6
    for page in some:
        assert judged(values[page]) == found[page].tolist()


@pytest.mark.parametrize("seeds", [5, 8])
@pytest.mark.parametrize("tricks", [1, 12])
@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5])
def test_fewer_than_one_page_in_twenty_says_falsely_that_a_trick_fails_or_fails_less(
    seeds, tricks, rate
):
    random = np.random.default_rng(0)
    false = 0
    for _ in range(1000):
        base, *counts = random.binomial(seeds, rate, 1 + tricks).tolist()
        tests = failure_tests([(Trouble(count, seeds), Trouble(base, seeds)) for count in counts])
        false += any(test.corrected < ALPHA for test in tests)
    assert false / 1000 < 0.05
