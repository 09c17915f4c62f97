# SPDX-License-Identifier: MIT
"""Generators in ONNX files: layouts, batch sizes, labels, and what is refused."""

from __future__ import annotations

import hashlib
import json
import sys

import numpy as np
import pytest
import torch

from ganbench.errors import ConfigError, InputError, MissingDataError
from ganbench.samples import open_samples
from ganbench.samples.generator_samples import latents

onnx = pytest.importorskip("onnx", reason="needs the package onnx to write models")
pytest.importorskip("onnxruntime", reason='needs onnxruntime: pip install "ganbench[onnx]"')

FLOAT, FLOAT16, INT64 = 1, 10, 7
WEIGHT = np.random.default_rng(0).normal(size=(6, 12)).astype(np.float32)


@pytest.fixture
def model(tmp_path):
    """Write tanh(z @ WEIGHT), reshaped; with labels their number is added before the tanh."""

    def write(latent, shape, labels=None, kind=FLOAT, metadata=None, extra=None):
        make = onnx.helper
        inputs = [make.make_tensor_value_info("z", kind, latent)]
        nodes = [
            make.make_node("Cast", ["z"], ["single"], to=FLOAT),
            make.make_node("Flatten", ["single"], ["flat"]),
            make.make_node("MatMul", ["flat", "weight"], ["product"]),
        ]
        last = "product"
        if labels is not None:
            inputs.append(make.make_tensor_value_info("y", INT64, labels))
            nodes += [
                make.make_node("Cast", ["y"], ["real"], to=FLOAT),
                make.make_node("Reshape", ["real", "column"], ["added"]),
                make.make_node("Add", ["product", "added"], ["sum"]),
            ]
            last = "sum"
        if extra:
            inputs.append(make.make_tensor_value_info("extra", FLOAT, extra))
        nodes += [
            make.make_node("Tanh", [last], ["bounded"]),
            make.make_node("Reshape", ["bounded", "shape"], ["images"]),
        ]
        constants = [
            onnx.numpy_helper.from_array(WEIGHT, "weight"),
            onnx.numpy_helper.from_array(np.array([-1, *shape]), "shape"),
            onnx.numpy_helper.from_array(np.array([-1, 1]), "column"),
        ]
        output = make.make_tensor_value_info("images", FLOAT, ["n", *shape])
        graph = make.make_graph(nodes, "generator", inputs, [output], constants)
        built = make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=9)
        if metadata:
            make.set_model_props(built, metadata)
        path = tmp_path / "generator.onnx"
        onnx.save(built, path)
        return path

    return write


