# SPDX-License-Identifier: MIT
"""The parts of the documentation's site that are made from the code when the site is built."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import typer.main
from rich.text import Text
from typer.core import TyperOption

import ganbench
from ganbench import cli, registry
from ganbench.cli.options import PANELS
from ganbench.papers.credits import papers_of
from ganbench.papers.listing import list_of_papers
from ganbench.papers.paper import PAPER_KINDS, Paper

ROOT = Path(__file__).resolve().parents[1]
HEADINGS = {
    "variant": "Variants",
    "trick": "Tricks",
    "loss": "Losses",
    "metric": "Metrics",
    "network": "Feature networks",
    "dataset": "Datasets",
    "theory": "Theory",
    "survey": "Surveys",
    "application": "Applications",
}
"""The headings of the bibliography, by the kind of a paper."""
PUBLIC: dict[str, tuple[str, ...]] = ganbench._NAMES_BY_HOME
"""The public names of ganbench, by the module that defines them."""


def plain(markup: str | None) -> str:
    """Return a text of the command line, in one line, so that Markdown shows it literally."""
    text = " ".join(Text.from_markup(markup or "").plain.split())
    return re.sub(r"([\\`*_|\[\]])", r"\\\1", text.replace("&", "&amp;").replace("<", "&lt;"))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


# -- the command line ------------------------------------------------------------------------------


def command_line(_: str) -> str:
    """Return a section for each verb: what it does, its arguments, its options, examples."""
    group = typer.main.get_command(cli.app)
    sections = []
    for verb, command in group.commands.items():  # type: ignore[attr-defined]
        sections.append(f"## {verb}\n\n{paragraphs(command.help)}")
        if nested := getattr(command, "commands", None):
            for name, subcommand in nested.items():
                sections.append(f"### {verb} {name}\n\n{paragraphs(subcommand.help)}")
                sections += parameters(f"ganbench {verb} {name}", subcommand)
        else:
            sections += parameters(f"ganbench {verb}", command)
        examples = [line for line in command.epilog.splitlines() if line.startswith("ganbench")]
        sections.append("```sh\n" + "\n".join(examples) + "\n```")
    return "\n\n".join(sections)


def paragraphs(markup: str | None) -> str:
    """Return the paragraphs of a command's help."""
    return "\n\n".join(plain(part) for part in re.split(r"\n\s*\n", markup or ""))


def parameters(words: str, command: Any) -> list[str]:
    """Return the usage of a command, and a table of its options for each panel of its help."""
    given = [each for each in command.params if not isinstance(each, TyperOption)]
    options = [each for each in command.params if isinstance(each, TyperOption)]
    usage = [each.name.upper() if each.required else f"[{each.name.upper()}]" for each in given]
    parts = [f"```text\n{' '.join([words, *usage, '[OPTIONS]'])}\n```"]
    if given:
        rows = [[f"`{each.name.upper()}`", plain(each.help)] for each in given]
        parts.append(table(["argument", "meaning"], rows))
    for panel in PANELS:
        rows = [
            [option_text(each), plain(each.help)]
            for each in options
            if each.rich_help_panel == panel and not each.hidden
        ]
        if rows:
            parts.append(table([panel, ""], rows))
    return parts


def option_text(option: TyperOption) -> str:
    """Return every spelling of an option, and what its value is called."""
    value = "" if option.is_flag or not option.metavar else f" {option.metavar}"
    spellings = [*option.opts, *option.secondary_opts]
    return ", ".join(f"`{name}`" for name in spellings[:-1]) + (
        f"{', ' if len(spellings) > 1 else ''}`{spellings[-1]}{value}`".replace("|", "\\|")
    )


# -- Python ----------------------------------------------------------------------------------------


def python(homes: str) -> str:
    """Return the places where mkdocstrings puts the public names of some modules.

    Args:
        homes: Modules of ganbench, such as ``api citations``; ``tricks.*`` stands for a folder.
    """
    blocks = []
    for pattern in homes.split():
        matching = [home for home in PUBLIC if fnmatch(home, pattern)]
        assert matching, f"no public name is defined in {pattern}"
        blocks += [
            f"::: ganbench.{home}.{name}\n"
            f"    options:\n      heading: ganbench.{name}\n      toc_label: {name}"
            for home in matching
            for name in PUBLIC[home]
        ]
    return "\n\n".join(blocks)


