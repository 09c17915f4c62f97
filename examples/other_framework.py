# SPDX-License-Identifier: MIT
"""Measure a generator that another framework trained.

ONNX is the common format: torch.onnx, tf2onnx (TensorFlow, Keras) and jax2onnx write it. Here the
file is made by the package onnx itself, so no framework is needed. To install what this script
needs: pip install "ganbench[onnx]" onnx
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import ganbench

LATENT_DIM = 16


def write_generator(path: str) -> None:
    """Write a generator of images (B, 28, 28, 1) in [0, 1], the layout of TensorFlow."""
    rng = np.random.default_rng(0)
    weights = {
        "kernel": rng.normal(0, 0.5, (LATENT_DIM, 28 * 28)).astype(np.float32),
        "bias": rng.normal(-2, 1, 28 * 28).astype(np.float32),
        "shape": np.array([-1, 28, 28, 1], np.int64),
    }
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["latents", "kernel", "bias"], ["logits"]),
            helper.make_node("Sigmoid", ["logits"], ["pixels"]),
            helper.make_node("Reshape", ["pixels", "shape"], ["images"]),
        ],
        "generator",
        [helper.make_tensor_value_info("latents", TensorProto.FLOAT, ["batch", LATENT_DIM])],
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 28, 28, 1])],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


write_generator("generator.onnx")

# Black and white are 0 and 1 here; without value_range they would be -1 and 1.
result = ganbench.evaluate(
    fake="generator.onnx",
    real="mnist5k",
    metrics=["fid@mnist-cnn", "recall@mnist-cnn", "modes"],
    samples=1000,
    value_range=(0, 1),
)
print(result)
