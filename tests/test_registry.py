# SPDX-License-Identifier: MIT
"""Names are found in packages, entry points and files by reading sources, without imports."""

import sys
import types
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench import registry
from ganbench.errors import ConfigError, GanbenchError, InputError, UnknownNameError
from ganbench.registry import FILE, Registry, canonical, name_of, register, scan

HEAD = "from ganbench.registry import register\n\n\n"


def entry(name, documentation="Does it.", mark="@register"):
    return f'{mark}\ndef {name}():\n    """{documentation}"""\n    return "{name}"\n\n\n'


@pytest.fixture
def package(tmp_path, monkeypatch, request):
    """Return a function that writes modules into a new package, and returns its registry."""
    name = "pack_" + canonical(request.node.name).replace("-", "_").split("[")[0]

    def make(group="ganbench.nothing", **modules):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        for module, text in modules.items():
            (folder / f"{module}.py").write_text(HEAD + text)
        monkeypatch.syspath_prepend(tmp_path)
        return Registry("thing", name, group)

    yield make
    for module in [loaded for loaded in sys.modules if loaded.split(".")[0] == name]:
        del sys.modules[module]


@pytest.fixture
def distribution(tmp_path, monkeypatch):
    """Return a function that installs a made-up distribution with entry points and modules."""

    def make(group, points, modules=()):
        site = tmp_path / "site"
        folder = site / "made_up-1.0.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: made-up\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in points.items()]
        (folder / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))
        for name, text in dict(modules).items():
            path = site / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        monkeypatch.syspath_prepend(site)
        return site

    yield make
    for module in [name for name in sys.modules if name.split(".")[0].startswith("made_up")]:
        del sys.modules[module]


def test_names_are_read_from_sources_that_are_never_imported(package):
    things = package(mine=entry("first") + 'raise RuntimeError("was imported")\n')
    assert things.names() == ["first"]
    assert f"{things.package}.mine" not in sys.modules
    with pytest.raises(InputError, match=r"mine\.py cannot be imported: was imported"):
        things.get("first")


def test_what_counts_as_an_entry(package):
    things = package(
        a=entry("two_words") + entry("other", mark='@register("Its_Name")'),
        b='@register("kind")\nclass Kind:\n    """A class."""\n',
        c='import functools\n\n\n@functools.cache\ndef plain():\n    """None."""\n',
        d='def outer():\n    @register\n    def inner():\n        """None."""\n',
        e='@register("twice")\n@staticmethod\ndef decorated():\n    """Two decorators."""\n',
        _private=entry("hidden"),
    )
    assert things.names() == ["its-name", "kind", "twice", "two-words"]
    assert things.get("its-name")() == "other"
    assert name_of(things.get("TWO_WORDS")) == "two-words"
    assert things.get("Two-Words") is things.get("two_words")


def test_an_entry_tells_its_summary_its_paper_and_its_place(package):
    paper = "Paper: Someone, 2001, arXiv:0101.00001"
    things = package(
        own=entry("own", f"Own words.\n\n    {paper}\n\n    More."),
        shared=entry("shared", "Its line."),
    )
    module = things.entry("own").path.parent / "shared.py"
    module.write_text(f'"""Of the module.\n\n{paper}2\n"""\n' + module.read_text())
    own, shared = things.entries()["own"], next(scan(module, "shared"))
    assert (own.summary, own.paper) == ("Own words.", "Someone, 2001, arXiv:0101.00001")
    assert (shared.summary, shared.paper) == ("Its line.", "Someone, 2001, arXiv:0101.000012")
    assert "Of the module." in shared.documentation
    place, line = own.origin.rsplit(":", 1)
    assert (own.path.read_text().splitlines()[int(line) - 1]) == "def own():"
    assert place == str(own.path)


def test_an_unknown_name_suggests_the_nearest(package):
    things = package(a=entry("gradient_penalty") + entry("spectral_norm"))
    with pytest.raises(UnknownNameError) as raised:
        things.get("gradient_penlaty")
    assert raised.value.message == (
        "Unknown thing 'gradient_penlaty'. Did you mean 'gradient-penalty'?"
    )
    assert raised.value.hint == "There are: gradient-penalty, spectral-norm."
    with pytest.raises(UnknownNameError) as raised:
        things.get("zzz")
    assert raised.value.message == "Unknown thing 'zzz'."


def test_two_of_one_name_name_both_origins(package):
    things = package(a=entry("same"), b=entry("other", mark='@register("SAME")'))
    with pytest.raises(ConfigError) as raised:
        things.names()
    folder = raised.value.message.split("'same': ")[1]
    assert raised.value.message.startswith("Two things are called 'same': ")
    assert "a.py:5" in folder
    assert "b.py:5" in folder


