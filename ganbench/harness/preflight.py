# SPDX-License-Identifier: MIT
"""What would make a run fail is found before anything is trained or written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import torch

from ganbench.config import RunConfig
from ganbench.data.dataset import Source
from ganbench.evaluation.requests import Request
from ganbench.gan import GAN
from ganbench.harness.matrix import Arm, Cell
from ganbench.harness.plan import RunPlan, plan_of
from ganbench.harness.run_logs import logger_classes
from ganbench.harness.run_metrics import AS_USUAL, Measuring, WantedMetrics, wanted_metrics
from ganbench.harness.run_options import RunOptions
from ganbench.runtime.device import choose_device
from ganbench.runtime.process_group import launched
from ganbench.training.batch_memory import check_batch_memory

_Training = tuple[str, Source, RunConfig, Callable[[], GAN]]
"""What is trained: the name of the data, the data, the run, and how its GAN is made."""


def check_run(plan: RunPlan, options: RunOptions) -> Sequence[Request]:
    """Check all that ``check_cells`` does, and that the networks can be built.

    Returns:
        The metrics that will be measured; none if no metric suits the data and none is named.

    Raises:
        GanbenchError: Something is wrong or missing.
    """
    name = plan.config.dataset
    wanted = _check([(name, plan.source, plan.config, plan.gan_with_tricks)], options)
    plan.build(torch.device("cpu"))  # some tricks refuse only what they find in a network
    return wanted[name].requests


def check_cells(cells: Sequence[Cell], options: RunOptions) -> dict[str, WantedMetrics]:
    """Check the device, the metrics with their weights and real samples, loggers, and memory.

    The networks of each arm were built when the matrix was planned.

    Returns:
        The metrics to measure, by dataset.

    Raises:
        GanbenchError: Something is wrong or missing.
    """
    arms = dict.fromkeys(cell.arm for cell in cells)
    return _check((_training(arm, options.open(arm.dataset)) for arm in arms), options)


def _training(arm: Arm, source: Source) -> _Training:
    return arm.dataset, source, arm.config, partial(_gan_of, arm, source)


def _gan_of(arm: Arm, source: Source) -> GAN:
    return plan_of(arm.config, source).gan_with_tricks()


def _check(trainings: Iterable[_Training], options: RunOptions) -> dict[str, WantedMetrics]:
    """Check what a run and a matrix have in common; return what to measure, by dataset."""
    logger_classes(options.loggers)
    device = choose_device(options.device)
    wanted: dict[str, WantedMetrics] = {}
    for name, source, config, make_gan in trainings:
        if name not in wanted:
            wanted[name] = wanted_metrics(source, options.metrics, options.measuring)
        check_batch_memory(source.spec, config, device, make_gan, launched().size)
    return wanted


def check_data(sources: Iterable[Source], measuring: Measuring = AS_USUAL) -> None:
    """Load what is trained on and compared with, so that files that are missing are known.

    Raises:
        MissingDataError: Files are neither here nor can be downloaded.
        InputError: A file cannot be read.
    """
    for source in sources:
        measuring.real(source, source.load(source.splits[0]))
