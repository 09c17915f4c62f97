# SPDX-License-Identifier: MIT
"""Every option of every verb gets what nobody should type: one sentence, never a traceback."""

import json

import numpy as np
import pytest
import typer

from ganbench.cli import app
from ganbench.errors import StoppedError
from ganbench.records.run_folder import find_runs

POINTS = ("points.npz", "--real", "points.npz", "--metrics", "precision", "--no-floor", "-q")
BASES = {
    # the words to which an option is added, so that the verb gets as far as it can in a moment
    "run": ("-m", "vanilla", "-d", "ring8", "-n", "-q"),
    "compare": ("-m", "vanilla", "-d", "ring8", "--seeds", "0", "-n", "-q"),
    "eval": POINTS,
    "sample": ("RUN", "--count", "2", "--format", "npz", "--out", "drawn.npz"),
    "export": ("RUN", "--to", "torchscript", "--out", "drawn.pt"),
    "throughput": ("-m", "vanilla", "-d", "ring8", "-q"),
    "report": ("RUN", "--no-looks", "--out", "page", "--format", "csv"),
    "ls": (),
    "show": ("vanilla",),
    "cite": ("vanilla",),
    "doctor": (),
    "lab": (
        "vanilla",
        "--record",
        "--frames",
        "2",
        "--set",
        "kimg=0.1",
        "--out",
        "page.html",
        "-q",
    ),
    "weights ls": (),
    "weights fetch": ("inception",),
    "weights import": ("file",),
    "weights verify": (),
}
LISTENS = ("vanilla", "--no-browser")
INSTEAD = {
    "lab --host": LISTENS,
    "lab --port": LISTENS,
    "report --diff": (),
    "report --format": ("RUN", "--no-looks", "--out", "page"),
    "report --title": ("RUN", "--no-looks", "--out", "page"),
}
"""The words for an option that counts for nothing next to its verb's usual ones."""
WORDS = ["", ",", "no\0thing", "x" * 5000, "-1", "[red]x[/red]", "\x1b[31mx", "~no-one/x"]
WORDS += ["missing/x", "file", "empty", "caf\udce9", "a=b:-5%", "[" * 2000]
NUMBERS = ["", "x", "-1", "0", "9" * 5000, "100000000000", "1e400", "nan", "0x" + "f" * 5000]


COMMANDS = {
    f"{name} {further}".strip(): verb
    for name, command in typer.main.get_command(app).commands.items()
    for further, verb in getattr(command, "commands", {"": command}).items()
}


def parameters():
    """Yield every verb with each of its options and arguments."""
    for name, verb in COMMANDS.items():
        for parameter in verb.params:
            if not getattr(parameter, "is_flag", False):
                yield name, parameter


def prints_json(verb):
    return any("--json" in parameter.opts for parameter in COMMANDS[verb].params)


CASES = [
    pytest.param(verb, parameter, id=f"{verb} {parameter.opts[0]}")
    for verb, parameter in parameters()
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run that is over in a moment."""
    import ganbench

    folder = tmp_path_factory.mktemp("trained")
    settings = {"kimg": 0.1, "batch_size": 20}
    ganbench.run("vanilla", "ring8", settings=settings, out=folder, samples=32, progress=False)
    return next(iter(find_runs(folder))).path


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working folder with a file, a folder and points; nothing is trained or downloaded."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANBENCH_OFFLINE", "1")
    monkeypatch.setenv("GANBENCH_WEIGHTS", str(tmp_path / "weights"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("kept")
    np.savez(tmp_path / "points.npz", points=np.random.default_rng(0).normal(size=(32, 2)))

    def stop(*arguments, **settings):
        raise StoppedError("Nothing is measured in this test.")

    monkeypatch.setattr("ganbench.speed.throughput.measure", stop)
    monkeypatch.setattr("ganbench.cli.compare_preview.measured_speeds", lambda *words: {})
    monkeypatch.setattr("ganbench.lab.lab_server.serve", stop)
    monkeypatch.setattr("ganbench.report.write.draw_charts", lambda charts: None)
    return tmp_path


def words_of(verb, parameter, value, run):
    """The command line: an option is added, an argument takes the place of the verb's own."""
    option = max(parameter.opts, key=len)
    base = INSTEAD.get(f"{verb} {option}", BASES[verb])
    base = [str(run) if word == "RUN" else word for word in base]
    if parameter.param_type_name == "argument":
        base = [value, *base[1:]] if base else [value]
        return [*verb.split(), *base]
    return [*verb.split(), *base, option, *[value] * parameter.nargs]


def assert_told(outcome, words):
    """Assert that a command ended with one document, and with a sentence if it failed."""
    assert outcome.code in {0, 1, 2, 3, 4, 130}, words
    document = json.loads(outcome.out)
    assert document["schema"] == 1
    if "error" in document:
        error = document["error"]
        assert error["kind"] != "unexpected", (words, error)
        assert error["message"].rstrip().endswith((".", "?", ")")) or error["kind"] == "usage"
        assert len(error["message"]) < 3000
        codes = {"usage": 2, "config": 2, "unknown-name": 2, "input": 2, "missing": 4}
        assert outcome.code == codes.get(error["kind"], outcome.code), words
    else:
        assert outcome.code in {0, 3} or "checks" in document, words


def assert_said(outcome, words):
    """Assert that a command without ``--json`` ended with a sentence if it failed."""
    assert outcome.code in {0, 1, 2, 3, 4, 130}, words
    if outcome.code:
        said = " ".join(outcome.err.split())
        assert "error: " in said, words
        assert "that ganbench does not expect" not in said, (words, said)
        assert len(said) < 3500


@pytest.mark.parametrize(("verb", "parameter"), CASES)
def test_any_value_of_an_option_is_taken_or_refused_in_a_sentence(
    cli, place, trained, verb, parameter
):
    is_number = parameter.bare_type() in {"int", "float"}
    values = NUMBERS if is_number else WORDS
    for value in values[:2] if verb == "doctor" else values:  # which looks at the whole machine
        words = words_of(verb, parameter, value, trained)
        if prints_json(verb):
            assert_told(cli(*words, "--json"), words)
        else:
            assert_said(cli(*words), words)


@pytest.mark.parametrize(("verb", "parameter"), CASES)
def test_people_are_told_in_the_same_way(cli, place, trained, verb, parameter):
    words = words_of(verb, parameter, "\x1b[31m[red]9x", trained)
    outcome = cli(*words)
    assert outcome.code in {0, 1, 2, 4, 130}
    assert "\x1b" not in outcome.out + outcome.err
    assert outcome.code == 0 or outcome.err.startswith("error: ")


def test_the_list_is_as_long_as_it_should_be():
    assert len(CASES) > 80
    assert set(BASES) == {verb for verb, _ in parameters()} | {"weights ls", "doctor"}
