# SPDX-License-Identifier: MIT
"""Where test files stand: at the place of their module, or in CONTRIBUTING's list of themes."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEST_FILES = sorted(ROOT.glob("tests/**/test_*.py"))
HOMES = (ROOT / "ganbench", ROOT)
"""Where the module of ``tests/x/test_y.py`` may be: ``ganbench/x/y.py``, or ``tools/y.py``."""


def modules_of(test_file: Path) -> list[Path]:
    """Return the modules that stand where a test file stands."""
    place = test_file.relative_to(ROOT / "tests")
    module = place.with_name(place.name.removeprefix("test_"))
    return [home / module for home in HOMES if (home / module).is_file()]


def themes() -> dict[str, str]:
    """Return the theme of each file in CONTRIBUTING's list."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    table = text.partition("\n| file | theme |\n")[2].partition("\n\n")[0]
    return dict(re.findall(r"^\| `(tests/\S+\.py)` \| (.+) \|$", table, re.MULTILINE))


def test_a_test_file_stands_where_its_module_stands_or_has_a_theme():
    listed = themes()
    assert TEST_FILES
    for test_file in TEST_FILES:
        name = test_file.relative_to(ROOT).as_posix()
        assert bool(modules_of(test_file)) != (name in listed), (
            f"{name} must stand where its module stands, or be in CONTRIBUTING's list of themes "
            "(and not both)"
        )


def test_the_list_of_themes_names_files_that_are_there_and_what_they_test():
    listed = themes()
    assert listed
    for name, theme in listed.items():
        assert (ROOT / name).is_file(), f"CONTRIBUTING lists {name}, which is not there"
        assert len(theme.split()) > 2, f"{name} needs a theme in words"
    assert list(listed) == sorted(listed), "the list is in alphabetical order"
