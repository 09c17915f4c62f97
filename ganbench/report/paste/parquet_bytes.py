# SPDX-License-Identifier: MIT
"""Tables as Parquet, which keeps the types of their columns; needs the extra ``parquet``."""

from __future__ import annotations

import io
from collections.abc import Sequence

from ganbench.errors import MissingDataError
from ganbench.records.atomic_files import utf8
from ganbench.report.paste.plain_tables import PlainRow


def parquet_bytes(rows: Sequence[PlainRow]) -> bytes:
    """Return rows as a Parquet file.

    Args:
        rows: One or more rows with the same columns.

    Raises:
        MissingDataError: The package pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingDataError(
            "Parquet needs pyarrow, which is not installed.", 'pip install "ganbench[parquet]"'
        ) from error
    buffer = io.BytesIO()
    columns = {name: _column([row[name] for row in rows]) for name in rows[0]}
    parquet.write_table(pyarrow.table(columns), buffer)
    return buffer.getvalue()


def _column(values: list[object]) -> list[object]:
    """Return a column of one type: whole numbers next to fractions are fractions, too.

    Texts are UTF-8, with an escape for a byte of a path that is not, as in the other formats.
    """
    if any(isinstance(value, float) for value in values):
        return [
            float(value) if isinstance(value, int) and not isinstance(value, bool) else value
            for value in values
        ]
    return [utf8(value).decode() if isinstance(value, str) else value for value in values]
