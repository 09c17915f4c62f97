# SPDX-License-Identifier: MIT
"""Results as objects that are also mappings, and that a notebook shows as tables."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from ganbench.errors import MissingDataError
from ganbench.records.measurement import Measurement, floor_sentences

if TYPE_CHECKING:
    from altair import VConcatChart
    from pandas import DataFrame

_COLUMNS = ("value", "low", "high", "floor", "n")
_ARROWS = {"higher": "↑", "lower": "↓"}


class RecordMapping(Mapping[str, Any]):
    """A read-only mapping with the contents of ``_record``, which a subclass provides."""

    @property
    @abstractmethod
    def _record(self) -> Mapping[str, Any]: ...

    def __getitem__(self, key: str) -> Any:
        return self._record[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._record)

    def __len__(self) -> int:
        return len(self._record)


class MeasuredValues(RecordMapping):
    """Measurements as they are recorded, by the name of their metric.

    ``values["fid"]["value"]`` is a number. ``low`` and ``high`` are its 95 % interval, ``floor``
    is what real data would get at the same counts, as ``floor_note`` says, and ``protocol`` pins
    how it was computed.

    Args:
        records: The recorded measurements, by the name of their metric.
    """

    def __init__(self, records: Mapping[str, Mapping[str, Any]]) -> None:
        self._records = dict(records)

    @property
    def _record(self) -> Mapping[str, Any]:
        return self._records

    def short(self) -> dict[str, str]:
        """Return each value as text with four significant digits, by name."""
        return {name: _number(record.get("value")) for name, record in self.items()}

    def to_pandas(self) -> DataFrame:
        """Return a table with a row for each metric, indexed by its name.

        Raises:
            MissingDataError: Pandas is not installed.
        """
        rows = [{"metric": name, **record} for name, record in self.items()]
        frame = data_frame(rows)
        return frame.set_index("metric") if rows else frame

    def plot(self) -> VConcatChart:
        """Return the values with their intervals and floors as a chart of altair.

        Raises:
            MissingDataError: None of them has a value.
        """
        from ganbench.report.charts.notebook_charts import measurements_chart

        return measurements_chart({name: Measurement.read(row) for name, row in self.items()})

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
        notes = "".join(f"<p>{escape(sentence)}</p>" for sentence in floor_sentences(self))
        return html_table(head, rows) + notes


class EvaluationResult(RecordMapping):
    """The result of an evaluation; as a mapping, it is what ``ganbench eval --json`` prints.

    It has ``metrics`` by name, ``unmeasured`` with the reason by the name of each metric that could
    not be had, facts about ``fake`` and ``real`` (name, count, version, skipped files),
    ``compute`` and ``environment``.

    Args:
        document: The result as plain data.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = dict(document)

    @property
    def _record(self) -> Mapping[str, Any]:
        return self._document

    @property
    def metrics(self) -> MeasuredValues:
        """The measurements by name."""
        return MeasuredValues(self._document["metrics"])

    def to_pandas(self) -> DataFrame:
        """Return a table with a row for each metric, indexed by its name.

        Raises:
            MissingDataError: Pandas is not installed.
        """
        return self.metrics.to_pandas()

    def plot(self) -> VConcatChart:
        """Return the values with their intervals and floors as a chart of altair.

        Raises:
            MissingDataError: None of them has a value.
        """
        return self.metrics.plot()

    @property
    def notes(self) -> list[str]:
        """Sentences on how the two sets were read, and on how their files differ."""
        return list(self._document.get("notes", ()))

    def __repr__(self) -> str:
        fake, real = (self._document[side] for side in ("fake", "real"))
        against = " against ".join(
            # Statistics in a file may not say of how many samples they are.
            f"{side['count']:,} of {side['name']}" if side["count"] else str(side["name"])
            for side in (fake, real)
        )
        lines = [f"<EvaluationResult {against}>", repr(self.metrics)]
        return "\n".join([*lines, *self._unmeasured, *self.notes])

    def _repr_html_(self) -> str:
        sentences = [*self._unmeasured, *self.notes]
        return self.metrics._repr_html_() + "".join(f"<p>{escape(text)}</p>" for text in sentences)

    @property
    def _unmeasured(self) -> list[str]:
        return [
            f"{name} was not measured: {reason['message']}"
            for name, reason in self._document.get("unmeasured", {}).items()
        ]


def html_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return an HTML table; the text of its cells is escaped."""
    head_cells = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body_rows = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
    body = "".join(f"<tr>{cells}</tr>" for cells in body_rows)
    return f"<table><thead><tr>{head_cells}</tr></thead><tbody>{body}</tbody></table>"


def data_frame(rows: Sequence[Mapping[str, Any]]) -> DataFrame:
    """Return rows as a pandas table.

    Raises:
        MissingDataError: Pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise MissingDataError("pandas is not installed.", "pip install pandas") from error
    return pandas.DataFrame(list(rows))


def _number(value: object) -> str:
    """Return a number as text, or a dash for anything else."""
    if not isinstance(value, int | float):
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
