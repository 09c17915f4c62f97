# SPDX-License-Identifier: MIT
"""The documentation as a site, the errors that it quotes, and the workflows that publish it."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml
from documents import GUIDES, ROOT, snippets

import ganbench

# -- the site --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built as tox -e docs builds it: a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    words = ["-P", "-m", "mkdocs", "build", "--strict", "--site-dir", folder]
    built = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    assert built.returncode == 0, built.stderr
    return folder


def test_the_tests_install_what_builds_the_site():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    assert set(extras["docs"]) <= set(extras["test"])


def pages(site: Path) -> dict[str, str]:
    """Return the text of the pages of a site that people or the code wrote, by name."""
    found = {path.relative_to(site).as_posix(): path.read_text() for path in site.rglob("*.html")}
    return {name: text for name, text in found.items() if "md-content" in text}


def test_the_site_has_every_page_and_every_page_is_in_its_navigation(site):
    names = {
        document.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
        for document in GUIDES
        if document.is_relative_to(ROOT / "docs")
    }
    assert len(names) > 40
    assert names | {"contributing.html", "changelog.html", "security.html"} <= set(pages(site))


def test_reading_the_site_fetches_nothing(site):
    for name, text in pages(site).items():
        for tag in re.findall(r"<(?:script|link|img|iframe|source)\b[^>]*>", text):
            assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", tag), f"{name}: {tag}"
    for path in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import )[\"']?(?:https?:)?//", path.read_text()), path


def test_links_within_the_site_lead_to_files_and_anchors(site):
    texts = pages(site)
    ids = {name: set(re.findall(r'\bid="([^"]+)"', text)) for name, text in texts.items()}
    for name, text in texts.items():
        body = text.partition("md-content")[2]
        for link in re.findall(r'<(?:a|img)\b[^>]*?(?:href|src)="([^"]+)"', body):
            if re.match(r"[a-z]+:", link):
                continue
            path, _, anchor = unquote(link).partition("#")
            target = os.path.normpath(Path(name).parent / path) if path else name
            assert (site / target).is_file(), f"{name}: {link}"
            if anchor and target in ids and not anchor.startswith("__"):
                assert anchor in ids[target], f"{name}: {link}"


def test_every_public_name_is_in_the_reference_of_python(site):
    documented = {
        identifier
        for name, text in pages(site).items()
        if name.startswith("reference/")
        for identifier in re.findall(r'<h[2-6] id="ganbench\.([\w.]+)"', text)
    }
    names = {name.rpartition(".")[2] for name in documented}
    assert set(ganbench.__all__) - {"__version__"} <= names


def test_no_marker_is_left_and_every_paper_and_verb_is_there(site):
    from ganbench.papers.paper import known_papers

    texts = pages(site)
    left = [name for name, text in texts.items() if "<!-- generated" in text]
    assert not left, "a marker has a line of its own"
    assert set(known_papers()) <= set(re.findall(r"<code>(\w+)</code>", texts["bibliography.html"]))
    from ganbench.cli import app

    verbs = {command.name for command in app.registered_commands} | {"weights"}
    assert verbs <= set(re.findall(r'<h2 id="([\w-]+)"', texts["reference/command-line.html"]))


# -- errors that the documentation quotes ----------------------------------------------------------


@cache
def messages() -> list[tuple[str, str]]:
    """Return what the code may say: a pattern with any text where a value is put in.

    The longest fixed part stands before each pattern, to find the few that can fit a text.
    """
    texts = []
    for path in sorted([*ROOT.glob("ganbench/**/*.py"), *ROOT.glob("zoo/*.py")]):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                texts.append([getattr(part, "value", None) for part in node.values])
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append([node.value])
    texts.append(["Did you mean '", None, "'?"])  # what suggest puts together
    patterns = []
    for parts in texts:
        fixed = [part for part in parts if isinstance(part, str)]
        if len(re.findall(r"[A-Za-z]", "".join(fixed))) >= 5:
            pattern = "".join(
                re.escape(part) if isinstance(part, str) else "(?s:.+?)" for part in parts
            )
            patterns.append((max(fixed, key=len), rf"{pattern}\.?"))
    return patterns


def is_said(text: str) -> bool:
    """Whether the code can say this: as a whole, or sentence by sentence."""
    if any(part in text and re.fullmatch(pattern, text) for part, pattern in messages()):
        return True
    sentences = re.split(r"(?<=[.?]) (?=[A-Z])", text)
    return len(sentences) > 1 and all(map(is_said, sentences))


QUOTED = [
    (block.place, line.partition(": ")[2])
    for document in GUIDES
    for block in snippets(document)
    for line in block.text.splitlines()
    if re.match(r"(error|hint): ", line)
]


@pytest.mark.parametrize(("place", "text"), QUOTED, ids=[place for place, _ in QUOTED])
def test_quoted_errors_exist(place, text):
    assert is_said(text), f"{place}: nothing in the code says: {text}"


def test_an_error_that_nothing_says_is_noticed():
    assert len(QUOTED) > 25
    assert is_said("The weights of alexnet are not on this machine.")
    assert not is_said("The weights of alexnet were left at home.")
    assert not is_said("The weights of alexnet are not on this machine. Nobody knows why they are.")


def test_the_glossary_is_in_alphabetical_order():
    text = (ROOT / "docs/glossary.md").read_text()
    terms = [term.lower() for term in re.findall(r"^\| \*\*(.+?)\*\*", text, re.MULTILINE)]
    assert len(terms) > 40
    assert terms == sorted(terms)


# -- workflows -------------------------------------------------------------------------------------


def workflow(name: str) -> dict:
    """Return a workflow of GitHub; YAML reads its key ``on`` as true."""
    return yaml.safe_load((ROOT / ".github/workflows" / f"{name}.yml").read_text())


def steps(job: dict) -> list[str]:
    """Return the commands of a job."""
    return [step["run"] for step in job["steps"] if "run" in step]


def test_the_workflow_of_tests_types_what_the_readme_says_on_every_supported_version():
    (job,) = workflow("tests")["jobs"].values()
    (command,) = steps(job)
    assert re.search(rf"^{re.escape(command)} ", (ROOT / "README.md").read_text(), re.MULTILINE)
    text = (ROOT / "pyproject.toml").read_text()
    classified = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', text)
    assert job["strategy"]["matrix"]["python"] == classified
    assert f'requires-python = ">={classified[0]}"' in text


def test_a_release_is_published_without_a_token_by_its_tag_alone():
    release = workflow("release")
    assert release[True] == {"push": {"tags": ["v*"]}}
    assert release["jobs"]["publish"]["permissions"] == {"id-token": "write"}
    assert "secrets." not in (ROOT / ".github/workflows/release.yml").read_text()
    first = next(line for line in steps(release["jobs"]["build"]) if "__version__" in line)
    for version, code in ((ganbench.__version__, 0), ("9.9.9", 1)):
        environment = {**os.environ, "GITHUB_REF_NAME": f"v{version}"}
        assert subprocess.run(["bash", "-c", first], cwd=ROOT, env=environment).returncode == code


def test_the_workflow_of_the_site_publishes_what_tox_built():
    build = workflow("docs")["jobs"]["build"]
    assert "tox -e docs" in steps(build)[0]
    upload = next(step for step in build["steps"] if "upload-pages" in step.get("uses", ""))
    settings = (ROOT / "mkdocs.yml").read_text()
    assert f"site_dir: {upload['with']['path']}\n" in settings


@pytest.mark.parametrize("path", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda p: p.name)
def test_files_for_github_are_yaml(path):
    document = yaml.safe_load(path.read_text())
    if path.parent.name == "ISSUE_TEMPLATE" and path.stem != "config":
        assert {"name", "description", "body"} <= set(document)
