# SPDX-License-Identifier: MIT
"""Texts without paths of this machine."""

from __future__ import annotations

import pytest

from ganbench.records.strip_paths import strip_paths, strip_paths_in


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/someone/runs/a.txt", "a.txt"),
        ("--out=/tmp/x/runs --model ~/zoo/my.py", "--out=runs --model my.py"),
        ("'/a folder/x'", "'a folder/x'"),
        ("C:\\Users\\someone\\runs", "runs"),
        ("/home/someone/", "someone"),
        ("~/", "folder"),
        ("./mygan.py ../other/x.py", "./mygan.py ../other/x.py"),
        ("images/s, 1/2, fid@a/b/c", "images/s, 1/2, fid@a/b/c"),
        ("fid/v1@cnn:0a1b/resize(28)/mnist5k:v1/n=5", "fid/v1@cnn:0a1b/resize(28)/mnist5k:v1/n=5"),
        ("['/srv/x/a.py', (/srv/b)]", "['a.py', (b)]"),
        ("https://example.org/a/b", "https://example.org/a/b"),
        ("", ""),
    ],
)
def test_absolute_paths_shrink_to_their_last_part(text: str, expected: str) -> None:
    assert strip_paths(text) == expected
    assert strip_paths(strip_paths(text)) == strip_paths(text)


def test_portable_reaches_every_depth() -> None:
    value = {"a": ["/x/y", {"/p/q": 1.5}], "b": None, "c": True}
    assert strip_paths_in(value) == {"a": ["y", {"q": 1.5}], "b": None, "c": True}
