# SPDX-License-Identifier: MIT
"""The list of papers: its records, and that every entry of the registry finds its paper there."""

import re
import unicodedata

import pytest

from ganbench import registry
from ganbench.errors import ConfigError, UnknownNameError
from ganbench.papers.credits import papers_of
from ganbench.papers.paper import (
    PAPER_KINDS,
    find_paper,
    known_papers,
    paper_called,
    papers_named,
    read_papers,
)

ENTRIES = [
    (catalogue.kind.rpartition(" ")[2], name)
    for catalogue in registry.KINDS.values()
    for name in catalogue.names()
]
OPTIMIZERS = {"adam", "negative-momentum"}
SMALL_WORDS = {"a", "an", "the", "on", "of", "in", "and", "are", "is", "do", "to", "how", "which"}


def entry(kind: str, name: str):
    """The entry of a kind in one word."""
    catalogues = {each.kind.rpartition(" ")[2]: each for each in registry.KINDS.values()}
    return catalogues[kind].entry(name)


def row(**changes):
    """A record as TOML holds it."""
    facts = {"key": "one2020word", "title": "A Title", "authors": ["One, An"], "year": 2020}
    facts |= {"arxiv": "2001.00001", "kind": "trick", "tags": ["image"], "summary": "It is."}
    return facts | changes


@pytest.mark.parametrize(("kind", "name"), ENTRIES, ids=[f"{k}:{n}" for k, n in ENTRIES])
def test_the_paper_that_an_entry_names_is_in_the_list(kind, name):
    cited = entry(kind, name).paper
    identifiers = re.findall(r"(?:arXiv|doi):[^\s,;)]+", cited)
    papers = papers_named(cited)
    assert len(papers) == len(set(identifiers)), f"{cited} is not in zoo/papers.toml"
    assert set(papers) <= set(papers_of(kind, entry(kind, name)))
    assert identifiers or not cited, f"{kind} {name} names a paper without arXiv:… or doi:…"


def test_the_author_that_an_entry_names_is_the_first_one():
    def plain(text):
        letters = unicodedata.normalize("NFKD", text.replace("ø", "o"))
        return letters.encode("ascii", "ignore").decode().lower()

    for kind, name in ENTRIES:
        cited = entry(kind, name).paper
        for paper in papers_named(cited):
            family = plain(paper.authors[0].partition(",")[0])
            assert plain(cited).startswith(family), f"{kind} {name}: {cited}, {paper.authors[0]}"


def test_what_the_list_says_ganbench_has_exists():
    known = {f"{kind}:{name}" for kind, name in ENTRIES}
    known |= {f"optimizer:{name}" for name in OPTIMIZERS}
    for paper in known_papers().values():
        assert set(paper.ganbench) <= known, paper.key


def test_the_list_is_long_and_of_all_kinds():
    papers = known_papers().values()
    assert len(papers) >= 150
    assert {paper.kind for paper in papers} == set(PAPER_KINDS)
    tags = {tag for paper in papers for tag in paper.tags}
    assert tags >= {"anomaly", "augmentation", "tabular", "text", "audio", "video", "translation"}
    assert tags >= {"super-resolution", "diffusion", "privacy", "evaluation", "mode-collapse"}
    assert list(known_papers()) == sorted(known_papers())


def test_no_tag_is_a_slip_of_another():
    tags = [tag for paper in known_papers().values() for tag in paper.tags]
    assert not {tag for tag in tags if tags.count(tag) == 1 and f"{tag}s" in tags}
    assert not [
        paper.key for paper in known_papers().values() if len({*paper.tags}) < len(paper.tags)
    ]


@pytest.mark.parametrize("paper", known_papers().values(), ids=known_papers())
def test_a_record_is_what_it_says(paper):
    family = paper.authors[0].partition(",")[0].replace("ø", "o").replace("ł", "l").lower()
    plain = unicodedata.normalize("NFKD", family).encode("ascii", "ignore").decode()
    assert paper.key.startswith(re.sub(r"[^a-z]", "", plain) + str(paper.year))
    word = paper.key.partition(str(paper.year))[2]
    words = re.sub(
        r"[^a-z0-9 ]",
        "",
        unicodedata.normalize("NFKD", paper.title)
        .lower()
        .replace("-", " ")
        .replace(":", " ")
        .replace("/", " "),
    ).split()
    assert word in words, f"{word} is no word of {paper.title}"
    assert word not in SMALL_WORDS
    assert all(", " in author for author in paper.authors[:-1])
    assert len(set(paper.authors)) == len(paper.authors)
    assert paper.key not in paper.builds_on
    assert all(known_papers()[key].year <= paper.year + 1 for key in paper.builds_on)
    assert len(paper.summary) <= 200
    assert not paper.summary.lower().startswith(("we ", "this paper", "the paper", "the authors"))
    if paper.arxiv:  # nothing is published years before its preprint, and year and month exist
        assert 1 <= int(paper.arxiv[2:4]) <= 12
        assert 2000 + int(paper.arxiv[:2]) <= paper.year + 4


def test_papers_are_found_by_any_of_their_names():
    paper = known_papers()["goodfellow2014generative"]
    names = ("goodfellow2014generative", "Goodfellow2014Generative", "1406.2661")
    for name in (*names, "arXiv:1406.2661", "arxiv:1406.2661"):
        assert find_paper(name) is paper
    assert find_paper("10.1109/5.726791") is find_paper("doi:10.1109/5.726791") is not None
    for name in ("dcgan", "1406.9999", "", "arXiv:", "2014."):
        assert find_paper(name) is None
    assert paper_called("1406.2661") is paper
    with pytest.raises(UnknownNameError, match="Did you mean 'goodfellow2014generative'"):
        paper_called("goodfellow2014generativ")


def test_a_citation_may_name_several_papers():
    cited = (
        "Salimans et al., arXiv:1606.03498; LeCun et al., doi:10.1109/5.726791, arXiv:9999.99999"
    )
    assert [paper.arxiv or paper.doi for paper in papers_named(cited)] == [
        "1606.03498",
        "10.1109/5.726791",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arxiv": ""}, "neither arXiv identifier nor DOI nor address"),
        ({"license": "MIT"}, "a license but no code"),
        ({"key": "One2020"}, "paper 1: key"),
        ({"kind": "idea"}, "paper 1: kind"),
        ({"authors": []}, "paper 1: authors"),
        ({"summary": "no end"}, "paper 1: summary"),
        ({"ganbench": ["dcgan"]}, "paper 1: ganbench"),
        ({"year": 20}, "paper 1: year"),
        ({"arxiv": "hep-th/9901001"}, "paper 1: arxiv"),
        ({"builds_on": ["two2020word"]}, "builds on two2020word, which is not in the list"),
        ({"page": 3}, "Unknown key 'paper 1: page'"),
    ],
)
def test_a_wrong_record_is_refused_in_a_sentence(changes, message):
    with pytest.raises(ConfigError) as refused:
        read_papers({"paper": [row(**changes)]})
    assert message in refused.value.message


def test_two_records_of_one_paper_are_refused():
    for changes in ({"arxiv": "2001.00002"}, {"key": "two2020word"}):
        with pytest.raises(ConfigError, match="is in the list twice"):
            read_papers({"paper": [row(), row(**changes)]})
    with pytest.raises(ConfigError, match=r"\[\[paper\]\] tables"):
        read_papers({"papers": []})
    assert list(
        read_papers({"paper": [row(key="b2020a", arxiv="2001.00002"), row(key="a2020b")]})
    ) == ["a2020b", "b2020a"]
