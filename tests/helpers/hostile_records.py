# SPDX-License-Identifier: MIT
"""Hostile records: of runs, checkpoints, statistics, suites, and settings of the command line."""

from __future__ import annotations

import copy
import io
import json
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hostile_files import Reader, damaged, written_as
from hypothesis import strategies as st
from safetensors.torch import load, save
from small_states import CPU, state_of

from ganbench.config import Recipe, adam, override, parse_trick
from ganbench.data.dataset import Dataset
from ganbench.data.described_source import read_spec
from ganbench.errors import ConfigError, GanbenchError
from ganbench.evaluation import reference_statistics
from ganbench.gan import GAN, DataSpec
from ganbench.harness.best_evaluation import best_evaluation
from ganbench.harness.plan import RunSettings, expand_setting
from ganbench.harness.scheduler import trained_share
from ganbench.harness.suite import SuiteFile
from ganbench.harness.trained_run import TrainedRun
from ganbench.health.stored_health import stored_health
from ganbench.losses import non_saturating
from ganbench.nn import MLP
from ganbench.progress import SILENT
from ganbench.records.exported_run import ExportedRun, find_run
from ganbench.records.load import load_runs
from ganbench.records.read_run import read_if_run, read_run
from ganbench.records.run_event import read_events
from ganbench.records.run_folder import RunFolder, name_folder, open_run
from ganbench.records.speed_record import find_speeds
from ganbench.training.checkpoint import save_checkpoint
from ganbench.training.trainer import Schedule, Trainer
from ganbench.trick_config import make_trick
from ganbench.typed_values import parse_assignment

