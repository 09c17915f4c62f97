# SPDX-License-Identifier: MIT
"""What a user's file imports from its own folder, and how that counts in its hash."""

import hashlib
import sys

import pytest

from ganbench import registry
from ganbench.errors import InputError
from ganbench.registry import Registry
from ganbench.siblings import file_digest, load_file, sibling_files
from ganbench.source_digest import source_digest

THING = "from ganbench.registry import register\n\n\n@register\ndef thing():\n    return {}\n"


@pytest.fixture
def things():
    return Registry("thing", "package_that_is_not_there", "ganbench.nothing")


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file below the test's folder, and returns its path."""

    def make(name, text=""):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return make


def names_of(paths, folder):
    return [path.relative_to(folder).as_posix() for path in paths]


IMPORTS = [
    # how a file imports, what it calls, which files count
    ("import helper", "helper.value()", ["helper.py", "other.py"]),
    ("from helper import value", "value()", ["helper.py", "other.py"]),
    ("import helper as h", "h.value()", ["helper.py", "other.py"]),
    ("import pack.deep.leaf", "pack.deep.leaf.NAME", "all of pack"),
    ("import pack.deep.leaf as leaf", "leaf.NAME", "all of pack"),
    ("from pack import side", "side.NAME", ["pack/__init__.py", "pack/side.py"]),
    ("from pack import *", "side.NAME", ["pack/__init__.py", "pack/side.py"]),
    ("from pack.deep import leaf", "leaf.NAME", "all of pack"),
    ("import math, json", "math.floor(1)", []),
]
ALL_OF_PACK = ["pack/__init__.py", "pack/deep/__init__.py", "pack/deep/leaf.py", "pack/side.py"]


@pytest.fixture
def folder(write, tmp_path):
    """A folder with two modules that import each other, and a package with relative imports."""
    write("helper.py", "import other\n\n\ndef value():\n    return other.NAME + 'helper'\n")
    write("other.py", "import helper\n\nNAME = 'other'\n")
    write("pack/__init__.py", "__all__ = ['side']\n")
    write("pack/side.py", "NAME = 'side'\n")
    write("pack/deep/__init__.py")
    write("pack/deep/leaf.py", "from ..side import NAME\nimport pack.side\n")
    write("math.py", "raise RuntimeError('the library is meant')\n")
    write("unrelated.py", "raise RuntimeError('nobody imports this')\n")
    return tmp_path


@pytest.mark.parametrize("inside", [False, True], ids=["at the top", "inside the function"])
@pytest.mark.parametrize(("statement", "call", "expected"), IMPORTS)
def test_an_import_finds_siblings_which_are_known_before(
    things, folder, write, statement, call, expected, inside
):
    if inside and "*" in statement:
        return  # Python does not have it
    text = THING.format(call)
    if inside:
        text = text.replace("    return", f"    {statement}\n    return")
    else:
        text = f"{statement}\n{text}"
    path = write("mine.py", text)
    expected = ALL_OF_PACK if expected == "all of pack" else expected
    assert names_of(sibling_files(path), folder) == expected
    path_before, modules_before = list(sys.path), set(sys.modules)
    answer = things.get(str(path))()
    assert answer in ("otherhelper", "side", 1)
    used = {
        getattr(sys.modules[name], "__file__", None)
        for name in set(sys.modules) - modules_before
        if name.startswith("ganbench_folder_")
    }
    used = {file for file in used if file} - {str(path)}
    assert used == {str(folder / name) for name in expected}
    assert sys.path == path_before
    assert "helper" not in sys.modules
    assert not list(folder.rglob("__pycache__"))


def test_two_folders_may_have_a_helper_each(things, write):
    lazy = "\n\ndef lazy():\n    from helper import NAME\n    return NAME\n"
    paths = []
    for name in ("a", "b"):
        write(f"{name}/helper.py", f"NAME = '{name}'\n")
        text = "import helper\n" + THING.format("helper.NAME + lazy()") + lazy
        paths.append(write(f"{name}/mine.py", text))
    first, second = (things.get(str(path)) for path in paths)
    assert (first(), second(), first()) == ("aa", "bb", "aa")


def test_a_file_called_like_a_library_means_the_library(things, write):
    path = write("pydantic.py", "import pydantic\n" + THING.format("pydantic.VERSION"))
    assert things.get(str(path))()
    assert sibling_files(path) == []
    path = write("sub/mine.py", "import ganbench\n" + THING.format("ganbench.__name__"))
    write("sub/ganbench/__init__.py", "")
    assert things.get(str(path))() == "ganbench"
    assert sibling_files(path) == []


