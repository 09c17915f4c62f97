# SPDX-License-Identifier: MIT
"""The screen: any text is shown as it is, in any encoding; tables lose columns, no letters."""

import io
import re
import sys

import pytest
from rich.table import Table

from ganbench.cli import results
from ganbench.cli.output import METRIC_COLUMNS_TO_LEAVE, complain, console, metrics_table
from ganbench.cli.screen import visible

RECORD = {"value": 12.3456, "low": 11.0, "high": 13.5, "n": 5000, "floor": 0.3, "better": "lower"}
METRICS = {"fid@mnist-cnn": RECORD, "precision@mnist-cnn": RECORD}


def printed(capsys, columns, monkeypatch, print_it):
    """Return the lines that a screen of that many columns shows."""
    if columns:
        monkeypatch.setenv("COLUMNS", str(columns))
    print_it(console())
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    "name", ["[red]x[/red]", "[/]", ":smile:", "\x1b[31mx", "a\x9bb", "a\u202eb", "\udce9", "\x07"]
)
def test_a_name_is_neither_markup_nor_an_escape_sequence(capsys, name):
    table = Table(title=name)
    table.add_column(name)
    table.add_row(name)
    console().print(name)
    console().print_table(table)
    complain(f"There is no file {name}.", f"Look at {name}.")
    captured = capsys.readouterr()
    shown = captured.out + captured.err
    assert not set(shown) & set("\x07\x1b\x9b\u202e\udce9")
    assert shown.count(visible(name)) == 6  # a title and a heading may be padded, but not broken


def test_a_table_loses_columns_and_says_which(capsys, monkeypatch):
    def show(screen):
        screen.print_table(metrics_table(METRICS, "digits"), least=METRIC_COLUMNS_TO_LEAVE)

    texts = {
        columns: "\n".join(printed(capsys, columns, monkeypatch, show))
        for columns in (None, 200, 80, 60, 40)
    }
    for columns, text in texts.items():
        assert "…" not in text
        assert max(map(len, text.splitlines())) <= (columns or 120)
        assert "12.35" in text, "the value is never left out"
        left_out = " ".join(text.partition("No room for: ")[2].split())
        for heading, cell in (
            ("95 % interval", "11 – 13.5"),
            ("n", "5,000"),
            ("real vs. real", "0.3"),
        ):
            if heading in left_out.partition(". See")[0].split(", "):
                assert cell not in text
            else:
                assert cell in text
    assert "No room" not in texts[None] + texts[200] + texts[80]
    assert "No room for: n, real vs. real" in texts[40]
    assert "fid@mnist-cnn" in texts[40]


def test_outside_a_terminal_a_table_is_as_wide_as_it_needs(capsys, monkeypatch):
    table = Table()
    for index in range(20):
        table.add_column(f"a long heading {index}")
    (lines,) = {tuple(printed(capsys, None, monkeypatch, lambda screen: screen.print_table(table)))}
    assert "a long heading 19" in lines[1]
    assert len(lines[1]) > 300


def test_a_first_column_of_long_words_costs_no_other_column(capsys, monkeypatch):
    table = Table("variant", "mean")
    table.add_row("vanilla+" * 20, "3.25")
    text = "\n".join(printed(capsys, 40, monkeypatch, lambda screen: screen.print_table(table)))
    assert "3.25" in text
    assert "".join(re.findall(r"│ (\S+) +│", text)).count("vanilla+") == 20


@pytest.mark.parametrize(("columns", "whole"), [(60, True), (31, True), (20, False)])
def test_names_that_are_typed_again_stay_whole_where_there_is_room(
    capsys, monkeypatch, columns, whole
):
    name = "goodfellow2014generative"
    table = Table("name", "words", "tags", box=None, pad_edge=False)
    table.add_row(name, "many words to be broken " * 5, "tag")
    lines = printed(
        capsys,
        columns,
        monkeypatch,
        lambda screen: screen.print_table(table, least=["tags"], whole_names=True),
    )
    assert any(line.split()[:1] == [name] for line in lines) == whole
    assert max(map(len, lines)) <= columns
    assert name in "".join(line[: len(name)].strip() for line in lines[1:])


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_any_encoding_takes_any_text(monkeypatch, encoding):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    results.prepare_streams()
    with results.results_apart():
        console().print_table(metrics_table(METRICS, "R² of 語 – \udcff"))
    sys.stdout.flush()
    text = raw.getvalue().decode(encoding)
    assert "12.35" in text
    assert "R² of" in text if encoding != "ascii" else "R2 of ? -" in text
    assert ("fid@mnist-cnn ↓" if encoding == "utf-8" else "fid@mnist-cnn v") in text
    assert "\\udcff" in text


def test_what_is_printed_next_to_results_goes_to_stderr(capsys):
    with results.results_apart():
        print("a user's")  # noqa: T201
        console().print("a result")
        results.result_stream().write("another\n")
    print("after")  # noqa: T201
    captured = capsys.readouterr()
    assert captured.out == "a result\nanother\nafter\n"
    assert captured.err == "a user's\n"
