# SPDX-License-Identifier: MIT
"""ganbench trains, measures and compares GANs, with numbers that can be trusted.

Importing this package loads no torch; each name is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ganbench.config import Recipe, adam, rmsprop, sgd
    from ganbench.data import open_dataset
    from ganbench.gan import GAN, Batch, DataSpec, Loss, Partner, Sampler
    from ganbench.harness.evaluate import evaluate
    from ganbench.harness.run import RunOptions, run
    from ganbench.nn import MLP, ConvDiscriminator, ConvGenerator
    from ganbench.registry import register
    from ganbench.training.build import create
    from ganbench.trick import Trick

_HOMES = {
    "GAN": "gan",
    "MLP": "nn",
    "Batch": "gan",
    "ConvDiscriminator": "nn",
    "ConvGenerator": "nn",
    "DataSpec": "gan",
    "Loss": "gan",
    "Partner": "gan",
    "Recipe": "config",
    "RunOptions": "harness.run",
    "Sampler": "gan",
    "Trick": "trick",
    "adam": "config",
    "create": "training.build",
    "evaluate": "harness.evaluate",
    "open_dataset": "data",
    "register": "registry",
    "rmsprop": "config",
    "run": "harness.run",
    "sgd": "config",
}

__all__ = [
    "GAN",
    "MLP",
    "Batch",
    "ConvDiscriminator",
    "ConvGenerator",
    "DataSpec",
    "Loss",
    "Partner",
    "Recipe",
    "RunOptions",
    "Sampler",
    "Trick",
    "__version__",
    "adam",
    "create",
    "evaluate",
    "open_dataset",
    "register",
    "rmsprop",
    "run",
    "sgd",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"ganbench.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'ganbench' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
