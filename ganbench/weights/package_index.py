# SPDX-License-Identifier: MIT
"""A source archive as it lies in a Python package index: downloaded, and never built.

``pip download`` asks an archive for its metadata, and so runs its ``setup.py``. Here the indexes
that pip is configured with are read as pages of links (PEP 503), and the file itself is taken.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from ganbench.progress import Progress
from ganbench.weights.catalogue import Package
from ganbench.weights.downloader import Checksum, NotGivenError, download, read_page

_USUAL_INDEX = "https://pypi.org/simple"
_SECTIONS = ("global", "download", ":env:")
"""The sections of pip's configuration that count for a download, the strongest last."""


def index_download(package: Package, folder: Path, progress: Progress) -> Path:
    """Download a distribution into a folder from where pip would look; nothing in it is run.

    Raises:
        NotGivenError: no index has the file, or the file that it has is another one.
        OSError: the folder cannot be written.
    """
    target = folder / package.file
    reasons = []
    for page in _pages(package):
        try:
            address = _address_of(package, page)
            download(
                address,
                target,
                Checksum("SHA-256", package.sha256),
                size_bytes=package.size_bytes,
                progress=progress,
            )
        except NotGivenError as error:
            reasons.append(str(error))
        else:
            return target
    listed = "; ".join(reasons) or "pip is told to ask none"
    raise NotGivenError(f"no package index gives {package.file} ({listed})")


def _pages(package: Package) -> Iterator[str]:
    """Yield the pages that may have a link to a package's file, or the folders that have it."""
    settings = _pip_settings()
    for place in settings.get("find-links", "").split():
        yield place if "://" in place else Path(place).expanduser().absolute().as_uri()
    if settings.get("no-index", "").lower() in {"1", "true", "yes", "on"}:
        return
    name = re.sub(r"[-_.]+", "-", package.name).lower()
    indexes = [settings.get("index-url", _USUAL_INDEX), settings.get("extra-index-url", "")]
    for index in " ".join(indexes).split():
        yield f"{index.rstrip('/')}/{name}/"


def _pip_settings() -> dict[str, str]:
    """Return what pip is configured with; nothing where there is no pip."""
    # With -P, because ``-m pip`` would run a pip.py of the working folder.
    command = [sys.executable, "-P", "-m", "pip", "config", "list", "--disable-pip-version-check"]
    result = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    lines = [line.partition("=") for line in result.stdout.splitlines() if "=" in line]
    found = {key.strip(): value.strip() for key, _, value in lines}
    settings: dict[str, str] = {}
    for section in _SECTIONS:
        for key, value in found.items():
            if key.startswith(f"{section}."):
                settings[key.removeprefix(f"{section}.")] = str(ast.literal_eval(value))
    return settings


def _address_of(package: Package, page: str) -> str:
    """Return the address of a package's file on a page of links, or in a folder.

    Raises:
        NotGivenError: the page has no link to the file, or cannot be read.
    """
    parts = urlsplit(page)
    if parts.username or parts.password:
        raise NotGivenError(f"{parts.hostname} asks for a password")
    if parts.scheme == "file":
        folder = Path(unquote(parts.path))
        if (folder / package.file).is_file():
            return (folder / package.file).as_uri()
        page = (folder / "index.html").as_uri() if folder.is_dir() else page
    base, text = read_page(page)
    links = _Links()
    links.feed(text)
    for link in links.found:
        address = urlsplit(urljoin(base, link))
        if unquote(address.path).rpartition("/")[2] == package.file:
            return urlunsplit(address._replace(fragment=""))
    raise NotGivenError(f"{page} has no link to it")


class _Links(HTMLParser):
    """Gathers the targets of a page's links."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where a link leads."""
        self.found += [value for key, value in attrs if tag == "a" and key == "href" and value]
