# SPDX-License-Identifier: MIT
"""A browser for each file of tests, and a page of the lab for each test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from lab_pages import FakeLab, chromium, fake_lab

from ganbench.lab.page_messages import read_message


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start Chromium."""
    with chromium() as started:
        yield started


@pytest.fixture
def lab(browser: Any) -> Iterator[FakeLab]:
    """Return a page of the lab; the server would take everything that it sends."""
    with fake_lab(browser) as opened:
        yield opened
        for message in opened.sent:
            read_message(json.dumps(message))
