# SPDX-License-Identifier: MIT
"""A function is a model and a class is a trick, wherever they are registered side by side."""

import sys
from dataclasses import dataclass

import pytest

from ganbench import Trick, register, registry
from ganbench.errors import ConfigError, InputError
from ganbench.registry import Registry

BOTH = """
from dataclasses import dataclass

from ganbench import Trick, register


@register
def both_model(data):
    \"\"\"A model.\"\"\"


@register("both-trick")
@dataclass(frozen=True)
class BothTrick(Trick):
    \"\"\"A trick.\"\"\"
"""
CATALOGUES = (registry.models, registry.tricks)


def catalogues_like(package, group):
    """Return registries of models and tricks that read another package and other entry points."""
    return [
        Registry(like.kind, package, f"{group}.{like.kind}s", forms=like._forms, fits=like._fits)
        for like in CATALOGUES
    ]


def test_in_a_file(tmp_path):
    path = tmp_path / "both.py"
    path.write_text(BOTH)
    models, tricks = CATALOGUES
    assert models.entry(str(path)).name == "both-model"
    assert tricks.entry(str(path)).name == "both-trick"
    with pytest.raises(
        InputError, match=r"BothTrick \(line 14\) is a class, and a model is a func"
    ):
        models.entry(f"{path}:both_trick")
    with pytest.raises(
        InputError, match=r"both_model \(line 8\) is a function, and a trick is a cl"
    ):
        tricks.entry(f"{path}:both_model")


def test_in_a_package_such_as_the_zoo(tmp_path, monkeypatch):
    (tmp_path / "pack_of_both").mkdir()
    (tmp_path / "pack_of_both/__init__.py").write_text("")
    (tmp_path / "pack_of_both/both.py").write_text(BOTH)
    monkeypatch.syspath_prepend(tmp_path)
    models, tricks = catalogues_like("pack_of_both", "nothing")
    assert (models.names(), tricks.names()) == (["both-model"], ["both-trick"])


def test_in_entry_points(tmp_path, monkeypatch):
    (tmp_path / "made_up_both.py").write_text(
        BOTH + "\n\ndef unmarked(data):\n    pass\n\n\nclass Unmarked:\n    pass\n"
    )
    folder = tmp_path / "made_up_both-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: made-up-both\nVersion: 1.0\n")
    points = "\n".join(
        f"[both.{kind}]\nfirst = made_up_both:both_model\nsecond = made_up_both:BothTrick\n"
        "third = made_up_both:unmarked\nfourth = made_up_both:Unmarked\n"
        for kind in ("models", "tricks")
    )
    (folder / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(tmp_path)
    models, tricks = catalogues_like("package_that_is_not_there", "both")
    assert models.names() == ["first", "fourth", "third"], "unmarked ones are known once imported"
    assert tricks.names() == ["fourth", "second", "third"]
    assert models.get("third").__name__ == "unmarked"
    with pytest.raises(ConfigError, match="Unmarked is a class, and a model is a function"):
        models.get("fourth")
    with pytest.raises(ConfigError, match="unmarked is a function, and a trick is a class"):
        tricks.get("third")


def test_in_a_notebook(monkeypatch):
    @register
    def notebook_model(data):
        """A model."""

    @register("notebook-trick")
    @dataclass(frozen=True)
    class NotebookTrick(Trick):
        """A trick."""

    for value in (notebook_model, NotebookTrick):
        value.__module__ = "__main__"
        monkeypatch.setattr(sys.modules["__main__"], value.__name__, value, raising=False)
    models, tricks = CATALOGUES
    assert models.get("notebook-model") is notebook_model
    assert tricks.get("notebook-trick") is NotebookTrick
    assert "notebook-trick" not in models.names()
    assert "notebook-model" not in tricks.names()
    with pytest.raises(ConfigError, match="is not a model"):
        models.add(NotebookTrick)
    with pytest.raises(ConfigError, match="is not a trick"):
        tricks.add(notebook_model)


def test_in_what_is_bundled():
    models, tricks = CATALOGUES
    origins = [{entry.origin for entry in each.entries().values()} for each in (models, tricks)]
    assert not origins[0] & origins[1]
    assert {entry.form for entry in models.entries().values()} == {"function"}
    assert {entry.form for entry in tricks.entries().values()} == {"class"}
