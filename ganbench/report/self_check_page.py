# SPDX-License-Identifier: MIT
"""The sanity suite as a page: which metric notices which damage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import altair as alt

from ganbench.analysis.number_text import NOTHING, decimals, fixed
from ganbench.config import join_words
from ganbench.records.atomic_files import write_json, write_text
from ganbench.records.environment import lasting
from ganbench.records.own_files import MANIFEST, check_own, replacing_own
from ganbench.report import notes
from ganbench.report.charts.drawing import draw_charts
from ganbench.report.charts.stills import PADDING, compact, with_look
from ganbench.report.markdown.markdown_text import code, escape, table

MARKS = {"worse": "✗", "better": "▲", "unmoved": "·"}
_TITLE = "# What each metric notices, on "
_PICTURE = "responses.svg"
_FILES = ("README.md", _PICTURE, "result.json")
_COLORS = {"worse": "#0072B2", "unmoved": "#E3E3E3", "better": "#D55E00"}
_NAMES = {"worse": "worse: noticed", "unmoved": "unmoved", "better": "better: misled"}


def write_self_check(result: Mapping[str, Any], out: Path) -> Path:
    """Write README.md, responses.svg and result.json of a self-check; return the Markdown.

    Raises:
        StorageError: The folder cannot be written, or holds another file of one of these names.
    """
    document = {"schema": 1, **result, "environment": lasting(result.get("environment", {}))}
    drawn = draw_charts({"map": response_map(result)})
    names = [name for name in _FILES if drawn or name != _PICTURE]
    with replacing_own(out, names, _earlier(out)):
        write_json(out / "result.json", document)
        if drawn:
            write_text(out / _PICTURE, compact(drawn["map"]))
        write_text(out / "README.md", markdown(result, picture=drawn is not None))
    return out / "README.md"


def check_folder(out: Path) -> None:
    """Check that a folder may hold the page of a self-check.

    Raises:
        StorageError: The folder holds another file of a name that the page needs.
    """
    check_own(out, _FILES, _earlier(out))


def _earlier(out: Path) -> tuple[str, ...]:
    """Return the files of a page by an earlier version, which listed them in no manifest."""
    if (out / MANIFEST).exists() or not (out / "README.md").is_file():
        return ()
    text = (out / "README.md").read_text(encoding="utf-8", errors="replace")
    return _FILES if text.startswith(_TITLE) else ()


def markdown(result: Mapping[str, Any], *, picture: bool = True) -> str:
    """Return the whole page as Markdown, with or without the picture of the responses."""
    result = _escaped(result)
    command = (
        f"Made by {code(result['command'])}; [result.json](result.json) has all values with their "
        "intervals and protocols."
        if result.get("command")
        else ""
    )
    parts = [
        f"{_TITLE}{result['dataset']}",
        f"{result['samples']:,} test images, damaged by known amounts, compared with "
        f"{result['real']:,} training images. {MARKS['worse']} the metric says worse; "
        f"{MARKS['better']} it says better; {MARKS['unmoved']} it has not moved beyond 1.96 "
        "standard errors of both values, read off their intervals. An arrow points in the better "
        f"direction. {network_names(result)}".strip(),
        f"![Responses of the metrics to the damage]({_PICTURE})" if picture else notes.NO_CHARTS,
        _table(result),
        "## What follows",
        "\n".join(f"- {sentence}" for sentence in findings(result)),
        command,
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _escaped(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result whose dataset and metrics have names that Markdown shows as they are."""
    rows = [
        {**row, "metrics": {escape(name): value for name, value in row["metrics"].items()}}
        for row in result["rows"]
    ]
    return {**result, "dataset": escape(result["dataset"]), "rows": rows}


def _table(result: Mapping[str, Any]) -> str:
    """Return a row for each damage and a column for each metric."""
    names = short_names(result)
    clean = result["rows"][0]
    heads = [
        f"{short} {'↑' if clean['metrics'][name]['better'] == 'higher' else '↓'}"
        for name, short in names.items()
    ]
    rows = [
        [
            row["damage"],
            row["amount"],
            *(cell(row["metrics"][name], mark=row is not clean) for name in names),
        ]
        for row in result["rows"]
    ]
    return table(["damage", "amount", *heads], rows, [False, False, *(True for _ in heads)])