IDENTITY = "0123456789abcdef"
FID = {"value": 12.5, "low": 11.0, "high": 14.0, "n": 2500, "floor": 0.9, "protocol": "fid/v1"}
CONFIG = {
    "model": "vanilla",
    "parameters": {"width": 3},
    "dataset": "ring8",
    "loss": "minimax",
    "tricks": [{"name": "ema", "parameters": {"kimg": 1.0}}],
    "recipe": Recipe(kimg=10).model_dump(mode="json"),
    "seed": 3,
    "precision": "fp32",
    "model_source": "a" * 16,
    "trick_sources": {"mine": "b" * 16},
    "loss_source": "",
    "dataset_version": "1",
    "origin": {"run": IDENTITY, "kimg": 5.0, "variant": "c" * 16},
}
ROW = {"kimg": 1.0, "seconds": 2.0, "images_per_second": 500.0, "loss/generator/adversarial": 0.5}
RECORDS: dict[str, Any] = {
    "config.json": {"schema": 1, "identity": IDENTITY, "config": CONFIG, "command": "ganbench run"},
    "env.json": {"python": "3.11.7", "threads": 1, "device": "cpu", "packages": {"torch": "2"}},
    "result.json": {
        "schema": 1,
        "status": "done",
        "identity": IDENTITY,
        "model": "vanilla",
        "dataset": "ring8",
        "seed": 3,
        "kimg": 10.0,
        "seconds": 12.0,
        "images_per_second": 833.0,
        "parameters": {"generator": 100},
        "metrics": {"fid": FID},
        "device": "cpu",
        "precision": "fp32",
        "best": {"kimg": 5.0, "metric": "fid", "chosen_by": 11.0, "metrics": {"fid": FID}},
        "health": {
            "events": [
                {
                    "name": "saturation",
                    "kimg": 3.0,
                    "until": None,
                    "severity": "warning",
                    "message": "Flat.",
                }
            ],
            "unchecked": {"memorization": "It was not measured."},
        },
    },
    "failure.json": {"schema": 1, "status": "failed", "error": "It broke.", "traceback": ["a"]},
    "stats.jsonl": ROW,
    "metrics.jsonl": {"kimg": 1.0, "seconds": 2.0, "metrics": {"fid": FID}},
}

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**63, 10**400, -1, 0])
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=8)
)
json_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=5) | st.sampled_from(["kimg", "value"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


def nested(levels: int) -> bytes:
    """Return a JSON document of that depth."""
    return b'{"a":' * levels + b"1" + b"}" * levels


@st.composite
def changed(draw: st.DrawFn, document: Any) -> Any:
    """Draw a document in which some value, at any depth, is another one, or is missing."""
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        place = document
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(place[key], dict | list) and place[key] and draw(st.booleans()):
                place = place[key]
                continue
            if draw(st.integers(0, 4)):
                place[key] = draw(json_values)
            else:
                del place[key]
            break
    return document


def _json(document: Any) -> bytes:
    """Write JSON as a careless program would: with NaN, and without bounds."""
    return json.dumps(document).encode() + b"\n"


def _file(document: Any) -> st.SearchStrategy[bytes]:
    """Return contents of a JSON file: of other values, of damaged bytes, or of something else."""
    whole = _json(document)
    return st.one_of(
        changed(document).map(_json),
        damaged(st.just(whole * 2)),
        json_values.map(_json),
        st.sampled_from([b"", nested(150), nested(1500), b"9" * 4400, whole * 3]),
    )


records = st.fixed_dictionaries(
    {}, optional={name: _file(document) for name, document in RECORDS.items()}
)


def _write_run(folder: Path, content: dict[str, bytes]) -> Path:
    """Write a run, some of whose files are replaced."""
    run = folder / f"vanilla-ring8-seed3-{IDENTITY[:8]}"
    run.mkdir()
    for name, document in RECORDS.items():
        if name != "failure.json" or name in content:
            (run / name).write_bytes(content.get(name, _json(document)))
    return run


def _each(*calls: Callable[[], object]) -> None:
    """Make all calls, each of which may refuse; the last refusal is raised at the end."""
    refusal: GanbenchError | None = None
    for call in calls:
        try:
            call()
        except GanbenchError as error:
            refusal = error
    if refusal is not None:
        raise refusal


def read_records(path: Path) -> None:
    """Read a run as reports, listings, resuming and notebooks do."""
    folder = RunFolder(path)
    record = read_run(folder)
    assert record.status
    assert all(event.name for event in record.events)
    read_if_run(folder, curves=False)
    load_runs([path], may_be_empty=True)
    trained_share(folder, 10.0)
    _each(
        lambda: open_run(path).description(),
        folder.outcome,
        folder.stats,
        folder.measurements,
        lambda: name_folder(path.parent, path.name[:-9], IDENTITY, resume=True),
        lambda: repr(TrainedRun(path)),
        lambda: read_events(stored_health(folder)),
        lambda: best_evaluation(folder.measurements()),
        lambda: TrainedRun(path).metrics._repr_html_(),
        lambda: folder.forget_after(1.0),
        lambda: folder.append_measurements({"kimg": 1.0, "seconds": 2.0, "metrics": {}}),
    )


# -- checkpoints -------------------------------------------------------------------------------

SPEC = DataSpec("points", "1", (2,))


def _trainer(folder: Path) -> Trainer:
    recipe = Recipe(
        kimg=0.1,
        batch_size=8,
        latent_dim=2,
        generator_optimizer=adam(1e-3),
        discriminator_optimizer=adam(1e-3),
    )
    gan = GAN(
        generator=lambda latent_dim: MLP((latent_dim,), [2], (2,)),
        discriminator=lambda shape: MLP(shape, [2], (1,)),
        loss=non_saturating,
        recipe=recipe,
    )
    state = state_of(gan, SPEC, [make_trick(parse_trick(text)) for text in ("ema", "lecam")])
    values = torch.linspace(-1, 1, 32).view(16, 2)
    return Trainer(
        state,
        Dataset(SPEC, "train", values),
        RunFolder(folder),
        seed=0,
        schedule=Schedule(ticks=2, snapshots=0, evaluations=0),
        snapshot=lambda state, kimg: None,
        evaluate=lambda state: {},
        progress=SILENT,
    )


@cache
def _checkpoint() -> tuple[bytes, dict[str, Any], dict[str, torch.Tensor]]:
    """Return the bytes of a checkpoint, its scalars and its tensors."""
    with tempfile.TemporaryDirectory() as name:
        trainer = _trainer(Path(name))
        trainer.train()
        save_checkpoint(trainer.state, Path(name) / "a", {"seconds": 1.0, "looked_up": 8})
        whole = (Path(name) / "a").read_bytes()
    header = json.loads(whole[8 : 8 + int.from_bytes(whole[:8], "little")])
    return whole, json.loads(header["__metadata__"]["state"]), load(whole)


@st.composite
def checkpoints(draw: st.DrawFn) -> bytes:
    """Draw a checkpoint with other scalars, or with other tensors, or with damaged bytes."""
    whole, scalars, tensors = _checkpoint()
    match draw(st.sampled_from(["scalars", "text", "tensors", "bytes"])):
        case "scalars":
            text = json.dumps(draw(changed(scalars)))
        case "text":
            choices = [b"", nested(150), nested(1500), b"9" * 4400, b"[]", b"null"]
            text = draw(st.sampled_from(choices)).decode()
        case "tensors":
            text, tensors = json.dumps(scalars), dict(tensors)
            for name in draw(st.lists(st.sampled_from(sorted(tensors)), max_size=3)):
                shape = draw(st.lists(st.integers(0, 3), max_size=3))
                kind = draw(st.sampled_from([torch.float32, torch.uint8, torch.int64]))
                tensors[name] = torch.ones(shape).to(kind)
            for name in draw(st.lists(st.sampled_from(sorted(tensors)), max_size=1)):
                del tensors[name]
        case _:
            return draw(damaged(st.just(whole)))
    return save(tensors, {"state": text})


def read_checkpoint(path: Path) -> None:
    """Resume from a checkpoint, and go on from it, on the CPU."""
    trainer = _trainer(path.parent)
    _each(
        trainer.resume,
        lambda: _trainer(path.parent).continue_from(
            path, same_optimizers={"generator"}, same_pace=True, streams=True
        ),
    )
    assert trainer.state.device == CPU


# -- exported generators -----------------------------------------------------------------------

EXPORT: dict[str, Any] = {
    "library_name": "ganbench",
    "format": 1,
    "generator": {"latent_dim": 2, "prior": "normal", "classes": 0, "shape": [2], "kind": "points"},
    "data": {"name": "ring8", "version": "1", "shape": [2], "kind": "points"},
    "run": {"config": CONFIG, "kimg": 10.0, "result": RECORDS["result.json"]},
}


@st.composite
def exports(draw: st.DrawFn) -> bytes:
    """Draw a file of weights with another description, or with damaged bytes."""
    facts = draw(_file(EXPORT)).decode("utf-8", "replace")
    return draw(damaged(st.just(save({"w": torch.zeros(2)}, {"facts": facts}))))


def read_export(path: Path) -> None:
    """Read an exported generator as ``show``, ``sample`` and notebooks do, its weights aside."""
    run = find_run(path)
    assert isinstance(run, ExportedRun)
    assert run.kimg is not None
    _each(
        run.description,
        run.outcome,
        lambda: read_spec(run.document()["data"], path),
        lambda: repr(TrainedRun(path)),
        lambda: run.facts(),
        lambda: run.finished,
    )


# -- statistics --------------------------------------------------------------------------------


@st.composite
def statistics(draw: st.DrawFn) -> bytes:
    """Draw an npz of statistics, whose arrays may be of any type, shape and value."""
    size = draw(st.integers(1, 4))
    random = np.random.default_rng(draw(st.integers(0, 9)))
    rows = random.normal(size=(9, size))
    arrays: dict[str, Any] = {"mu": rows.mean(0), "sigma": np.cov(rows.T).reshape(size, size)}
    others = st.sampled_from(
        [
            np.zeros((size, size)),
            np.full(size, np.nan),
            np.full(size, 1e200),
            -np.eye(size),
            np.array("text"),
            np.array(-5),
            np.array(7),
            np.zeros((0, 0)),
            np.zeros(size, complex),
            np.array([{}], dtype=object),
        ]
    )
    names = st.sampled_from(["mu", "sigma", "n", "count", "network", "mean", "cov", "x"])
    arrays |= draw(st.dictionaries(names, others, max_size=2))
    for name in draw(st.lists(st.sampled_from(["mu", "sigma"]), max_size=1)):
        arrays.pop(name, None)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return draw(damaged(st.just(buffer.getvalue())))


def read_statistics(path: Path) -> None:
    """Read statistics as ``eval --real`` does."""
    if reference_statistics.is_statistics(path):
        reference_statistics.read_statistics(path)


# -- suites and settings -----------------------------------------------------------------------

SUITE = b"""title = "One"
models = ["vanilla"]
tricks = ["none", "r1:weight=1+ema"]
datasets = ["ring8"]
seeds = "0-2"
metric = "modes"
threads = 1

[set]
kimg = 1
"recipe.batch_size" = 8

[vary]
learning_rate = [1e-3, "1e-3->0"]
"""


def _toml(value: Any) -> str:
    """Return a value as TOML, or as what is no TOML."""
    return "{}" if value is None else json.dumps(value)


suites = st.one_of(
    damaged(st.just(SUITE)),
    st.dictionaries(
        st.sampled_from(
            ["title", "models", "tricks", "datasets", "seeds", "metrics", "threads", "set", "vary"]
        ),
        json_values,
        max_size=4,
    ).map(
        lambda keys: "\n".join(f"{key} = {_toml(value)}" for key, value in keys.items()).encode()
    ),
    st.sampled_from([b"x = " + b"[" * 1500, b"seeds = " + b"9" * 4400, b"models = [\xff]"]),
)


def read_suite(path: Path) -> None:
    """Read a suite as ``compare`` does; of several mistakes the first line is the sentence."""
    try:
        file = SuiteFile(path)
        file.cells(file.read())
    except ConfigError as error:
        raise ConfigError(error.message.splitlines()[0]) from error


KEYS = [
    "kimg", "recipe.kimg", "batch_size", "latent_dim", "prior", "schedule", "learning_rate", "seed",
    "recipe.generator_optimizer.betas", "recipe.generator_optimizer", "recipe", "loss", "precision",
    "", ".", "recipe.", "recipe..kimg", "model.", "generator_optimizer.learning_rate.x",
]  # fmt: skip
typed = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20)
assignments = st.one_of(
    typed,
    st.builds(
        lambda key, value: f"{key}={value}",
        st.sampled_from(KEYS) | typed,
        typed
        | json_values.map(_toml)
        | st.sampled_from(
            ["9" * 4400, "[" * 1500, "1e999", "nan", "1->", "->1", "1->2@0", "inf->1"]
        ),
    ),
)


def _write_text(folder: Path, content: str) -> Path:
    (folder / "text").write_bytes(content.encode("utf-8", "surrogatepass"))
    return folder / "text"


def read_setting(path: Path) -> None:
    """Read a text as ``--set`` and as ``--trick`` do."""
    text = path.read_bytes().decode("utf-8", "surrogatepass")

    def setting() -> None:
        key, value = parse_assignment(text)
        resolved = expand_setting(key, value)
        if not key.startswith("model."):
            defaults = RunSettings(loss="minimax", recipe=Recipe(kimg=1))
            override(defaults, resolved)

    _each(setting, lambda: make_trick(parse_trick(f"r1:{text}")), lambda: parse_trick(text))


READERS = [
    Reader("records of runs", records, _write_run, read_records),
    Reader("checkpoints", checkpoints(), written_as("checkpoint.safetensors"), read_checkpoint),
    Reader("exported generators", exports(), written_as("a.safetensors"), read_export),
    Reader("statistics", statistics(), written_as("statistics.npz"), read_statistics),
    Reader("suites", suites, written_as("suite.toml"), read_suite),
    Reader("settings", assignments, _write_text, read_setting),
    Reader(
        "speeds",
        _file({"schema": 1, "cases": [], "protocol": {"rounds": 3}}),
        lambda folder, content: written_as("a.json")(_made(folder / "throughput"), content).parent,
        lambda path: list(find_speeds(path.parent)),
    ),
]


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
