# SPDX-License-Identifier: MIT
"""Papers from Python: which there are, and the BibTeX of everything that was used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ganbench.harness.builtin_suites import builtin_suites
from ganbench.harness.trained_run import TrainedRun
from ganbench.papers.bibtex import bibliography
from ganbench.papers.credits import credits_of
from ganbench.papers.listing import list_of_papers


def list_papers(
    pattern: str = "*",
    *,
    tags: Sequence[str] = (),
    kind: str | None = None,
    years: str | None = None,
) -> list[str]:
    """Return the keys of papers, in alphabetical order.

    Args:
        pattern: A glob that the key or the title matches.
        tags: Tags that each paper has, such as ``anomaly``.
        kind: What each paper is about, such as ``trick``.
        years: A year or a range of years, such as ``2014-2017`` or ``2020-``.

    Raises:
        ConfigError: No paper has such a tag or kind, or ``years`` is something else.
    """
    papers = list_of_papers(pattern, tags=tags, kind=kind, years=years)
    return sorted(paper.key for paper in papers)


def cite(*used: str | Path | TrainedRun) -> str:
    """Return the BibTeX of everything that was used.

    Args:
        used: Runs, folders of runs, reports, suites, keys of papers, or names of models, tricks,
            losses, datasets, metrics and networks.

    Raises:
        GanbenchError: Nothing has such a name, or a folder holds no run.
    """
    names = [str(each.path if isinstance(each, TrainedRun) else each) for each in used]
    return bibliography(credits_of(names, builtin_suites()).papers)