def test_without_siblings_the_hash_is_that_of_the_file(write):
    path = write("alone.py", "import json\n\nimport torch\n\nfrom ganbench import GAN\n")
    assert file_digest(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_folder_may_have_a_name_that_is_not_utf_8(things, write):
    write("\udcff/helper.py", "NAME = 'helper'\n")
    path = write("\udcff/mine.py", "import helper\n\n" + THING)
    assert [path.name for path in sibling_files(path)] == ["helper.py"]
    assert things.get(str(path))() == {}
    assert len(file_digest(path)) == 64


def test_the_hash_covers_what_is_imported_through_others_and_nothing_else(folder, write):
    path = write("mine.py", "import helper\n")
    before = file_digest(path)
    write("unrelated.py", "changed = True\n")
    assert file_digest(path) == before
    write("other.py", "import helper\n\nNAME = 'changed'\n")
    changed = file_digest(path)
    assert changed != before
    moved = write("elsewhere/mine.py", path.read_text())
    for name in ("helper.py", "other.py"):
        write(f"elsewhere/{name}", (folder / name).read_text())
    assert file_digest(moved) == changed, "where the folder is does not count"


@pytest.mark.parametrize("name", ["vanilla", "dcgan", "wgan-gp"])
def test_the_hash_of_ganbenchs_own_models_is_that_of_their_file(name):
    path = registry.models.entry(name).path
    assert (
        source_digest(registry.models, name) == (hashlib.sha256(path.read_bytes()).hexdigest()[:16])
    )


def test_a_sibling_that_changed_is_loaded_again(things, write):
    write("helper.py", "NAME = 'first'\n")
    path = write("mine.py", "import helper\n" + THING.format("helper.NAME"))
    assert things.get(str(path))() == "first"
    write("helper.py", "NAME = 'other'\n")  # of the same length, within the same second
    assert things.get(str(path))() == "first", "what is planned is carried out"
    things.forget_changed_files()
    assert things.get(str(path))() == "other"
    again = things.get(str(path))
    things.forget_changed_files()
    assert things.get(str(path)) is again


MISTAKES = [
    # the files, what the sentence says, in mine.py unless another file is named
    ({"mine.py": "import nowhere_at_all\n"}, r"mine\.py:1 .*: No module named 'nowhere_at_all'\."),
    ({"mine.py": "\nimport bad\n", "bad.py": "def f(:\n"}, r"mine\.py:2 .*\(bad\.py, line 1\)"),
    (
        {"mine.py": "import bad\n", "bad.py": "\n\nraise ValueError('no')\n"},
        r"bad\.py:3 cannot be imported: ValueError: no\.",
    ),
    (
        {"mine.py": "from good import gone\n", "good.py": ""},
        r"mine\.py:1 cannot be imported: cannot import name 'gone' from 'good'",
    ),
    ({"mine.py": "import good.sub\n", "good.py": ""}, r"No module named 'good\.sub'"),
    ({"mine.py": "1 / 0\n"}, r"mine\.py:1 cannot be imported: ZeroDivisionError: division by"),
    ({"mine.py": "import sys\nsys.exit(3)\n"}, r"mine\.py:2 cannot be imported: SystemExit: 3\."),
]


@pytest.mark.parametrize(("files", "words"), MISTAKES)
def test_what_is_wrong_is_said_with_its_line(things, write, files, words):
    for name, text in files.items():
        write(name, text)
    path = write("mine.py", files["mine.py"] + THING.format("1"))
    with pytest.raises(InputError, match=words) as raised:
        things.get(str(path))
    assert "ganbench_folder" not in raised.value.message


def test_a_folder_that_is_no_package_is_explained(things, write):
    write("pack/inner.py")
    path = write("mine.py", "from pack import inner\n" + THING.format("1"))
    with pytest.raises(InputError, match="No module named 'pack'") as raised:
        things.get(str(path))
    assert "__init__.py" in raised.value.hint


def test_a_file_that_fails_leaves_no_half_of_a_module(write):
    path = write("mine.py", "raise RuntimeError\n")
    with pytest.raises(RuntimeError):
        load_file(path)
    assert str(path) not in {getattr(module, "__file__", "") for module in sys.modules.values()}
