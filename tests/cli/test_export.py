# SPDX-License-Identifier: MIT
"""``ganbench export``: what it writes, prints and refuses."""

import numpy as np
import pytest

from ganbench.records.exported_run import find_run


@pytest.fixture(scope="module")
def run(tmp_path_factory, shared_cache):
    """A run of a class-conditional model that ends with rejection sampling."""
    import ganbench

    settings = {"kimg": 0.1, "batch_size": 20}
    out = tmp_path_factory.mktemp("runs")
    words = {"tricks": ["drs:burn_in=100"], "settings": settings, "metrics": [], "out": out}
    return str(ganbench.run("acgan", "digits", samples=64, progress=False, **words).path)


def test_a_file_in_the_working_folder_by_default(cli, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = run.rpartition("/")[2]
    outcome = cli("export", run, "--to", "torchscript")
    assert outcome.code == 0
    assert outcome.out.startswith(f"torchscript: {name}.pt\n")
    assert "64 samples are the same as the run's." in outcome.out
    assert "drs chooses among samples by the discriminator" in " ".join(outcome.err.split())
    assert (tmp_path / f"{name}.pt").is_file()
    assert cli("export", run, "--to", "safetensors", "-o", "g").out.startswith(
        "safetensors: g.safetensors\n"
    )
    assert cli("export", run, "--to", "hub-folder").out.startswith(f"hub-folder: {name}-hub\n")


def test_one_document(cli, run, tmp_path):
    out = tmp_path / "g.safetensors"
    document = cli("export", run, "--to", "safetensors", "--half", "-o", out, "--json").document
    assert document["out"] == str(out)
    assert document["size_bytes"] == out.stat().st_size
    assert document["difference"] <= 1
    assert len(document["notes"]) == 1


@pytest.mark.parametrize("ending", [".pt", ".safetensors", ""])
def test_what_is_exported_is_drawn_from(cli, run, tmp_path, monkeypatch, ending):
    form = {".pt": "torchscript", ".safetensors": "safetensors", "": "hub-folder"}[ending]
    monkeypatch.chdir(tmp_path)
    assert cli("export", run, "--to", form, "-o", f"g{ending}").code == 0
    words = ("sample", f"g{ending}", "-n", 12, "--class", 3)
    document = cli(*words, "--format", "npz", "--json").document
    assert document["out"] == "g-drawn-class3-12-seed0.npz"
    with np.load(document["out"]) as arrays:
        assert arrays["images"].shape == (12, 28, 28, 1)
        assert (arrays["labels"] == 3).all()
    assert cli(*words).out.strip().endswith("g-drawn-class3-12-seed0.png")
    assert cli(*words[:-1], 10).code == 2
    measured = cli("eval", f"g{ending}", "--real", "digits", "--metrics", "fid@pixels",
                   "--samples", 64, "--no-floor", "-q", "--json")  # fmt: skip
    assert measured.code == 0
    assert measured.document["metrics"]["fid@pixels"]["n"] == 64


def test_a_trick_on_what_was_exported(cli, run, tmp_path):
    for form, name in (("torchscript", "g.pt"), ("safetensors", "g.safetensors")):
        cli("export", run, "--to", form, "-o", tmp_path / name)
    refused = cli("sample", tmp_path / "g.pt", "--trick", "truncation")
    assert refused.code == 2
    assert "is a program" in " ".join(refused.err.split())
    words = ("sample", tmp_path / "g.safetensors", "-o", tmp_path / "drawn.png", "--trick")
    assert cli(*words, "truncation:psi=0.5").code == 0
    refused = cli(*words, "drs")
    assert refused.code == 2
    assert "g holds the generator alone" in " ".join(refused.err.split())


def test_training_does_not_go_on_from_a_generator_alone(cli, run, tmp_path):
    cli("export", run, "--to", "hub-folder", "-o", tmp_path / "hub")
    assert find_run(tmp_path / "hub").name == "hub"
    refused = cli("run", "--from", tmp_path / "hub", "--kimg", 5)
    assert refused.code == 2
    assert "training needs the discriminator, too" in " ".join(refused.err.split())


def test_another_format_and_another_run(cli, run):
    assert "There is no format 'tensorflow'" in cli("export", run, "--to", "tensorflow").err
    refused = cli("export", "dcgan@mnist5", "--to", "onnx")
    assert refused.code == 2
    assert "Did you mean 'dcgan@mnist5k'" in " ".join(refused.err.split())
