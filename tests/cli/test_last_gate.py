# SPDX-License-Identifier: MIT
"""Whatever happens, a command ends with a sentence, an exit code and one JSON document."""

import errno
import json
import re
import signal
from pathlib import Path

import pytest
import torch
from pressing import press_ctrl_c

from ganbench import paths, registry
from ganbench.records.run_folder import find_runs

USERS = """
import ctypes
import os
import sys

import torch

from ganbench import GAN, MLP, Recipe, Hooks, losses, register

print("imported")
os.system("echo from another process")


class Talks(Hooks):
    def after_step(self, turn):
        print("stepped")
        AFTER


@register
def talks(data):
    print("built")
    sys.stdout.write("written")
    os.write(1, b"to the descriptor")
    ctypes.CDLL(None).puts(b"from C")
    return GAN(
        generator=lambda latent_dim: MLP((latent_dim,), [8], data.shape),
        discriminator=lambda shape: MLP(shape, [8], (1,)),
        loss=losses.non_saturating,
        hooks=Talks(),
        recipe=Recipe(kimg=0.1, batch_size=20, latent_dim=2),
    )
"""
RUN = ("run", "-m", "./talks.py", "-d", "ring8", "--samples", "32", "--evaluations", "0", "-q")


@pytest.fixture
def fails(monkeypatch, tmp_path):
    """Let ``ganbench ls`` raise an error; a command and its JSON are asserted to tell of it."""
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))

    def call(cli, error):
        def raises(*arguments):
            raise error

        monkeypatch.setattr(registry.Registry, "entries", raises)
        people, told = cli("ls"), cli("ls", "--json")
        assert (people.code, people.out, told.err) == (told.code, "", "")
        assert people.err.count("\n") <= 2
        problem = told.document["error"]
        assert problem["message"].split(":")[0] in people.err
        return told.code, problem

    return call


@pytest.mark.parametrize("error", [TypeError("a bug"), RecursionError("deep"), KeyError("k")])
def test_an_unexpected_error_is_a_sentence_and_its_traceback_is_in_a_file(cli, fails, error):
    code, problem = fails(cli, error)
    assert (code, problem["kind"]) == (1, "unexpected")
    assert f"does not expect: {type(error).__name__}" in problem["message"]
    log = Path(problem["hint"].partition(" with ")[2].removesuffix("."))
    assert log.parent == paths.cache() / "logs"
    text = log.read_text()
    assert "Traceback (most recent call last)" in text
    assert "ls" in text
    assert type(error).__name__ in text


def test_without_a_place_for_the_file_the_sentence_is_told_all_the_same(cli, fails, monkeypatch):
    monkeypatch.setenv("GANBENCH_CACHE", "/dev/null/cache")
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/dev/null")
    assert fails(cli, TypeError("a bug"))[1]["hint"].endswith("please report it.")


@pytest.mark.parametrize(
    "error",
    [MemoryError(), torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("bad_alloc")],
)
def test_too_little_memory_is_told_as_such(cli, fails, error):
    code, problem = fails(cli, error)
    assert (code, problem["kind"]) == (1, "memory")
    assert "too little memory" in problem["message"]


def test_what_the_system_refuses_is_told_with_the_file(cli, fails):
    code, problem = fails(cli, OSError(errno.ENAMETOOLONG, "File name too long", "aaa"))
    assert (code, problem["kind"]) == (1, "system")
    assert problem["message"] == "The operating system refused for aaa: File name too long."


def test_ctrl_c_is_130_and_a_document(cli, fails):
    code, problem = fails(cli, KeyboardInterrupt())
    assert (code, problem["kind"]) == (130, "interrupted")


def test_ctrl_c_that_a_library_turns_into_another_error_is_130_too(cli, monkeypatch):
    """Numpy recurses when it is interrupted while it is imported."""

    def recurse(*_):
        try:
            press_ctrl_c()
        except KeyboardInterrupt:
            raise RecursionError from None

    monkeypatch.setattr("ganbench.cli.ls.print_json", recurse)
    before = signal.getsignal(signal.SIGINT)
    outcome = cli("ls", "--json")
    assert outcome.code == 130
    assert outcome.document["error"]["kind"] == "interrupted"
    assert signal.getsignal(signal.SIGINT) is before


def test_a_user_who_exits_does_not_end_the_command_as_if_it_were_done(cli, fails):
    code, problem = fails(cli, SystemExit(0))
    assert (code, problem["kind"]) == (1, "user-exit")
    assert "ended the command by SystemExit(0)." in problem["message"]


@pytest.mark.parametrize("ending", ["sys.exit()", "raise SystemExit(0)", "exit(0)"])
def test_exit_in_a_hook_is_an_error_of_that_file(cli, tmp_path, monkeypatch, ending):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "talks.py").write_text(USERS.replace("AFTER", ending))
    outcome = cli(*RUN)
    assert outcome.code == 2
    assert re.search(r"talks.py, line \d+, after_step, failed", outcome.err)
    assert "SystemExit" in outcome.err


@pytest.mark.parametrize(
    "text", ["raise SystemExit(0)", "def draw(n, g):\n    raise SystemExit(0)"]
)
def test_exit_in_a_generator_is_an_error_of_that_file(cli, tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(text)
    outcome = cli("eval", "./own.py:draw", "--real", "ring8", "--json")
    assert outcome.code == 2
    assert "SystemExit: 0." in outcome.document["error"]["message"]


def test_what_a_users_code_prints_does_not_reach_the_document(start, tmp_path):
    (tmp_path / "talks.py").write_text(USERS.replace("AFTER", "pass"))
    out, err = start("-m", "ganbench", *RUN, "--json").communicate()
    assert json.loads(out)["status"] in {"done", "collapsed"}
    said = ("imported", "built", "written", "stepped", "to the descriptor", "from C")
    assert all(words in err for words in (*said, "from another process"))
    assert len(list(find_runs(tmp_path / "runs"))) == 1


CLOSING = """
import os, sys
for descriptor in sys.argv.pop(1):
    os.close(int(descriptor))
os.execv(sys.executable, [sys.executable, "-m", "ganbench", *sys.argv[1:]])
"""


@pytest.mark.parametrize("closed", ["1", "12", "012"])
def test_closed_streams_are_no_error(start, closed):
    process = start("-c", CLOSING, closed, "ls", "models")
    assert process.communicate() == ("", "")
    assert process.returncode == 0
