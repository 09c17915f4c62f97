# SPDX-License-Identifier: MIT
"""Help, narrow terminals, pipes, signals, and how numbers are written."""

import os
import re
import shlex
import signal

import numpy as np
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import ganbench
from ganbench import cli as package
from ganbench.cli import app
from ganbench.cli.output import format_number, interval
from ganbench.cli.progress_bars import Bar, duration, stopping
from ganbench.errors import StoppedError

VERBS = typer.main.get_command(app).commands
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
    lines = [line for one, line in EXAMPLES if one == verb]
    assert lines
    assert end.split() == " ".join(lines).split(), "nothing follows the examples"
    assert "Options" in text


def test_help_of_the_whole_lists_every_verb(cli):
    for words in (("-h",), ("--help",), ()):
        outcome = cli(*words)
        assert outcome.code == (0 if words else 2)
        assert all(re.search(rf"^\W*{verb}\s", outcome.out, re.MULTILINE) for verb in VERBS)
        assert "ganbench run --model vanilla" in outcome.out
    assert cli("--version").out == f"ganbench {ganbench.__version__}\n"


@pytest.mark.parametrize(("verb", "line"), EXAMPLES, ids=[line for _, line in EXAMPLES])
def test_examples_are_commands(cli, verb, line, tmp_path, monkeypatch, constant_model):
    """All are parsed; those that need no earlier run are carried out, dry where that is there."""
    words = shlex.split(line)
    assert words[:2] == ["ganbench", verb]
    VERBS[verb].make_context(verb, words[2:])
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
    if verb in {"run", "compare"}:
        outcome = cli(*words[1:], "--dry-run", "--quiet")
    elif verb in {"ls", "doctor"} and "--tune" in words:
        return  # minutes of measurements: see tests/harness/test_tuning.py
    elif verb in {"ls", "doctor"} or (verb == "show" and "/" not in line):
        outcome = cli(*words[1:])
    else:
        return
    assert (outcome.code, outcome.err) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} - {"__pycache__"} == {
        path.name for path in made
    }


@pytest.mark.parametrize("columns", ["20", "40", "500"])
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
        whole = ("Samples: ", "A page of it: ", "source: ")  # paths are never broken
        if columns == "40":
            assert all(len(line) <= 40 for line in lines if not line.startswith(whole))
    outcome = cli("run", "-m", "vanila")
    assert outcome.code == 2
    assert "Did you mean 'vanilla'?" in " ".join(outcome.err.split())


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


# -- signals -----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_ends(number):
    kept = signal.getsignal(number)
    asked = []
    with stopping(lambda: asked.append(1)):
        os.kill(os.getpid(), number)
        assert asked == [1]
    assert signal.getsignal(number) is kept

    def twice():
        with stopping(lambda: asked.append(2)):
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), number)

    with pytest.raises(StoppedError) as raised:
        twice()
    assert raised.value.exit_code == 130
    assert asked == [1, 2]
    assert signal.getsignal(number) is kept


def test_an_error_passes_and_the_handlers_are_put_back():
    kept = signal.getsignal(signal.SIGINT)
    with pytest.raises(ValueError, match="own"), stopping(lambda: None):
        raise ValueError("own")
    assert signal.getsignal(signal.SIGINT) is kept


# -- numbers -----------------------------------------------------------------------------------


@given(st.floats(-1e300, 1e300))
def test_a_number_has_four_digits_and_is_near(value):
    text = format_number(value)
    assert float(text) == pytest.approx(value, rel=5.1e-4, abs=1e-300)
    assert len(text) <= 11
    digits = re.sub(r"e.*|[-.]", "", text).lstrip("0")
    assert len(digits) <= (4 if abs(value) < 1e3 or abs(value) >= 1e6 else 6)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_what_is_no_number_is_a_dash(value):
    assert format_number(value) == "–"
    assert interval(None, 1.0) == interval(1.0, None) == "–"
    assert interval(1.0, 2.5) == "1 – 2.5"


@given(st.floats(0, 1e6))
def test_a_time_for_people_comes_back(seconds):
    units = {"s": 1, "min": 60, "h": 3600}
    found = re.findall(r"(\d+) (s|min|h)\b", duration(seconds))
    total = sum(int(count) * units[unit] for count, unit in found)
    assert total <= round(seconds) < total + (60 if "h" in dict(map(reversed, found)) else 1)
    assert duration(float("nan")) == duration(float("inf")) == "?"


def test_outside_a_terminal_progress_is_a_line_for_every_tenth(capsys):
    row = {"kimg": 1.0, "images_per_second": 10.0, "loss/discriminator/adversarial": 1.25}
    row |= {"loss/discriminator/r1": 0.5, "loss/generator/adversarial": 0.125}
    with Bar("label", quiet=False) as bar:
        for index in range(101):
            bar.tick(row, index / 100, 60.0)
        bar.measured(5.0, {"fid": {"value": 12.5}})
        bar.measured(5.0, {})
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 12
    assert "loss D 1.75 G 0.125" in lines[0]
    assert "1 min 00 s left" in lines[0]
    assert lines[-1] == "  5 kimg: fid 12.5"
    with Bar("label", quiet=True) as bar:
        bar.tick(row, 1.0, 0.0)
        bar.measured(5.0, {"fid": {"value": 12.5}})
    assert capsys.readouterr().err == ""


def test_on_a_terminal_progress_is_a_live_bar(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    row = {"kimg": 1.0, "images_per_second": 10.0, "loss/generator/adversarial": float("nan")}
    with Bar("label", quiet=False) as bar:
        bar.tick(row, 0.5, 60.0)
        bar._bar.refresh()
        bar.measured(5.0, {"fid": {"value": 12.5}})
    err = capsys.readouterr().err
    assert " 50 %" in err
    assert "10 images/s" in err
    assert "fid 12.5" in err
