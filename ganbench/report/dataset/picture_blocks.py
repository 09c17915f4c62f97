# SPDX-License-Identifier: MIT
"""What the page alone shows of a dataset: samples along training, and closer looks at networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ganbench.config import counted
from ganbench.records.run_record import RunRecord
from ganbench.report import notes
from ganbench.report.closer_looks import LookKind, LookPicture
from ganbench.report.content_blocks import (
    Block,
    CaptionedPicture,
    CaptionedStrip,
    Details,
    Heading,
    PageOnly,
    Paragraph,
    Pictures,
    Strips,
)
from ganbench.report.dataset.dataset_section import DatasetSection
from ganbench.report.strip import Strip

_LOOKS: Mapping[LookKind, tuple[str, str, str]] = {
    "plane": ("Density, discriminator and modes", "Plane of", notes.PLANE_NOTE),
    "interpolation": ("Between latents", "Between latents of", notes.INTERPOLATION_NOTE),
    "neighbors": ("Nearest training images", "Nearest training images of", notes.NEIGHBORS_NOTE),
}
"""What each closer look is called, as a title and in the label of a picture, and its note."""


def strip_blocks(section: DatasetSection, strips: Mapping[str, Strip]) -> list[Block]:
    """Return the samples along training of the best run of each variant.

    Args:
        section: The dataset.
        strips: The strips by the names of their runs.
    """
    shown = [
        CaptionedStrip(
            strips[run.name],
            label=f"Samples of {_name(run)} on {section.dataset}",
            name=run.variant,
            note=_seed(run),
            style=section.styles[run.variant],
        )
        for run in _in_order(section)
        if run.name in strips
    ]
    if not shown:
        return []
    left_out = len(section.table.rows) - len(shown)
    note = _of_drawn(section, notes.STRIPS_NOTE) + (
        f" {counted(left_out, 'variant')} {'has' if left_out == 1 else 'have'} none here."
        if left_out
        else ""
    )
    blocks = (Heading("Samples along training"), Strips(tuple(shown)), Paragraph(note))
    return [PageOnly(blocks)]


def _of_drawn(section: DatasetSection, note: str) -> str:
    """Return a note on best runs, which says so where not all runs were looked at."""
    return note if section.chosen.whole else f"{note} {notes.BEST_OF_DRAWN_NOTE}"


def look_blocks(section: DatasetSection, looks: Mapping[str, Sequence[LookPicture]]) -> list[Block]:
    """Return the closer looks at the best run of each variant, folded by what they show.

    Args:
        section: The dataset.
        looks: The pictures by the names of their runs.
    """
    runs = [run for run in _in_order(section) if run.name in looks]
    blocks: list[Block] = []
    for kind, (title, words, note) in _LOOKS.items():
        shown = tuple(
            CaptionedPicture(
                look.picture,
                label=f"{words} {_name(run)} on {section.dataset}"
                + (f": {look.note}" if look.note else ""),
                name=run.variant,
                note=", ".join(filter(None, (_seed(run), look.note))),
                style=section.styles[run.variant],
            )
            for run in runs
            for look in looks[run.name]
            if look.kind == kind
        )
        if shown:
            content = (Pictures(shown, wide=kind == "plane"), Paragraph(_of_drawn(section, note)))
            blocks.append(Details(title, content))
    return [PageOnly(tuple(blocks))] if blocks else []


def _in_order(section: DatasetSection) -> list[RunRecord]:
    """Return the best run of each variant, in the order of the table."""
    best = {run.name for run in section.best_runs}
    return [run for row in section.drawn.rows for run in row.runs if run.name in best]


def _name(run: RunRecord) -> str:
    return run.variant + ("" if run.seed is None else f", seed {run.seed},")


def _seed(run: RunRecord) -> str:
    return "" if run.seed is None else f"seed {run.seed}"
