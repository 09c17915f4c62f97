# SPDX-License-Identifier: MIT
"""``ganbench cite``: the papers of what was used, as one BibTeX file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from ganbench.cli import options
from ganbench.cli.options import OUTPUT
from ganbench.cli.output import console, print_json, remark
from ganbench.cli.results import result_stream
from ganbench.config import counted

EXAMPLES = """\
Examples:

ganbench cite dcgan r1 fid

ganbench cite digits-tricks

ganbench cite runs --out refs.bib
"""


def command(
    names: Annotated[
        list[str],
        typer.Argument(
            help="Runs, folders of runs, reports, suites, papers, or names that ganbench ls lists."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="File to write to.", metavar="FILE", rich_help_panel=OUTPUT
        ),
    ] = None,
    as_json: options.JsonFlag = False,
) -> None:
    """Print the BibTeX of everything that was used: models, tricks, losses, data, metrics.

    Feature networks and optimizers count as well. What has no paper is named on stderr.
    """
    from ganbench.harness.builtin_suites import builtin_suites
    from ganbench.papers.bibtex import bibliography
    from ganbench.papers.credits import credits_of
    from ganbench.records.atomic_files import check_writable, write_text
    from ganbench.records.own_files import check_target

    if out is not None:
        check_target(out, _is_bibliography, inputs=names)
        check_writable(out.parent)
    credits = credits_of(names, builtin_suites())
    text = bibliography(credits.papers)
    without = [str(use) for use in credits.without_paper]
    if without:
        remark(f"No paper is known of: {', '.join(without)}.")
    if out is not None:
        write_text(out, text)
    if as_json:
        keys = [paper.key for paper in credits.papers]
        path = None if out is None else str(out)
        print_json({"papers": keys, "without_paper": without, "bibtex": text, "out": path})
    elif out is None:
        result_stream().write(text)
    else:
        console().print(f"{counted(len(credits.papers), 'paper')}: {out}", soft_wrap=True)


def _is_bibliography(file: Path) -> bool:
    """Tell whether a file is, to the letter, what is written of the papers that it lists.

    An entry that somebody added or changed makes the file theirs.
    """
    from ganbench.papers.bibtex import bibliography
    from ganbench.papers.paper import known_papers

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    papers = known_papers()
    keys = re.findall(r"^@\w+\{(.+),$", text, re.MULTILINE)
    return all(key in papers for key in keys) and text == bibliography(papers[key] for key in keys)
