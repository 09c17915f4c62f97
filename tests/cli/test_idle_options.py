# SPDX-License-Identifier: MIT
"""Options that have no effect are refused, before anything is read, trained or checked."""

import pytest

COMPARE = ("compare", "-m", "vanilla", "-d", "ring8", "--kimg", "0.3", "-q", "-n")
INLINE = (*COMPARE, "--backend", "inline")
POWER = (*COMPARE[:-1], "--power", "0.8")
DIFF = ("report", "--diff", "a", "b")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((*DIFF, "--title", "T"), "--title changes nothing with --diff"),
        ((*DIFF, "--format", "csv"), "--format changes nothing with --diff"),
        ((*DIFF, "--no-looks"), "--no-looks changes nothing with --diff"),
        ((*DIFF, "--curves", "x=y"), "--curves changes nothing with --diff"),
        (
            (*DIFF, "--no-looks", "--title", "T", "--curves", "x=y"),
            "--curves, --title and --no-looks change nothing with --diff",
        ),
        (("doctor", "--model", "dcgan"), "--model changes nothing without --tune"),
        (("doctor", "--dataset", "ring8"), "--dataset changes nothing without --tune"),
        (
            ("doctor", "--device", "cpu", "-m", "dcgan"),
            "--model and --device change nothing without --tune",
        ),
        ((*INLINE, "--timeout", "30m"), "--timeout changes nothing with --backend inline"),
        ((*INLINE, "-j", "2"), "--jobs changes nothing with --backend inline"),
        (
            (*INLINE, "-j", "2", "--timeout", "30m"),
            "--timeout and --jobs change nothing with --backend inline",
        ),
        ((*INLINE, "-j", "1", "--timeout", "9"), "--timeout changes nothing with --backend inline"),
        ((*POWER, "--dry-run"), "--dry-run changes nothing with --power"),
        (
            (*POWER, "--limit", "3", "--timeout", "9", "-j", "2"),
            "--timeout, --limit and --jobs change nothing with --power",
        ),
        ((*POWER, "--force"), "--force changes nothing with --power"),
        ((*POWER, "--fail-if-worse", "fid:5%"), "--fail-if-worse changes nothing with --power"),
        ((*COMPARE[:-1], "--effect", "5%", "--log", "csv"), "--log changes nothing with --effect"),
        (("show", "r1", "-d", "ring8"), "--dataset changes nothing in the description of a trick"),
        (("show", "dcgan@mnist5k", "-d", "ring8"), "--dataset changes nothing in the description"),
        (
            ("show", "karras2020analyzing", "-d", "mnist5k"),
            "--dataset changes nothing in the description of a paper",
        ),
        (
            ("show", "zoo-digits", "--dataset", "ring8"),
            "--dataset changes nothing in the description of a suite",
        ),
        (("show", "dcgan", "-d", "ring8", "--bibtex"), "--dataset changes nothing with --bibtex"),
    ],
)
def test_what_has_no_effect_is_refused_in_one_sentence(cli, monkeypatch, words, sentence):
    def looked(*_, **__):
        raise AssertionError("It went on.")

    monkeypatch.setattr("ganbench.cli.report_diff.show_difference", looked)
    monkeypatch.setattr("ganbench.cli.doctor._software", looked)
    monkeypatch.setattr("ganbench.cli.compare._compare", looked)
    outcome = cli(*words, "--json")
    assert outcome.code == 2
    error = outcome.document["error"]
    assert error["kind"] == "config"
    assert error["message"].startswith(sentence)
    assert error["hint"] == f"Leave {sentence.partition(' change')[0]} out."


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("ganbench.cli.report_diff.show_difference", (*DIFF, "--metric", "fid", "--baseline", "b")),
        ("ganbench.cli.report_diff.show_difference", (*DIFF, "--json", "--out", "page")),
        ("ganbench.cli.doctor._tune", ("doctor", "--tune", "-m", "dcgan", "--device", "cpu")),
        ("ganbench.cli.compare._compare", (*INLINE, "-j", "1")),
        ("ganbench.cli.compare._compare", (*COMPARE, "-j", "2", "--timeout", "30m")),
    ],
)
def test_what_has_an_effect_is_taken(cli, monkeypatch, place, words):
    heard = []
    monkeypatch.setattr(place, lambda *values, **named: heard.append(values))
    outcome = cli(*words)
    assert (outcome.code, len(heard)) == (0, 1), outcome.err
