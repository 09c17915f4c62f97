# SPDX-License-Identifier: MIT
"""The one way in: anything that samples can come from, told apart by type, name and ending."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganbench import registry
from ganbench.data import is_path, open_dataset
from ganbench.data.dataset import Dataset
from ganbench.errors import ConfigError, InputError, MissingDataError
from ganbench.samples.array_rows import ArrayRows
from ganbench.samples.callables import is_callable_name, load_callable
from ganbench.samples.generator_samples import DRAWN, GeneratedSamples, from_callable
from ganbench.samples.image_samples import FileSamples
from ganbench.samples.on_disk import open_array, open_module, open_path
from ganbench.samples.open_options import OpenOptions, refuse
from ganbench.samples.sample_set import Samples, TensorSamples, of_dataset
from ganbench.samples.subset import Subset, choose_subset, part_facts

_DATASET = re.compile(r"(?P<name>[\w.-]+(@\d+)?)(:(?P<split>[\w-]+))?")


def open_samples(
    source: object,
    *,
    count: int | None = None,
    seed: int = 0,
    strict: bool = False,
    device: torch.device | str = "cpu",
    data_root: Path | None = None,
    split: str | None = None,
    labels: Sequence[int] | NDArray[Any] | Tensor | None = None,
    latent_dim: int | None = None,
    classes: int | None = None,
) -> Samples:
    """Open samples from anywhere, to be read chunk by chunk.

    ``source`` is one of these:

    - ``Samples``, or a loaded ``Dataset``;
    - a tensor of images (N, C, H, W) or points (N, D), or a numpy array, of images (N, H, W) or
      (N, H, W, C), too; images are uint8 or floats in [-1, 1], with 1 or 3 channels;
    - a folder, ``.zip`` or ``.tar`` (``.tar.gz``, ``.tgz``, ...) of images;
    - ``.npz`` or ``.npy``, arrays as above; ``.csv`` or ``.txt``, points;
    - the name of a dataset: ``fashion-mnist``, ``fashion-mnist:test``, ``celeba@128:test``; the
      split is the first one unless named here or by ``split``;
    - a function ``generate(count, generator)`` that returns so many samples drawn from the
      torch.Generator, or its name: ``package.module:function`` or ``./file.py:function``;
    - a torch module, a TorchScript archive (``.pt``, ``.ts``), an ONNX file (``.onnx``): they
      get standard normal latents of ``latent_dim``, and labels where ``classes`` says so.
      A TorchScript archive is a program: open only those that you trust.

    ``count`` is the number of samples to draw from a generator, 5,000 if None; of other sources
    it takes a random part of that size, or all if there are no more. ``seed`` is that of both.
    ``strict`` makes images that cannot be read an error; else they are left out and named in
    ``skipped``. ``labels`` (N,) are the classes of an array's or a folder's samples, in their
    order. ``data_root`` is looked in first for a dataset's files. Generators run on ``device``.

    Raises:
        MissingDataError: there is no such file or dataset here, or a package is not installed.
        UnknownNameError: no dataset of that name.
        InputError: the source cannot be read, or holds no samples.
        ConfigError: an option that the source cannot have, or that it lacks.
    """
    if count is not None and count < 1:
        raise ConfigError(f"The number of samples must be at least 1, not {count}.")
    if seed < 0:
        raise ConfigError(f"The seed must be 0 or more, not {seed}.")
    options = OpenOptions(
        count, seed, strict, torch.device(device), data_root, split, labels, latent_dim, classes
    )
    if isinstance(source, str | os.PathLike):
        return _open_name(os.fspath(source), isinstance(source, os.PathLike), options)
    return _open_object(source, options)


def _open_object(source: object, options: OpenOptions) -> Samples:
    """Open what is in memory."""
    refuse(options, split=True)
    if isinstance(source, Tensor | np.ndarray):
        array = _as_array(source)
        first = isinstance(source, Tensor)
        return open_array(ArrayRows(array), "The array", "samples", options, channels_first=first)
    refuse(options, labels=True)
    if isinstance(source, Samples):
        chosen = choose_subset(len(source), options.count, options.seed)
        if chosen is None:
            return source
        if isinstance(source, FileSamples):
            return source.take(chosen)
        return Subset(source, chosen, options.seed)
    if isinstance(source, Dataset):
        return _dataset(source, options)
    if isinstance(source, nn.Module):
        return open_module(source, type(source).__name__, options)
    if callable(source):
        return _callable(source, getattr(source, "__name__", type(source).__name__), options)
    raise InputError(
        f"Samples cannot be read from {type(source).__name__}; a path, a dataset's name, a "
        "tensor, an array or a function was expected."
    )


def _open_name(name: str, is_real_path: bool, options: OpenOptions) -> Samples:
    """Open what a text names: a function, a dataset, or something on disk."""
    if not is_real_path and (_names_dataset(name) or _registers(name)):
        return _named_dataset(name, options)  # a file or folder of that name is ./name
    path, exists = _place(name)
    if not is_real_path and not exists:
        if is_callable_name(name):
            refuse(options, labels=True, split=True)
            return _callable(load_callable(name), name.rpartition(":")[2], options)
        if not is_path(name) and not path.suffix and ":/" not in name:
            return _named_dataset(name, options)
    refuse(options, split=True)
    if not exists:
        raise MissingDataError(
            f"There is no file or folder {name}.", "See what is built in: ganbench ls datasets"
        )
    return open_path(path, options)


def _place(name: str) -> tuple[Path, bool]:
    """Return the path that a text means, and whether there is something."""
    try:
        path = Path(name).expanduser()
        return path, bool(name) and path.exists()
    except (OSError, RuntimeError) as error:  # no such user, no right to look, too long a name
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(f"{name[:200]} cannot be read: {reason}.") from error


def _names_dataset(name: str) -> bool:
    """Tell whether a text is a registered dataset, with its size and split if so given."""
    match = _DATASET.fullmatch(name)
    known = registry.datasets.entries()
    return match is not None and registry.canonical(match["name"].partition("@")[0]) in known


def _registers(name: str) -> bool:
    """Tell whether a text means a dataset that a Python file registers."""
    file, separator, wanted = name.partition(".py:")
    if not registry.is_file_name(name):
        return False
    path, exists = _place(file + ".py" if separator else name)
    if not exists or not path.is_file():
        return False
    entries = [entry.name for entry in registry.scan(path, path.stem)]
    return registry.canonical(wanted) in entries if wanted else bool(entries)


def _named_dataset(name: str, options: OpenOptions) -> Samples:
    match = _DATASET.fullmatch(name)
    wanted, named = (match["name"], match["split"]) if match else (name, None)
    if named and options.split and named != options.split:
        raise ConfigError(f"Two splits are given: {name} and {options.split}.")
    refuse(options, labels=True)
    source = open_dataset(wanted, options.data_root)
    return _dataset(source.load(named or options.split or source.splits[0]), options)


def _dataset(dataset: Dataset, options: OpenOptions) -> Samples:
    chosen = choose_subset(len(dataset), options.count, options.seed)
    if chosen is None:
        return of_dataset(dataset)
    whole = of_dataset(dataset.take(torch.from_numpy(chosen)))
    facts = part_facts(whole.facts, len(chosen), options.seed)
    return TensorSamples(whole.values, facts, labels=whole.labels)


def _callable(generate: Callable[..., Any], name: str, options: OpenOptions) -> Samples:
    if isinstance(generate, nn.Module):
        return open_module(generate, name, options)
    if options.latent_dim or options.classes:
        raise ConfigError(
            f"{name} is a function, which draws its own latents and labels: latent_dim and "
            "classes are for networks."
        )
    return GeneratedSamples(
        from_callable(generate, options.seed, options.device),
        name=name,
        count=DRAWN if options.count is None else options.count,
    )


def _as_array(values: Tensor | NDArray[Any]) -> NDArray[Any]:
    if isinstance(values, np.ndarray):
        return values
    values = values.detach().cpu()
    if values.dtype == torch.bfloat16:
        values = values.float()  # numpy does not know it
    return values.numpy()
