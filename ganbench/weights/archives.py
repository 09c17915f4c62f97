# SPDX-License-Identifier: MIT
"""Tensors from other libraries' files, read without executing anything in them.

Both formats that Python packages carry are pickles, which can call anything. Here a pickle may
name only the few functions and classes that are listed, and each stands for an inert object of
this module: no function of numpy, torch or the package runs while the pickle is read.
"""

from __future__ import annotations

import io
import pickle
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganbench.errors import InputError

Tensors = dict[str, Tensor]


def read_checkpoint(path: Path) -> Tensors:
    """Return the tensors of a torch checkpoint that is one dictionary of tensors (``.pth``).

    torch reads it with ``weights_only=True``, which calls nothing that the file names.

    Raises:
        InputError: the file is no such checkpoint.
    """
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise _unreadable(path, "torch checkpoint") from error
    if not isinstance(checkpoint, Mapping) or not all(
        isinstance(value, Tensor) for value in checkpoint.values()
    ):
        raise _unreadable(path, "dictionary of tensors")
    return dict(checkpoint)


def read_script(path: Path) -> Tensors:
    """Return the tensors of a TorchScript archive by attribute path, in the file's order.

    The program in the archive is neither compiled nor run: tensors are read from the zip's
    uncompressed records.

    Raises:
        InputError: the file is no such archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            top = archive.namelist()[0].split("/", 1)[0]
            reader = _ScriptReader(archive, top)
            return OrderedDict(_walk(reader.load(), ""))
    except _DAMAGE as error:
        raise _unreadable(path, "TorchScript archive") from error


def read_archive_arrays(path: Path) -> Tensors:
    """Return the arrays of a pickled tree of dictionaries, by keys joined with dots.

    Only little-endian float32 arrays in C order are accepted.

    Raises:
        InputError: the file is no such pickle.
    """
    try:
        with path.open("rb") as file:
            return OrderedDict(_walk(_ArrayReader(file).load(), ""))
    except _DAMAGE as error:
        raise _unreadable(path, "pickle of float32 arrays") from error


_DAMAGE = (
    pickle.UnpicklingError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
"""The errors that reading a damaged pickle or zip raises."""


def _unreadable(path: Path, expected: str) -> InputError:
    return InputError(f"{path} cannot be read as a {expected}.")


def _walk(value: Any, prefix: str) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors in nested modules and dictionaries with their paths."""
    if isinstance(value, Tensor):
        yield prefix, value
    elif isinstance(value, _Array):
        yield prefix, value.tensor
    elif isinstance(value, dict | _Module):
        inner = value if isinstance(value, dict) else vars(value)
        for key, item in inner.items():
            yield from _walk(item, f"{prefix}.{key}" if prefix else str(key))


class _Module:
    """Stands for any module of a TorchScript archive: its attributes and nothing else."""


class _Array:
    """Stands for a numpy array."""

    tensor: Tensor

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, columns_first, data = state
        if not isinstance(dtype, _FloatType) or columns_first or not isinstance(data, bytes):
            raise pickle.UnpicklingError("an array that is not float32 in C order")
        values = np.frombuffer(data, "<f4").reshape(shape)
        self.tensor = torch.from_numpy(values.copy())


class _FloatType:
    """Stands for numpy's float32, little-endian."""

    def __init__(self, code: str, align: object, copy: object) -> None:
        if code != "f4":
            raise pickle.UnpicklingError(f"an array of type {code!r}")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] != "<":
            raise pickle.UnpicklingError(f"an array of byte order {state[1]!r}")


class _Nothing:
    """Stands for ``numpy.ndarray``, which a pickle names and must not call."""

    def __new__(cls, *_: object) -> _Nothing:
        raise pickle.UnpicklingError("numpy.ndarray called by name")


def _blank_array(kind: object, shape: object, code: object) -> _Array:
    """Stand for numpy's ``_reconstruct``: an array whose state follows."""
    return _Array()


def _tensor(
    storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object
) -> Tensor:
    """Stand for torch's ``_rebuild_tensor_v2``; torch refuses strides that leave the storage."""
    return storage.as_strided(size, stride, offset).contiguous()


def _untagged(value: Any, type_name: str) -> Any:
    """Stand for torch's ``restore_type_tag``: the value without its declared type."""
    return value


_IN_ARRAYS: Mapping[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _blank_array,
    ("numpy._core.multiarray", "_reconstruct"): _blank_array,
    ("numpy", "ndarray"): _Nothing,
    ("numpy", "dtype"): _FloatType,
    ("collections", "OrderedDict"): OrderedDict,
}
_IN_SCRIPTS: Mapping[tuple[str, str], Any] = {
    ("torch", "FloatStorage"): torch.float32,
    ("torch", "HalfStorage"): torch.float16,
    ("torch", "LongStorage"): torch.int64,
    ("torch", "IntStorage"): torch.int32,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch.jit._pickle", "build_intlist"): list,
    ("torch.jit._pickle", "build_doublelist"): list,
    ("torch.jit._pickle", "build_boollist"): list,
    ("torch.jit._pickle", "build_tensorlist"): list,
    ("torch.jit._pickle", "restore_type_tag"): _untagged,
    ("collections", "OrderedDict"): OrderedDict,
}


class _ArrayReader(pickle.Unpickler):
    """Accepts float32 arrays in plain containers, and refuses every other name."""

    def find_class(self, module: str, name: str) -> Any:
        """Return the object that stands for a name in the pickle, or refuse the name."""
        return _accepted(_IN_ARRAYS, module, name)


class _ScriptReader(pickle.Unpickler):
    """Accepts modules, tensors and their storages, and refuses every other name."""

    def __init__(self, archive: zipfile.ZipFile, top: str) -> None:
        super().__init__(io.BytesIO(archive.read(f"{top}/data.pkl")))
        self._archive = archive
        self._top = top

    def find_class(self, module: str, name: str) -> Any:
        """Return the object that stands for a name in the pickle, or refuse the name."""
        if module.split(".")[0] == "__torch__":
            return _Module
        return _accepted(_IN_SCRIPTS, module, name)

    def persistent_load(self, identifier: Any) -> Tensor:
        """Return a storage (n,) from its record in the zip."""
        kind, dtype, key, _, count = identifier
        if kind != "storage" or not isinstance(dtype, torch.dtype):
            raise pickle.UnpicklingError(f"a reference of kind {kind!r}")
        record = bytearray(self._archive.read(f"{self._top}/data/{key}"))
        return torch.frombuffer(record, dtype=dtype, count=count)


def _accepted(names: Mapping[tuple[str, str], Any], module: str, name: str) -> Any:
    if (module, name) not in names:
        raise pickle.UnpicklingError(f"the name {module}.{name}")
    return names[module, name]
