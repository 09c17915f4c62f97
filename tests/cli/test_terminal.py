# SPDX-License-Identifier: MIT
"""Help, narrow terminals and pipes: what holds for every verb."""

import itertools
import os
import re
import shlex

import numpy as np
import pytest
import typer
from PIL import Image
from typed_commands import GROUP, parse

import ganbench
from ganbench import cli as package
from ganbench.cli.options import PANELS
from ganbench.cli.output import format_number

VERBS = GROUP.commands
EXAMPLES = [
    (verb, line)
    for verb in VERBS
    for line in getattr(package, verb).EXAMPLES.splitlines()
    if line.startswith("ganbench")
]


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("verb", VERBS)
def test_help_ends_in_examples_to_copy(cli, verb, flag):
    outcome = cli(verb, flag)
    assert (outcome.code, outcome.err) == (0, "")
    text = " ".join(outcome.out.split())
    _, _, end = text.rpartition("Examples:")
    lines = [line for name, line in EXAMPLES if name == verb]
    assert lines
    assert end.split() == " ".join(lines).split(), "nothing follows the examples"
    assert "Show this message and exit." in text


WORDS_OF_VERBS = [
    *((verb,) for verb in VERBS if verb != "weights"),
    *(("weights", name) for name in VERBS["weights"].commands),
]


@pytest.mark.parametrize("words", WORDS_OF_VERBS, ids=" ".join)
def test_every_option_is_in_a_panel_and_panels_have_one_order(cli, words):
    command = VERBS[words[0]] if len(words) == 1 else VERBS[words[0]].commands[words[1]]
    options = [
        parameter for parameter in command.params if isinstance(parameter, typer.core.TyperOption)
    ]
    assert {option.rich_help_panel for option in options} <= set(PANELS)
    out = cli(*words, "--help").out
    titles = re.findall(r"^╭─ (.*?) ─", out, re.MULTILINE)
    assert [title for title in titles if title != "Arguments"] == [
        panel
        for panel in PANELS
        if panel == "Output" or panel in {option.rich_help_panel for option in options}
    ]
    assert re.search(r"^│ --help +-h .*Show this message and exit\.", out, re.MULTILINE)


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("words", WORDS_OF_VERBS, ids=" ".join)
def test_help_reads_well_on_narrow_terminals(cli, monkeypatch, words, columns):
    """No name is cut, only full lines are broken, and descriptions have room for two words."""
    monkeypatch.setenv("COLUMNS", str(columns))
    out = cli(*words, "--help").out
    assert all(len(line) <= columns for line in out.splitlines())
    assert "…" not in out
    room = columns - 2  # a blank on either side
    _, *paragraphs = re.split(r"\n\s*\n", out.partition("╭")[0].strip())  # after the usage
    assert paragraphs
    for paragraph in paragraphs:
        lines = [line.strip() for line in paragraph.splitlines()]
        for line, following in itertools.pairwise(lines):
            assert len(f"{line} {following.split()[0]}") > room, "a break that is not needed"
    for row in re.findall(r"^│ +--.*│$", out, re.MULTILINE):
        description = row.strip("│ ").rpartition("  ")[2]
        assert len(description.split()) >= 2 or len(description) > columns // 5, row


def test_help_of_the_whole_lists_every_verb(cli):
    for words in (("-h",), ("--help",), ()):
        outcome = cli(*words)
        assert outcome.code == (0 if words else 2)
        assert all(re.search(rf"^\W*{verb}\s", outcome.out, re.MULTILINE) for verb in VERBS)
        assert "ganbench run --model vanilla" in outcome.out
    assert cli("--version").out == f"ganbench {ganbench.__version__}\n"


