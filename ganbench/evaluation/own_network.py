# SPDX-License-Identifier: MIT
"""Feature networks that a user has in a file: TorchScript, or a function, without a plug-in.

``--network model.pt`` names a TorchScript archive, which is a program: open only what you trust.
``--network file.py:function`` names a function. Both are called with images as uint8 (B, 3, H, W),
gray ones as three equal channels, in batches of one size, and return features (B, d), or features
and logits (B, K). They resize and scale images themselves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganbench import registry
from ganbench.errors import GanbenchError, InputError, MissingDataError, error_text, foreign_errors
from ganbench.evaluation.feature_network import Extracted, FeatureNetwork, NetworkFacts
from ganbench.evaluation.pair_network import Network
from ganbench.paths import expand
from ganbench.runtime.inference import Compute
from ganbench.samples.callables import load_callable
from ganbench.samples.modules import load_torchscript
from ganbench.siblings import file_digest

ARCHIVE_ENDINGS = (".pt", ".pth", ".ts", ".torchscript", ".jit")
"""The endings of TorchScript archives."""
_CPU = torch.device("cpu")


class OwnNetwork(FeatureNetwork):
    """A network from a user's file, which prepares images itself.

    Args:
        call: Maps uint8 (B, 3, H, W) to features (B, d), or to features and logits (B, K).
        facts: What protocols and metrics must know of it.
    """

    def __init__(self, call: Callable[[Tensor], Any], facts: NetworkFacts) -> None:
        super().__init__(nn.Identity(), facts)
        self._call = call.eval() if isinstance(call, nn.Module) else call

    def prepare(self, images: Tensor) -> Tensor:
        """Return images (B, 3, H, W) as they are, gray ones as three equal channels."""
        return images.expand(-1, 3, -1, -1)

    def _forward(self, inputs: Tensor, compute: Compute) -> Extracted:
        """Call the network as it is: no engine and no number format changes its values."""
        if isinstance(self._call, nn.Module):
            self._call.to(compute.device)

        def wording(error: BaseException) -> GanbenchError:
            return InputError(f"The network {self.facts.name} failed: {error_text(error)}.")

        with foreign_errors(wording):
            outputs = self._call(inputs.contiguous())
        parts = list(outputs) if isinstance(outputs, tuple | list) else [outputs]
        if len(parts) not in {1, 2} or not all(_has_rows(part, len(inputs)) for part in parts):
            raise InputError(
                f"The network {self.facts.name} returned {_described(parts)} for {len(inputs)} "
                "images; features (B, d), or features and logits (B, K), were expected."
            )
        features = parts[0] if parts[0].dtype == torch.float64 else parts[0].float()
        return Extracted(features, parts[1].float().softmax(dim=1) if len(parts) == 2 else None)


def is_own_network(name: str) -> bool:
    """Tell whether a name means a network in a file, not a registered one.

    >>> [is_own_network(name) for name in ("inception", "model.pt", "./net.py:features")]
    [False, True, True]
    """
    path, separator, _ = name.rpartition(":")
    in_python = bool(separator) and path.endswith(".py")
    return in_python or name.lower().endswith(ARCHIVE_ENDINGS)


def check_network(name: str) -> None:
    """Raise an error for a network that there is none of; nothing is loaded.

    Raises:
        UnknownNameError: There is no registered network of that name.
        MissingDataError: There is no such file.
    """
    if not is_own_network(name):
        registry.networks.entry(name)
    elif not (path := _file(name)).is_file():
        raise MissingDataError(f"There is no file {path} to read a feature network from.")


def find_network(name: str) -> Network:
    """Return the network of a name: registered, ``model.pt``, or ``file.py:function``.

    Raises:
        UnknownNameError: There is no registered network of that name.
        MissingDataError: There is no such file, or no weights on this machine.
        InputError: The file is no TorchScript archive, or defines no such function.
    """
    if not is_own_network(name) or _is_registered(name):
        network: Network = registry.networks.get(name)()
        return network
    check_network(name)
    path = _file(name)
    if path.suffix == ".py":
        call: Any = load_callable(f"{path}:{name.rpartition(':')[2]}")
        digest, own = file_digest(path), name.rpartition(":")[2]
    else:
        call, _ = load_torchscript(path, _CPU)
        digest, own = hashlib.sha256(path.read_bytes()).hexdigest(), path.stem
    with torch.no_grad():
        facts = NetworkFacts(_free_name(own), 1, digest, "own", 0, 0, exact=True)
        shown = OwnNetwork(call, facts).extract(torch.zeros(2, 3, 64, 64, dtype=torch.uint8))
    classes = 0 if shown.probabilities is None else shown.probabilities.shape[1]
    facts = NetworkFacts(facts.name, 1, digest, "own", shown.features.shape[1], classes, exact=True)
    return OwnNetwork(call, facts)


def _is_registered(name: str) -> bool:
    """Tell whether a Python file registers the function that a name means."""
    path, _, function = name.rpartition(":")
    file = expand(path)
    if not (path.endswith(".py") and file.is_file()):
        return False
    entries = registry.scan(file, file.stem)
    return registry.canonical(function) in {entry.name for entry in entries}


def _file(name: str) -> Path:
    """Return the file of an own network."""
    path, _, _ = name.rpartition(":")
    return expand(path if path.endswith(".py") else name)


def _free_name(name: str) -> str:
    """Return how results call a network: its own name, unless a registered one has it."""
    plain = registry.canonical(name).replace("@", "-")
    return f"own-{plain}" if plain in registry.networks.entries() else plain


def _has_rows(value: object, count: int) -> bool:
    return (
        isinstance(value, Tensor) and value.ndim == 2 and len(value) == count and len(value[0]) > 0
    )


def _described(parts: list[Any]) -> str:
    """Return what a network returned, in words."""
    shapes = [
        str(tuple(part.shape)) if isinstance(part, Tensor) else type(part).__name__
        for part in parts
    ]
    return " and ".join(shapes) or "nothing"
