# SPDX-License-Identifier: MIT
"""What a report says of one dataset, gathered before any of it is rendered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ganbench.analysis.comparison import Comparison, baseline_names, compare_to
from ganbench.analysis.equal_budgets import EqualBudgets, equal_budgets
from ganbench.analysis.published import PublishedRow
from ganbench.analysis.selection import (
    MOST_NUMBERS,
    MOST_ROWS,
    MOST_SEEDS,
    MOST_VARIANTS,
    Drawn,
    select_drawn,
)
from ganbench.analysis.tables import (
    MetricColumn,
    MetricTable,
    VariantRow,
    datasets_of,
    heading,
    metric_table,
)
from ganbench.analysis.verdicts import Verdict, design_limits, main_column, verdicts
from ganbench.records.archive import condense
from ganbench.records.atomic_files import slug
from ganbench.records.read_run import complete
from ganbench.records.run_record import RunRecord
from ganbench.report.charts.chart_rows import dot_rows, floor_in_sight, loss_rows
from ganbench.report.charts.effects_chart import effect_panel, effect_rows, treatment_names
from ganbench.report.charts.panels import Panel, Rows, dots_panel, loss_panel
from ganbench.report.charts.stability import Profile, StabilityRow, profiles, stability_rows
from ganbench.report.charts.style import Style
from ganbench.report.charts.training_curves import Course, courses
from ganbench.report.pictures import unique

MOST_SENTENCES = 24
_ORDER = ("helps", "hurts", "fails", "unclear")


@dataclass(frozen=True)
class Section:
    """One dataset: its verdicts, tables and charts, and the data that the charts name.

    ``table`` is of all runs, ``drawn`` of those that are drawn, whose curves have been read.
    """

    dataset: str
    slug: str
    table: MetricTable
    main: MetricColumn | None
    verdicts: tuple[Verdict, ...]
    budgets: tuple[EqualBudgets, ...]
    stability: tuple[StabilityRow, ...]
    profiles: tuple[Profile, ...]
    published: tuple[PublishedRow, ...]
    styles: Mapping[str, Style]
    data: Mapping[str, Rows]
    effects: tuple[Panel, ...]
    dots: tuple[Panel, ...]
    courses: tuple[Course, ...]
    losses: tuple[tuple[Panel, ...], ...]
    environments: tuple[str, ...]
    chosen: Drawn
    drawn: MetricTable
    most_rows: int = MOST_ROWS
    most_sentences: int = MOST_SENTENCES

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """What the verdicts are on."""
        return tuple(one.comparison for one in self.verdicts)

    @property
    def treatments(self) -> dict[str, str]:
        """How each treatment is called, in the order of the table."""
        return treatment_names(self.verdicts)

    @property
    def baselines(self) -> tuple[str, ...]:
        """The variants that treatments are held against."""
        return tuple(dict.fromkeys(one.comparison.baseline for one in self.verdicts))

    @property
    def by_treatment(self) -> dict[str, dict[str, Verdict]]:
        """The verdicts by treatment and column."""
        found: dict[str, dict[str, Verdict]] = {}
        for one in self.verdicts:
            found.setdefault(one.comparison.variant, {})[one.comparison.column.name] = one
        return found

    @property
    def main_verdicts(self) -> list[Verdict]:
        """The verdicts on the main metric, differences that are shown first."""
        mine = [one for one in self.verdicts if one.comparison.column == self.main]
        return sorted(mine, key=lambda one: _ORDER.index(one.kind))

    @property
    def rows(self) -> tuple[VariantRow, ...]:
        """The rows that the tables show."""
        return self.table.rows[:MOST_ROWS]

    @property
    def numbered(self) -> tuple[tuple[VariantRow, RunRecord], ...]:
        """The runs that are listed one by one, each with its row."""
        every = ((row, run) for row in self.table.rows for run in row.runs)
        return tuple(one for one, _ in zip(every, range(MOST_NUMBERS), strict=False))

    @property
    def settled(self) -> tuple[VariantRow, ...]:
        """The rows whose settings are listed side by side."""
        return self.drawn.rows[:MOST_VARIANTS]

    @property
    def limits(self) -> list[str]:
        """Sentences on what the design cannot show in the main metric."""
        mine = [one.comparison for one in self.main_verdicts if one.comparison.paired]
        if not mine:
            return []
        n = max(one.paired.n for one in mine if one.paired)
        return design_limits(n, max(one.family for one in mine))

    @property
    def left_out(self) -> list[str]:
        """Sentences on what of many runs is not shown."""
        found = []
        if not self.chosen.whole:
            found.append(
                f"Of {len(self.table.rows):,} variants, {len(self.chosen.variants)} are drawn: "
                "those whose difference is shown, the largest first, and their baselines. Of each: "
                f"the course of {MOST_SEEDS} seeds, and losses and samples of the first."
            )
        if len(self.drawn.rows) > MOST_VARIANTS:
            found.append(f"Settings are those of the first {MOST_VARIANTS} variants.")
        if len(self.table.rows) > MOST_ROWS:
            found.append(f"Tables stop after {MOST_ROWS} variants.")
        if sum(len(row.runs) for row in self.table.rows) > MOST_NUMBERS:
            found.append(f"The first {MOST_NUMBERS} runs are listed one by one.")
        return [*found, "All numbers are in results.jsonl."] if found else []

    @property
    def threads(self) -> tuple[int, ...]:
        """The numbers of threads that the runs were trained with."""
        found = {run.threads for row in self.table.rows for run in row.runs}
        return tuple(sorted(one for one in found if one is not None))


def sections(
    runs: Sequence[RunRecord],
    published: Sequence[PublishedRow],
    drawn: Mapping[str, Style],
    baseline: str | None,
    metric: str | None = None,
) -> list[Section]:
    """Return one section for each dataset, in the order in which the runs come.

    Of the runs that are drawn, what reading has left in their folders is read here.
    """
    taken = {"across", "speed"}  # the sections that are of no dataset
    return [
        _section(
            [run for run in runs if run.dataset == dataset],
            unique(slug(dataset), dataset, taken),
            [row for row in published if row.dataset == dataset.split(" (")[0]],
            drawn,
            (baseline, metric),
        )
        for dataset in datasets_of(runs)
    ]


def _section(
    runs: Sequence[RunRecord],
    name: str,
    published: Sequence[PublishedRow],
    drawn: Mapping[str, Style],
    asked: tuple[str | None, str | None],
) -> Section:
    dataset = runs[0].dataset
    table = metric_table(runs, dataset)
    known = baseline_names([table])
    baseline = asked[0] if asked[0] in known else None
    main = _main(table, asked[1])
    found = verdicts(table, compare_to(table, baseline))
    chosen = select_drawn(table, [one for one in found if one.comparison.column == main])
    read = [_read(run, chosen) for run in runs]
    if chosen.whole:
        table = courses_of = metric_table(read, dataset)
    else:
        courses_of = metric_table([run for run in read if run.name in chosen.runs], dataset)
    styles = {row.variant: drawn[row.variant] for row in table.rows}
    few = {variant: styles[variant] for variant in chosen.variants}
    data: dict[str, Rows] = {}
    baselines = {one.comparison.variant: one.comparison.baseline for one in found}
    used = dict.fromkeys(run.environment_id for run in runs if run.environment_id)
    return Section(
        dataset=dataset,
        slug=name,
        table=table,
        main=main,
        verdicts=tuple(found),
        budgets=tuple(equal_budgets(table)) if chosen.whole else (),
        stability=tuple(stability_rows(table, main)),
        profiles=tuple(profiles(table, main, name, styles, data)) if main else (),
        published=tuple(published),
        styles=styles,
        data=data,
        effects=_effects(found, table, main, chosen, name, data),
        dots=_dots(table, name, few, data),
        courses=tuple(courses(courses_of, name, few, baselines, main, data, whole=chosen.whole)),
        losses=tuple(
            _losses(row, f"{name}-{index}", data) for index, row in enumerate(courses_of.rows)
        ),
        environments=tuple(used),
        chosen=chosen,
        drawn=courses_of,
    )


def _read(run: RunRecord, chosen: Drawn) -> RunRecord:
    """Return a run with what is drawn of it."""
    if run.name not in chosen.runs:
        return run if chosen.whole else replace(run, curves=(), losses=(), grids=())
    run = condense(complete(run))
    return run if chosen.whole or run.name in chosen.first else replace(run, losses=())


def _main(table: MetricTable, metric: str | None) -> MetricColumn | None:
    """Return the main metric of a table; the one asked for only where it was measured."""
    if not table.columns:
        return None
    known = {name for one in table.columns for name in (one.name, one.metric)}
    return main_column(table, metric if metric in known else None)


def _effects(
    found: Sequence[Verdict],
    table: MetricTable,
    main: MetricColumn | None,
    chosen: Drawn,
    name: str,
    data: dict[str, Rows],
) -> tuple[Panel, ...]:
    """Return a panel of paired differences for each metric, the main one first."""
    panels: list[Panel] = []
    names = treatment_names(found)
    for column in sorted(table.columns, key=lambda column: column != main):
        mine = [
            one
            for one in found
            if one.comparison.column == column and one.comparison.variant in chosen.variants
        ]
        rows = effect_rows(mine, names)
        if rows:
            key = f"{name}-effects-{len(panels)}"
            data[key] = rows
            panels.append(effect_panel(key, heading(column), mine, names, rows))
    return tuple(panels)


def _dots(
    table: MetricTable, name: str, drawn: Mapping[str, Style], data: dict[str, Rows]
) -> tuple[Panel, ...]:
    panels = []
    for index, column in enumerate(table.columns):
        rows = [row for row in dot_rows(table, column) if row["variant"] in drawn]
        if not rows:
            continue
        key = f"{name}-dots-{index}"
        data[key] = rows
        there = {row["variant"] for row in rows}
        floor = table.floors.get(column.name)
        if floor is not None and not floor_in_sight(rows, ("value", "low", "high"), floor):
            floor = None
        shown = {variant: style for variant, style in drawn.items() if variant in there}
        panels.append(dots_panel(key, heading(column), shown, floor))
    return tuple(panels)


def _losses(row: VariantRow, name: str, data: dict[str, Rows]) -> tuple[Panel, ...]:
    """Return a variant's panel of losses and that of logits, as far as they were recorded."""
    recorded = dict.fromkeys(curve.name for run in row.runs for curve in run.losses)
    names = {f"l{index}": curve for index, curve in enumerate(recorded)}
    rows = loss_rows(row, names)
    if not rows:
        return ()
    key = f"{name}-losses"
    data[key] = rows
    panels = []
    for what in ("loss", "logits"):
        series = {_series(curve): field for field, curve in names.items() if _is(curve, what)}
        if series:
            panels.append(loss_panel(key, f"{row.variant}: {_WHAT[what]}", series))
    return tuple(panels)


_WHAT = {"loss": "losses", "logits": "logits of the discriminator"}


def _is(curve: str, what: str) -> bool:
    return curve.startswith(f"{what}/")


def _series(curve: str) -> str:
    """Return what a recorded name is called in a legend.

    >>> _series("loss/discriminator/gradient-penalty"), _series("logits/real")
    ('discriminator: gradient-penalty', 'real')
    """
    _, _, rest = curve.partition("/")
    player, _, term = rest.partition("/")
    return player if term in {"", "adversarial"} else f"{player}: {term}"
