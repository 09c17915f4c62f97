# SPDX-License-Identifier: MIT
"""Links that hold in the repository lead to the same things on the site."""

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def hooks(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    return importlib.import_module("site_hooks")


@pytest.mark.parametrize(
    ("place", "link", "expected"),
    [
        ("zoo.md", "../reports/README.md", "reports/index.html"),
        ("zoo.md", "../reports/zoo/losses/README.md", "reports/zoo/losses/index.md"),
        ("results.md", "../reports/index.html", "reports/index.html"),
        ("how-to/own-gan.md", "../../CONTRIBUTING.md#tests", "../contributing.md#tests"),
        ("how-to/own-gan.md", "../../examples/own_gan.py", "../examples/own_gan.py"),
        ("how-to/own-gan.md", "../backbones.md", "../backbones.md"),
        ("contributing.md", "docs/papers.md#the-list", "papers.md#the-list"),
        ("contributing.md", "reports/self-check/fashion-mnist/README.md",
         "reports/self-check/fashion-mnist/index.md"),
        ("index.md", "#where-to-go", "#where-to-go"),
        ("index.md", "https://arxiv.org/abs/1406.2661", "https://arxiv.org/abs/1406.2661"),
        ("gallery.md", "zoo/pretrained/dcgan@mnist5k/samples.png",
         "zoo/pretrained/dcgan@mnist5k/samples.png"),
    ],
)  # fmt: skip
def test_links_lead_to_the_same_thing(hooks, place, link, expected):
    assert hooks.linked(f"See [this]({link}).", place) == f"See [this]({expected})."


def test_code_is_left_alone(hooks):
    page = "```python\nx = [a](../reports/README.md)\n```\n[b](../reports/README.md)\n"
    assert hooks.linked(page, "index.md") == (
        "```python\nx = [a](../reports/README.md)\n```\n[b](reports/index.html)\n"
    )
