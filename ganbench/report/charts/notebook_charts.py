# SPDX-License-Identifier: MIT
"""The charts that results draw of themselves in a notebook, with altair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from ganbench.analysis.number_text import arrow
from ganbench.analysis.tables import metric_table
from ganbench.analysis.verdicts import JudgedMatrix, Verdict
from ganbench.errors import MissingDataError
from ganbench.records.measurement import Measurement
from ganbench.records.run_record import RunRecord
from ganbench.report.charts.axes import rounded
from ganbench.report.charts.effects_chart import effect_panel, treatment_names
from ganbench.report.charts.panels import ChartData, Panel, floor_rule, layered
from ganbench.report.charts.stills import still_specification
from ganbench.report.charts.style import OKABE_ITO, styles
from ganbench.report.charts.training_curves import courses, loss_panels

_WIDTH = 300


def training_chart(run: RunRecord) -> alt.VConcatChart:
    """Return the metrics, losses and logits of a run along its training.

    Args:
        run: The run, with its curves and losses.

    Raises:
        MissingDataError: The run recorded neither.
    """
    table = metric_table([run], run.dataset)
    drawn = courses(table, "run", styles([run.variant]), {}, None)
    panels = [panel for course in drawn for panel in course.panels[:1]]
    panels += [panel for row in table.rows for panel in loss_panels(row, "run")]
    return _chart(panels, "This run has recorded no curve yet.")


def effects_chart(matrix: JudgedMatrix) -> alt.VConcatChart:
    """Return what each treatment changes in the primary metric of each dataset, seed by seed.

    Raises:
        MissingDataError: No treatment shares a seed with its baseline.
    """
    panels = [
        panel
        for index, judged in enumerate(matrix.datasets)
        for panel in [_effects(f"effects-{index}", judged.on_main)]
        if panel
    ]
    return _chart(panels, "Nothing is compared with a baseline here.")


def measurements_chart(measurements: Mapping[str, Measurement]) -> alt.VConcatChart:
    """Return measured values with their 95 % intervals, each on an axis of its own.

    A dashed line is the floor: what real data give at the same counts.

    Args:
        measurements: The measurements by the names of their metrics.

    Raises:
        MissingDataError: None of them has a value.
    """
    panels = [
        _measured(name, measurement)
        for name, measurement in measurements.items()
        if measurement.value is not None
    ]
    return _chart(panels, "Nothing was measured.")


def _effects(name: str, verdicts: Sequence[Verdict]) -> Panel | None:
    return effect_panel(name, verdicts, treatment_names(verdicts)) if verdicts else None


def _measured(name: str, measurement: Measurement) -> Panel:
    row: dict[str, Any] = {"metric": name, "value": rounded(measurement.value or 0.0)}
    if measurement.low is not None and measurement.high is not None:
        row |= {"low": rounded(measurement.low), "high": rounded(measurement.high)}
    base = alt.Chart()
    color = alt.value(OKABE_ITO[0])
    scale = alt.Scale(zero=False, padding=12)
    y = alt.Y("metric:N", title=None, axis=None)
    tips = [alt.Tooltip(f"{key}:Q", format=".5~g") for key in row if key != "metric"]
    layers = [
        base.mark_point(shape="diamond", size=110, filled=True, opacity=1).encode(
            x=alt.X("value:Q", scale=scale, title=None), y=y, color=color, tooltip=tips
        )
    ]
    if "low" in row:
        interval = base.mark_rule(strokeWidth=4, opacity=0.35, strokeCap="round")
        layers.insert(
            0,
            interval.encode(
                x=alt.X("low:Q", scale=scale, title=None), x2="high:Q", y=y, color=color
            ),
        )
    if measurement.floor is not None:
        layers.append(floor_rule("x", measurement.floor))
    unit = f" ({measurement.unit})" if measurement.unit else ""
    title = f"{name}{unit} {arrow(measurement.better)}".strip()
    return layered(layers, ChartData(name, [row]), title, 40)


def _chart(panels: Sequence[Panel], without: str) -> alt.VConcatChart:
    if not panels:
        raise MissingDataError(without)
    chart: alt.VConcatChart = alt.VConcatChart.from_dict(still_specification(panels, 2, _WIDTH))
    return chart
