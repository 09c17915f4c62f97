# SPDX-License-Identifier: MIT
"""Reports in the formats to paste: what is written, that it is exact, and that it is harmless."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.errors import ConfigError
from ganbench.records.archive import RESULT_ROWS
from ganbench.records.atomic_files import read_lines
from ganbench.records.load import load_runs
from ganbench.records.run_record import RunRecord
from ganbench.report.paste.csv_text import csv_text
from ganbench.report.paste.formats import check_formats
from ganbench.report.paste.latex_text import latex_number, latex_words
from ganbench.report.write import write_report

COMMITTED = Path(__file__).parents[3] / "reports"
HOSTILE = "=cmd|' /C calc'!A0 \\input{/etc/passwd} <script>_%#&$~^{}"


@pytest.fixture(scope="module")
def pasted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("pasted")
    runs = load_runs([COMMITTED / "toy-modes"])
    files = write_report(runs, folder, title="Toys", formats=["csv", "parquet"])
    assert not any(picture.suffix in {".csv", ".parquet"} for picture in files.pictures)
    return folder


def test_only_what_was_asked_for_is_written(pasted: Path) -> None:
    assert not (pasted / "index.html").exists()
    assert not (pasted / "README.md").exists()
    names = {path.name for path in (pasted / "tables").iterdir()}
    tables = ("runs", "means", "verdicts")
    assert names == {f"{name}.{ending}" for name in tables for ending in ("csv", "parquet")}


def test_every_value_is_that_of_the_records_to_the_last_bit(pasted: Path) -> None:
    recorded = {
        (row["run"], row["metric"]): row["value"]
        for row in read_lines(COMMITTED / "toy-modes" / RESULT_ROWS)
        if row.get("metric")
    }
    with (pasted / "tables/runs.csv").open(newline="") as file:
        written = {
            (row["run"], row["metric"]): float(row["value"])
            for row in csv.DictReader(file)
            if row["value"]
        }
    assert written == {key: value for key, value in recorded.items() if value is not None}
    assert len(written) > 300


@pytest.mark.parametrize("name", ["runs", "means", "verdicts"])
def test_parquet_and_csv_agree(pasted: Path, name: str) -> None:
    parquet = pandas.read_parquet(pasted / f"tables/{name}.parquet")
    text = pandas.read_csv(pasted / f"tables/{name}.csv", keep_default_na=False, na_values=[""])
    assert list(parquet.columns) == list(text.columns)
    assert len(parquet) == len(text) > 0
    for column in parquet.columns:
        if pandas.api.types.is_numeric_dtype(parquet[column]):
            pandas.testing.assert_series_equal(
                parquet[column], text[column], check_dtype=False, check_exact=True
            )


def test_a_mean_is_bold_in_latex_only_where_the_page_has_it_bold(tmp_path: Path) -> None:
    runs = load_runs([COMMITTED / "digits-tricks"])
    write_report(runs, tmp_path, title="Digits", formats=["latex", "md"])
    latex = (tmp_path / "tables/mnist5k.tex").read_text()
    bold = re.findall(r"^ *(.*?) & .*\\textbf\{\\boldmath\$([\d.]+)\$\}", latex, re.MULTILINE)
    table = (tmp_path / "README.md").read_text().partition("### Every variant")[2]
    shown = re.findall(r"^\| (.*?) \(.*?\) \|.*?\*\*([\d.]+)\*\*", table, re.MULTILINE)
    assert bold == shown == [("dcgan + diffaugment", "11.68")]
    for part in ("Means over 5 seeds", r"fid/\allowbreak{}v1@mnist-cnn", r"p < 0.05"):
        assert part in latex


def test_the_caption_of_one_seed_promises_no_intervals(
    tmp_path: Path, make_record: Callable[..., RunRecord]
) -> None:
    runs = [make_record("digits", tricks, "", 0, 3.0) for tricks in ("", "r1")]
    for count, expected in ((1, "One seed; no intervals."), (2, "Means over 1--2 seeds")):
        more = [make_record("digits", "r1", "", seed, 2.0) for seed in range(1, count)]
        write_report([*runs, *more], tmp_path / str(count), title="x", formats=["latex"])
        latex = (tmp_path / str(count) / "tables/digits.tex").read_text()
        assert expected in latex
        promised = latex.count("intervals") > latex.count("no intervals")
        assert promised == (count == 2)


@pytest.mark.parametrize("name", ["[2] mine", "*best*", " [x]", "plain [2]*"])
def test_no_name_is_an_argument_of_the_line_before_it(
    tmp_path: Path, make_record: Callable[..., RunRecord], name: str
) -> None:
    runs = [replace(make_record("digits", "", "", 0, 3.0), variant=name)]
    write_report(runs, tmp_path, title="x", formats=["latex"])
    lines = (tmp_path / "tables/digits.tex").read_text().splitlines()
    (row,) = [line for line in lines if name in line and "&" in line]
    assert row.lstrip().startswith(("{}", "plain"))


def test_a_name_that_is_not_utf_8_is_in_every_format(
    tmp_path: Path, make_record: Callable[..., RunRecord]
) -> None:
    runs = [replace(make_record("digits", "", "", 0, 3.0), name="run-\udcff", variant="\udcfe")]
    write_report(runs, tmp_path, title="x", formats=["csv", "parquet"])
    (row,) = pandas.read_parquet(tmp_path / "tables/runs.parquet").to_dict("records")
    (text,) = csv.DictReader((tmp_path / "tables/runs.csv").open(newline="", encoding="utf-8"))
    assert (
        (row["run"], row["variant"]) == (text["run"], text["variant"]) == ("run-\\udcff", "\\udcfe")
    )


def test_figures_are_as_wide_as_a_column_and_as_two(tmp_path: Path, suite: list[RunRecord]) -> None:
    write_report(suite, tmp_path, title="x", formats=["latex"])
    widths = {
        path.name: float(re.search(rb"/MediaBox \[0 0 ([\d.]+)", path.read_bytes())[1])  # type: ignore[index]
        for path in (tmp_path / "figures").iterdir()
    }
    assert len(widths) > 4
    for name, width in widths.items():
        assert width == pytest.approx(240 if "one-column" in name else 504, abs=0.01)


@pytest.mark.debian
def test_latex_compiles_with_names_that_attack_it(tmp_path: Path, suite: list[RunRecord]) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("needs pdflatex, of Debian's texlive-latex-recommended")
    hostile = [replace(run, variant=f"{run.variant} {HOSTILE}") for run in suite]
    write_report(hostile, tmp_path, title="x", formats=["latex"])
    inputs = "\n".join(f"\\input{{{path}}}" for path in sorted((tmp_path / "tables").iterdir()))
    (tmp_path / "paper.tex").write_text(
        "\\documentclass[a3paper,landscape]{article}\\usepackage[T1]{fontenc}\\usepackage{booktabs}"
        f"\\begin{{document}}\n{inputs}\n\\end{{document}}\n"
    )
    ended = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-2000:]
    assert b"root:" not in ended.stdout


@given(st.text())
def test_no_text_is_a_command_of_latex(text: str) -> None:
    harmless = re.sub(
        r"\\text[a-z]+\{\}|\\[{}$&#%_]|\$-\$|\$\\(pm|times|uparrow|downarrow|sigma|beta|gamma|lambda)\$"
        r"|\$\^[23]\$",
        "",
        latex_words(text),
    ).replace("~", "")
    assert not set(harmless) & set("\\{}$&#%_^")


def test_numbers_are_typeset_as_numbers() -> None:
    assert latex_number("−12,345.7") == "$-12{,}345.7$"
    assert latex_number("[1.5, 2.5]") == "$[1.5, 2.5]$"
    assert latex_number("–") == "--"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@sum", "\tx", "\n=1"])
def test_no_name_is_a_formula_of_a_spreadsheet(name: str) -> None:
    text = csv_text([{"variant": name, "mean": -1.5}])
    row = next(csv.DictReader(text.splitlines(keepends=True)))
    assert row == {"variant": f"'{name}", "mean": "-1.5"}


@pytest.mark.parametrize("names", [["htlm"], []])
def test_unknown_formats_are_refused(names: list[str]) -> None:
    with pytest.raises(ConfigError, match="format"):
        check_formats(names)


def test_a_report_with_other_formats_replaces_the_earlier_one(
    tmp_path: Path, suite: list[RunRecord], contents: Callable[[Path], dict[str, bytes]]
) -> None:
    write_report(suite, tmp_path / "a", title="x", formats=["csv"])
    first = contents(tmp_path / "a")
    write_report(suite, tmp_path / "a", title="x", formats=["parquet"])
    assert not list((tmp_path / "a/tables").glob("*.csv"))
    write_report(suite, tmp_path / "a", title="x", formats=["csv"])
    assert contents(tmp_path / "a") == first


@pytest.mark.parametrize(("formats", "there"), [(["md"], "README.md"), (["html"], "index.html")])
def test_a_report_leads_to_no_file_that_is_not_written(
    tmp_path: Path, suite: list[RunRecord], formats: list[str], there: str
) -> None:
    write_report(suite, tmp_path, title="x", formats=formats)
    other = {"README.md", "index.html"} - {there}
    assert not (tmp_path / other.pop()).exists()
    text = (tmp_path / there).read_text()
    linked = {*re.findall(r"\]\(([^)]+)\)", text), *re.findall(r'<a href="([^"#]+)"', text)}
    own = {link for link in linked if not link.startswith("https://")}
    assert all((tmp_path / link).is_file() for link in own), own
