# SPDX-License-Identifier: MIT
"""A lab in the background answers until it is closed, and then nothing of it is left."""

import os
from urllib.error import HTTPError, URLError
from urllib.request import HTTPCookieProcessor, build_opener, urlopen

import pytest

from ganbench.lab.lab_recipe import LabRecipe
from ganbench.lab.live_lab import LiveLab


@pytest.fixture
def lab():
    live = LiveLab(LabRecipe(), device="cpu")
    yield live
    live.close()


def test_notebooks_of_this_machine_may_frame_it_and_the_token_is_needed(lab):
    with pytest.raises(HTTPError, match="403"):
        urlopen(lab.link.partition("?")[0])
    with build_opener(HTTPCookieProcessor()).open(lab.link) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "frame-ancestors http://localhost:* http://127.0.0.1:*;" in policy
        assert b"<!doctype html>" in answer.read().lower()
    assert f":{lab.port}/?token={lab.token}" in lab.link


def test_closing_ends_the_server_and_the_trainer(lab):
    number = lab._lab._trainers["a"].number
    os.kill(number, 0)
    folder = lab._folder.name
    lab.close()
    assert not lab.running
    assert not os.path.exists(folder)
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)
    with pytest.raises(URLError):
        urlopen(lab.link)
    lab.close()