def entries(kind: str) -> str:
    """Return a table of the registered entries of a kind, such as ``tricks``, with their papers."""
    catalogue = registry.KINDS[kind].entries()
    rows = [
        [
            f"`{name}`",
            code_spans(entry.summary),
            ", ".join(reference(paper) for paper in papers_of(kind.removesuffix("s"), entry)),
        ]
        for name, entry in sorted(catalogue.items())
    ]
    return table(["name", "what it is", "papers"], rows)


def code_spans(docstring: str) -> str:
    """Return a sentence of a docstring as Markdown: its double backticks become single ones."""
    return docstring.replace("``", "`").replace("|", "\\|").replace("<", "&lt;")


# -- papers and pictures ---------------------------------------------------------------------------


def reference(paper: Paper) -> str:
    """Return a link to a paper that names its first author and its year."""
    first = paper.authors[0].split(",")[0]
    others = " et al." if len(paper.authors) > 2 else ""
    if len(paper.authors) == 2:
        others = f" and {paper.authors[1].split(',')[0]}"
    return f"[{first}{others}, {paper.year}]({paper.address})"


def bibliography(_: str) -> str:
    """Return all papers of the list, by kind and year."""
    sections = []
    for kind in PAPER_KINDS:
        papers = list_of_papers(kind=kind)
        lines = [citation(paper) for paper in papers]
        sections.append(f"## {HEADINGS[kind]}\n\n" + "\n".join(lines))
    return "\n\n".join(sections)


def citation(paper: Paper) -> str:
    """Return an item of the bibliography: who wrote what, where it is, and what it is about."""
    authors = (
        " and ".join(paper.authors) if len(paper.authors) < 3 else f"{paper.authors[0]} et al."
    )
    code = f" · [code]({paper.code})" if paper.code else ""
    used = f" In ganbench: {', '.join(f'`{name}`' for name in paper.ganbench)}." * bool(
        paper.ganbench
    )
    return (
        f"- **{plain(paper.title)}**. {plain(authors)}, {paper.published}. "
        f"[{paper.identifier}]({paper.address}){code}. {plain(paper.summary)}{used} "
        f"`{paper.key}`"
    )


def pretrained(_: str) -> str:
    """Return the samples of every bundled generator, with how it was made and measured."""
    parts = []
    for folder in sorted((ROOT / "zoo/pretrained").iterdir()):
        run = json.loads((folder / "config.json").read_text())["run"]
        name, value = next(iter(run["result"]["metrics"].items()))
        measured = f"{name} {value['value']:.3g} [{value['low']:.3g}, {value['high']:.3g}]"
        parts.append(
            f"### {folder.name}\n\n"
            f"{run['kimg']:g} kimg, seed {run['config']['seed']}, {measured}.\n\n"
            f"![Samples of {folder.name}](zoo/pretrained/{folder.name}/samples.png)"
        )
    return "\n\n".join(parts)


def samples(folder: str) -> str:
    """Return the pictures of a report's runs with seed 0, named after their runs."""
    paths = sorted((ROOT / folder / "samples").glob("*-seed0.webp"))
    assert paths, f"{folder} has no samples"
    figures = [
        f'<figure markdown="span">\n![Samples of {label}]({path.relative_to(ROOT)})\n'
        f"<figcaption>{label}</figcaption>\n</figure>"
        for path in paths
        for label in [path.stem.removesuffix("-seed0")]
    ]
    return '<div class="grid-of-samples" markdown>\n\n' + "\n\n".join(figures) + "\n\n</div>"


def example(name: str) -> str:
    """Return a script of the folder ``examples``."""
    text = (ROOT / "examples" / name).read_text().removeprefix("# SPDX-License-Identifier: MIT\n")
    return f"```python\n{text}```"


BLOCKS: dict[str, Callable[[str], str]] = {
    "bibliography": bibliography,
    "command-line": command_line,
    "entries": entries,
    "example": example,
    "pretrained": pretrained,
    "python": python,
    "samples": samples,
}
"""What ``<!-- generated: NAME ARGUMENTS -->`` may name."""
MARKER = re.compile(r"^<!-- generated: ([\w-]+) ?(.*?) -->$", re.MULTILINE)


def with_generated_blocks(markdown: str) -> str:
    """Return a page with everything that its markers name."""
    return MARKER.sub(lambda match: BLOCKS[match[1]](match[2]), markdown)