def test_a_broken_sibling_does_not_hide_the_others(package):
    things = package(good=entry("good"), bad="def broken(:\n", worse=entry("worse"))
    path = things.entry("good").path
    path.with_name("binary.py").write_bytes(b"\xff\xfe\x00")
    again = Registry("thing", things.package, things.group)
    assert again.names() == ["good", "worse"]
    assert len(again.problems) == 2
    assert all("is not valid Python" in problem for problem in again.problems)
    with pytest.raises(UnknownNameError, match=r"Unknown thing 'broken'.*bad\.py is not valid"):
        again.get("broken")


def test_a_name_that_vanished_is_said(package):
    things = package(a=entry("gone") + "del gone\n")
    with pytest.raises(GanbenchError, match="no longer defines gone"):
        things.get("gone")


def test_names_match_globs(package):
    things = package(a=entry("wgan") + entry("wgan_gp") + entry("dcgan"))
    assert things.names("wgan*") == ["wgan", "wgan-gp"]
    assert things.names("W*_GP") == ["wgan-gp"]
    assert things.names("x*") == []


def test_entry_points_are_described_by_their_source(package, distribution):
    things = package(group="made.up.one", own=entry("own"))
    documentation = "A plugin.\n\n    Paper: Someone, 2002, arXiv:0202.00002"
    text = HEAD + entry("thing", documentation) + entry("no_mark", mark="")
    distribution(
        "made.up.one",
        {"Their_Name": "made_up.sub:thing", "plain": "made_up.sub:no_mark"},
        {"made_up/__init__.py": "", "made_up/sub.py": text},
    )
    assert things.names() == ["own", "plain", "their-name"]
    their_entry = things.entry("their-name")
    assert their_entry.summary == "A plugin."
    assert their_entry.paper == "Someone, 2002, arXiv:0202.00002"
    assert their_entry.origin.endswith("sub.py:5")
    assert "made_up.sub" not in sys.modules
    assert things.get("their_name")() == "thing"
    assert things.entry("plain").origin == "made_up.sub:no_mark"
    assert things.get("plain")() == "no_mark"
    assert name_of(things.get("plain")) == "plain"


def test_a_broken_plugin_hides_nothing_and_is_named(package, distribution):
    things = package(group="made.up.two", own=entry("own"))
    distribution(
        "made.up.two",
        {
            "syntax": "made_up_syntax:thing",
            "gone": "made_up_gone:thing",
            "parent": "made_up_parent.sub:thing",
        },
        {
            "made_up_syntax.py": "def thing(:\n",
            "made_up_parent/__init__.py": "raise ValueError('no')\n",
            "made_up_parent/sub.py": HEAD + entry("thing"),
        },
    )
    assert things.names() == ["gone", "own"]
    assert len(things.problems) == 2
    with pytest.raises(InputError, match="made_up_gone cannot be imported"):
        things.get("gone")


def test_a_plugin_that_takes_a_name_is_refused_with_both_origins(package, distribution):
    things = package(group="made.up.three", own=entry("own"))
    distribution(
        "made.up.three",
        {"own": "made_up_three:thing"},
        {"made_up_three.py": HEAD + entry("thing")},
    )
    with pytest.raises(ConfigError, match=r"'own': .*own\.py:5 and .*made_up_three\.py:5"):
        things.names()


@pytest.fixture
def things():
    return Registry("thing", "package_that_is_not_there", "ganbench.nothing")


