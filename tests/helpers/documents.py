# SPDX-License-Identifier: MIT
"""The documentation as tests read it: documents, their fenced blocks, their prose and commands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUIDES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
"""What people wrote for people; every one of these is a page of the site, or its front."""


def name_of(document: Path) -> str:
    """Return the place of a document in the repository."""
    return document.relative_to(ROOT).as_posix()


@dataclass(frozen=True)
class Snippet:
    """A fenced block of a document."""

    document: Path
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        return f"{name_of(self.document)}:{self.line}"

    @property
    def file(self) -> str:
        """The name of the file that the block is, if its first line is ``# NAME``."""
        match = re.match(r"# ([\w.-]+\.(?:py|toml))\n", self.text)
        return match[1] if match else ""


def snippets(document: Path) -> list[Snippet]:
    """Return the fenced blocks of a document, in order."""
    blocks: list[Snippet] = []
    language, first, lines = "", 0, []
    for number, line in enumerate(document.read_text().splitlines(keepends=True), 1):
        if not line.startswith("```"):
            lines.append(line)
        elif first:
            blocks.append(Snippet(document, first, language, "".join(lines)))
            first = 0
        else:
            language, first, lines = line[3:].strip(), number, []
    assert not first, f"{document.name}:{first}: the block has no end"
    return blocks


def prose(document: Path) -> str:
    """Return a document without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)


def inline_code(document: Path) -> list[str]:
    """Return what stands in backticks, line breaks as spaces."""
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose(document))]


def commands(script: str) -> list[str]:
    """Return the single commands of a shell script, without comments."""
    lines = script.replace("\\\n", " ").splitlines()
    bare = [re.sub(r"(^|\s+)#.*", "", line) for line in lines]
    return [part.strip() for line in bare for part in line.split("&&") if part.strip()]
