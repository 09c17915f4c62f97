# SPDX-License-Identifier: MIT
"""The one way to open samples from anywhere, told apart by type, name and ending."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganbench import paths, registry
from ganbench.config import join_words
from ganbench.data import is_path, open_dataset
from ganbench.data.array_rows import ArrayRows
from ganbench.data.dataset import Dataset, Source
from ganbench.data.dataset_names import ARRAY_FILES, find_path, parse_dataset_name
from ganbench.data.in_memory import read_examples
from ganbench.data.value_range import ValueRange, check_value_range
from ganbench.errors import ConfigError, InputError, MissingDataError, UnknownNameError, suggest
from ganbench.progress import SILENT, Progress
from ganbench.records.bundled_generators import pretrained_generators
from ganbench.samples.array_samples import refuse_unmeasured
from ganbench.samples.callables import is_callable_name, load_callable
from ganbench.samples.generator_samples import DRAWN, GeneratedSamples, from_callable
from ganbench.samples.image_samples import FileSamples
from ganbench.samples.on_disk import open_array, open_module, open_path
from ganbench.samples.open_options import OpenOptions, refuse, refuse_passed_over
from ganbench.samples.sample_set import Samples, TensorSamples, of_dataset
from ganbench.samples.subset import Subset, choose_subset, part_facts

_MOST_NEIGHBORS = 1000
"""Members of a folder among which names like a misspelt one are looked for."""
_DATASET = re.compile(r"(?P<name>[\w.-]+(@\d+)?)(:(?P<split>[\w-]+))?")
_PART_OF_RESIZED = re.compile(r"(?P<path>.+@\d+):(?P<split>[\w-]+)")
"""A split of a folder whose images are resized, as a run is trained on it."""


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
    value_range: ValueRange | None = None,
    label: int | None = None,
    progress: Progress = SILENT,
) -> Samples:
    """Open samples from anywhere, to be read chunk by chunk.

    ``source`` is one of these:

    - ``Samples``, a loaded ``Dataset`` of ganbench, or a ``Source``;
    - an array or a tensor: images (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 channels,
      uint8 or floats, or points (N, D) as floats;
    - a torch ``Dataset``, map-style or iterable, a ``DataLoader``, a Hugging Face dataset, a list
      of PIL images, or a mapping of these by split, as ``ganbench.open_dataset`` reads them;
    - a folder, ``.zip`` or ``.tar`` (``.tar.gz``, ``.tgz``, ...) of images;
    - ``.npz`` or ``.npy``, arrays as above; ``.csv`` or ``.txt``, points;
    - the name of a dataset: ``fashion-mnist``, ``fashion-mnist:test``, ``celeba@128:test``; the
      split is the first one unless it is named here or by ``split``;
    - a function ``generate(count, generator)`` that returns ``count`` samples drawn from the
      torch.Generator, or its name: ``package.module:function`` or ``./file.py:function``;
    - a torch module, a TorchScript archive (``.pt``, ``.ts``: a program, so open only what you
      trust), an ONNX file (``.onnx``). Unless their metadata say otherwise, they get standard
      normal latents of ``latent_dim``, and labels where ``classes`` says so.

    Functions, modules and files draw images and points as arrays have them.

    Args:
        source: What to open; see above.
        count: The number of samples to draw from a generator, 5,000 if None. Of other sources a
            random part of that size is taken, or the whole if it has no more.
        seed: The seed of drawing, and of taking a part.
        strict: Refuse images that cannot be read and files that are passed over; otherwise they are
            named in ``skipped`` or counted in ``passed_over``.
        device: The device that generators run on.
        data_root: The folder that is searched first for a dataset's files.
        split: The split of a dataset.
        labels: Integers (N,) from 0, the classes of the samples in their order.
        latent_dim: The latent size of a network, where it does not say it itself.
        classes: The number of classes of a conditional network.
        value_range: The values of black and white in floating-point images; without it they are
            in [-1, 1], and a fifth of the values may overshoot a little.
        label: The class that a generator in a file is to draw; None draws all of them.
        progress: Hears how far the download of a dataset is.

    Raises:
        MissingDataError: there is no such file or dataset here, or a package is not installed.
        InputError: the source cannot be read, or holds no samples.
        ConfigError: an option that the source cannot have, or that it lacks.
    """
    options = OpenOptions(
        count=count,
        seed=seed,
        strict=strict,
        device=torch.device(device),
        data_root=data_root,
        split=split,
        labels=labels,
        latent_dim=latent_dim,
        classes=classes,
        value_range=check_value_range(value_range),
        progress=progress,
        label=label,
    )
    if isinstance(source, str | os.PathLike):
        return _open_name(os.fspath(source), isinstance(source, os.PathLike), options)
    return _open_object(source, options)


def _open_object(source: object, options: OpenOptions) -> Samples:
    """Open data or a generator in memory."""
    if isinstance(source, Mapping) and source:
        refuse_unmeasured(source, "The mapping")
        return _open_object(_split_of(source, options), replace(options, split=None))
    if isinstance(source, Source):
        refuse(options, labels=True)
        return _open_dataset(source.load(options.split or source.splits[0]), options)
    refuse(options, split=True)
    if isinstance(source, Samples | Dataset | nn.Module):
        refuse(options, labels=True)
    if isinstance(source, Samples):
        return _open_part(source, options)
    if isinstance(source, Dataset):
        return _open_dataset(source, options)
    if isinstance(source, nn.Module):
        return open_module(source, type(source).__name__, options)
    if (examples := read_examples(source)) is not None:
        in_array = isinstance(source, Tensor | np.ndarray)
        return open_array(
            ArrayRows(examples.values),
            f"The {examples.name}" if in_array else examples.name,
            "samples" if in_array else examples.name,
            options,
            labels=examples.labels,
            channels_first=examples.channels_first,
        )
    if callable(source):
        refuse(options, labels=True)
        name = getattr(source, "__name__", type(source).__name__)
        return _open_callable(source, name, options)
    raise InputError(
        f"Samples cannot be read from {type(source).__name__}; a path, a dataset's name, an "
        "array, a tensor, a Dataset, a DataLoader, a list of images or a generator was expected."
    )


def _split_of(splits: Mapping[Any, object], options: OpenOptions) -> object:
    """Return the split that is asked for, or the first."""
    split = next(iter(splits)) if options.split is None else options.split
    if split not in splits:
        raise ConfigError(
            f"The samples have no split '{split}'.", f"They have: {join_words(map(str, splits))}."
        )
    return splits[split]


def _open_part(samples: Samples, options: OpenOptions) -> Samples:
    """Return open samples as they are, or a part of them where a number is asked for."""
    chosen = choose_subset(len(samples), options.count, options.seed)
    if chosen is None:
        return samples
    if isinstance(samples, FileSamples):
        return samples.take(chosen)
    return Subset(samples, chosen, options.seed)


def _open_name(name: str, is_real_path: bool, options: OpenOptions) -> Samples:
    """Open what a text names: a function, a dataset, or something on disk."""
    if not is_real_path and (_names_dataset(name) or _registers(name)):
        return _open_registered(name, options)  # a file or folder of that name is ./name
    if part := _PART_OF_RESIZED.fullmatch(name):
        name, options = part["path"], replace(options, split=part["split"])
    named = parse_dataset_name(name, value_range=options.value_range)
    if named.resolution is not None and is_path(named.name):  # as a run that is resized has it
        return _open_registered(name, options)
    if named.resolution is None:
        name, options = named.name, replace(options, value_range=named.value_range)
    path, exists = find_path(name)
    if not is_real_path and not exists:
        if is_callable_name(name):
            refuse(options, labels=True, split=True)
            return _open_callable(load_callable(name), name.rpartition(":")[2], options)
        if not is_path(name) and not path.suffix and ":/" not in name:
            known = [*registry.datasets.entries(), *pretrained_generators()]
            near = suggest(name, [*known, *_neighbors(path)])
            raise UnknownNameError(
                f"There is no file, folder, run or dataset '{name}'. {near}".strip(),
                "See what is built in: ganbench ls datasets",
            )
    refuse(options, split=True)
    if not exists:
        near = suggest(name, _neighbors(path))
        raise MissingDataError(
            f"There is no file or folder {name}. {near}".strip(),
            "See what is built in: ganbench ls datasets",
        )
    return open_path(path, options)


def _neighbors(path: Path) -> list[str]:
    """Return the files and folders next to a path, and the runs, as they would be typed."""
    names: list[str] = []
    for folder in (path.parent, paths.runs()):
        with suppress(OSError):
            names += [str(member) for member in islice(folder.iterdir(), _MOST_NEIGHBORS)]
    return names


def _names_dataset(name: str) -> bool:
    """Tell whether a text is a registered dataset, possibly with a resolution and a split."""
    match = _DATASET.fullmatch(name)
    entries = registry.datasets.entries()
    return match is not None and registry.canonical(match["name"].partition("@")[0]) in entries


def _registers(name: str) -> bool:
    """Tell whether a text names a Python file that registers a dataset, or that dataset."""
    file, separator, dataset = name.partition(".py:")
    if not registry.is_file_name(name):
        return False
    path, exists = find_path(file + ".py" if separator else name)
    if not exists or not path.is_file():
        return False
    entries = [entry.name for entry in registry.scan(path, path.stem)]
    return registry.canonical(dataset) in entries if dataset else bool(entries)


def _open_registered(name: str, options: OpenOptions) -> Samples:
    """Open a split of a registered dataset, or of a path that names a resolution."""
    match = _DATASET.fullmatch(name)
    dataset_name, named_split = (match["name"], match["split"]) if match else (name, None)
    if named_split and options.split and named_split != options.split:
        raise ConfigError(f"Two splits are given: {name} and {options.split}.")
    refuse(options, labels=True)
    source = open_dataset(
        dataset_name,
        options.data_root,
        value_range=options.value_range,
        progress=options.progress,
    )
    refuse_passed_over(source.passed_over, name, options)
    split = named_split or options.split
    samples = _open_dataset(source.load(split or source.splits[0]), options)
    samples.passed_over, samples.notices = source.passed_over, source.notices
    samples.takes_range = dataset_name.partition("@")[0].lower().endswith(ARRAY_FILES)
    if split is None and len(source.splits) > 1 and is_path(dataset_name):
        part = f"{name} is measured by its split '{source.splits[0]}' alone"
        samples.notices = (*samples.notices, f"{part}; {name}:{source.splits[1]} names the other.")
    return samples


def _open_dataset(dataset: Dataset, options: OpenOptions) -> Samples:
    chosen = choose_subset(len(dataset), options.count, options.seed)
    if chosen is None:
        return of_dataset(dataset)
    whole = of_dataset(dataset.take(torch.from_numpy(chosen)))
    facts = part_facts(whole.facts, len(chosen), options.seed)
    return TensorSamples(whole.values, facts, labels=whole.labels)


def _open_callable(generate: Callable[..., Any], name: str, options: OpenOptions) -> Samples:
    if isinstance(generate, nn.Module):
        return open_module(generate, name, options)
    if options.latent_dim or options.classes:
        raise ConfigError(
            f"{name} is a function, which draws its own latents and labels; latent_dim and "
            "classes are for networks."
        )
    return GeneratedSamples(
        from_callable(generate, options.seed, options.device),
        name=name,
        count=DRAWN if options.count is None else options.count,
        value_range=options.value_range,
    )
