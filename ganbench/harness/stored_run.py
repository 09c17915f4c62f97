# SPDX-License-Identifier: MIT
"""A run that is stored: its trained state, and further metrics of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ganbench.config import TrickConfig
from ganbench.data.dataset import Source
from ganbench.data.described_source import DescribedSource, in_memory_before, read_spec
from ganbench.export.plain_generator import refuse_tricks_that_choose
from ganbench.export.weights_file import load_exported
from ganbench.gan import DataSpec
from ganbench.harness.plan import RunPlan, opens, plan_of
from ganbench.harness.run_metrics import AS_USUAL, Measuring, RunMetrics, add_metrics
from ganbench.progress import SILENT, Progress
from ganbench.records.exported_run import ExportedRun
from ganbench.records.json_values import as_mapping, parse_json
from ganbench.records.run_folder import RunFolder
from ganbench.runtime.device import choose_device
from ganbench.runtime.threads import set_threads
from ganbench.state import State
from ganbench.training.build import check_together, start_memory
from ganbench.training.checkpoint import load_checkpoint, misfit, read_tensors
from ganbench.trick import Trick, Tricks, hooks_name
from ganbench.trick_config import acts_on_sampling, merge_sampling_tricks


def measure_again(
    plan: RunPlan,
    folder: RunFolder,
    metrics: Sequence[str],
    *,
    device: str,
    threads: int | None,
    measuring: Measuring = AS_USUAL,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Add metrics to a finished run, whose folder is held; return its result with all metrics.

    Args:
        plan: The plan of the run.
        folder: Its folder.
        metrics: The metrics to add, by name.
        device: The device that draws and measures: ``auto``, ``cpu``, ``cuda``.
        threads: The number of CPU threads; None leaves it as it is.
        measuring: How many samples are measured, and against which real ones.
        progress: Is told how far the measurement is.

    Raises:
        DamagedRunError: The checkpoint is missing or damaged.
    """
    chosen_device = choose_device(device)
    set_threads(threads)
    state = load_state(plan, folder, chosen_device)
    measure = RunMetrics(
        measuring.real(plan.source),
        seed=plan.config.seed,
        device=str(chosen_device),
        metrics=list(metrics),
        samples=measuring.samples,
        progress=progress,
    )
    return add_metrics(folder, state, measure)


def load_state(
    plan: RunPlan,
    folder: RunFolder,
    device: torch.device,
    *,
    sampling: Sequence[TrickConfig] = (),
) -> State:
    """Return the trained state of a run, ready for drawing samples.

    Args:
        plan: The plan of the run.
        folder: The folder that holds its checkpoint, or the exported generator.
        device: Where the networks live.
        sampling: Further tricks, which may change only how samples are drawn.

    Raises:
        DamagedRunError: The configuration or the checkpoint is missing or damaged.
        ConfigError: A further trick acts on training, does not go with the model or with another
            trick, or needs the discriminator where only the generator is at hand.
    """
    state = plan.build(device)
    if isinstance(folder, ExportedRun):
        load_exported(state, folder)
    else:
        load_checkpoint(state, folder.checkpoint_file, streams=False)
    add_sources(state, plan)
    if sampling:
        merged = merge_sampling_tricks(plan.tricks, sampling)
        state.tricks = Tricks(merged, state.tricks.variant)
    if isinstance(folder, ExportedRun):
        refuse_tricks_that_choose(state, folder.name)
    if sampling:
        _start_sampling_tricks(state, plan)
    return state


def _start_sampling_tricks(state: State, plan: RunPlan) -> None:
    """Let tricks refuse each other and the model, as they do before training; start the new ones.

    Raises:
        ConfigError: They do not go together.
    """
    check_together(state.tricks, plan.gan, plan.loss, plan.config.recipe, state.data)
    for trick in state.tricks.having("sampler"):
        if isinstance(trick, Trick) and acts_on_sampling(trick):
            memory = start_memory(trick, state)  # also of a trained one, which may refuse a new one
            if trick not in plan.tricks:
                name = hooks_name(trick)
                state.memory[name], state.memory_names[name] = memory, frozenset(memory)


def plan_of_run(
    folder: RunFolder, source: Source | None = None, data_root: Path | None = None
) -> RunPlan:
    """Return the plan of a run that is stored.

    An exported generator needs no data for it, nor does a run whose data were in memory: they are
    described next to the weights.

    Args:
        folder: The run.
        source: Its data; None opens the dataset that the run names.
        data_root: The folder that is searched first for downloaded datasets.

    Raises:
        ConfigError: A name is unknown, or parts do not fit together.
        MissingDataError: The data are not on this machine, or were in memory and nothing
            describes them.
        DamagedRunError: The records are damaged.
    """
    config = folder.description()
    if source is None and isinstance(folder, ExportedRun):
        spec = read_spec(as_mapping(folder.document()["data"]), folder.config_file)
        source = DescribedSource(spec, config.dataset, data_root)
    elif source is None and not opens(config.dataset):
        spec = _spec_in_checkpoint(folder.checkpoint_file, config.dataset)
        source = DescribedSource(spec, config.dataset, data_root)
    return plan_of(config, source, data_root)


def _spec_in_checkpoint(path: Path, dataset: str) -> DataSpec:
    """Return the description of the data that a checkpoint holds.

    Raises:
        MissingDataError: It holds none: it is from before checkpoints did.
        DamagedRunError: The file is missing or damaged.
    """
    _, metadata = read_tensors(path, torch.device("cpu"))
    try:
        described = as_mapping(as_mapping(parse_json(metadata["state"])).get("data"))
    except (KeyError, ValueError) as error:
        raise misfit(path, "it is no checkpoint") from error
    if not described:
        raise in_memory_before(dataset)
    return read_spec(described, path)


def add_sources(state: State, plan: RunPlan) -> None:
    """Let samples be made from the sources of the test split, or of the only split.

    During training, at its end and in later commands they are the same.
    """
    if state.conditional == "source":
        splits = plan.source.splits
        dataset = plan.source.load("test" if "test" in splits else splits[0])
        state.sources = dataset.to(state.device).draw_sources