@pytest.mark.parametrize(("verb", "line"), EXAMPLES, ids=[line for _, line in EXAMPLES])
@pytest.mark.usefixtures("quick_choices")
def test_examples_are_commands(cli, verb, line, tmp_path, monkeypatch, constant_model):
    """All are parsed; those that need no earlier run are carried out, dry if they can be."""
    words = shlex.split(line)
    assert words[:2] == ["ganbench", verb]
    parse(words[1:])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for index in range(4):
        pixels = np.full((80, 70, 3), 60 * index, np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{index}.png")
    made = [tmp_path / "photos", constant_model]
    if verb == "compare":  # files that the examples name
        made.remove(constant_model)
        made += [tmp_path / "mine.py", tmp_path / "my-suite.toml"]
        constant_model.rename(made[1])
        made[2].write_text('models = "vanilla"\ndatasets = "ring8"\n')
    if "--from" in words:
        return  # it goes on from a run
    if verb in {"run", "compare"}:
        outcome = cli(*words[1:], "--dry-run", "--quiet")
    elif verb in {"ls", "doctor"} and "--tune" in words:
        return  # minutes of measurements: see tests/speed/test_autotune.py
    elif verb in {"ls", "doctor"} or (verb == "show" and "/" not in line):
        outcome = cli(*words[1:])
    else:
        return
    assert (outcome.code, outcome.err) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} - {"__pycache__"} == {
        path.name for path in made
    }


@pytest.mark.parametrize("columns", ["20", "40", "80", "500"])
def test_any_width_will_do(cli, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    run = ("run", "-m", "vanilla", "-d", "ring8", "--kimg", "0.2", "--samples", "64")
    for words in (
        ("ls",),
        ("show", "wgan-gp"),
        ("doctor",),
        ("-h",),
        ("run", "-h"),
        run,
        (*run, "-n"),
        ("compare", "-m", "vanilla", "-d", "ring8", "--kimg", "0.2", "--seeds", "0"),
    ):
        outcome = cli(*words)
        assert outcome.code == 0
        assert outcome.out
        lines = [*outcome.out.splitlines(), *outcome.err.splitlines()]
        # Paths are never broken, nor what is said of a run in a log.
        whole = ("Samples: ", "A page of it: ", "source: ", "Collapse, from ")
        if columns != "20":  # where a word may be longer than a line
            for line in lines:
                assert len(line) <= int(columns) or line.startswith(whole), line
    outcome = cli("run", "-m", "vanila")
    assert outcome.code == 2
    assert "Did you mean 'vanilla'?" in " ".join(outcome.err.split())


def test_what_changed_is_told_in_whole_numbers(cli, train, tmp_path, monkeypatch):
    for folder, seed in (("a", 0), ("b", 1)):
        train(seed=seed, out=tmp_path / folder)
    words = ("report", "--diff", tmp_path / "a", tmp_path / "b")
    means = cli(*words, "--json").document["means"]
    monkeypatch.setenv("COLUMNS", "60")
    shown = cli(*words).out
    assert "…" not in shown
    for row in means:
        for side in ("before", "after"):
            assert format_number(row[side]) in shown


def test_what_doctor_says_is_never_cut(cli, monkeypatch, tmp_path):
    monkeypatch.setenv("GANBENCH_RUNS", str(tmp_path / ("far" * 30)))
    monkeypatch.setenv("COLUMNS", "60")
    shown = cli("doctor").out
    assert "…" not in shown
    assert "far" * 30 in "".join(shown.split())


def test_outside_a_terminal_tables_are_not_broken(cli):
    out = cli("compare", "-m", "vanilla", "-d", "ring8", "--kimg", "0.2", "--seeds", "0", "-q").out
    assert any(len(line) > 80 for line in out.splitlines())
    assert "…" not in out


# -- streams -----------------------------------------------------------------------------------


SHORT = ("ls", "models", "--json")
"""A document that stays in the buffer of stdout to the end."""


@pytest.mark.parametrize("words", [("ls",), ("ls", "--json"), SHORT, ("run", "-h"), ("--version",)])
def test_a_reader_that_has_gone_is_no_error(start, words):
    read, write = os.pipe()
    os.close(read)
    process = start("-m", "ganbench", *words, stdout=write)
    os.close(write)
    _, err = process.communicate()
    assert (process.returncode, err) == (0, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("words", [("ls",), ("ls", "--json"), SHORT])
def test_output_that_cannot_be_written_is_a_sentence(start, words):
    with open("/dev/full", "w") as full:
        process = start("-m", "ganbench", *words, stdout=full)
        _, err = process.communicate()
    assert process.returncode == 1
    assert err.startswith("error: ")
    assert "No space left on device" in err
    assert "Traceback" not in err
    assert "Exception ignored" not in err


def test_a_mistake_in_a_process_of_its_own(start):
    process = start("-m", "ganbench", "run", "-m", "vanila", "--json")
    out, err = process.communicate()
    assert (process.returncode, err) == (2, "")
    assert '"kind": "unknown-name"' in out
