# SPDX-License-Identifier: MIT
"""Everything that a report shows, gathered from runs and measurements of speed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ganbench.analysis.across_datasets import Across, across
from ganbench.analysis.claims import PaperClaim
from ganbench.analysis.comparison import PLAIN
from ganbench.analysis.published import PublishedRow
from ganbench.errors import UnknownNameError, suggest
from ganbench.records.archive import condense
from ganbench.records.environment import lasting
from ganbench.records.event_curves import EventCurve
from ganbench.records.primary_metric import Choice
from ganbench.records.run_record import RunRecord
from ganbench.records.speed_record import SpeedRecord
from ganbench.report import sentences
from ganbench.report.charts.style import styles
from ganbench.report.closer_looks import LookCloser, look_pictures
from ganbench.report.dataset.dataset_section import DatasetSection, sections
from ganbench.report.illustrations import Illustrations
from ganbench.report.pictures import sample_pictures
from ganbench.report.recordings import recording_links
from ganbench.report.speed import speed_sentences
from ganbench.report.speed.speed_section import Speed, speed
from ganbench.report.training_strips import training_strips


@dataclass(frozen=True)
class Report:
    """A report before it is rendered.

    ``illustrations`` are the pictures of the runs and the links to their recordings, ``claims``
    those of papers by trick.
    """

    title: str
    runs: tuple[RunRecord, ...]
    sections: tuple[DatasetSection, ...]
    across: tuple[Across, ...]
    illustrations: Illustrations
    environments: Mapping[str, Mapping[str, Any]]
    speed: Speed | None = None
    events: tuple[EventCurve, ...] = ()
    claims: Mapping[str, PaperClaim] = field(default_factory=dict)

    @property
    def lede(self) -> str:
        """What there is to see, in one sentence."""
        if self.events and not self.runs and not self.speed:
            return "Curves of other tools."
        if self.speed and not self.runs:
            return speed_sentences.summary(self.speed)
        return sentences.lede(self.runs)

    @property
    def unread(self) -> tuple[RunRecord, ...]:
        """The runs that have not ended or cannot be read, with their problems."""
        return tuple(run for run in self.runs if not run.counted)


def make_report(
    runs: Sequence[RunRecord],
    *,
    title: str,
    published: Sequence[PublishedRow] = (),
    baseline: str | None = None,
    metric: str | None = None,
    speeds: Sequence[SpeedRecord] = (),
    events: Sequence[EventCurve] = (),
    out: Path | None = None,
    look: LookCloser | None = None,
    claims: Mapping[str, PaperClaim] | None = None,
) -> Report:
    """Gather everything that a report shows; its curves are thinned (see ``condense``).

    Args:
        runs: The runs.
        title: The title of the page.
        published: Published rows, each shown with the dataset that it names.
        baseline: What treatments are compared with: a variant, a set of tricks, or ``none``.
        metric: The main metric, which the sentences are about.
        speeds: Measurements of speed.
        events: Curves that other tools wrote.
        out: The folder of the report, from which it leads to recorded runs; None leads to none.
        look: Draws closer looks at the best runs; None draws none.
        claims: What papers claim for tricks, by trick.

    Raises:
        UnknownNameError: No run belongs to the baseline, or none has the metric.
    """
    variants = list(dict.fromkeys(run.variant for run in runs if run.dataset))
    _check(baseline, [*variants, *(run.tricks or PLAIN for run in runs)], "run is of the variant")
    _check(metric, [name for run in runs for name in run.metrics], "run has the metric")
    cases = [case for speed in speeds if not speed.problem for case in speed.cases]
    by_dataset = tuple(sections(runs, published, styles(variants), baseline, metric, cases))
    read = {
        run.name: run for section in by_dataset for row in section.drawn.rows for run in row.runs
    }
    # A report of this report judges by the same metric and baseline.
    choices = {section.dataset: section.choice for section in by_dataset}
    shown = tuple(
        replace(read.get(run.name) or _bare(run), **vars(choices.get(run.dataset, Choice())))
        for run in runs
    )
    pictured = {name for section in by_dataset for name in section.chosen.first}
    return Report(
        title=title,
        runs=shown,
        sections=by_dataset,
        across=tuple(
            across(
                [section.table for section in by_dataset],
                {section.dataset: section.primary_comparisons for section in by_dataset},
            )
        ),
        illustrations=Illustrations(
            grids=sample_pictures(run for run in shown if run.name in pictured),
            strips=training_strips(by_dataset),
            looks=look_pictures(by_dataset, look),
            recordings={} if out is None else recording_links(shown, out),
        ),
        environments={
            run.environment_id: lasting(run.environment) for run in shown if run.environment_id
        },
        speed=speed(speeds),
        events=tuple(events),
        claims=claims or {},
    )


def _bare(run: RunRecord) -> RunRecord:
    """Return what a report keeps of a run that is not drawn."""
    return condense(run) if not run.dataset else replace(run, curves=(), losses=(), grids=())


def _check(name: str | None, known: Sequence[str], claim: str) -> None:
    """Raise an UnknownNameError unless a name that was asked for is known."""
    if name is None or name in known:
        return
    listed = list(dict.fromkeys(known))
    raise UnknownNameError(
        f"No {claim} '{name}'. {suggest(name, listed)}".strip(),
        f"There are: {', '.join(listed)}." if listed else "",
    )
