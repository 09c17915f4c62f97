# SPDX-License-Identifier: MIT
"""What a report says of speed, gathered before any of it is rendered: by machine, case by case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganbench.config import digest
from ganbench.records.environment import lasting
from ganbench.records.json_values import as_mapping
from ganbench.records.speed_record import Roofline, SpeedCase, SpeedRecord
from ganbench.report.charts.panels import Panel, Rows
from ganbench.report.charts.style import Style, styles
from ganbench.report.speed.speed_charts import rate_panel, rate_rows, split_panel, split_rows
from ganbench.report.speed.speed_rows import Measured, SpeedRow, differing_settings, speed_rows

MOST_BARS = 24
"""Of so many cases a machine the split of a step is drawn."""


@dataclass(frozen=True)
class Machine:
    """A device in one environment: its cases, its ceilings, and its charts where there are any.

    ``environments`` are those of its documents, which may differ in the number of threads.
    ``repeats`` counts measurements of a case that was measured more than once.
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
    """All measurements of speed: the machines, the data that their charts name, and the documents.

    ``differing`` are the settings that differ anywhere, ``styles`` how series are drawn;
    ``lines`` are the series that have a speed.
    """

    records: tuple[SpeedRecord, ...]
    machines: tuple[Machine, ...]
    differing: tuple[str, ...]
    styles: Mapping[str, Style]
    lines: tuple[str, ...]
    data: Mapping[str, Rows]

    @property
    def unread(self) -> tuple[SpeedRecord, ...]:
        """The documents that cannot be read, with what is wrong with them."""
        return tuple(record for record in self.records if record.problem)

    @property
    def documents(self) -> tuple[SpeedRecord, ...]:
        """The documents that were read."""
        return tuple(record for record in self.records if not record.problem)

    @property
    def panels(self) -> dict[str, list[Panel]]:
        """The charts by kind, machine by machine."""
        return {
            "rates": [one.rates for one in self.machines if one.rates],
            "split": [one.split for one in self.machines if one.split],
        }


def speed(records: Iterable[SpeedRecord]) -> Speed | None:
    """Gather documents, in the order of their names; None where there are none.

    Of two of one name, which answer the same question on the same machine, the first counts.
    """
    named: dict[str, SpeedRecord] = {}
    for record in records:
        named.setdefault(record.name, record)
    if not named:
        return None
    kept = tuple(named[name] for name in sorted(named))
    groups: dict[str, list[Measured]] = {}
    for record in kept:
        for case in record.cases:
            groups.setdefault(_place(record, case), []).append((record, case))
    differing = differing_settings([case for record in kept for case in record.cases])
    rows = {key: speed_rows(group, differing) for key, group in groups.items()}
    every = [row for listed in rows.values() for row in listed]
    drawn = styles(list(dict.fromkeys(row.series for row in every)))
    there = {row["variant"] for row in rate_rows(every)}
    lines = {name: style for name, style in drawn.items() if name in there}
    data: dict[str, Rows] = {}
    titles = _titles(groups)
    machines = tuple(
        _machine(titles[key], groups[key], rows[key], str(index), lines, data)
        for index, key in enumerate(groups)
    )
    return Speed(kept, machines, differing, drawn, tuple(lines), data)


def _machine(
    title: str,
    group: Sequence[Measured],
    rows: Sequence[SpeedRow],
    suffix: str,
    lines: Mapping[str, Style],
    data: dict[str, Rows],
) -> Machine:
    """Gather one machine, and add what its charts need to the data."""
    rates, split = f"speed-rates-{suffix}", f"speed-split-{suffix}"
    data |= {rates: rate_rows(rows), split: split_rows(rows[:MOST_BARS])}
    return Machine(
        title=title,
        rows=tuple(rows),
        ceilings=tuple(dict.fromkeys(row.ceiling for row in rows if row.ceiling)),
        environments={record.environment_id: record.environment for record, _ in group},
        repeats=len(group) - len(rows),
        rates=rate_panel(rates, title, lines, data[rates]) if data[rates] else None,
        split=split_panel(split, title, data[split]) if data[split] else None,
        undrawn=max(0, len(rows) - MOST_BARS),
    )


def _place(record: SpeedRecord, case: SpeedCase) -> str:
    """Return what cases on one machine share; each says its own number of threads."""
    facts = lasting(record.environment)
    fixed = {key: facts[key] for key in facts if key not in {"threads", "device", "torch"}}
    gpu = None if case.device == "cpu" else as_mapping(facts.get("torch")).get("gpu")
    return digest({"device": case.device, "gpu": gpu, "environment": fixed})


def _titles(groups: Mapping[str, Sequence[Measured]]) -> dict[str, str]:
    """Return what each machine is called; numbered where two are called the same."""
    titles: dict[str, str] = {}
    met: Counter[str] = Counter()
    for key, group in groups.items():
        names = [case.device_name for _, case in group if case.device_name]
        title = ": ".join([group[0][1].device, *names[:1]])
        met[title] += 1
        titles[key] = f"{title} ({met[title]})" if met[title] > 1 else title
    return titles
