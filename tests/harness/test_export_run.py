# SPDX-License-Identifier: MIT
"""Exports of runs in every format: the same samples, drawn by other programs; what is refused."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import ganbench
from ganbench.config import parse_trick
from ganbench.errors import ConfigError, ContractError, MissingDataError, StorageError
from ganbench.harness.evaluate import measure_samples
from ganbench.harness.export_run import ENDINGS, export_run
from ganbench.harness.stored_run import load_state, plan_of_run
from ganbench.records.exported_run import ExportedRun, find_run
from ganbench.samples import open_samples
from ganbench.samples.generator_samples import latents
from ganbench.samples.modules import load_torchscript
from ganbench.training.checkpoint import read_tensors, write_tensors
from ganbench.training.trainer import evaluating

CPU = torch.device("cpu")
CASES = {
    "points": ("vanilla", "ring8", {}),
    "uniform points": ("vanilla", "ring8", {"settings": {"prior": "uniform"}}),
    "images": ("vanilla", "digits", {"tricks": ["ema:half_life_kimg=1"]}),
    "classes": ("acgan", "digits", {"tricks": ["ema:half_life_kimg=1"]}),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory, shared_cache):
    """Return a function that trains a run of a case once."""
    made = {}

    def of(case):
        if case not in made:
            model, data, arguments = CASES[case]
            settings = {"kimg": 0.2, "batch_size": 20, **arguments.get("settings", {})}
            quiet = {"samples": 64, "progress": False, "threads": 1, "metrics": []}
            folder = tmp_path_factory.mktemp("runs")
            more = {**arguments, "settings": settings}
            made[case] = ganbench.run(model, data, out=folder, **quiet, **more)
        return made[case]

    return of


def drawn_by_hand(run, count, label=0):
    """The latents, labels and examples of the generator that the run samples with."""
    state = load_state(run.plan, run.folder, CPU)
    stream = torch.Generator().manual_seed(5)
    with evaluating(state), torch.no_grad():
        z = torch.randn(count, state.recipe.latent_dim, generator=stream)
        y = torch.full((count,), label) if state.conditional else None
        network = state.sampler().generator
        return z, y, network(z) if y is None else network(z, y)


def onnx_session(path):
    pytest.importorskip("onnxscript", reason='needs onnxscript: pip install "ganbench[onnx]"')
    onnxruntime = pytest.importorskip("onnxruntime")
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("case", ["points", "images", "classes"])
def test_onnx_draws_the_same_to_rounding_in_batches_of_any_size(runs, tmp_path, case):
    pytest.importorskip("onnxscript", reason='needs onnxscript: pip install "ganbench[onnx]"')
    run = runs(case)
    export = export_run(run.folder, to="onnx", out=tmp_path / "g.onnx")
    assert export.difference <= (1 if export.in_gray_levels else 1e-5)
    session = onnx_session(export.path)
    names = [node.name for node in session.get_inputs()]
    assert names == (["latents", "labels"] if case == "classes" else ["latents"])
    for count in (1, 5):
        z, y, expected = drawn_by_hand(run, count, label=7)
        arrays = [z.numpy()] if y is None else [z.numpy(), y.numpy()]
        (made,) = session.run(None, dict(zip(names, arrays, strict=True)))
        assert made.shape == tuple(expected.shape)
        assert np.abs(made - expected.numpy()).max() < 1e-5
    assert not list(tmp_path.glob("*.data")), "the weights are in the file itself"


@pytest.mark.parametrize("case", CASES)
def test_torchscript_draws_the_very_same_in_batches_of_any_size(runs, tmp_path, case):
    run = runs(case)
    export = export_run(run.folder, to="torchscript", out=tmp_path / "g.pt")
    assert export.difference == 0
    module = load_torchscript(export.path, CPU)[0]
    for count in (1, 5):
        z, y, expected = drawn_by_hand(run, count, label=7)
        with torch.no_grad():
            made = module(z) if y is None else module(z, y)
        assert torch.equal(made, expected)


@pytest.mark.parametrize("form", ["safetensors", "hub-folder"])
@pytest.mark.parametrize("case", CASES)
def test_weights_draw_the_very_same_by_the_same_seeds(runs, tmp_path, case, form):
    run = runs(case)
    export = export_run(run.folder, to=form, out=tmp_path / f"g{ENDINGS[form]}")
    assert export.difference == 0
    again = ganbench.load_run(export.path)
    assert torch.equal(again.sample(70, seed=3), run.sample(70, seed=3))
    assert again.config == run.config
    assert again.status == run.status
    if case == "classes":
        assert torch.equal(again.sample(5, label=7), run.sample(5, label=7))


def test_averaged_weights_are_exported_where_the_run_samples_with_them(runs, tmp_path):
    run = runs("images")
    state = load_state(run.plan, run.folder, CPU)
    export = export_run(run.folder, to="safetensors", out=tmp_path / "g.safetensors")
    with safe_open(export.path, "pt") as file:
        stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    average, trained = state.sampler().generator.state_dict(), state.generator.state_dict()
    assert all(torch.equal(stored[name], average[name]) for name in average)
    assert any(not torch.equal(stored[name], trained[name]) for name in trained)


@pytest.mark.parametrize("form", ["onnx", "torchscript"])
def test_programs_are_measured_and_drawn_from_with_no_further_option(runs, tmp_path, form):
    if form == "onnx":
        pytest.importorskip("onnxscript", reason='needs onnxscript: pip install "ganbench[onnx]"')
    out = tmp_path / f"g{ENDINGS[form]}"
    path = export_run(runs("classes").folder, to=form, out=out).path
    words = {"real": "digits", "metrics": ["fid@pixels"], "samples": 64, "floors": False}
    result = measure_samples(fake=path, per_class=True, **words)
    assert result["metrics"]["fid@pixels"]["n"] == 64
    assert set(result["classes"]) <= set(map(str, range(10)))
    threes = open_samples(path, count=10, label=3)
    assert threes.labels.tolist() == [3] * 10
    assert threes.facts.classes == 10
    with pytest.raises(ConfigError, match="the classes are 0 to 9"):
        open_samples(path, count=10, label=10)


def test_latents_are_drawn_from_the_distribution_that_the_file_names(runs, tmp_path):
    run = runs("uniform points")
    path = export_run(run.folder, to="torchscript", out=tmp_path / "g.pt").path
    (chunk,) = open_samples(path, count=64).chunks()
    z = latents(0, (run.config.recipe.latent_dim,), 0, prior="uniform")
    assert -1 <= z.min() < -0.8 < 0.8 < z.max() <= 1
    with torch.no_grad():
        assert torch.equal(chunk.values, load_torchscript(path, CPU)[0](z))


def test_an_exported_generator_is_measured_like_its_run(runs, tmp_path):
    run = runs("images")
    path = export_run(run.folder, to="safetensors", out=tmp_path / "g.safetensors").path
    words = {"metrics": ["fid@pixels"], "samples": 64, "floors": False}
    first = measure_samples(fake=run, **words)["metrics"]["fid@pixels"]
    again = measure_samples(fake=path, **words)["metrics"]["fid@pixels"]
    assert again["value"] == first["value"]
    assert again["protocol"] == first["protocol"]
    assert "sampler=ema" in again["protocol"]


def test_half_precision_halves_the_file_and_moves_no_pixel_visibly(runs, tmp_path):
    run = runs("images")
    whole = export_run(run.folder, to="safetensors", out=tmp_path / "whole.safetensors")
    half = export_run(run.folder, to="safetensors", out=tmp_path / "half.safetensors", half=True)
    assert half.size_bytes < 0.52 * whole.size_bytes
    assert 0 <= half.difference <= 1
    pixels = [ganbench.load_run(file.path).sample(64).int() for file in (whole, half)]
    assert (pixels[0] - pixels[1]).abs().max() <= 1
    with pytest.raises(ConfigError, match="Half precision is for files of weights"):
        export_run(run.folder, to="torchscript", half=True)


def test_a_hub_folder_has_the_files_of_a_repository(runs, tmp_path):
    run = runs("classes")
    folder = export_run(run.folder, to="hub-folder", out=tmp_path / "hub", half=True).path
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    assert names == {"model.safetensors", "config.json", "README.md", "samples.png"}
    document = json.loads((folder / "config.json").read_text())
    assert document["generator"]["condition"] == "labels"
    assert document["generator"]["classes"] == 10
    assert document["generator"]["latent_dim"] == run.config.recipe.latent_dim
    assert document["run"]["identity"] == run.config.identity
    assert str(tmp_path) not in (folder / "config.json").read_text()
    export_run(run.folder, to="hub-folder", out=folder)  # its own files are replaced
    (folder / "README.md").write_text("Changed by hand.")
    with pytest.raises(StorageError, match=r"README\.md was not written by ganbench"):
        export_run(run.folder, to="hub-folder", out=folder)


def test_what_was_exported_is_exported_again(runs, tmp_path):
    run = runs("points")
    first = export_run(run.folder, to="hub-folder", out=tmp_path / "hub").path
    again = export_run(find_run(first), to="safetensors", out=tmp_path / "g.safetensors").path
    once_more = export_run(find_run(again), to="torchscript", out=tmp_path / "g.pt")
    assert once_more.difference == 0
    assert isinstance(find_run(again), ExportedRun)
    assert find_run(again).kimg == find_run(first).kimg == run["kimg"]
    assert torch.equal(ganbench.load_run(again).sample(9), run.sample(9))


def test_an_unfinished_run_is_exported_as_far_as_it_is(train, tmp_path):
    run = train()
    (run.path / "result.json").unlink()
    export_run(run.folder, to="safetensors", out=tmp_path / "g.safetensors")
    again = ganbench.load_run(tmp_path / "g.safetensors")
    assert again.status == "unfinished"
    assert torch.equal(again.sample(9), run.sample(9))


# -- what a file cannot hold ---------------------------------------------------------------------


def test_sampling_that_a_file_cannot_hold_is_left_out_with_a_sentence(train, tmp_path):
    run = train(tricks=["truncation:psi=0.5", "drs:burn_in=100", "ema"])
    program = export_run(run.folder, to="torchscript", out=tmp_path / "g.pt")
    assert [note.split()[0] for note in program.notes] == ["drs", "truncation"]
    weights = export_run(run.folder, to="safetensors", out=tmp_path / "g.safetensors")
    assert [note.split()[0] for note in weights.notes] == ["drs"]
    again = ganbench.load_run(weights.path)
    assert [trick.name for trick in again.config.tricks] == ["ema", "truncation"]
    assert again.sample(4).shape == (4, 2)
    folder = find_run(weights.path)
    with pytest.raises(ConfigError, match="drs judges samples by the discriminator, and g holds"):
        load_state(plan_of_run(folder), folder, CPU, sampling=[parse_trick("drs")])


def test_another_precision_of_the_run_is_said(train, tmp_path):
    run = train(settings={"precision": "bf16"})
    program = export_run(run.folder, to="torchscript", out=tmp_path / "g.pt")
    assert program.notes == (
        "The run draws its samples in bf16, and they are compared in fp32, as the file computes.",
    )
    weights = export_run(run.folder, to="safetensors", out=tmp_path / "g.safetensors")
    assert weights.notes == ("The run draws its samples in bf16, and they are compared in fp32.",)


def test_latents_of_the_models_own_are_drawn_by_ganbench_alone(train, tmp_path):
    run = train("infogan")
    program = export_run(run.folder, to="torchscript", out=tmp_path / "g.pt")
    assert "draws latents in a way of its own" in program.notes[0]
    with pytest.raises(ConfigError, match="in a way of its own"):
        open_samples(program.path)
    weights = export_run(run.folder, to="safetensors", out=tmp_path / "g.safetensors").path
    assert torch.equal(ganbench.load_run(weights).sample(9), run.sample(9))


@pytest.fixture
def noisy_model(tmp_path):
    """A file with a model whose generator adds noise to what it makes."""
    path = tmp_path / "noisy.py"
    path.write_text(
        '''
"""Noise in the generator."""

import torch
from torch import nn

from ganbench import GAN, MLP, Recipe, register
from ganbench.losses import non_saturating


class Noisy(nn.Module):
    def __init__(self, latent_dim, shape):
        super().__init__()
        self.layers = MLP((latent_dim,), [4], shape)

    def forward(self, latents):
        made = self.layers(latents)
        return made + 0.1 * torch.randn(made.shape[0], 2), {"further": made}


@register
def noisy(data):
    """Adds noise."""
    return GAN(
        generator=lambda latent_dim: Noisy(latent_dim, data.shape),
        discriminator=lambda shape: MLP(shape, [4], (1,)),
        loss=non_saturating,
        recipe=Recipe(kimg=0.2, batch_size=20, latent_dim=2),
    )
'''
    )
    return path


def test_random_layers_go_into_torchscript_and_not_into_onnx(train, tmp_path, noisy_model):
    pytest.importorskip("onnxscript", reason='needs onnxscript: pip install "ganbench[onnx]"')
    run = train(str(noisy_model))
    export = export_run(run.folder, to="torchscript", out=tmp_path / "g.pt")
    assert export.difference == 0, "by the same position of torch's stream"
    module = load_torchscript(export.path, CPU)[0]
    z = torch.zeros(3, 2)
    assert not torch.equal(module(z), module(z))
    with pytest.raises(ConfigError, match="draws random numbers in its layers"):
        export_run(run.folder, to="onnx", out=tmp_path / "g.onnx")


@pytest.mark.parametrize("form", ["onnx", "torchscript"])
def test_code_that_fixes_the_size_of_a_batch_is_refused(train, tmp_path, constant_model, form):
    """Its generator calls len(latents), which a program would keep as a number."""
    if form == "onnx":
        pytest.importorskip("onnxscript", reason='needs onnxscript: pip install "ganbench[onnx]"')
    run = train(str(constant_model))
    target = tmp_path / f"g{ENDINGS[form]}"
    with pytest.raises(ContractError, match=r"cannot be exported to .*batch"):
        export_run(run.folder, to=form, out=target)
    assert not target.exists()
    export_run(run.folder, to="safetensors", out=tmp_path / "g.safetensors")


def test_a_package_that_is_missing_is_one_sentence(runs, tmp_path, monkeypatch):
    monkeypatch.setattr("ganbench.export.onnx_file.find_spec", lambda name: None)
    with pytest.raises(MissingDataError, match="needs onnx, which is not installed") as caught:
        export_run(runs("points").folder, to="onnx", out=tmp_path / "g.onnx")
    assert caught.value.hint == 'pip install "ganbench[onnx]"'
    assert not (tmp_path / "g.onnx").exists()


def test_another_format_is_refused(runs):
    with pytest.raises(ConfigError, match="Did you mean 'torchscript'"):
        export_run(runs("points").folder, to="torch-script")


@pytest.mark.parametrize("form", ["onnx", "torchscript", "safetensors"])
def test_only_own_files_are_replaced(runs, tmp_path, form):
    if form == "onnx":
        pytest.importorskip("onnxscript", reason='needs onnxscript: pip install "ganbench[onnx]"')
    target = tmp_path / f"g{ENDINGS[form]}"
    export_run(runs("points").folder, to=form, out=target)
    export_run(runs("points").folder, to=form, out=target)
    save_file({"w": torch.zeros(2)}, target)
    before = target.read_bytes()
    with pytest.raises(StorageError, match="ganbench did not write it"):
        export_run(runs("points").folder, to=form, out=target)
    assert target.read_bytes() == before


@pytest.mark.parametrize("form", ["onnx", "torchscript", "safetensors"])
def test_what_only_looks_like_an_own_file_is_not_replaced(runs, tmp_path, form):
    target = tmp_path / f"g{ENDINGS[form]}"
    for content in (b"made by ganbench's friend", b'{"library_name":"ganbenchmark"}'):
        target.write_bytes(content)
        with pytest.raises(StorageError, match="ganbench did not write it"):
            export_run(runs("points").folder, to=form, out=target)
        assert target.read_bytes() == content
    target.unlink()
    os.mkfifo(target)  # whoever opens it waits for somebody to write to it
    with pytest.raises(StorageError, match="ganbench did not write it"):
        export_run(runs("points").folder, to=form, out=target)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("form", ENDINGS)
def test_a_generator_without_finite_values_is_refused_for_that_reason(train, tmp_path, form, value):
    run = train()
    tensors, metadata = read_tensors(run.folder.checkpoint_file, CPU)
    bad = {
        name: torch.full_like(tensor, value) if name.startswith("generator/") else tensor
        for name, tensor in tensors.items()
    }
    write_tensors(run.folder.checkpoint_file, bad, metadata)
    target = tmp_path / f"g{ENDINGS[form]}"
    with pytest.raises(ConfigError, match="not finite"):
        export_run(run.folder, to=form, out=target)
    assert not target.exists()
