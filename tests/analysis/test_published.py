# SPDX-License-Identifier: MIT
"""Published rows: read with their differences, refused with unknown or missing keys."""

from __future__ import annotations

import pytest

from ganbench.analysis.published import published_rows
from ganbench.errors import ConfigError


def test_published_rows_are_validated() -> None:
    row = {"dataset": "ring8", "model": "GAN", "source": "x", "metrics": {"modes": "6.3 ± 0.5"}}
    (published,) = published_rows({"row": [row]})
    assert (published.metrics, published.differs) == ({"modes": "6.3 ± 0.5"}, "")
    assert published_rows({}) == []
    with pytest.raises(ConfigError, match="Unknown key 'row 1: diffres'"):
        published_rows({"row": [{**row, "diffres": "much"}]})
    with pytest.raises(ConfigError, match="source"):
        published_rows({"row": [{key: row[key] for key in ("dataset", "model", "metrics")}]})
    with pytest.raises(ConfigError, match=r"\[\[row\]\]"):
        published_rows({"rows": [row]})
