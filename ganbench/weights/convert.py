# SPDX-License-Identifier: MIT
"""From a published file to the stored tensors, with the same names for every source.

The names are those of the official file: torch-fidelity's for Inception, torchvision's for
AlexNet and VGG-16, the authors' for DINOv2 and CLIP.
"""

from __future__ import annotations

from pathlib import Path

import torch

from ganbench.errors import InputError
from ganbench.weights.archives import Tensors, read_archive_arrays, read_checkpoint, read_script
from ganbench.weights.catalogue import CLIP, INCEPTION, Weights


def official(entry: Weights, path: Path) -> Tensors:
    """Return the tensors of the official file that are stored.

    Raises:
        InputError: the file cannot be read, or lacks the network's tensors.
    """
    tensors = read_script(path) if entry.name == CLIP.name else read_checkpoint(path)
    stored = {name: tensor.contiguous() for name, tensor in tensors.items() if entry.keeps(name)}
    if not any(entry.in_trunk(name) for name in stored):
        raise InputError(f"{path} holds no tensors of {entry.name}.")
    return stored


def packaged(entry: Weights, path: Path) -> Tensors:
    """Return the trunk from the member of a package, in float32 as in the official file.

    Nothing is computed. Tensors are renamed and transposed, so that the trunk has the official
    file's hash wherever the package's author copied the official numbers.

    Raises:
        InputError: the member cannot be read, or is not laid out as expected.
    """
    if entry.name == INCEPTION.name:
        return _inception(path)
    return _convolutions(path)


def inception_convolutions() -> list[str]:
    """Return the names of Inception's 94 convolutions, in the order of torch-fidelity's."""
    stem = ["Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3"]
    blocks = {
        ("5b", "5c", "5d"): "1x1 5x5_1 5x5_2 3x3dbl_1 3x3dbl_2 3x3dbl_3 _pool",
        ("6a",): "3x3 3x3dbl_1 3x3dbl_2 3x3dbl_3",
        ("6b", "6c", "6d", "6e"): (
            "1x1 7x7_1 7x7_2 7x7_3 7x7dbl_1 7x7dbl_2 7x7dbl_3 7x7dbl_4 7x7dbl_5 _pool"
        ),
        ("7a",): "3x3_1 3x3_2 7x7x3_1 7x7x3_2 7x7x3_3 7x7x3_4",
        ("7b", "7c"): "1x1 3x3_1 3x3_2a 3x3_2b 3x3dbl_1 3x3dbl_2 3x3dbl_3a 3x3dbl_3b _pool",
    }
    return stem + [
        f"Mixed_{block}.branch{branch}"
        for group, branches in blocks.items()
        for block in group
        for branch in branches.split()
    ]


def _inception(path: Path) -> Tensors:
    """Rename four tensors per convolution; the missing scale of batch normalization is one."""
    members = list(read_script(path).items())
    convolutions = inception_convolutions()
    names = [name.rsplit(".", 1)[-1] for name, _ in members]
    if names != ["weight", "beta", "mean", "var"] * len(convolutions):
        raise InputError(f"{path} does not hold the 94 convolutions of Inception.")
    tensors: Tensors = {}
    values = iter(tensor for _, tensor in members)
    for name in convolutions:
        tensors[f"{name}.conv.weight"] = next(values)
        tensors[f"{name}.bn.bias"] = next(values)
        tensors[f"{name}.bn.running_mean"] = next(values)
        tensors[f"{name}.bn.running_var"] = next(values)
        tensors[f"{name}.bn.weight"] = torch.ones_like(tensors[f"{name}.bn.bias"])
    return tensors


_PLACES = {
    5: (0, 3, 6, 8, 10),
    13: (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
}
"""Positions of the convolutions in torchvision's ``features``: AlexNet's 5, and VGG-16's 13."""


def _convolutions(path: Path) -> Tensors:
    """Rename convolutions and turn their kernels from (H, W, in, out) to (out, in, H, W)."""
    arrays = {
        name: array
        for name, array in read_archive_arrays(path).items()
        if "NetLinLayer" not in name
    }
    tops = {name.split(".")[0] for name in arrays}
    count = len(arrays) // 2
    if len(tops) != 1 or count not in _PLACES:
        raise InputError(f"{path} does not hold the convolutions of AlexNet or VGG-16.")
    (top,) = tops
    tensors: Tensors = {}
    for index, place in enumerate(_PLACES[count]):
        kernel = arrays[f"{top}.Conv_{index}.kernel"]  # (H, W, in, out)
        tensors[f"features.{place}.weight"] = kernel.permute(3, 2, 0, 1).contiguous()
        tensors[f"features.{place}.bias"] = arrays[f"{top}.Conv_{index}.bias"]
    return tensors