def metric_names(result: Mapping[str, Any]) -> list[str]:
    """Return the names of the metrics, in their order."""
    return list(result["rows"][0]["metrics"])


def cell(measured: Mapping[str, Any], *, mark: bool) -> str:
    """Return a value with no more digits than its interval warrants, and its response."""
    if measured["value"] is None:
        return NOTHING
    places = decimals(measured["low"], measured["high"], measured["value"])
    text = fixed(measured["value"], places)
    return f"{text} {MARKS[measured['response']]}" if mark else text


def findings(result: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each kind of damage: who notices how much of it, who is misled."""
    names = short_names(result)
    by_damage: dict[str, list[Mapping[str, Any]]] = {}
    for row in result["rows"][1:]:
        by_damage.setdefault(row["damage"], []).append(row)
    return [f"**{damage}**: {_finding(rows, names)}." for damage, rows in by_damage.items()]


def _finding(rows: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> str:
    """Return which metrics notice a kind of damage at which amounts."""
    noticed: dict[tuple[int, ...], list[str]] = {}
    blind, misled = [], []
    for name, short in names.items():
        responses = [row["metrics"][name]["response"] for row in rows]
        places = tuple(place for place, said in enumerate(responses) if said == "worse")
        if places:
            noticed.setdefault(places, []).append(short)
        if "better" in responses:
            misled.append(short)
        elif not places:
            blind.append(short)
    amounts = [row["amount"] for row in rows]
    at_amounts = [
        f"{_where(places, amounts)} by {', '.join(metrics)}"
        for places, metrics in sorted(noticed.items(), key=lambda item: (item[0][0], -len(item[0])))
    ]
    parts = [f"noticed {'; '.join(at_amounts)}" if at_amounts else "noticed by none"]
    parts += [f"not by {', '.join(blind)}"] if blind and at_amounts else []
    parts += [f"taken for an improvement by {', '.join(misled)}"] if misled else []
    return "; ".join(parts)


def _where(places: Sequence[int], amounts: Sequence[str]) -> str:
    """Return at which amounts a damage is noticed: from one on, or, with gaps, which ones.

    >>> _where((1, 2), ["5 %", "10 %", "20 %"]), _where((0, 1), ["5 %", "10 %", "20 %"])
    ('from 10 % on', 'at 5 % and 10 % only')
    """
    if len(places) == len(amounts) - places[0]:
        return f"from {amounts[places[0]]} on"
    return f"at {join_words(amounts[place] for place in places)} only"


def short_names(result: Mapping[str, Any]) -> dict[str, str]:
    """Return the name of each metric without its network, for places with little room.

    If a metric was computed with several networks, all names stay whole.
    """
    names = metric_names(result)
    short = {name: name.partition("@")[0] for name in names}
    return short if len(set(short.values())) == len(names) else {name: name for name in names}


def network_names(result: Mapping[str, Any]) -> str:
    """Return a sentence on the networks that short names leave out, empty if there are none."""
    by_network: dict[str, list[str]] = {}
    for name, short in short_names(result).items():
        if name != short:
            by_network.setdefault(name.partition("@")[2], []).append(short)
    return " ".join(f"With {network}: {', '.join(names)}." for network, names in by_network.items())


def response_map(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a map of responses as a chart in Vega-Lite: damage down, metrics across."""
    names = short_names(result)
    labels = [f"{row['damage']}, {row['amount']}" for row in result["rows"][1:]]
    tiles = [
        {
            "damage": label,
            "metric": short,
            "response": _NAMES[row["metrics"][name]["response"]],
        }
        for label, row in zip(labels, result["rows"][1:], strict=True)
        for name, short in names.items()
    ]
    across = alt.Axis(labelAngle=-40, orient="top")
    chart = (
        alt.Chart(alt.InlineData(values=tiles))
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
    return with_look(
        {**chart.to_dict(), "padding": PADDING}, axis={"labelLimit": 260, "grid": False}
    )