def expected(count, added=0.0):
    z = torch.cat([latents(index, (6,), 0) for index in range(-(-count // 64))])[:count]
    images = np.tanh(z.numpy() @ WEIGHT + added).reshape(count, 3, 2, 2)
    return (127.5 * images + 128).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("batch", ["n", 1, 5, 64, 100])
@pytest.mark.parametrize("form", [[6], [6, 1, 1]])
def test_latents_of_either_form_in_batches_of_any_size(model, stacked, batch, form):
    samples = open_samples(model([batch, *form], (3, 2, 2)), count=70)
    assert samples.facts.shape == (3, 2, 2)
    assert np.abs(stacked(samples).numpy().astype(int) - expected(70)).max() <= 1


def test_a_file_is_pinned_by_its_hash(model, tmp_path):
    path = model(["n", 6], [3, 2, 2])
    version = open_samples(path, count=2).facts.version
    assert version == f"file-{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    assert open_samples(path, count=3, seed=1).facts.version == version
    assert open_samples(model(["n", 6], [1, 4, 3]), count=2).facts.version != version


def test_channels_last_come_to_the_front(model, stacked):
    samples = open_samples(model(["n", 6], (2, 2, 3)), count=70)
    assert samples.facts.shape == (3, 2, 2)
    last = expected(70).reshape(70, 2, 2, 3).transpose(0, 3, 1, 2)
    assert np.abs(stacked(samples).numpy().astype(int) - last).max() <= 1


def test_half_precision_latents_and_points(model):
    assert open_samples(model(["n", 6], (3, 2, 2), kind=FLOAT16), count=3).facts.kind == "images"
    facts = open_samples(model(["n", 6], (12,)), count=3).facts
    assert (facts.kind, facts.shape) == ("points", (12,))


@pytest.mark.parametrize("form", [["n"], ["n", 1]])
@pytest.mark.parametrize("batch", ["n", 7])
def test_labels_are_drawn_for_a_second_input(model, stacked, form, batch):
    labels = [batch, *form[1:]]
    path = model([batch, 6], (3, 2, 2), labels=labels)
    samples = open_samples(path, count=200, classes=4)
    assert set(samples.labels) == {0, 1, 2, 3}
    drawn = expected(200, samples.labels[:, None])
    assert np.abs(stacked(samples).numpy().astype(int) - drawn).max() <= 1
    with pytest.raises(ConfigError, match="number of classes is not known"):
        open_samples(path)
    named = model([batch, 6], (3, 2, 2), labels=labels, metadata={"classes": "4"})
    assert open_samples(named, count=3).facts.classes == 4


def test_a_file_says_how_its_latents_are_drawn_and_what_its_values_mean(model, stacked):
    facts = {"prior": "uniform", "value_range": [-2, 2], "classes": 4, "kind": "image"}
    metadata = {"ganbench": json.dumps({"generator": facts}), "classes": "4"}
    path = model(["n", 6], (3, 2, 2), labels=["n"], metadata=metadata)
    samples = open_samples(path, count=64, label=2)
    z = latents(0, (6,), 0, prior="uniform").numpy()
    images = np.tanh(z @ WEIGHT + 2).reshape(64, 3, 2, 2) / 2
    assert (samples.labels == 2).all()
    expected = (127.5 * images + 128).astype(np.uint8)
    assert np.abs(stacked(samples).numpy().astype(int) - expected).max() <= 1
    with pytest.raises(ConfigError, match="the classes are 0 to 3"):
        open_samples(path, label=4)
    with pytest.raises(ConfigError, match="takes no labels"):
        open_samples(model(["n", 6], (3, 2, 2)), label=0)


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"prior": "own"}, "in a way of its own"),
        ({"kind": "sequence"}, "of the kind sequence"),
        ({"condition": "source"}, "from another image"),
    ],
)
def test_a_file_whose_samples_cannot_be_drawn_is_refused(model, facts, sentence):
    path = model(["n", 6], (3, 2, 2), metadata={"ganbench": json.dumps({"generator": facts})})
    with pytest.raises((ConfigError, InputError), match=sentence):
        open_samples(path)


def test_a_latent_size_that_is_not_in_the_file_is_asked_for(model):
    path = model(["n", "d"], (3, 2, 2))
    with pytest.raises(ConfigError, match=r"latent size of .* is not known"):
        open_samples(path)
    assert open_samples(path, latent_dim=6, count=2).facts.shape == (3, 2, 2)
    with pytest.raises(InputError, match="failed to draw"):
        open_samples(path, latent_dim=5)
    with pytest.raises(ConfigError, match="of size 6, and 5 was given"):
        open_samples(model(["n", 6], (3, 2, 2)), latent_dim=5)


def test_other_inputs_are_refused(model):
    with pytest.raises(InputError, match=r"takes z tensor\(float\) .*, extra tensor"):
        open_samples(model(["n", 6], (3, 2, 2), extra=["n", 4]))


@pytest.mark.parametrize("content", [b"", b"no model", bytes(1000)])
def test_what_is_no_model(tmp_path, content):
    (tmp_path / "x.onnx").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.onnx"):
        open_samples(tmp_path / "x.onnx")


def test_without_onnxruntime(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingDataError) as caught:
        open_samples(model(["n", 6], (3, 2, 2)))
    assert caught.value.hint == 'pip install "ganbench[onnx]"'
