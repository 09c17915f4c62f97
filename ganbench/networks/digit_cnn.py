# SPDX-License-Identifier: MIT
"""Two small bundled classifiers, of digits and of clothes, as feature networks.

They stand in for Inception where its weights are missing, and mode coverage counts with them.
Numbers made with them carry their names, such as ``fid@mnist-cnn``: they compare with each other
and with no published FID. ``python tools/train_digit_cnn.py`` makes the weights again.
"""

from __future__ import annotations

import functools
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganbench.errors import InputError, MissingDataError
from ganbench.evaluation.feature_network import FeatureNetwork, NetworkFacts
from ganbench.nn.resize import of_channels
from ganbench.registry import register
from ganbench.weights.store import BUNDLED, tensors_hash

RESOLUTION = 28
_CLASSES = 10
FEATURE_SIZE = 128
PREPROCESSING = f"{RESOLUTION}px-bilinear-antialias"
LUMINANCE = (0.299, 0.587, 0.114)
"""Weights of red, green, and blue in gray (ITU-R BT.601)."""


class DigitCNN(nn.Module):
    """Four convolutions with batch normalization, a mean over pixels, and a linear classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _convolution(1, 32, kernel_size=5, stride=2),  # (B, 32, 14, 14)
            _convolution(32, 64, kernel_size=3, stride=1),  # (B, 64, 14, 14)
            _convolution(64, 64, kernel_size=3, stride=2),  # (B, 64, 7, 7)
            _convolution(64, FEATURE_SIZE, kernel_size=3, stride=1),  # (B, 128, 7, 7)
        )
        self.classifier = nn.Linear(FEATURE_SIZE, _CLASSES)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map images (B, 1, 28, 28) in [-1, 1] to features (B, 128) and logits (B, 10)."""
        features = self.body(images).mean(dim=(2, 3))  # (B, 128)
        return features, self.classifier(features)


def _convolution(inputs: int, outputs: int, *, kernel_size: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size, stride, kernel_size // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class SmallClassifier(FeatureNetwork):
    """A ``DigitCNN`` behind its preprocessing."""

    def prepare(self, images: Tensor) -> Tensor:
        """Map uint8 images (B, C, H, W), C = 1 or 3, to gray (B, 1, 28, 28) in [-1, 1]."""
        return preprocess(images)


def preprocess(images: Tensor) -> Tensor:
    """Map uint8 images (B, C, H, W), C = 1 or 3, to gray float32 (B, 1, 28, 28) in [-1, 1].

    Color becomes luminance; another size is resized bilinearly (half-pixel centers, with
    antialiasing) on floats, without rounding back to integers.
    """
    pixels = images.float()
    if pixels.shape[1] == 3:
        weights = of_channels(LUMINANCE, pixels.device)
        pixels = (pixels * weights).sum(dim=1, keepdim=True)
    if pixels.shape[2:] != (RESOLUTION, RESOLUTION):
        size = (RESOLUTION, RESOLUTION)
        pixels = interpolate(pixels, size, mode="bilinear", align_corners=False, antialias=True)
    return pixels / 127.5 - 1


@register("mnist-cnn")
def mnist_cnn() -> FeatureNetwork:
    """A small CNN trained on the 4,000 digits of the train split of mnist5k."""
    return load_classifier("mnist-cnn")


@register("fashion-cnn")
def fashion_cnn() -> FeatureNetwork:
    """A small CNN trained on the 60,000 images of the train split of Fashion-MNIST."""
    return load_classifier("fashion-cnn")


@functools.cache
def load_classifier(name: str, folder: Path = BUNDLED) -> FeatureNetwork:
    """Return the network in ``name.safetensors``, checked against the hash that the file carries.

    Raises:
        MissingDataError: The file is missing.
        InputError: The file is damaged, or holds the weights of another network.
    """
    path = folder / f"{name}.safetensors"
    remedy = f"Make the weights again: python tools/train_digit_cnn.py {name}"
    try:
        with safe_open(path, framework="pt") as file:
            record = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in sorted(file.keys())}
    except FileNotFoundError as error:
        raise MissingDataError(f"The weights of {name} are not in {folder}.", remedy) from error
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} is not a whole safetensors file.", remedy) from error
    weights_sha256 = tensors_hash(tensors)
    if record.get("name") != name or record.get("weights_sha256") != weights_sha256:
        raise InputError(f"{path} is damaged: its weights are not those of its record.", remedy)
    module = DigitCNN()
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        raise InputError(f"{path} holds the weights of another network.", remedy) from error
    return SmallClassifier(module, classifier_facts(name, int(record["version"]), weights_sha256))


def classifier_facts(name: str, version: int, weights_sha256: str) -> NetworkFacts:
    """Return the facts of one of these networks."""
    return NetworkFacts(name, version, weights_sha256, PREPROCESSING, FEATURE_SIZE, _CLASSES)


def accuracy(network: FeatureNetwork, images: Tensor, labels: Tensor) -> float:
    """Return the share of uint8 images (N, C, H, W) whose likeliest class is their label (N,)."""
    probabilities = network.extract(images).probabilities
    assert probabilities is not None
    predicted = probabilities.argmax(dim=1)
    return float((predicted == labels.to(predicted.device)).double().mean())
