# SPDX-License-Identifier: MIT
"""Measurements of speed, gathered by machine and case before anything is rendered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganbench.config import digest
from ganbench.records.environment import lasting
from ganbench.records.json_values import as_mapping
from ganbench.records.speed_record import Roofline, SpeedCase, SpeedRecord
from ganbench.report.charts.panels import Panel
from ganbench.report.charts.style import Style, styles
from ganbench.report.speed.speed_charts import rate_panel, rate_rows, split_panel
from ganbench.report.speed.speed_rows import Measured, SpeedRow, differing_settings, speed_rows

MOST_BARS = 24
"""The split of a step is drawn for this many cases of a machine."""


@dataclass(frozen=True)
class Machine:
    """A device in one environment: its cases, its ceilings, and its charts if there are any.

    ``environments`` are the environments of its documents, which may differ in the number of
    threads. ``repeats`` counts the measurements of cases that were measured before. ``undrawn``
    counts the cases that the chart of the split leaves out.
    """

    title: str
    rows: tuple[SpeedRow, ...]
    ceilings: tuple[Roofline, ...]
    environments: Mapping[str, Mapping[str, Any]]
    repeats: int
    rates: Panel | None
    split: Panel | None
    undrawn: int


@dataclass(frozen=True)
class Speed:
    """All measurements of speed: the machines and the documents.

    ``differing`` are the settings that differ between any cases, ``styles`` how each series is
    drawn; ``lines`` are the series that have a speed.
    """

    records: tuple[SpeedRecord, ...]
    machines: tuple[Machine, ...]
    differing: tuple[str, ...]
    styles: Mapping[str, Style]
    lines: tuple[str, ...]

    @property
    def unread(self) -> tuple[SpeedRecord, ...]:
        """The documents that cannot be read, with their problems."""
        return tuple(record for record in self.records if record.problem)

    @property
    def documents(self) -> tuple[SpeedRecord, ...]:
        """The documents that were read."""
        return tuple(record for record in self.records if not record.problem)

    @property
    def rates(self) -> tuple[Panel, ...]:
        """The charts of images per second, machine by machine."""
        return tuple(machine.rates for machine in self.machines if machine.rates)

    @property
    def splits(self) -> tuple[Panel, ...]:
        """The charts of where the time of a step goes, machine by machine."""
        return tuple(machine.split for machine in self.machines if machine.split)


def speed(records: Iterable[SpeedRecord]) -> Speed | None:
    """Gather documents in the order of their names; None where there are none.

    Two documents of one name answer the same question on the same machine: the first counts.
    """
    by_name: dict[str, SpeedRecord] = {}
    for record in records:
        by_name.setdefault(record.name, record)
    if not by_name:
        return None
    distinct = tuple(by_name[name] for name in sorted(by_name))
    groups: dict[str, list[Measured]] = {}
    for record in distinct:
        for case in record.cases:
            groups.setdefault(_place(record, case), []).append((record, case))
    differing = differing_settings([case for record in distinct for case in record.cases])
    rows = {key: speed_rows(group, differing) for key, group in groups.items()}
    all_rows = [row for machine_rows in rows.values() for row in machine_rows]
    series_styles = styles(list(dict.fromkeys(row.series for row in all_rows)))
    with_speed = {row["variant"] for row in rate_rows(all_rows)}
    lines = {name: style for name, style in series_styles.items() if name in with_speed}
    titles = _titles(groups)
    machines = tuple(
        _machine(titles[key], groups[key], rows[key], index, lines)
        for index, key in enumerate(groups)
    )
    return Speed(distinct, machines, differing, series_styles, tuple(lines))


def _machine(
    title: str,
    group: Sequence[Measured],
    rows: Sequence[SpeedRow],
    index: int,
    lines: Mapping[str, Style],
) -> Machine:
    return Machine(
        title=title,
        rows=tuple(rows),
        ceilings=tuple(dict.fromkeys(row.ceiling for row in rows if row.ceiling)),
        environments={record.environment_id: record.environment for record, _ in group},
        repeats=len(group) - len(rows),
        rates=rate_panel(f"speed-rates-{index}", title, rows, lines),
        split=split_panel(f"speed-split-{index}", title, rows[:MOST_BARS]),
        undrawn=max(0, len(rows) - MOST_BARS),
    )


def _place(record: SpeedRecord, case: SpeedCase) -> str:
    """Return what the cases on one machine share; each names its own number of threads."""
    facts = lasting(record.environment)
    fixed = {key: facts[key] for key in facts if key not in {"threads", "device", "torch"}}
    gpu = None if case.device == "cpu" else as_mapping(facts.get("torch")).get("gpu")
    return digest({"device": case.device, "gpu": gpu, "environment": fixed})


def _titles(groups: Mapping[str, Sequence[Measured]]) -> dict[str, str]:
    """Return the title of each machine, numbered where two would have the same."""
    titles: dict[str, str] = {}
    times_used: Counter[str] = Counter()
    for key, group in groups.items():
        names = [case.device_name for _, case in group if case.device_name]
        title = ": ".join([group[0][1].device, *names[:1]])
        times_used[title] += 1
        titles[key] = f"{title} ({times_used[title]})" if times_used[title] > 1 else title
    return titles
