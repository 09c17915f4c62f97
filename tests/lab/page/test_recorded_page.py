# SPDX-License-Identifier: MIT
"""A recorded run plays from one file, without network."""

from __future__ import annotations

import json

import pytest
from lab_pages import browser_page, frame, hello, state

from ganbench.lab.links import FRAME, TEXT
from ganbench.lab.recording import packed_records, recorded_page

pytestmark = pytest.mark.browser

HEAT = """(() => {{
  const canvas = document.getElementById("picture-a");
  const [x, y] = [Math.floor({x} * canvas.width), Math.floor(0.9 * canvas.height)];
  const copy = document.createElement("canvas").getContext("2d", {{willReadFrequently: true}});
  copy.drawImage(canvas, -x, -y);
  return [...copy.getImageData(0, 0, 1, 1).data].join();
}})()"""
HEAT_AT_THE_LEFT, HEAT_AT_THE_RIGHT = HEAT.format(x=0.1), HEAT.format(x=0.9)


def test_a_recorded_run_is_shown_scrubbed_and_played(browser, tmp_path):
    told = {"kind": "diagnosis", "sentences": ["It goes well."], "tricks": []}
    messages = [hello(), state(), frame(0), frame(1), told, frame(2)]
    records = [
        (FRAME, message)
        if isinstance(message, bytes)
        else (TEXT, json.dumps(message, separators=(",", ":")).encode())
        for message in messages
    ]
    file = tmp_path / "page.html"
    file.write_text(recorded_page(packed_records(records), "a run"))
    complaints, requests = [], []
    with browser_page(browser, offline=True) as page:
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(file.as_uri())
        clock = page.locator("#clock")
        clock.filter(has_text="iteration 0").wait_for()
        said = page.locator("#picture-a").get_attribute("aria-label")
        page.click("#step")
        clock.filter(has_text="iteration 10").wait_for()
        right = page.evaluate(HEAT_AT_THE_RIGHT)
        assert page.locator("#picture-a").get_attribute("aria-label") == said  # as many reals
        page.locator("#diagnosis").filter(has_text="It goes well.").wait_for()
        page.keyboard.press(",")
        clock.filter(has_text="iteration 0").wait_for()
        page.click("#play")
        clock.filter(has_text="iteration 20").wait_for()
        page.locator("#play-word").filter(has_text="Play").wait_for()
        # Recorded as differences, this frame has the heat map that the others have.
        assert page.evaluate(HEAT_AT_THE_RIGHT) == right != page.evaluate(HEAT_AT_THE_LEFT)
        assert page.locator("#settings").is_hidden()
    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
