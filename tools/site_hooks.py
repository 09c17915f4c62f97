# SPDX-License-Identifier: MIT
"""Hooks of MkDocs: the site holds more than ``docs/``, and parts of it are generated.

Pages link to the report pages, the examples and CONTRIBUTING.md by paths of the repository, so that
the links work there, too. On the site the same files have a place of their own.
"""

from __future__ import annotations

import os.path
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from site_blocks import ROOT, with_generated_blocks

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

MOVED = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "README.md": "index.md",
}
"""Files of the repository's root that are pages of the site."""
CARRIED = (
    "reports/**/index.html",
    "reports/**/*.svg",
    "reports/**/*.webp",
    "reports/**/README.md",
    "reports/self-check/**/*.json",
    "zoo/pretrained/*/samples.png",
    "examples/*.py",
)
"""Files outside ``docs/`` that the site holds under the same path."""
_LINK = re.compile(r"(\]\()([^)\s]+)(\))")
_FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files outside ``docs/`` to the site."""
    from mkdocs.structure.files import File

    for name, place in MOVED.items():
        if place not in files.src_uris:
            files.append(File.generated(config, place, abs_src_path=str(ROOT / name)))
    for pattern in CARRIED:
        for path in sorted(ROOT.glob(pattern)):
            place = report_page(path).relative_to(ROOT).as_posix()
            if place in files.src_uris:  # the report has a page, which says the same
                continue
            files.append(File.generated(config, place, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Fill in what is generated, and lead links to where the site has their targets."""
    place = page.file.src_uri
    return linked(with_generated_blocks(markdown), place)


def linked(markdown: str, place: str) -> str:
    """Return a page whose links fit the site.

    Args:
        markdown: The page, with links that fit the repository.
        place: Its place on the site: ``how-to/own-data.md``.
    """
    moved = {target: name for name, target in MOVED.items() if name != "README.md"}
    outside = place in moved or place.startswith("reports/")
    folder = (ROOT / moved.get(place, place) if outside else ROOT / "docs" / place).parent
    parts = _FENCE.split(markdown)
    parts[::2] = [
        _LINK.sub(lambda m: f"{m[1]}{site_link(m[2], folder, place)}{m[3]}", part)
        for part in parts[::2]
    ]
    return "".join(parts)


def report_page(path: Path) -> Path:
    """Return where the site shows the Markdown of a report: as its page, or as a page of the site.

    MkDocs leaves out files of the name README.md. Any other path is returned as it is.
    """
    if path.name != "README.md" or path.parent == ROOT or "reports" not in path.parts:
        return path
    page = path.with_name("index.html")
    return page if page.exists() else path.with_name("index.md")


def site_link(link: str, folder: Path, place: str) -> str:
    """Return the link from a page of the site to what a link of the repository leads to.

    Args:
        link: The link as it stands in the page: ``../reports/README.md#a-heading``.
        folder: The folder of the page in the repository.
        place: The place of the page on the site.
    """
    path, mark, anchor = link.partition("#")
    if not path or re.match(r"\w+:", link):
        return link
    target = Path(os.path.normpath(folder / path))
    if not target.exists():  # a generated picture names its place on the site
        target = ROOT / path
    page = report_page(target)
    if page.suffix == ".html":  # whose anchors have other names
        mark = anchor = ""
    name = page.relative_to(ROOT).as_posix()
    name = MOVED.get(name, name).removeprefix("docs/")
    return os.path.relpath(name, Path(place).parent).replace(os.sep, "/") + mark + anchor
