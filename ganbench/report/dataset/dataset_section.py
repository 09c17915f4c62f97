# SPDX-License-Identifier: MIT
"""One dataset's analysis and charts, gathered before anything is rendered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from ganbench.analysis.comparison import Comparison
from ganbench.analysis.costs import Cost, cost
from ganbench.analysis.equal_budgets import EqualBudgets, equal_budgets
from ganbench.analysis.judged_tables import judge_tables
from ganbench.analysis.over_settings import OverSettings, over_settings
from ganbench.analysis.published import PublishedRow
from ganbench.analysis.selection import MOST_ROWS, Drawn, best_of_each, in_turns, select_drawn
from ganbench.analysis.stability import Profile, StabilityRow, profiles, stability_rows
from ganbench.analysis.tables import MetricColumn, MetricTable, datasets_of, metric_table
from ganbench.analysis.verdicts import JudgedDataset, Verdict
from ganbench.records.archive import condense
from ganbench.records.atomic_files import slug
from ganbench.records.primary_metric import Choice
from ganbench.records.read_run import complete
from ganbench.records.run_record import RunRecord
from ganbench.records.speed_record import SpeedCase
from ganbench.report.charts.cost_chart import cost_panels
from ganbench.report.charts.dots_chart import dots_panels
from ganbench.report.charts.effects_chart import effect_panel, treatment_names
from ganbench.report.charts.panels import Panel
from ganbench.report.charts.profiles_chart import profile_panels
from ganbench.report.charts.settings_chart import settings_panels
from ganbench.report.charts.style import Style
from ganbench.report.charts.training_curves import Course, courses, loss_panels
from ganbench.report.pictures import unique


@dataclass(frozen=True)
class DatasetSection:
    """One dataset: its verdicts, its tables and its charts.

    ``main`` is the primary metric, ``choice`` how it and the baseline were named. ``scope`` says
    what the verdicts on all datasets are about, and how many columns of metrics were looked at.
    ``table`` holds all runs, ``drawn`` the runs whose curves have been read. ``cost_ratios`` are
    the costs of each treatment, by variant. ``profiles`` are the performance profiles with their
    charts, ``over_settings`` the effects at each setting with theirs. ``losses`` are the charts of
    losses and logits, variant by variant.
    """

    dataset: str
    slug: str
    table: MetricTable
    main: MetricColumn | None
    choice: Choice
    verdicts: tuple[Verdict, ...]
    scope: str
    cost_ratios: Mapping[str, Cost]
    budgets: tuple[EqualBudgets, ...]
    stability: tuple[StabilityRow, ...]
    profiles: tuple[tuple[Profile, tuple[Panel, ...]], ...]
    over_settings: tuple[tuple[OverSettings, Panel | None], ...]
    published: tuple[PublishedRow, ...]
    styles: Mapping[str, Style]
    effects: tuple[Panel, ...]
    dots: tuple[Panel, ...]
    costs: tuple[Panel, ...]
    courses: tuple[Course, ...]
    losses: tuple[Panel, ...]
    environments: tuple[str, ...]
    chosen: Drawn
    drawn: MetricTable

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """The comparisons that the verdicts judge."""
        return tuple(verdict.comparison for verdict in self.verdicts)

    @property
    def primary_comparisons(self) -> tuple[Comparison, ...]:
        """The comparisons in the primary metric."""
        return tuple(verdict.comparison for verdict in self.verdicts if verdict.primary)

    @property
    def treatments(self) -> dict[str, str]:
        """The name of each treatment by its variant, in the order of the table."""
        return treatment_names(self.verdicts)

    @property
    def baselines(self) -> tuple[str, ...]:
        """The variants with which treatments are compared."""
        return tuple(dict.fromkeys(verdict.comparison.baseline for verdict in self.verdicts))

    @cached_property
    def best_runs(self) -> tuple[RunRecord, ...]:
        """The best run of each variant by the primary metric, the best of all first."""
        return tuple(best_of_each(self.drawn, self.main))

    @property
    def threads(self) -> tuple[int, ...]:
        """The numbers of threads with which the runs were trained."""
        threads = {run.threads for row in self.table.rows for run in row.runs}
        return tuple(sorted(number for number in threads if number is not None))


def sections(
    runs: Sequence[RunRecord],
    published: Sequence[PublishedRow],
    variant_styles: Mapping[str, Style],
    baseline: str | None,
    metric: str | None = None,
    speeds: Sequence[SpeedCase] = (),
) -> list[DatasetSection]:
    """Return one section for each dataset, in the order of the runs.

    For the runs that are drawn, the curves, losses and grids that are still in their folders are
    read here.

    Args:
        runs: All runs.
        published: Published rows; each belongs to the dataset that it names.
        variant_styles: How each variant is drawn.
        baseline: The baseline that was asked for; it counts on the datasets that have it. The
            others have the one that the comparison of the runs chose.
        metric: The primary metric that was asked for; it counts where it was measured, likewise.
        speeds: Measurements of speed, which know the memory of variants.
    """
    # These are the anchors of chapters that are about no dataset.
    taken = {"across", "claims", "speed", "event-curves"}
    tables = [metric_table(runs, dataset) for dataset in datasets_of(runs)]
    matrix = judge_tables(tables, baseline, metric)
    return [
        _section(
            [run for run in runs if run.dataset == judged.table.dataset],
            unique(slug(judged.table.dataset), judged.table.dataset, taken),
            [row for row in published if row.dataset == judged.table.dataset.split(" (")[0]],
            variant_styles,
            judged,
            matrix.scope,
            speeds,
        )
        for judged in matrix.datasets
    ]


def _section(
    runs: Sequence[RunRecord],
    name: str,
    published: Sequence[PublishedRow],
    variant_styles: Mapping[str, Style],
    dataset: JudgedDataset,
    scope: str,
    speeds: Sequence[SpeedCase],
) -> DatasetSection:
    table, main, judged = dataset.table, dataset.main, dataset.verdicts
    chosen = select_drawn(table, dataset.on_main)
    read = [_read(run, chosen) for run in runs]
    if chosen.whole:
        table = drawn = metric_table(read, table.dataset)
    else:
        drawn = metric_table([run for run in read if run.name in chosen.runs], table.dataset)
    shown = {variant: variant_styles[variant] for variant in chosen.variants}
    baselines = {verdict.comparison.variant: verdict.comparison.baseline for verdict in judged}
    return DatasetSection(
        dataset=table.dataset,
        slug=name,
        table=table,
        main=main,
        choice=dataset.choice,
        verdicts=judged,
        scope=scope,
        cost_ratios={
            variant: cost(table.row(variant), table.row(base), speeds)
            for variant, base in baselines.items()
        },
        budgets=tuple(equal_budgets(table)) if chosen.whole else (),
        stability=tuple(stability_rows(table, main)),
        profiles=tuple(_profiles(table, main, name)),
        over_settings=tuple(settings_panels(over_settings(judged), f"{name}-over-settings")),
        published=tuple(published),
        styles={row.variant: variant_styles[row.variant] for row in table.rows},
        effects=tuple(_effects(judged, table, main, chosen, name)),
        dots=tuple(dots_panels(table, name, shown)),
        costs=tuple(cost_panels(table, main, name, shown)),
        courses=tuple(courses(drawn, name, shown, baselines, main, main_only=not chosen.whole)),
        losses=tuple(
            panel
            for index, row in enumerate(drawn.rows)
            for panel in loss_panels(row, f"{name}-{index}")
        ),
        environments=tuple(dict.fromkeys(run.environment_id for run in runs if run.environment_id)),
        chosen=chosen,
        drawn=drawn,
    )


def _read(run: RunRecord, chosen: Drawn) -> RunRecord:
    """Return a run with the curves, losses and grids that are drawn of it."""
    if run.name not in chosen.runs:
        return run if chosen.whole else replace(run, curves=(), losses=(), grids=())
    run = condense(complete(run))
    return run if chosen.whole or run.name in chosen.first else replace(run, losses=())


def _profiles(
    table: MetricTable, main: MetricColumn | None, name: str
) -> list[tuple[Profile, tuple[Panel, ...]]]:
    """Return the performance profiles with their charts."""
    if main is None:
        return []
    return [
        (profile, tuple(profile_panels(profile, f"{name}-profile-{index}", main)))
        for index, profile in enumerate(profiles(table, main))
    ]


def _effects(
    judged: Sequence[Verdict],
    table: MetricTable,
    main: MetricColumn | None,
    chosen: Drawn,
    name: str,
) -> list[Panel]:
    """Return a panel of paired differences for each metric, the main one first.

    The main one holds all treatments, unless they are too many for a table, too: then it holds
    the largest of each kind of verdict. The others hold the variants that are drawn.
    """
    names = treatment_names(judged)
    largest = in_turns([verdict for verdict in judged if verdict.primary])[:MOST_ROWS]
    on_main = {verdict.comparison.variant for verdict in largest}
    panels: list[Panel] = []
    for column in sorted(table.columns, key=lambda column: column != main):
        shown = on_main if column == main else set(chosen.variants)
        drawn = [
            verdict
            for verdict in judged
            if verdict.comparison.column == column and verdict.comparison.variant in shown
        ]
        panel = effect_panel(f"{name}-effects-{len(panels)}", drawn, names) if drawn else None
        if panel:
            panels.append(panel)
    return panels
