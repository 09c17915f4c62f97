# SPDX-License-Identifier: MIT
"""``ganbench cite``, and what ``ls`` and ``show`` tell of papers."""

import re

import pytest

from ganbench.papers.paper import known_papers


def keys_of(text):
    return re.findall(r"^@\w+\{(\w+),$", text, re.MULTILINE)


def test_cite_prints_bibtex_and_nothing_else(cli):
    outcome = cli("cite", "dcgan", "r1")
    assert (outcome.code, outcome.err) == (0, "")
    assert keys_of(outcome.out) == ["mescheder2018training", "radford2016unsupervised"]
    assert outcome.out.startswith("@")


def test_cite_of_a_run_and_of_its_folder(cli, tiny, tmp_path):
    folder = tiny("--trick", "r1", "--json").document["run"]
    outcome = cli("cite", folder)
    assert outcome.code == 0
    assert set(keys_of(outcome.out)) >= {
        "goodfellow2014generative",
        "kingma2015adam",
        "lin2018pacgan",
        "mescheder2018training",
    }
    assert cli("cite", tmp_path / "runs").out == outcome.out


def test_cite_writes_a_file(cli, tmp_path):
    file = tmp_path / "new" / "refs.bib"
    outcome = cli("cite", "dcgan", "fid", "-o", file)
    assert outcome.code == 0
    assert outcome.out.startswith("3 papers: ")
    assert file.read_text() == cli("cite", "dcgan", "fid").out


def test_cite_counts_one_paper(cli, tmp_path):
    file = tmp_path / "refs.bib"
    assert cli("cite", "dcgan", "-o", file).out == f"1 paper: {file}\n"


def test_cite_replaces_what_it_wrote_and_nothing_else(cli, tmp_path):
    file = tmp_path / "refs.bib"
    assert cli("cite", "dcgan", "-o", file).code == 0
    assert cli("cite", "dcgan", "r1", "-o", file).code == 0
    written = file.read_text()
    assert len(keys_of(written)) == 2
    own = "@misc{me2026mine,\n  title = {Mine}\n}\n"
    for text in (own, f"{written}\n{own}", written.replace("2016}", "2015}"), "notes"):
        file.write_text(text)
        outcome = cli("cite", "dcgan", "-o", file)
        assert outcome.code == 1
        assert "ganbench did not write it" in " ".join(outcome.err.split())
        assert file.read_text() == text
    file.write_bytes(b"\xff")
    assert cli("cite", "dcgan", "-o", file).code == 1


def test_cite_of_a_suite_is_not_written_over_the_suite(cli, tmp_path):
    suite = tmp_path / "suite.toml"
    suite.write_text('models = ["dcgan"]\ndataset = "digits"\n')
    outcome = cli("cite", suite, "-o", suite)
    assert outcome.code == 1
    assert "is an input of this command" in " ".join(outcome.err.split())


def test_what_has_no_paper_is_named_on_stderr(cli):
    outcome = cli("cite", "digits", "mnist-cnn", "dcgan")
    assert outcome.code == 0
    assert outcome.err == "No paper is known of: dataset digits, network mnist-cnn.\n"
    assert len(keys_of(outcome.out)) == 1


def test_cite_as_json(cli, tmp_path):
    document = cli("cite", "dcgan", "digits", "--json", "-o", tmp_path / "refs.bib").document
    assert document["papers"] == ["radford2016unsupervised"]
    assert document["without_paper"] == ["dataset digits"]
    assert document["bibtex"] == (tmp_path / "refs.bib").read_text()
    assert document["out"] == str(tmp_path / "refs.bib")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("dcgn",), 2, "Nothing is called 'dcgn'. Did you mean 'dcgan'"),
        ((".",), 2, "There is no run in"),
        (("dcgan", "-o", "."), 1, "ganbench did not write it"),
    ],
)
def test_cite_of_nothing_is_refused(cli, words, code, message, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    outcome = cli("cite", *words)
    assert outcome.code == code
    assert message in " ".join(outcome.err.split())


# -- ls and show ---------------------------------------------------------------------------------


def test_ls_papers(cli):
    outcome = cli("ls", "papers")
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    for key in known_papers():
        assert sum(line.startswith(f"{key} ") for line in lines) == 1
    (line,) = [line for line in lines if line.startswith("radford2016unsupervised ")]
    assert "model:dcgan" in line
    rows = cli("ls", "papers", "radford2016*", "--json").document["papers"]
    assert [row["key"] for row in rows] == ["radford2016unsupervised"]
    assert "model:dcgan" in rows[0]["ganbench"]
    assert rows[0]["address"] == "https://arxiv.org/abs/1511.06434"


def test_ls_papers_is_narrowed(cli):
    words = ("ls", "papers", "--kind", "survey", "--year", "2018-2019", "--json")
    rows = cli(*words).document["papers"]
    assert rows
    assert all(row["kind"] == "survey" and row["year"] in {2018, 2019} for row in rows)
    two = cli("ls", "papers", "--tag", "anomaly", "--tag", "medical", "--json").document["papers"]
    assert two
    assert all({"anomaly", "medical"} <= set(row["tags"]) for row in two)


def test_ls_of_all_tells_where_papers_are(cli):
    assert cli("ls").out.endswith("papers: ganbench ls papers\n")


@pytest.mark.parametrize(
    "words", [("models", "--tag", "text"), ("--year", "2016"), ("all", "--kind", "loss")]
)
def test_what_selects_papers_selects_nothing_else(cli, words):
    outcome = cli("ls", *words)
    assert outcome.code == 2
    assert "--tag, --year and --kind select papers." in outcome.err


def test_show_of_a_paper(cli):
    out = cli("show", "radford2016unsupervised").out
    paper = known_papers()["radford2016unsupervised"]
    assert out.startswith(f"{paper.title} (variant)\n")
    assert "Alec Radford, Luke Metz, Soumith Chintala" in out
    assert "https://arxiv.org/abs/1511.06434" in out
    assert "model:dcgan" in out.partition("\nhere: ")[2].splitlines()[0]
    assert "goodfellow2014generative" in out.partition("builds on: ")[2].splitlines()[0]
    document = cli("show", "arXiv:1511.06434", "--json").document
    assert document["kind"] == "paper"
    assert document["paper"]["key"] == "radford2016unsupervised"
    assert "model:dcgan" in document["paper"]["ganbench"]
    assert set(document["further"]) == {
        key for key, other in known_papers().items() if paper.key in other.builds_on
    }


def test_show_of_an_entry_names_its_papers(cli):
    assert cli("show", "dcgan", "--json").document["papers"] == ["radford2016unsupervised"]
    assert "(radford2016unsupervised)" in cli("show", "dcgan").out
    assert cli("show", "digits", "--json").document["papers"] == []


def test_show_bibtex(cli):
    assert cli("show", "dcgan", "--bibtex").out == cli("cite", "dcgan").out
    document = cli("show", "radford2016unsupervised", "--bibtex", "--json").document
    assert document["papers"] == ["radford2016unsupervised"]
