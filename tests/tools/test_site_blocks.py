# SPDX-License-Identifier: MIT
"""What the site's generated parts hold; that they build is tested in tests/test_site.py."""

import pytest
from scripts import checkout_script

from ganbench import registry
from ganbench.papers.paper import find_paper, known_papers

site_blocks = checkout_script("tools/site_blocks.py")


def test_markup_of_the_terminal_becomes_literal_markdown():
    assert site_blocks.plain("a [bold]b|c[/bold]\n  < *d*") == r"a b\|c &lt; \*d\*"


def test_a_marker_is_replaced_and_an_unknown_one_is_an_error():
    page = "# Losses\n\n<!-- generated: entries losses -->\n\nThe end."
    text = site_blocks.with_generated_blocks(page)
    assert text.startswith("# Losses\n\n| name |")
    assert text.endswith("|\n\nThe end.")
    with pytest.raises(KeyError):
        site_blocks.with_generated_blocks("<!-- generated: nothing -->")


def test_entries_come_with_their_papers():
    text = site_blocks.entries("tricks")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) == len(registry.tricks.names())
    (r1,) = [row for row in rows if row.startswith("| `r1` ")]
    assert "[Mescheder et al., 2018](https://arxiv.org/abs/1801.04406)" in r1


def test_the_bibliography_has_every_paper_once():
    text = site_blocks.bibliography("")
    assert all(text.count(f"`{key}`") == 1 for key in known_papers())


def test_two_authors_are_both_named():
    pairs = [paper for paper in known_papers().values() if len(paper.authors) == 2]
    assert " and " in site_blocks.reference(pairs[0])
    assert "Goodfellow et al., 2014" in site_blocks.reference(find_paper("1406.2661"))


def test_options_are_listed_with_their_panels_and_spellings():
    text = site_blocks.command_line("")
    part = text.partition("## run\n")[2].partition("\n## ")[0]
    assert "| `--model`, `-m NAME` | Name of a GAN" in part
    assert "| How long and how much |" in part
    assert "```sh\nganbench run --model vanilla\n" in part
    assert "### weights fetch" in text


def test_public_names_are_found_by_the_module_that_defines_them():
    assert "::: ganbench.api.run\n" in site_blocks.python("api")
    assert "::: ganbench.tricks.ema.EMA\n" in site_blocks.python("tricks.*")
    with pytest.raises(AssertionError, match="no public name is defined in nowhere"):
        site_blocks.python("nowhere")
