# SPDX-License-Identifier: MIT
"""The documentation is true: its snippets run, its commands parse, its links and lists hold.

A snippet runs as a user would run it, except that it is short: a table below says how, and names
the commands that are checked for their form only, each with the reason.
"""

from __future__ import annotations

import inspect
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import replace
from importlib.metadata import entry_points
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from documents import GUIDES, ROOT, commands, inline_code, name_of, prose, snippets
from PIL import Image
from typed_commands import GROUP, find_command, parse

import ganbench
from ganbench import registry

PAGES = [*GUIDES, ROOT / "CHANGELOG.md", *sorted((ROOT / "reports").rglob("*.md"))]
REGISTRIES = {
    value.group: value for value in vars(registry).values() if isinstance(value, registry.Registry)
}
LANGUAGES = {"python", "sh", "toml", "text"}


ALL = [snippet for document in GUIDES for snippet in snippets(document)]
RUNNABLE = list(
    {block.text: block for block in reversed(ALL) if block.language in {"python", "sh"}}.values()
)[::-1]
"""Each block once, in its first document: the README shows some that a page shows, too."""


def test_every_block_says_its_language():
    assert len(RUNNABLE) > 10
    for snippet in ALL:
        assert snippet.language in LANGUAGES, f"{snippet.place}: {snippet.language!r}"
    for document in GUIDES:
        assert not re.search(r"\n\n {4,}\S", prose(document)), f"{document.name}: fence the code"
        assert "~~~" not in prose(document)


# -- snippets run --------------------------------------------------------------------------------

FORM_ONLY = {
    r"ganbench lab( .*)?": "serves until Ctrl-C; tests/lab does it",
    r'pip install -e "\.\[lab\]"': "changes the environment",
    r"git clone …": "needs the network",
    r"cd ganbench": "the clone",
    r"pip install -e \.(\[test\])?": "changes the environment",
    r'pip install -e "\.\[test\]"': "changes the environment",
    r"pip install tox": "changes the environment",
    r"tox( -e docs)?": "runs these tests, or builds the site, as tests/test_site.py does",
    r"pytest -n 2": "runs these tests",
    r"python (?P<script>\S+\.py)( .+)?": "takes minutes or hours",
    r"ganbench weights fetch [\w ]+": "downloads up to 500 MB",
    r"ganbench weights import \S+\.pth": "needs a file of 90 MB",
    r"ganbench run --from RUN .+": "needs a finished run; tests/cli/test_run.py makes one",
    r"ganbench report --diff HEAD~1:\S+ \S+": "needs a repository; tests/records has one",
    r"ganbench report reports/atlas/\S+ .+": "900 runs; tests/records joins a report with runs",
    r"ganbench doctor --tune": "takes minutes; tests/speed/test_autotune.py runs it",
}
"""Commands that are not run: their form, and why."""

SHORT = {
    "run": "--kimg 0.1 --batch-size 8 --samples 64 --evaluations 0 --quiet",
    "compare": "--kimg 0.1 --batch-size 8 --evaluations 0 --limit 2 --backend inline --quiet",
    "eval": "--quiet",
    "throughput": "--quiet",
}
"""What is added to a verb so that it is over in a moment; a later option wins."""

SHORT_PYTHON = {
    r'"kimg": \d+': '"kimg": 0.1, "batch_size": 8',
    r"range\(5\)": "range(1)",
    r"COUNT = 3000": "COUNT = 300",
    r"TRIALS = 10": "TRIALS = 3",
    r"(sample\(|samples=)1000": r"\g<1>100",
}


def without_downloads(metric: str) -> str:
    """Return a metric with a bundled network in place of one whose weights must be fetched."""
    if "@" in metric:
        return metric
    name = {"lpips": "lpips-diversity"}.get(metric, metric)
    network = getattr(registry.metrics.get(name), "network", None)
    if network in {"inception", "inception-clean", "dinov2", "clip"}:
        return f"{metric}@mnist-cnn"
    return f"{metric}@structure" if network == "alexnet" else metric


def shorten(words: list[str]) -> list[str]:
    """Return the words of a ganbench command, made short."""
    if "--metrics" in words:
        at = words.index("--metrics") + 1
        names = ",".join(without_downloads(name) for name in words[at].split(","))
        words = [*words[:at], names, *words[at + 1 :]]
    if words[0] == "compare":  # which refuses them where it carries out the cells itself
        idle = {"-j", "--jobs", "--timeout"}
        words = [word for before, word in pairwise(["", *words]) if not {before, word} & idle]
    short = SHORT.get(words[0], "")
    if any(word.startswith("batch_size=") for word in words):  # what is varied is not set
        short = short.replace("--batch-size 8", "")
    return [*words, *short.split()]


