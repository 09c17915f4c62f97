# SPDX-License-Identifier: MIT
"""What papers claim for their tricks, next to what was found here on each dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ganbench.analysis import number_text
from ganbench.analysis.claims import PaperClaim, single_trick
from ganbench.analysis.over_settings import noun_of
from ganbench.analysis.selection import MOST_ROWS, VERDICT_ORDER
from ganbench.analysis.trick_defaults import with_parameters
from ganbench.analysis.verdicts import Verdict
from ganbench.config import join_words
from ganbench.report import notes, sentences
from ganbench.report.content_blocks import (
    Chapter,
    Column,
    Paragraph,
    Row,
    Span,
    Table,
    TextCell,
)
from ganbench.report.dataset.dataset_section import DatasetSection


def claims_chapter(
    sections: Sequence[DatasetSection], claims: Mapping[str, PaperClaim]
) -> Chapter | None:
    """Return a row for each trick that was added alone; None where no paper's claim is known.

    Args:
        sections: The datasets.
        claims: Claims by trick.
    """
    found = _found_by_row(sections)
    if not any(single_trick(tricks) in claims for tricks in found):
        return None
    shown = [section for section in sections if any(section.dataset in by for by in found.values())]
    columns = (
        Column("trick", number=False),
        Column("claimed", number=False),
        *(Column(f"found: {section.dataset}", number=False) for section in shown),
    )
    rows = tuple(
        Row(
            (
                TextCell(tricks),
                _claimed(claims.get(single_trick(tricks))),
                *(
                    _found(by_dataset.get(section.dataset, ()), tricks, section)
                    for section in shown
                ),
            )
        )
        for tricks, by_dataset in list(found.items())[:MOST_ROWS]
    )
    table = Table("What papers claim, and what was found", columns, rows, mark="claims")
    cut = map(Paragraph, sentences.first_of(len(found), MOST_ROWS, "tricks"))
    note = Paragraph(f"{notes.CLAIMS_NOTE} {_metrics(shown)}".strip())
    return Chapter("Claimed and found", (table, *cut, note), anchor="claims")


def _found_by_row(
    sections: Sequence[DatasetSection],
) -> dict[str, dict[str, list[Verdict]]]:
    """Return the verdicts on single tricks by row and dataset.

    A trick has one row, also where it has other parameters on another dataset. Only where a dataset
    tries it with several does each set of parameters have a row.
    """
    primary = [
        (section.dataset, verdict)
        for section in sections
        for verdict in section.verdicts
        if verdict.primary
        and verdict.comparison.only_tricks
        and single_trick(verdict.comparison.tricks)
    ]
    tried: dict[tuple[str, str], set[str]] = {}
    for dataset, verdict in primary:
        tricks = verdict.comparison.tricks
        tried.setdefault((single_trick(tricks), dataset), set()).add(tricks)
    split = {name for (name, _), texts in tried.items() if len(texts) > 1}
    texts_of: dict[str, set[str]] = {}
    for (name, _), texts in tried.items():
        texts_of.setdefault(name, set()).update(texts)
    found: dict[str, dict[str, list[Verdict]]] = {}
    for dataset, verdict in primary:
        tricks = verdict.comparison.tricks
        name = single_trick(tricks)
        row = tricks if name in split or len(texts_of[name]) == 1 else name
        found.setdefault(row, {}).setdefault(dataset, []).append(verdict)
    return found


def _metrics(sections: Sequence[DatasetSection]) -> str:
    """Return which metric was found on which dataset."""
    named = [f"{section.main.name} on {section.dataset}" for section in sections if section.main]
    return (
        f"What was found is the difference to the baseline in {join_words(named)}." if named else ""
    )


def _claimed(claim: PaperClaim | None) -> TextCell:
    """Return a claim with its source."""
    if claim is None:
        return TextCell("no claim on record", mark="none")
    source = Span(claim.source, link=sentences.paper_address(claim.source))
    return TextCell((f"{claim.claim} ", source))


def _found(verdicts: Sequence[Verdict], row: str, section: DatasetSection) -> TextCell:
    """Return what was found on a dataset: one verdict, or how many of several are of which kind.

    Parameters that the name of the row does not tell, and that are not the trick's defaults, stand
    with the verdict.
    """
    if not verdicts:
        return TextCell(mark="none")
    labels = dict.fromkeys(_with_parameters(verdict, section) for verdict in verdicts)
    told = [label for label in labels if label != row]
    if len(verdicts) > 1:
        return _counts(verdicts, told)
    (verdict,) = verdicts
    word = Span(verdict.short, mark=f"verdict-{verdict.kind}", strong=verdict.kind != "unclear")
    lines = []
    if verdict.pairs:
        lines.append(number_text.signed_text(verdict.pairs.paired.difference))
        lines.append(f"p, Holm: {number_text.p_text(verdict.comparison.t_corrected)}")
    return TextCell((word, f" {sentences.change(verdict)}"), notes=(*lines, *told))


def _with_parameters(verdict: Verdict, section: DatasetSection) -> str:
    """Return the trick of a verdict with all parameters that are not its defaults."""
    tricks = verdict.comparison.tricks
    run = section.table.row(verdict.comparison.variant).runs[0]
    return with_parameters(tricks, single_trick(tricks), run.config)


def _counts(verdicts: Sequence[Verdict], told: Sequence[str]) -> TextCell:
    """Return how many verdicts there are of each kind, the clear ones first.

    Args:
        verdicts: The verdicts.
        told: What is to be told of the trick's parameters.
    """
    settings = [verdict.comparison.setting for verdict in verdicts]
    noun = noun_of(settings) if all(settings) else "comparisons"
    text: list[Span | str] = []
    for kind in VERDICT_ORDER:
        words = [verdict.short for verdict in verdicts if verdict.kind == kind]
        for word in dict.fromkeys(words):
            mark = Span(word, mark=f"verdict-{kind}", strong=kind != "unclear")
            text += [", " if text else "", mark, f" {words.count(word)}"]
    return TextCell(tuple(text), notes=(f"of {len(verdicts)} {noun}", *told))
