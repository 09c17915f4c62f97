# SPDX-License-Identifier: MIT
"""``ganbench sample`` and ``ganbench report``."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganbench import registry
from ganbench.records.run_folder import open_run
from ganbench.trick_config import acts_on_sampling


@pytest.fixture(scope="module")
def runs(tmp_path_factory, shared_cache):
    """A run on points and one on images, trained once."""
    from ganbench.harness.plan import plan
    from ganbench.harness.run import Run
    from ganbench.harness.run_options import RunOptions

    folder = tmp_path_factory.mktemp("runs")
    made = {}
    for dataset in ("ring8", "digits"):
        job = plan("vanilla", dataset, settings={"kimg": 0.2})
        run = Run(job, RunOptions(out=folder, samples=64))
        run.execute()
        made[dataset] = str(run.folder.path)
    return made


def test_a_grid_by_default(cli, runs):
    outcome = cli("sample", runs["digits"], "--seed", 3)
    folder = open_run(Path(runs["digits"]))
    path = folder.samples_folder / "drawn-seed3.png"
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == f"64 samples: {path}\n"
    with Image.open(path) as image:
        assert image.size == (484, 484)  # 8 x (28 + 2) + 2 pixels, twice


def test_other_requests_have_other_names(cli, runs, conditional):
    made = set()
    requests = ((), ("-c", 5), ("--seed", 1), ("--trick", "truncation:psi=0.5"))
    for words in (*requests, ("--trick", "truncation:psi=0.25", "-c", 5)):
        document = cli("sample", runs["digits"], *words, "--json").document
        assert (document["class"], document["format"]) == (None, "grid")
        assert document["tricks"] == [word for word in words if "psi" in str(word)]
        made.add(document["out"])
    assert len(made) == 5
    document = cli("sample", conditional, "--class", 4, "--json").document
    assert document["class"] == 4


@pytest.mark.parametrize(
    ("name", "words", "sentence"),
    [
        ("threes.jpg", (), "a grid is a .png, not .jpg."),
        ("x.png", ("--format", "npz"), "an array is an .npz, not .png."),
        ("x.npz", ("--format", "grid"), "a grid is a .png, not .npz."),
        ("x.npy", ("--format", "npz"), "an array is an .npz, not .npy."),
        ("x.png", ("--format", "files"), "files need a folder, not .png."),
    ],
)
def test_a_file_of_another_format_is_refused(cli, runs, tmp_path, name, words, sentence):
    outcome = cli("sample", runs["digits"], "--out", tmp_path / name, *words)
    assert outcome.code == 2
    assert sentence in " ".join(outcome.err.split())
    assert not (tmp_path / name).exists()


def test_the_ending_tells_the_format(cli, runs, tmp_path):
    words = ("sample", runs["digits"], "-c", 4, "--json", "--out")
    assert cli(*words, tmp_path / "y.npz").document["format"] == "npz"
    assert cli(*words, tmp_path / "y.png").document["format"] == "grid"
    (tmp_path / "folder.jpg").mkdir()
    inside = cli(*words, tmp_path / "folder.jpg").document["out"]
    assert inside == str(tmp_path / "folder.jpg" / "drawn-4-seed0.png")


def test_a_program_that_does_not_state_its_latents_is_helped(cli, runs, tmp_path):
    class Foreign(torch.nn.Module):
        def forward(self, latents):
            return latents[:, :6].sigmoid().repeat(1, 32).view(-1, 3, 8, 8)

    path = tmp_path / "foreign.pt"
    torch.jit.script(Foreign()).save(path)
    words = ("sample", path, "-c", 4, "--format", "npz", "--out", tmp_path / "drawn", "--json")
    refused = cli(*words)
    assert refused.code == 2
    assert "--latent-dim 128" in refused.document["error"]["hint"]
    drawn = cli(*words, "--latent-dim", 16, "--range", "0,1")
    assert drawn.code == 0
    with np.load(drawn.document["out"]) as arrays:
        assert arrays["images"].shape == (4, 8, 8, 3)
        assert arrays["images"].min() < 100
    idle = cli("sample", runs["digits"], "--latent-dim", 16)
    assert idle.code == 2
    assert "states its latent size" in idle.err


def test_an_array_of_either(cli, runs, tmp_path):
    for dataset, key, shape in (
        ("ring8", "points", (30, 2)),
        ("digits", "images", (30, 28, 28, 1)),
    ):
        words = ("sample", runs[dataset], "-c", 30, "--format", "npz", "-o", tmp_path / dataset)
        document = cli(*words, "--json").document
        assert document["out"] == str(tmp_path / dataset) + ".npz"
        assert (document["count"], document["seed"], document["schema"]) == (30, 0, 1)
        with np.load(document["out"]) as file:
            first = file[key]
        assert first.shape == shape
        cli(*words[:-1], tmp_path / "again.npz")
        with np.load(tmp_path / "again.npz") as file:
            assert np.array_equal(file[key], first)
        cli(*words, "--seed", 1)
        with np.load(document["out"]) as file:
            assert not np.array_equal(file[key], first)


def test_the_ending_of_an_array_is_added_to_any_name(cli, runs, tmp_path):
    for name in ("run-0.5", "v1.2.3", "plain"):
        words = ("--count", 2, "--format", "npz", "--out", tmp_path / name)
        assert cli("sample", runs["ring8"], *words).code == 0
        assert (tmp_path / f"{name}.npz").is_file()


def test_single_files(cli, runs, tmp_path):
    words = ("sample", runs["digits"], "-c", 12, "--format", "files", "--out", tmp_path / "images")
    assert cli(*words).code == 0
    assert len(list((tmp_path / "images").glob("*.png"))) == 12
    words = ("sample", runs["ring8"], "--format", "files", "--out", tmp_path / "points")
    outcome = cli(*words)
    assert outcome.code == 2
    assert "npz" in outcome.err


def test_the_truncation_trick_narrows_what_is_drawn(cli, runs, tmp_path):
    spread = {}
    for name, words in (("all", ()), ("few", ("--trick", "truncation:psi=0.1"))):
        path = tmp_path / f"{name}.npz"
        words = ("sample", runs["ring8"], "-c", 500, "--format", "npz", "-o", path, *words)
        assert cli(*words).code == 0
        with np.load(path) as file:
            spread[name] = file["points"].std(0)
    assert (spread["few"] < 0.3 * spread["all"]).all()


def test_a_trick_that_trains_is_refused(cli, runs):
    outcome = cli("sample", runs["ring8"], "--trick", "ema")
    assert outcome.code == 2
    assert "acts on training" in outcome.err
    named = re.split(r",? and |, ", outcome.err.rpartition("sampling are ")[2].rstrip(".\n"))
    every = {name: registry.tricks.get(name)() for name in registry.tricks.names()}
    assert set(named) == {name for name, trick in every.items() if acts_on_sampling(trick)}
    assert {"truncation", "drs", "standing-statistics"} < set(named)
    assert not {"ema", "r1"} & set(named)


@pytest.mark.parametrize(
    ("trained", "added", "sentence"),
    [
        ([], ["ddls", "truncation"], "ddls moves latents by the density of the prior"),
        (["truncation"], ["ddls"], "ddls moves latents by the density of the prior"),
        (["ddls"], ["truncation"], "ddls moves latents by the density of the prior"),
        (["drs"], ["metropolis-hastings"], "would correct them a second time"),
        (["pacgan"], ["drs"], "pacgan packs samples"),
        ([], ["standing-statistics"], "the generator has none"),
    ],
)
def test_tricks_refuse_each_other_and_the_model_as_in_a_run(cli, train, trained, added, sentence):
    words = [word for trick in added for word in ("--trick", trick)]
    before = [word for trick in trained for word in ("--trick", trick)]
    new = cli("run", "-m", "vanilla", "-d", "ring8", *before, *words, "--kimg", "0.1")
    run = train("vanilla", tricks=trained, metrics=[])
    later = cli("sample", run.path, "-c", 2, *words)
    assert (new.code, later.code) == (2, 2)
    assert sentence in new.err
    assert sentence in later.err


@pytest.mark.parametrize("form", ["grid", "npz", "files"])
def test_a_folder_that_cannot_be_written_is_a_sentence(cli, runs, tmp_path, form):
    (tmp_path / "file").write_text("kept")
    outcome = cli("sample", runs["digits"], "--format", form, "-o", tmp_path / "file" / "deep")
    assert outcome.code == 1
    assert "cannot be written" in outcome.err
    assert (tmp_path / "file").read_text() == "kept"


def test_a_run_that_diverged_can_be_drawn_from(cli, tmp_path):
    kind = "recipe.generator_optimizer"
    words = ("run", "-m", "vanilla", "-d", "digits", "--kimg", "1", "-q", "--json", "--samples", 64)
    rate = ("--set", f"{kind}.kind=sgd", "--set", f"{kind}.learning_rate=1e38")
    document = cli(*words, *rate).document
    assert document["status"] == "diverged"
    for form in ("grid", "files", "npz"):
        out = tmp_path / form
        assert cli("sample", document["run"], "--format", form, "-o", out).code == 0


def test_a_report_of_runs(cli, runs, tmp_path):
    folder = str(Path(runs["ring8"]).parent)
    words = ("report", folder, "--out", tmp_path / "page", "--title", "Two runs")
    document = cli(*words, "--json").document
    assert document["runs"] == 2
    assert document["page"] == str(tmp_path / "page" / "index.html")
    assert "Two runs" in (tmp_path / "page" / "index.html").read_text()
    outcome = cli(*words)
    assert outcome.out == f"2 runs: {tmp_path / 'page' / 'index.html'}\n"
    (tmp_path / "file").write_text("kept")
    assert cli("report", folder, "--out", tmp_path / "file" / "page").code == 1


# -- classes ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def conditional(tmp_path_factory, shared_cache):
    """A run of a class-conditional model."""
    from ganbench.harness.plan import plan
    from ganbench.harness.run import Run
    from ganbench.harness.run_options import RunOptions

    job = plan("acgan", "digits", settings={"kimg": 0.1, "batch_size": 20})
    run = Run(job, RunOptions(out=tmp_path_factory.mktemp("conditional"), samples=64))
    run.execute()
    return str(run.folder.path)


def test_one_class(cli, conditional, tmp_path):
    words = ("sample", conditional, "--count", 12, "--format", "npz")
    assert cli(*words, "--class", 3, "--out", tmp_path / "three.npz").code == 0
    assert cli(*words, "--out", tmp_path / "all.npz").code == 0
    with np.load(tmp_path / "three.npz") as three, np.load(tmp_path / "all.npz") as every:
        assert (three["labels"] == 3).all()
        assert len(set(every["labels"].tolist())) > 3
        assert len(three["images"]) == len(every["labels"]) == 12
    assert cli("sample", conditional, "--class", 3).out.strip().endswith("drawn-class3-seed0.png")


@pytest.mark.parametrize(
    ("run", "label", "sentence"),
    [("conditional", 10, "digits has the classes 0 to 9"), ("digits", 0, "draws no classes")],
)
def test_a_class_that_cannot_be_drawn(cli, conditional, runs, run, label, sentence):
    folder = conditional if run == "conditional" else runs[run]
    outcome = cli("sample", folder, "--class", label)
    assert outcome.code == 2
    assert sentence in " ".join(outcome.err.split())


def test_metrics_class_by_class(cli, conditional, tmp_path):
    words = ("eval", conditional, "--samples", 200, "--metrics", "fid@pixels", "--no-floor", "-q")
    document = cli(*words, "--per-class", "--json").document
    assert list(document["classes"]) == [str(label) for label in range(10)]
    counts = [row["fid@pixels"]["n"] for row in document["classes"].values()]
    assert sum(counts) == 200
    cli("sample", conditional, "--count", 200, "--format", "files", "--out", tmp_path / "drawn")
    table = cli(*words, "--per-class").out
    assert "class by class" in table
    refused = cli("eval", tmp_path / "drawn" / "3", "--real", "digits", *words[2:], "--per-class")
    assert refused.code == 2
    assert "the fake samples have none" in " ".join(refused.err.split())


@pytest.mark.parametrize("file_format", ["grid", "npz", "files"])
def test_only_own_samples_are_replaced(cli, runs, tmp_path, file_format):
    name = {"grid": "a.png", "npz": "a.npz", "files": "a"}[file_format]
    words = ("sample", runs["digits"], "--format", file_format, "--out", tmp_path / name, "-c")
    assert cli(*words, 12).code == 0
    assert cli(*words, 8).code == 0
    mine = tmp_path / name
    if file_format == "files":
        assert len(list(mine.glob("*.png"))) == 8, "none of the first twelve is left"
        mine = mine / "00003.png"
    Image.new("L", (8, 8)).save(mine, format="PNG")
    before = mine.read_bytes()
    outcome = cli(*words, 12)
    assert outcome.code == 1
    assert "ganbench" in outcome.err
    assert mine.read_bytes() == before


@pytest.mark.parametrize("form", ["grid", "npz"])
def test_without_a_name_only_own_samples_are_replaced_as_well(
    cli, runs, tmp_path, monkeypatch, form
):
    monkeypatch.chdir(tmp_path)
    for generator in ("dcgan@mnist5k", runs["digits"]):
        words = ("sample", generator, "--format", form, "-c", 4, "--json")
        target = Path(cli(*words).document["out"])
        assert cli(*words).code == 0
        Image.new("L", (8, 8)).save(target, format="PNG")
        before = target.read_bytes()
        outcome = cli(*words[:-1])
        assert outcome.code == 1
        assert "ganbench did not write it" in outcome.err
        assert target.read_bytes() == before
        target.unlink()


def test_samples_in_the_folder_of_their_run_replace_those_of_an_earlier_version(cli, runs):
    folder = Path(runs["digits"]) / "drawn-seed5"
    folder.mkdir()
    for index in (0, 70):
        Image.new("L", (8, 8)).save(folder / f"{index:05d}.png")
    assert cli("sample", runs["digits"], "--seed", 5, "--format", "files").code == 0
    assert [path.name for path in sorted(folder.glob("*.png"))][-1] == "00063.png"