def test_a_file_is_a_registry_of_its_own(things, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mygan.py").write_text(HEAD + entry("my_gan"))
    assert things.entry("./mygan.py").name == "my-gan"
    loaded = things.get("mygan.py")
    assert loaded() == "my_gan"
    assert getattr(loaded, FILE) == "mygan.py"
    assert things.get("./mygan.py:my_gan") is loaded
    assert things.names() == []


def test_one_of_several_in_a_file_is_named(things, tmp_path):
    path = tmp_path / "two.py"
    path.write_text(HEAD + entry("first") + entry("second"))
    assert things.get(f"{path}:SECOND")() == "second"
    with pytest.raises(InputError) as raised:
        things.get(str(path))
    assert "registers several things: first, second" in raised.value.message
    assert raised.value.hint == f"Choose one: {path}:first."
    with pytest.raises(InputError, match="registers no thing 'third'"):
        things.get(f"{path}:third")


def test_what_is_wrong_with_a_file_is_one_sentence(things, tmp_path):
    empty, broken, failing = (tmp_path / f"{name}.py" for name in ("empty", "broken", "failing"))
    empty.write_text("x = 1\n")
    broken.write_text("def f(:\n")
    failing.write_text(HEAD + entry("f") + "import there_is_no_such_module\n")
    with pytest.raises(InputError, match=r"empty\.py registers no thing") as raised:
        things.get(str(empty))
    assert "@register" in raised.value.hint
    with pytest.raises(InputError, match=r"broken\.py is not valid Python"):
        things.get(str(broken))
    with pytest.raises(InputError, match="cannot be imported: No module named"):
        things.get(str(failing))
    with pytest.raises(InputError, match="There is no file"):
        things.get(str(tmp_path / "none.py"))
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(InputError, match="There is no file"):
        things.get(str(tmp_path / "folder.py"))


def test_files_of_one_name_are_told_apart(things, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.py").write_text(HEAD + entry(f"from_{folder}"))
    assert things.get(str(tmp_path / "a/same.py"))() == "from_a"
    assert things.get(str(tmp_path / "b/same.py"))() == "from_b"


@given(st.text())
def test_there_is_one_spelling(name):
    assert canonical(canonical(name)) == canonical(name)
    assert canonical("WGAN_GP") == canonical(" wgan-gp ") == "wgan-gp"


def test_register_marks_and_changes_nothing_else():
    def some_thing():
        return 3

    assert register(some_thing) is some_thing
    assert name_of(some_thing) == "some-thing"
    assert name_of(register("Other_Name")(some_thing)) == "other-name"


def test_empty_brackets_register_too():
    @register()
    def some_thing():
        return 3

    assert name_of(some_thing) == "some-thing"


def test_what_has_no_name_is_not_registered():
    with pytest.raises(
        ConfigError, match="An object of type int cannot be registered: it has no name"
    ):
        register(3)


@dataclass(frozen=True)
class Named:
    """A frozen value with a name, as a loss is."""

    name: str


VALUE = """
from tests_of_values import Named

first_value = register(Named("first-value"))
'''Its line.

Paper: Someone, 2003, arXiv:0303.00003
'''

other = ganbench.register(Named("another"))
"""


@pytest.fixture
def named_values(monkeypatch):
    module = types.ModuleType("tests_of_values")
    module.Named = Named
    monkeypatch.setitem(sys.modules, "tests_of_values", module)


def test_a_value_is_registered_with_the_docstring_below_it(package, named_values):
    things = package(a=VALUE.replace("ganbench.register", "register"))
    value_entry = things.entry("first-value")
    assert (value_entry.form, value_entry.summary) == ("value", "Its line.")
    assert value_entry.paper == "Someone, 2003, arXiv:0303.00003"
    loaded = things.get("first_value")
    assert loaded == Named("first-value")
    assert name_of(loaded) == "first-value"
    with pytest.raises(ConfigError, match="the thing other is named 'another'"):
        things.get("other")


def test_of_a_file_only_what_fits_the_kind_is_listed(package, named_values):
    things = package(a=entry("function") + "@register\nclass Kind:\n    pass\n" + VALUE)
    assert things.names() == ["first-value", "function", "kind", "other"]
    for form, names in {"function": ["function"], "class": ["kind"]}.items():
        assert Registry("thing", things.package, "nothing", forms=(form,)).names() == names
    path = str(things.entry("kind").path)
    assert Registry("model", "nothing", "nothing", forms=("function",)).entry(path).name == (
        "function"
    )


def test_a_single_module_is_a_catalogue_too():
    assert "hinge" in Registry("loss", "ganbench.losses", "nothing").names()


def test_objects_are_added_for_the_session(things):
    def mine():
        """Mine."""

    assert things.add(mine) == "mine"
    assert things.get("mine") is mine
    assert things.entry("mine").summary == "Mine."
    assert things.names() == ["mine"]

    def mine():
        """Mine, executed again."""

    things.add(mine)
    assert things.get("mine") is mine


def test_an_object_that_does_not_fit_or_takes_a_name_is_not_added(package):
    things = package(a=entry("known"))

    def known():
        """Another."""

    with pytest.raises(ConfigError, match=r"A thing called 'known' exists already: .*a\.py:5"):
        things.add(known)
    assert things.add(things.get("known")) == "known"
    with pytest.raises(ConfigError, match="is not a loss"):
        registry.losses.add(known)


@pytest.mark.parametrize("kind", registry.KINDS)
def test_every_registered_name_loads_and_says_what_it_is(kind):
    entries = registry.KINDS[kind]
    assert entries.names()
    assert not entries.problems
    for name, described in entries.entries().items():
        loaded = entries.get(name)
        assert callable(loaded) or kind == "losses"
        assert name_of(loaded) == name
        assert described.summary.endswith(".")
