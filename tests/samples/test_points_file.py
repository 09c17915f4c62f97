# SPDX-License-Identifier: MIT
"""Points in text files: what is read, and what is refused with its line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench.errors import InputError
from ganbench.samples import open_samples
from ganbench.samples.points_file import read_points


@pytest.mark.parametrize(
    "text",
    [
        "1,2\n3,4\n",
        "1, 2\r\n3, 4",
        "x,y\n1,2\n3,4\n",
        '"x","y"\n"1","2"\n3,4\n',
        "\ufeffx;y\n1;2\n3;4\n",
        "# a comment\n\n1\t2\n\n# more\n3\t4\n",
        "1 2\n  3   4\n",
        "+1.0,2e0\n.3e1,4.\n",
    ],
)
@pytest.mark.parametrize("ending", ["csv", "txt"])
def test_separators_headers_and_comments(tmp_path, stacked, text, ending):
    path = tmp_path / f"points.{ending}"
    path.write_text(text, encoding="utf-8")
    samples = open_samples(path)
    assert stacked(samples).tolist() == [[1, 2], [3, 4]]
    assert samples.facts.kind == "points"
    assert samples.facts.shape == (2,)


@settings(max_examples=50, deadline=None)
@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.lists(
                st.floats(width=32, allow_nan=False, allow_infinity=False),
                min_size=width,
                max_size=width,
            ),
            min_size=1,
            max_size=20,
        )
    )
)
def test_points_that_numpy_writes_come_back(tmp_path_factory, points):
    path = tmp_path_factory.mktemp("points") / "p.csv"
    array = np.array(points, dtype=np.float32)
    np.savetxt(path, array, delimiter=",", fmt="%.9g")
    np.testing.assert_array_equal(read_points(path).astype(np.float32), array)
    precise = array.astype(np.float64) * (1 / 3)
    np.savetxt(path, precise, delimiter=",")
    np.testing.assert_array_equal(read_points(path), precise)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1,2\n3\n", "Line 2 of .* has 1 coordinates; 2 were expected"),
        ("x,y\n1,2,3\n", "Line 2 of .* has 3 coordinates; 2 were expected"),
        ("1,2\n\n3,four\n", "Line 3 of .* holds 'four', which is no number"),
        ("1,y\n3,4\n", "Line 1 of .* holds 'y'"),
        ("x,y\na,b\n1,2\n", "Line 2 of .* holds 'a'"),
        ("1,2\n3,\n", "Line 2 of .* holds ''"),
        ("1,2\n3,nan\n", "Line 2 of .* not finite"),
        ("1,2\n-inf,4\n", "Line 2 of .* not finite"),
        ("1,2\n3,1e39\n", "Line 2 of .* not finite"),
        ("1,2\n3,1e999\n", "Line 2 of .* not finite"),
        ("1,2\n3,1_000\n", "Line 2 of .* holds '1_000'"),
        ("1,2\n3,٣\n", "no number"),
        (",x,y\n0,1,2\n", "looks like a row number"),
        ("", "holds no points"),
        ("x,y\n", "holds no points"),
        ("# nothing\n", "holds no points"),
        ("1" * 2**21, "Line 1 of .* is too long"),
    ],
)
def test_other_texts_are_refused(tmp_path, text, sentence):
    path = tmp_path / "points.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=sentence):
        open_samples(path)


def test_what_is_no_text_at_all(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\x89PNG\r\n\xff\xfe\x00" * 10)
    with pytest.raises(InputError, match="not a text file of points"):
        open_samples(tmp_path / "a.csv")
