# SPDX-License-Identifier: MIT
"""BibTeX entries, read back by a strict reader of its grammar, which the tests bring along."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.papers.bibtex import bibliography, bibtex, latex
from ganbench.papers.paper import Paper, known_papers

FIELDS = {
    "misc": {"author", "title", "year"},
    "article": {"author", "title", "year", "journal"},
    "inproceedings": {"author", "title", "year", "booktitle"},
}
"""What BibTeX's standard styles ask of each type of entry."""


def read_value(text: str, at: int) -> tuple[str, int]:
    """Return a value in braces, and the place after it; braces within must be balanced."""
    assert text[at] == "{"
    depth = 0
    for end in range(at, len(text)):
        depth += {"{": 1, "}": -1}.get(text[end], 0) if text[end - 1] != "\\" else 0
        if depth == 0:
            return text[at + 1 : end], end + 1
    raise AssertionError(f"a brace has no partner: {text[at : at + 60]}")


def read_bibtex(text: str) -> dict[str, dict[str, str]]:
    """Return the fields of every entry by key, and its type as ``type``; any slip is an error."""
    entries: dict[str, dict[str, str]] = {}
    at = 0
    while at < len(text):
        head = re.compile(r"\s*@([a-z]+)\{([A-Za-z0-9]+),\s*").match(text, at)
        assert head, f"no entry begins at: {text[at : at + 60]!r}"
        entry, at = {"type": head[1]}, head.end()
        while name := re.compile(r"([a-z]+) = (?=\{)").match(text, at):
            assert name[1] not in entry, f"{head[2]} has {name[1]} twice"
            entry[name[1]], at = read_value(text, name.end())
            if name[1] in {"author", "title", "booktitle", "journal"}:
                bare = re.search(r"(?<!\\)[&%$#_]", entry[name[1]])
                assert not bare, f"{head[2]}: {entry[name[1]]}"
            comma = re.compile(r",?\s*").match(text, at)
            at = comma.end()
        assert text[at : at + 1] == "}", f"{head[2]} does not end: {text[at : at + 60]!r}"
        at = re.compile(r"\}\s*").match(text, at).end()
        assert head[2] not in entries, f"{head[2]} is there twice"
        entries[head[2]] = entry
    return entries


COMBINING = {"`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304"}
COMBINING |= {"u": "\u0306", ".": "\u0307", '"': "\u0308", "r": "\u030a", "H": "\u030b"}
COMBINING |= {"v": "\u030c", "c": "\u0327", "k": "\u0328"}
LETTERS = {"ss": "ß", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "ae": "æ", "AE": "Æ", "oe": "œ"}
LETTERS |= {"dj": "đ", "i": "ı", "textbackslash": "\\", "textasciitilde": "~"}
LETTERS |= {"textasciicircum": "^"}


def typeset(text: str) -> str:
    """Return what LaTeX sets for the commands that names and titles need."""
    import unicodedata

    text = re.sub(
        r"\{\\([`'^~=.\"]|[uvcHrk] )(\\?[A-Za-z])\}",
        lambda found: unicodedata.normalize(
            "NFC", found[2].lstrip("\\") + COMBINING[found[1].strip()]
        ),
        text,
    )
    text = re.sub(r"\{\\([A-Za-z]+)\}", lambda found: LETTERS[found[1]], text)
    text = re.sub(r"(?<!\\)[{}]", "", text)
    return re.sub(r"\\([&%$#_{}])", r"\1", text)


def paper(**changes) -> Paper:
    """Return a record with some fields of its own."""
    facts = {
        "key": "one2020word",
        "title": "A Title",
        "authors": ("One, An",),
        "year": 2020,
        "arxiv": "2001.00001",
        "kind": "trick",
        "tags": ("image",),
        "summary": "It does a thing.",
    }
    return Paper.model_validate(facts | changes)


def test_the_whole_list_is_valid_bibtex_in_ascii():
    text = bibliography(known_papers().values())
    assert text.isascii()
    entries = read_bibtex(text)
    assert list(entries) == sorted(known_papers())
    for key, known in known_papers().items():
        entry = entries[key]
        assert entry.keys() >= FIELDS[entry["type"]]
        assert typeset(entry["title"]) == known.title
        names = entry["author"].split(" and ")
        assert [typeset(name) for name in names] == list(known.authors)
        assert entry.get("eprint", "") == known.arxiv
        assert entry.get("doi", "") == known.doi
        assert entry["year"] == str(known.year)


def test_an_entry_as_it_is_written():
    text = bibtex(
        paper(
            title="Wasserstein Distances & StyleGAN2: a Study of f-GANs",
            authors=("Bińkowski, Mikołaj", "van den Oord, Aäron", "others"),
            venue="NeurIPS",
        )
    )
    assert text == (
        "@inproceedings{one2020word,\n"
        "  author = {Bi{\\'n}kowski, Miko{\\l}aj and van den Oord, A{\\\"a}ron and others},\n"
        "  title = {{Wasserstein} Distances \\& {StyleGAN2}: a Study of {f-GANs}},\n"
        "  booktitle = {Advances in Neural Information Processing Systems},\n"
        "  year = {2020},\n"
        "  eprint = {2001.00001},\n"
        "  archiveprefix = {arXiv}\n"
        "}\n"
    )


def test_the_type_follows_the_venue():
    types = {
        venue: read_bibtex(bibtex(paper(venue=venue)))["one2020word"]["type"]
        for venue in ("", "ICLR", "Neural Computation")
    }
    assert types == {"": "misc", "ICLR": "inproceedings", "Neural Computation": "article"}


def test_addresses_and_identifiers_are_not_escaped():
    entry = read_bibtex(
        bibtex(paper(arxiv="", doi="10.1007/a_b", url="https://x.org/~a_b?c=d&e=%20f"))
    )["one2020word"]
    assert entry["doi"] == "10.1007/a_b"
    assert entry["url"] == "https://x.org/~a_b?c=d&e=%20f"
    assert "eprint" not in entry


def test_the_name_of_a_group_is_one_name():
    entry = read_bibtex(bibtex(paper(authors=("The Lab and Others Team",))))["one2020word"]
    assert entry["author"] == "{The Lab and Others Team}"


def test_a_bibliography_is_sorted_and_has_no_paper_twice():
    first, second = paper(key="a2020b"), paper(key="b2020a")
    text = bibliography([second, first, second])
    assert list(read_bibtex(text)) == ["a2020b", "b2020a"]


LATIN = "aZ09 .:-?é\u0144ñüåøłŁßçčőğ&%$#_{}~^\\–’"


@given(st.text(alphabet=LATIN, min_size=1))
def test_any_text_is_typeset_as_it_was(text):
    plain = text.replace("–", "--").replace("’", "'")
    assert latex(text).isascii()
    assert typeset(latex(text)) == plain


@pytest.mark.parametrize(
    "slip",
    [
        "@misc{a,\n  title = {x\n}\n",
        "@misc{a,\n  title = {x & y}\n}\n",
        "@misc{a b,\n}\n",
        "misc{a,}\n",
    ],
)
def test_the_reader_of_these_tests_is_strict(slip):
    with pytest.raises(AssertionError):
        read_bibtex(slip)
