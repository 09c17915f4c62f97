# SPDX-License-Identifier: MIT
"""How a module gets published weights: built without values, then filled."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ganbench.errors import InputError, MissingDataError

M = TypeVar("M", bound=nn.Module)


def without_values() -> torch.device:
    """Return a context in which modules are built without values.

    Initial weights would cost time and draw global random numbers.
    """
    return torch.device("meta")


def fill(module: M, tensors: Mapping[str, Tensor], *, network: str) -> M:
    """Give a module the tensors that are named as in its ``state_dict``, and return it.

    Args:
        module: A module, with or without values.
        tensors: A tensor for each parameter and buffer; they become the module's own.
        network: The name of the weights, for messages.

    Raises:
        InputError: Tensors are missing, unknown, or of other shapes.
    """
    try:
        module.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        raise of_another_network(network) from error
    return module


def of_another_network(network: str) -> InputError:
    """Return the error of tensors that do not fit the module of a network."""
    return InputError(f"The tensors are of another network than {network}.")


def import_extra(library: str, *, network: str, extra: str) -> Any:
    """Import a library that only one network needs.

    Args:
        library: The name of its top module.
        network: The network that needs it, for messages.
        extra: The extra of ganbench that installs it.

    Raises:
        MissingDataError: It is not installed; the hint is the command that installs it.
    """
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise MissingDataError(
            f"The network {network} needs {library}, which is not installed.",
            f'pip install "ganbench[{extra}]"',
        ) from error
