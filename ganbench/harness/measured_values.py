# SPDX-License-Identifier: MIT
"""Measurements by name, as an object that a notebook shows as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from ganbench.errors import MissingDataError

if TYPE_CHECKING:
    from pandas import DataFrame

_COLUMNS = ("value", "low", "high", "floor", "n")
_ARROWS = {"higher": "↑", "lower": "↓"}


class MeasuredValues(Mapping[str, Any]):
    """Measurements as they are recorded, by the name of their metric.

    ``values["fid"]["value"]`` is a number; ``low`` and ``high`` are its 95 % interval, ``floor``
    is the same metric between real data and real data, and ``protocol`` says how it was made.
    """

    def __init__(self, records: Mapping[str, Mapping[str, Any]]) -> None:
        self._records = dict(records)

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        return self._records[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def short(self) -> dict[str, str]:
        """Return each value as text with four digits."""
        return {name: _number(record.get("value")) for name, record in self.items()}

    def to_pandas(self) -> DataFrame:
        """Return a table with a row for each metric, indexed by its name.

        Raises:
            MissingDataError: pandas is not installed.
        """
        rows = [{"metric": name, **record} for name, record in self.items()]
        frame = data_frame(rows)
        return frame.set_index("metric") if rows else frame

    def __repr__(self) -> str:
        lines = [f"{name} = {value}" for name, value in self.short().items()]
        return "\n".join(lines) or "nothing measured"

    def _repr_html_(self) -> str:
        rows = [
            [
                f"{name} {_ARROWS.get(record.get('better', ''), '')}",
                *(_number(record.get(column)) for column in _COLUMNS),
            ]
            for name, record in self.items()
        ]
        head = ("metric", "value", "low", "high", "real vs. real", "n")
        return html_table(head, rows)


class EvaluationResult(Mapping[str, Any]):
    """What an evaluation found; as a mapping it is what ``ganbench eval --json`` prints.

    It has ``metrics`` by name, what is known of ``fake`` and ``real`` (name, count, version,
    skipped files), ``compute`` and ``environment``.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = dict(document)

    @property
    def metrics(self) -> MeasuredValues:
        """The measurements by name."""
        return MeasuredValues(self._document["metrics"])

    def to_pandas(self) -> DataFrame:
        """Return a table with a row for each metric, indexed by its name.

        Raises:
            MissingDataError: pandas is not installed.
        """
        return self.metrics.to_pandas()

    def __getitem__(self, key: str) -> Any:
        return self._document[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._document)

    def __len__(self) -> int:
        return len(self._document)

    def __repr__(self) -> str:
        fake, real = (self._document[side] for side in ("fake", "real"))
        against = f"{fake['count']:,} of {fake['name']} against {real['count']:,} of {real['name']}"
        return f"<EvaluationResult {against}>\n{self.metrics!r}"

    def _repr_html_(self) -> str:
        return self.metrics._repr_html_()


def html_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return an HTML table whose cells are shown as they are."""
    above = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{above}</tr></thead><tbody>{body}</tbody></table>"


def data_frame(rows: Sequence[Mapping[str, Any]]) -> DataFrame:
    """Return rows as a pandas table.

    Raises:
        MissingDataError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise MissingDataError("pandas is not installed.", "pip install pandas") from error
    return pandas.DataFrame(list(rows))


def _number(value: object) -> str:
    if not isinstance(value, int | float):
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
