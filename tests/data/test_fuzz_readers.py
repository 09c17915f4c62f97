# SPDX-License-Identifier: MIT
"""Every reader of data, fed with hostile files: they are read, or refused in one sentence."""

from __future__ import annotations

import pytest
from hostile_files import attempt
from hostile_inputs import READERS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = 40
"""Files for each reader; ``benchmarks/fuzz_readers.py`` tries as many as time allows."""


@pytest.fixture(autouse=True)
def nothing_downloaded(monkeypatch):
    monkeypatch.setenv("GANBENCH_OFFLINE", "1")


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_hostile_file_is_read_or_refused_in_a_sentence(reader, data):
    attempt(reader, data.draw(reader.contents))