def shorten_python(text: str) -> str:
    """Return a Python snippet, made short."""
    for pattern, replacement in SHORT_PYTHON.items():
        text = re.sub(pattern, replacement, text)
    names = registry.metrics.names()
    return re.sub(
        r'"([\w-]+)"', lambda m: f'"{without_downloads(m[1]) if m[1] in names else m[1]}"', text
    )


@pytest.fixture(scope="module")
def named_files(tmp_path_factory):
    """A folder that has what the snippets name."""
    folder = tmp_path_factory.mktemp("named")
    rng = np.random.default_rng(0)
    for images in ("samples", "photos"):
        (folder / images).mkdir()
        for index in range(40):
            pixels = rng.integers(0, 256, (48, 40, 3), np.uint8)
            Image.fromarray(pixels).save(folder / images / f"{index}.png")
    studiogan = folder / "samples" / "biggan" / "fake"
    drawn = rng.integers(0, 256, (40, 48, 40, 3), np.uint8)
    for index, pixels in enumerate(drawn):
        (studiogan / "png" / str(index % 2)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(studiogan / "png" / str(index % 2) / f"{index}.png")
    (studiogan / "npz").mkdir()
    labels = np.arange(40) % 2
    np.savez(studiogan / "npz" / "samples.npz", x=drawn.transpose(0, 3, 1, 2), y=labels)
    np.savez(folder / "samples_40x48x40x3.npz", drawn, labels)
    np.save(folder / "images.npy", rng.integers(0, 256, (256, 28, 28), np.uint8))
    return folder


@pytest.fixture
def place(named_files, tmp_path, monkeypatch, quick_choices):
    """A working folder that has what the snippets name, and short measurements."""
    shutil.copytree(named_files, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    from ganbench.datasets import mnist5k

    def few_digits(split, read=mnist5k.read_split):
        images, labels = read(split)
        return images[:200], labels[:200]

    monkeypatch.setattr(mnist5k, "read_split", few_digits)
    monkeypatch.setattr("ganbench.harness.run_metrics.default_samples", lambda data: 64)
    monkeypatch.setattr("ganbench.harness.run.EVALUATIONS", 0)
    for module in ("runtime.threads", "speed.autotune"):  # two threads on a busy core are slow
        monkeypatch.setattr(f"ganbench.{module}.usable_cores", lambda: 1)
    from ganbench.speed import throughput

    def measure_first(cases, protocol, *, command, progress, measure=throughput.measure):
        config = cases[0].config.model_copy(update={"model": "vanilla", "dataset": "ring8"})
        recipe = config.recipe.model_copy(update={"batch_size": 8})
        case = replace(cases[0], config=config.model_copy(update={"recipe": recipe}), tricks=())
        quick = replace(protocol, rounds=2, seconds=0.05)
        return measure([case], quick, command=command, progress=progress)

    monkeypatch.setattr(throughput, "measure", measure_first)
    return tmp_path


def run_command(cli, command: str) -> str:
    """Run one command, or check its form where it is in ``FORM_ONLY``; return its output."""
    for form in FORM_ONLY:
        if match := re.fullmatch(form, command):
            script = match.groupdict().get("script")
            if script:
                written = (ROOT / script).read_text()
                for option in re.findall(r" (--[\w-]+)", command):
                    assert f'"{option}"' in written, f"{script} has no {option}"
            if command.startswith("ganbench"):
                parse(shlex.split(command)[1:])
            return ""
    program, _, file = command.partition(" > ")
    first, *words = shlex.split(program)
    assert first == "ganbench", f"no rule for: {command}"
    outcome = cli(*shorten(words))
    bounded = any(word.startswith("--fail-if-") for word in words)
    assert outcome.code in ({0, 3} if bounded else {0}), f"{command}: {outcome.err}"
    if file:
        Path(file.strip()).write_text(outcome.out)
    return outcome.out


@pytest.mark.parametrize("snippet", RUNNABLE, ids=lambda snippet: snippet.place)
def test_snippets_run(snippet, place, cli):
    for block in ALL:
        if block.document == snippet.document and block.file:
            (place / block.file).write_text(block.text)
    if snippet.language == "sh":
        for command in commands(snippet.text):
            run_command(cli, command)
    else:
        program = place / (snippet.file or "snippet.py")
        program.write_text(shorten_python(snippet.text))
        runpy.run_path(str(program))


def test_settings_in_files_are_used_by_a_command_or_checked_below():
    for block in ALL:
        if block.language == "toml" and block.file != "pyproject.toml":
            scripts = [other.text for other in snippets(block.document) if other.language == "sh"]
            used = any(f"ganbench compare {block.file}" in script for script in scripts)
            assert used, f"{block.place}: no rule for this block"


def test_the_first_command_prints_what_the_readme_and_the_tutorial_show(cli):
    shown = [block.text for block in ALL if "real vs. real ┃" in block.text]
    assert len(shown) == 2
    printed = run_command(cli, "ganbench run --model vanilla")

    def fixed(text: str) -> list[list[str]]:
        """Return the table's header and first column, and how the lines below begin."""
        rows = [re.split("[┃│]", line)[1:-1] for line in text.splitlines()]
        header, *metrics = [[cell.strip() for cell in row] for row in rows if row]
        return [header, [row[0] for row in metrics], re.findall(r"^\w+: ", text, re.MULTILINE)]

    assert [fixed(text) for text in shown] == [fixed(printed)] * 2


EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.name)
def test_examples_run(script, place, monkeypatch):
    if "import optuna" in script.read_text():
        pytest.importorskip("optuna")
    program = place / script.name
    program.write_text(shorten_python(script.read_text()))
    monkeypatch.setenv("PYTHONPATH", str(Path(ganbench.__file__).parents[1]))  # of its processes
    runpy.run_path(str(program), run_name="__main__")
    written = {path.name for path in place.iterdir()}
    names = re.findall(r'"([\w-]+\.(?:png|onnx|csv|bib|html))"', script.read_text())
    assert set(names) <= written, "every file that the script names was written"


def test_every_example_is_shown_on_a_page_of_the_site():
    shown = {
        name
        for document in GUIDES
        for name in re.findall(r"^<!-- generated: example (\S+) -->$", document.read_text(), re.M)
    }
    assert shown == {script.name for script in EXAMPLES}


def test_the_installed_command_is_the_one_that_the_snippets_ran():
    (script,) = entry_points(group="console_scripts", name="ganbench")
    assert script.value == "ganbench.__main__:start"
    installed = Path(sys.executable).parent / "ganbench"
    printed = subprocess.run([installed, "--version"], capture_output=True, text=True, check=True)
    assert printed.stdout == f"ganbench {ganbench.__version__}\n"


def test_what_nobody_handles_fails(cli):
    with pytest.raises(AssertionError, match="no rule for: rm -r runs"):
        run_command(cli, "rm -r runs")
    with pytest.raises(AssertionError, match=r"no rule for: pip install -e \. other"):
        run_command(cli, "pip install -e . other")
    with pytest.raises(AssertionError, match="ganbench ls trick"):
        run_command(cli, "ganbench ls trick")
    assert commands("a b  # c\n# d\ne \\\n  f && g") == ["a b", "e    f", "g"]


# -- commands and options exist --------------------------------------------------------------------


def option_names(command: object) -> set[str]:
    """Return every spelling of a verb's options."""
    names = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    return {*names, "--help", "-h"}


EVERY_OPTION = {
    name
    for verb in (*GROUP.commands.values(), *GROUP.commands["weights"].commands.values(), GROUP)
    for name in option_names(verb)
}


def test_commands_in_tables_parse():
    lines = [
        line for line in prose(ROOT / "docs/commands.md").splitlines() if line.startswith("| `")
    ]
    typed = [code for line in lines for code in re.findall(r"`([^`]+)`", line.split(" | ")[0])]
    typed = [code.partition(" -m ")[2] or code for code in typed if "ganbench " in code]
    assert len(typed) > 15
    for code in typed:
        parse(shlex.split(code)[1:])


@pytest.mark.parametrize("document", [*GUIDES, ROOT / "CHANGELOG.md"], ids=name_of)
def test_commands_options_and_names_in_the_text_exist(document):
    for code in inline_code(document):
        first, *words = code.split()
        if first == "ganbench" or "-m ganbench" in code:
            command, rest = find_command(code.partition("ganbench ")[2].split())
            options = {word.partition("=")[0] for word in rest if word.startswith("-")}
            assert options <= option_names(command), f"{document.name}: {code}"
        elif first.startswith("-"):
            options = {word for word in (first, *words) if re.fullmatch(r"--?[a-z-]+", word)}
            assert options <= EVERY_OPTION, f"{document.name}: {code}"
        for name in re.findall(r"\bganbench\.(\w+)", code):
            known = f"ganbench.{name}" in REGISTRIES or (ROOT / "ganbench" / name).is_dir()
            assert known or hasattr(ganbench, name), f"{document.name}: {code}"
        for path in re.findall(r"^(?:ganbench|tests|docs|benchmarks|tools)/[\w/]+\.\w+$", code):
            placeholder = re.search(r"/(test_)?[xy]\.", path)
            assert placeholder or (ROOT / path).exists(), f"{document.name}: {path}"


# -- links and lists hold --------------------------------------------------------------------------


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", PAGES, ids=name_of)
def test_relative_links_lead_somewhere(document):
    text = prose(document)
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    for link in links:
        if not re.match(r"https?:|data:|mailto:", link):
            path, _, anchor = link.partition("#")
            target = (document.parent / path).resolve() if path else document
            assert target.exists(), f"{document}: {link}"
            assert not anchor or anchor in anchors(target), f"{document}: {link}"


def test_the_catalog_lists_what_is_registered(cli):
    section = prose(ROOT / "docs/catalog.md").partition("\n## ")[0] + "\n\n"
    items = re.findall(r"^- \*\*(\w+)\*\*: (.+?)(?=\n- |\n\n)", section, re.MULTILINE | re.DOTALL)
    listed = {kind.lower(): sorted(re.findall(r"`([^`]+)`", names)) for kind, names in items}
    document = cli("ls", "--json").document
    document.pop("schema", None)
    assert listed == {kind: sorted(row["name"] for row in rows) for kind, rows in document.items()}


def table_rows(document: Path, heading: str) -> list[list[str]]:
    """Return the cells of the table whose header begins with a word."""
    table = prose(document).partition(f"\n| {heading} |")[2].partition("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    assert rows, f"{document.name} has no table of {heading}"
    return rows


def test_the_table_of_metrics_is_the_registry():
    listed: set[str] = set()
    for names, _, network, better, _ in table_rows(ROOT / "docs/metrics.md", "name"):
        named = [name for name in re.findall(r"`([^`]+)`", names) if name != "lpips"]
        for index, name in enumerate(named):
            metric = registry.metrics.get(name)
            assert better.split(", ")[index if "," in better else 0] == metric.better, name
            if "`" in network:
                assert network.strip("`") == metric.network, name
        listed |= set(named)
    assert listed == set(registry.metrics.names())


def test_the_table_of_hooks_is_the_contract():
    from ganbench.trick import HOOKS, Trick, overridden_hooks

    tricks = {name: registry.tricks.get(name)() for name in registry.tricks.names()}
    listed = []
    for signature, _, users in table_rows(ROOT / "CONTRIBUTING.md", "hook"):
        hook, arguments = re.fullmatch(r"`(\w+)\((.*)\)`", signature).groups()
        expected = list(inspect.signature(getattr(Trick, hook)).parameters)[1:]
        assert arguments.split(", ") == expected, hook
        if not hook.startswith("check"):
            acting = {name for name, trick in tricks.items() if hook in overridden_hooks(trick)}
            assert set(re.findall(r"`([\w-]+)`", users)) == acting, hook
        listed.append(hook)
    assert sorted(listed) == sorted(HOOKS)


def test_entry_points_are_those_of_the_registries():
    (block,) = [block for block in ALL if block.file == "pyproject.toml"]
    assert set(tomllib.loads(block.text)["project"]["entry-points"]) == set(REGISTRIES)


def test_contributing_shows_the_house_as_it_is():
    rules = runpy.run_path(str(ROOT / "tests/test_layout.py"))
    text = [block.text for block in snippets(ROOT / "CONTRIBUTING.md") if block.language == "text"]
    (tree,) = [block for block in text if block.startswith("ganbench/\n")]
    inside = set(re.findall(r"^  (\w+)(?:/|\.py) ", tree, re.MULTILINE))
    assert inside == {*rules["RANKS"], "__init__", "__main__"}
    folders = set(re.findall(r"^(\w+)/", tree, re.MULTILINE))
    assert all((ROOT / folder).is_dir() for folder in folders)
    (order,) = [block for block in text if block.startswith("api\n")]
    ranks = sorted(set(rules["RANKS"].values()), reverse=True)
    assert [line.split(", ") for line in order.splitlines()] == [
        sorted(unit for unit, rank in rules["RANKS"].items() if rank == level) for level in ranks
    ]


def test_extras_and_variables_are_listed_with_nothing_that_is_not_there():
    def listed(column):
        rows = table_rows(ROOT / "docs/installation.md", column)
        return [name for first, *_ in rows for name in re.findall(r"`([^`]+)`", first)]

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert sorted(listed("extra")) == sorted(project["optional-dependencies"])
    code = "".join(path.read_text() for path in (ROOT / "ganbench").rglob("*.py"))
    variables = listed("variable")
    for name in variables:
        assert f'"{name}"' in code or name == "NO_COLOR", name  # rich reads that one
    own = {name for name in variables if name.startswith("GANBENCH_")}
    assert own == set(re.findall(r'"(GANBENCH_[A-Z]+)"', code))
