# SPDX-License-Identifier: MIT
"""Which papers a list shows."""

import pytest

from ganbench.errors import ConfigError, UnknownNameError
from ganbench.papers.listing import list_of_papers, parse_years
from ganbench.papers.paper import known_papers


def test_without_conditions_all_are_listed_by_year():
    papers = list_of_papers()
    assert len(papers) == len(known_papers())
    assert [paper.year for paper in papers] == sorted(paper.year for paper in papers)


def test_every_condition_must_hold():
    papers = list_of_papers(tags=["anomaly"], years="2018-2019", kind="application")
    assert papers
    for paper in known_papers().values():
        fits = (
            "anomaly" in paper.tags and paper.year in {2018, 2019} and paper.kind == "application"
        )
        assert (paper in papers) == fits, paper.key
    both = list_of_papers(tags=["anomaly", "medical"])
    assert both
    assert all({"anomaly", "medical"} <= set(paper.tags) for paper in both)


def test_a_pattern_fits_keys_and_titles_in_any_case():
    (paper,) = list_of_papers("goodfellow2014*")
    assert paper.title == "Generative Adversarial Nets"
    assert paper in list_of_papers("GENERATIVE adversarial nets")
    assert list_of_papers("zzz*") == []


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("2016", {2016}),
        ("2014-2015", {2014, 2015}),
        (" 2016 ", {2016}),
        ("2024-", set(range(2024, 2031))),
        ("-2014", set(range(2010, 2015))),
    ],
)
def test_years(text, years):
    assert {year for year in range(2010, 2031) if year in parse_years(text)} == years


@pytest.mark.parametrize(
    "text", ["", "-", "twenty", "20142015", "2014-2015-2016", "14", "2016-2014"]
)
def test_what_is_no_year_is_refused(text):
    with pytest.raises(ConfigError):
        parse_years(text)


def test_an_unknown_tag_or_kind_is_named():
    with pytest.raises(
        UnknownNameError, match=r"No paper has the tag 'anomly'\. Did you mean 'anomaly'"
    ):
        list_of_papers(tags=["anomly"])
    with pytest.raises(
        UnknownNameError, match=r"No paper has the kind 'tricks'\. Did you mean 'trick'"
    ):
        list_of_papers(kind="tricks")
