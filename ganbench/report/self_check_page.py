# SPDX-License-Identifier: MIT
"""The sanity suite as a page: which metric notices which damage."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert

from ganbench.analysis.number_text import decimals, fixed
from ganbench.records.atomic_files import replacing, write_json, write_text
from ganbench.records.environment import lasting
from ganbench.report.charts.style import theme

MARKS = {"worse": "✗", "better": "▲", "unmoved": "·"}
_COLORS = {"worse": "#0072B2", "unmoved": "#E3E3E3", "better": "#D55E00"}
_NAMES = {"worse": "worse: noticed", "unmoved": "unmoved", "better": "better: misled"}


def write_self_check(result: Mapping[str, Any], out: Path) -> Path:
    """Write README.md, responses.svg and result.json of a self-check; return the Markdown.

    Raises:
        StorageError: the folder cannot be written.
    """
    kept = {**result, "environment": lasting(result.get("environment", {}))}
    write_json(out / "result.json", {"schema": 1, **kept})
    with replacing(out / "responses.svg") as temporary:
        temporary.write_text(chart(result), encoding="utf-8")
    write_text(out / "README.md", markdown(result))
    return out / "README.md"


def markdown(result: Mapping[str, Any]) -> str:
    """Return the whole page as Markdown."""
    names = short_names(result)
    rows = result["rows"]
    heads = " | ".join(_headed(name, short, rows) for name, short in names.items())
    lines = [
        f"# What each metric notices, on {result['dataset']}",
        "",
        f"{result['samples']:,} test images, damaged by known amounts, against "
        f"{result['real']:,} training images. {MARKS['worse']} the metric says worse; "
        f"{MARKS['better']} it says better; · it has not moved beyond 1.96 standard errors of "
        "both values, read off their intervals. An arrow points in the better direction. "
        + network_names(result),
        "",
        "![Responses of the metrics to the damage](responses.svg)",
        "",
        f"| damage | amount | {heads} |",
        "| --- | --- |" + " ---: |" * len(names),
    ]
    for row in rows:
        cells = [cell(row["metrics"][name], mark=row is not rows[0]) for name in names]
        lines.append(f"| {row['damage']} | {row['amount']} | " + " | ".join(cells) + " |")
    lines += ["", "## What follows", "", *(f"- {line}" for line in findings(result))]
    if command := result.get("command"):
        lines += [
            "",
            f"Made by `{command}`; all values with their intervals and protocols are in "
            "[result.json](result.json).",
        ]
    return "\n".join(lines) + "\n"


def metric_names(result: Mapping[str, Any]) -> list[str]:
    """Return the names of the metrics, in their order."""
    return list(result["rows"][0]["metrics"])


def cell(measured: Mapping[str, Any], *, mark: bool) -> str:
    """Return a value with no more digits than its interval warrants, and its response."""
    if measured["value"] is None:
        return "–"
    places = decimals(measured["low"], measured["high"], measured["value"])
    text = fixed(measured["value"], places)
    return f"{text} {MARKS[measured['response']]}" if mark else text


def findings(result: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each kind of damage: who notices how much of it, who is misled."""
    names = short_names(result)
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for row in result["rows"][1:]:
        kinds.setdefault(row["damage"], []).append(row)
    sentences = []
    for kind, rows in kinds.items():
        noticed: dict[str, list[str]] = {row["amount"]: [] for row in rows}
        blind, misled = [], []
        for name, short in names.items():
            if amount := _first(rows, name, "worse"):
                noticed[amount].append(short)
            if _first(rows, name, "better"):
                misled.append(short)
            elif not amount:
                blind.append(short)
        parts = [f"from {amount} on by {', '.join(who)}" for amount, who in noticed.items() if who]
        said = [f"noticed {'; '.join(parts)}" if parts else "noticed by none"]
        said += [f"not by {', '.join(blind)}"] if blind and parts else []
        said += [f"taken for an improvement by {', '.join(misled)}"] if misled else []
        sentences.append(f"**{kind}**: {'; '.join(said)}.")
    return sentences


def short_names(result: Mapping[str, Any]) -> dict[str, str]:
    """Return how each metric is called where there is little room: without its network.

    Where the same metric is there with several networks, the names stay whole.
    """
    names = metric_names(result)
    short = {name: name.partition("@")[0] for name in names}
    return short if len(set(short.values())) == len(names) else {name: name for name in names}


def network_names(result: Mapping[str, Any]) -> str:
    """Return a sentence on the networks that short names leave out, empty if there are none."""
    named: dict[str, list[str]] = {}
    for name, short in short_names(result).items():
        if name != short:
            named.setdefault(name.partition("@")[2], []).append(short)
    return " ".join(f"With {network}: {', '.join(who)}." for network, who in named.items())


def chart(result: Mapping[str, Any]) -> str:
    """Return a map of responses as SVG: damage down, metrics across."""
    names = short_names(result)
    labels = [f"{row['damage']}, {row['amount']}" for row in result["rows"][1:]]
    data = [
        {
            "damage": label,
            "metric": short,
            "response": _NAMES[row["metrics"][name]["response"]],
        }
        for label, row in zip(labels, result["rows"][1:], strict=True)
        for name, short in names.items()
    ]
    across = alt.Axis(labelAngle=-40, orient="top")
    tiles = (
        alt.Chart(alt.InlineData(values=data))
        .mark_rect(stroke="#ffffff", strokeWidth=2)
        .encode(
            x=alt.X("metric:N", sort=list(names.values()), title=None, axis=across),
            y=alt.Y("damage:N", sort=labels, title=None),
            color=alt.Color(
                "response:N",
                scale=alt.Scale(domain=list(_NAMES.values()), range=list(_COLORS.values())),
                legend=alt.Legend(title=None, orient="bottom"),
            ),
        )
        .properties(width=46 * len(names), height=22 * len(labels))
    )
    look = theme("#333333")
    look["axis"] = {**look["axis"], "labelLimit": 260, "grid": False}
    specification = {**tiles.to_dict(), "config": look, "padding": 12}
    svg: str = vl_convert.vegalite_to_svg(json.dumps(specification))
    return svg


def _headed(name: str, short: str, rows: Sequence[Mapping[str, Any]]) -> str:
    better = rows[0]["metrics"][name]["better"]
    return f"{short} {'↑' if better == 'higher' else '↓'}"


def _first(rows: Sequence[Mapping[str, Any]], name: str, response: str) -> str:
    """Return the least amount of damage with that response, empty if there is none."""
    return next((row["amount"] for row in rows if row["metrics"][name]["response"] == response), "")
