# SPDX-License-Identifier: MIT
"""The formats of a report, and the files that the formats to paste consist of."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ganbench.errors import ConfigError, suggest
from ganbench.records.atomic_files import utf8
from ganbench.report.dataset.dataset_section import DatasetSection
from ganbench.report.paste.csv_text import csv_text
from ganbench.report.paste.latex_table import latex_table
from ganbench.report.paste.parquet_bytes import parquet_bytes
from ganbench.report.paste.plain_tables import plain_tables

FORMATS = ("html", "md", "latex", "csv", "parquet")
USUAL_FORMATS = ("html", "md")


def check_formats(names: Collection[str]) -> tuple[str, ...]:
    """Return the names of formats in their usual order, each once.

    Raises:
        ConfigError: A name is unknown, or there is none.
    """
    for name in names:
        if name not in FORMATS:
            raise ConfigError(
                f"There is no format '{name}' of a report. {suggest(name, FORMATS)}".strip(),
                f"There are: {', '.join(FORMATS)}.",
            )
    if not names:
        raise ConfigError("A report needs a format.", f"There are: {', '.join(FORMATS)}.")
    return tuple(name for name in FORMATS if name in names)


def paste_files(sections: Sequence[DatasetSection], formats: Collection[str]) -> dict[str, bytes]:
    """Return the tables of a report in the formats that are asked for, by their files.

    LaTeX has a file for each dataset. CSV and Parquet have ``runs``, ``means`` and ``verdicts``
    (see ``plain_tables``).

    Raises:
        MissingDataError: Parquet was asked for, and its package is not installed.
    """
    files: dict[str, bytes] = {}
    if "latex" in formats:
        for section in sections:
            files[f"tables/{section.slug}.tex"] = utf8(latex_table(section))
    tables = plain_tables(sections) if {"csv", "parquet"} & set(formats) else {}
    for name, rows in tables.items():
        if "csv" in formats:
            files[f"tables/{name}.csv"] = utf8(csv_text(rows))
        if "parquet" in formats:
            files[f"tables/{name}.parquet"] = parquet_bytes(rows)
    return files
