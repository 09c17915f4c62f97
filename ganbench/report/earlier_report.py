# SPDX-License-Identifier: MIT
"""The files of a report by an earlier version, which listed its files in no manifest."""

from __future__ import annotations

import re
from pathlib import Path

from ganbench.records.atomic_files import read_lines
from ganbench.records.json_values import as_text
from ganbench.records.own_files import MANIFEST

_PAGE_MARK = '<p class="eyebrow">ganbench report</p>'
_TEXT_MARK = "[index.html](index.html), one file that needs no network."
_PICTURE = re.compile(r"""(?:\]\(|src=")((?:charts|samples)/[\w.-]+\.(?:svg|webp|png))[)"]""")


def earlier_report(folder: Path) -> set[str]:
    """Return the files of a report without a manifest, as paths below its folder.

    The page and the Markdown bear marks; the pictures are those that the Markdown shows, and the
    environments those that its runs name. Measurements of speed are left out: in a folder of runs
    they are what ``ganbench throughput`` measured.
    """
    if (folder / MANIFEST).exists():
        return set()
    files = {"index.html"} if _PAGE_MARK in _text(folder / "index.html") else set()
    markdown = _text(folder / "README.md")
    if _TEXT_MARK not in markdown:
        return files
    environments = {as_text(row.get("env")) for row in read_lines(folder / "runs.jsonl")}
    files |= {"README.md", "results.jsonl", "runs.jsonl", *_PICTURE.findall(markdown)}
    return files | {f"env/{Path(name).name}.json" for name in environments if name}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
