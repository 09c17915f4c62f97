# SPDX-License-Identifier: MIT
"""The card of a trained generator, as Hugging Face reads it: facts for machines, then for people.

The form is that of https://huggingface.co/docs/hub/model-cards: YAML between two lines of dashes,
then Markdown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganbench.config import RunConfig, TrickConfig, trick_text, validate
from ganbench.errors import ConfigError
from ganbench.records.bundled_generators import DataTerms
from ganbench.records.json_values import as_mapping, json_text
from ganbench.records.measurement import Measurement

_TASKS = {"image": "unconditional-image-generation"}
"""The tasks of the Hub, by kind of data; the others have none."""


@dataclass(frozen=True)
class CardNotes:
    """What a card says beyond the document of an export.

    ``published`` are numbers of papers on the same data: source, model, metrics as printed, and how
    their protocol differs. ``gray_levels`` is the most by which half precision moved a pixel.
    """

    name: str
    typed: str = "."
    """What a command takes for the generator: its name, or the folder that the card is in."""
    summary: str = ""
    paper: str = ""
    license: str = ""
    terms: DataTerms | None = None
    published: Sequence[Mapping[str, Any]] = ()
    gray_levels: int | None = None


def model_card(document: Mapping[str, Any], notes: CardNotes) -> str:
    """Return the README.md of an exported generator.

    Args:
        document: Its description: see ``export_document``.
        notes: What else is known of it.
    """
    run, generator = as_mapping(document["run"]), as_mapping(document["generator"])
    config = as_mapping(run["config"])
    metrics = {
        name: Measurement.read(record)
        for name, record in as_mapping(as_mapping(run.get("result")).get("metrics")).items()
    }
    parts = [
        _header(document, config, metrics, notes),
        f"# {notes.name}",
        _opening(document, config, notes),
        "![Samples, drawn with seed 0](samples.png)",
        "## How to use it",
        _usage(notes, generator),
        "## How it was trained",
        _training(run, config),
        "## How good it is",
        _measured(metrics),
        *_published(notes),
        "## Limits",
        _listed(_limits(document, config, metrics, notes)),
        "## Data and license",
        _licenses(config, notes),
        "## Watermark",
        "There is no watermark in the samples, visible or hidden.",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _header(
    document: Mapping[str, Any],
    config: Mapping[str, Any],
    metrics: Mapping[str, Measurement],
    notes: CardNotes,
) -> str:
    """Return the part that the Hub reads."""
    task = _TASKS.get(str(as_mapping(document["generator"])["kind"]), "")
    lines = ["---", f"license: {notes.license}"] if notes.license else ["---"]
    lines += ["library_name: ganbench"]
    lines += [f"pipeline_tag: {task}"] if task else []
    tags = ["gan", str(config["model"]), *(trick["name"] for trick in config["tricks"])]
    lines += ["tags:", *(f"- {json_text(tag)}" for tag in dict.fromkeys(tags))]
    lines += ["datasets:", f"- {json_text(config['dataset'])}"]
    measured = {name: record.value for name, record in metrics.items() if record.value is not None}
    if measured and task:
        lines += [
            "model-index:",
            f"- name: {json_text(notes.name)}",
            "  results:",
            "  - task:",
            f"      type: {task}",
            "    dataset:",
            f"      name: {json_text(config['dataset'])}",
            f"      type: {json_text(config['dataset'])}",
            "    metrics:",
        ]
        for name, value in measured.items():
            lines += [f"    - type: {json_text(name.partition('@')[0])}"]
            lines += [f"      name: {json_text(name)}", f"      value: {value:.6g}"]
    return "\n".join([*lines, "---"])


def _opening(document: Mapping[str, Any], config: Mapping[str, Any], notes: CardNotes) -> str:
    """Say in a few lines what the generator draws, and of what size it is."""
    facts, data = as_mapping(document["generator"]), as_mapping(document["data"])
    kimg = as_mapping(document["run"]).get("kimg")
    shape = " × ".join(map(str, data["shape"]))
    trained = f"`{config['model']}`, trained on `{config['dataset']}`"
    length = f" for {kimg:g} thousand real examples" if isinstance(kimg, int | float) else ""
    asked = (
        f" A class from 0 to {facts['classes'] - 1} may be asked for." if facts["classes"] else ""
    )
    sentences = [
        f"A generator of examples {shape}: {trained}{length}.{asked}",
        f"It has {facts['parameters']:,} parameters, stored as {facts['stored_as']}.",
    ]
    idea = " ".join(filter(None, [notes.summary, f"Paper: {notes.paper}." if notes.paper else ""]))
    return "\n\n".join(filter(None, [" ".join(sentences), idea]))


def _usage(notes: CardNotes, generator: Mapping[str, Any]) -> str:
    """Return commands that draw, measure and convert."""
    one_class = " --class 3" if generator["classes"] > 3 else ""
    lines = [
        f"ganbench sample {notes.typed} --count 64{one_class} --out samples.png",
        f"ganbench eval {notes.typed}",
        f"ganbench export {notes.typed} --to onnx",
    ]
    return "\n".join(["```sh", *lines, "```"])


def _training(run: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """Return the recipe, the tricks and the command."""
    recipe = as_mapping(config["recipe"])
    rows = [("loss", config["loss"]), ("seed", config["seed"])]
    tricks = [trick_text(validate(TrickConfig, trick)) for trick in config["tricks"]]
    rows += [("tricks", ", ".join(tricks) or "none")]
    for key, value in recipe.items():
        rows += [(key, _optimizer(value) if isinstance(value, Mapping) else value)]
    if origin := as_mapping(config.get("origin")):
        rows += [("went on from the run", f"{origin['run']}, after {origin['kimg']:g} kimg")]
    rows += [("identity of the run", run.get("identity"))]
    table = _table(("setting", "value"), [(key, f"`{value}`") for key, value in rows])
    command = str(run.get("command") or "")
    made = f"The command that made it:\n\n```sh\n{command}\n```" if command else ""
    return "\n\n".join(filter(None, [table, made, _from_the_start(config, tricks)]))


def _from_the_start(config: Mapping[str, Any], tricks: Sequence[str]) -> str:
    """Return the command that makes a run that went on from another in one piece; empty if none."""
    recipe = as_mapping(config["recipe"])
    if recipe["schedule"] != "constant" or "->" in json_text(config) or not _only_longer(config):
        return ""
    words = ["ganbench run", f"--model {config['model']}", f"--dataset {config['dataset']}"]
    words += [*(f"--trick {trick}" for trick in tricks), f"--kimg {recipe['kimg']:g}"]
    command = " ".join([*words, f"--seed {config['seed']}"])
    return (
        "Nothing in its recipe depends on the length of training. So one command gives the same "
        "weights, on the same kind of processor and with the settings of the table:\n\n"
        f"```sh\n{command}\n```"
    )


def _only_longer(config: Mapping[str, Any]) -> bool:
    """Tell whether a run went on from one that differs from it in nothing but its length.

    That one is known by its identity, and by the examples that it was shown: those that were asked
    for, and what the last batch had beyond them.
    """
    try:
        longer = validate(RunConfig, config)
    except ConfigError:  # too little is recorded to claim it
        return False
    if longer.origin is None:
        return False
    kimg = longer.origin.kimg
    return longer.origin.run in {
        longer.model_copy(
            update={"origin": None, "recipe": longer.recipe.model_copy(update={"kimg": length})}
        ).identity
        for length in (kimg, *(float(round(kimg, digits)) for digits in range(3)))
    }


def _optimizer(spec: Mapping[str, Any]) -> str:
    text = f"{spec['kind']} at {spec['learning_rate']}"
    if spec["kind"] != "adam":
        return text
    first, second = spec["betas"]
    return f"{text}, betas {first:g} and {second:g}"


def _measured(metrics: Mapping[str, Measurement]) -> str:
    """Return what was measured at the end of the run, each number with its protocol."""
    if not metrics:
        return "Nothing was measured when it was exported: its run was not over, or had no metrics."
    rows = [
        (
            f"{name} {'↓' if record.better == 'lower' else '↑'}",
            "–" if record.value is None else f"{record.value:.4g}",
            "–" if record.low is None else f"{record.low:.4g} – {record.high:.4g}",
            "–" if record.floor is None else f"{record.floor:.4g}",
            f"`{record.protocol}`",
        )
        for name, record in metrics.items()
    ]
    table = _table(("metric", "value", "95 % interval", "real vs. real", "protocol"), rows)
    return (
        f"{table}\n\nMeasured at the end of the run, on the weights as trained. The intervals are "
        "over samples of this one generator; another seed of training gives another generator."
    )


def _published(notes: CardNotes) -> list[str]:
    """Return published numbers on the same data, or say that none are on record."""
    if not notes.published:
        return ["No published numbers on these data by a comparable protocol are on record."]
    rows = [
        (
            row["model"],
            ", ".join(f"{name} {value}" for name, value in row["metrics"].items()),
            row["source"],
            row["differs"],
        )
        for row in notes.published
    ]
    return ["Published:", _table(("model", "metrics", "source", "what differs"), rows)]


def _limits(
    document: Mapping[str, Any],
    config: Mapping[str, Any],
    metrics: Mapping[str, Measurement],
    notes: CardNotes,
) -> Iterable[str]:
    """Yield what the generator cannot do, and what is not known of it."""
    facts = as_mapping(document["generator"])
    yield f"It draws what `{config['dataset']}` holds, at this size, and nothing else."
    if not any(name.startswith(("authpct", "mifid")) for name in metrics):
        yield "Whether samples repeat examples of the training data was not measured."
    if any("@" in name for name in metrics):
        yield (
            "A metric with a network after the @ is made with that network. It does not compare "
            "with published FIDs, which are made with Inception."
        )
    if notes.gray_levels is not None:
        yield (
            "Its matrices and kernels are in half precision, which moves a pixel by at most "
            f"{notes.gray_levels} of 255 gray levels, measured on 64 samples."
        )
    if facts["random"]:
        yield "Its layers draw random numbers: a sample depends on more than its latent."
    if facts["prior"] == "own":
        yield "Its latents have a distribution of the model's own, which only `ganbench` draws."
    if facts["left_out"]:
        yield f"The run drew its samples with {', '.join(facts['left_out'])}, which is left out."
    if str(config["model"]).endswith(".py") or ".py:" in str(config["model"]):
        yield f"`ganbench` loads it only where the model's file `{config['model']}` is."


def _licenses(config: Mapping[str, Any], notes: CardNotes) -> str:
    """Say under which terms the weights and the data are."""
    weights = (
        f"The weights are under the license {notes.license}."
        if notes.license
        else ("Nobody has stated a license for these weights.")
    )
    if notes.terms is None:
        return f"{weights} The terms of `{config['dataset']}` are not known here."
    terms = notes.terms
    return (
        f"{weights} They were trained on {terms.title}, whose copyright is held by {terms.holder}, "
        f"under {terms.license} ({terms.source})."
    )


def _listed(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
