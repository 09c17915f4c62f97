# SPDX-License-Identifier: MIT
"""What would make a run fail is found before anything is trained or written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ganbench.data.dataset import Source
from ganbench.evaluation.requests import Request
from ganbench.harness.plan import RunPlan
from ganbench.harness.run_logs import logger_classes
from ganbench.harness.run_metrics import AS_USUAL, Measuring, wanted_metrics
from ganbench.harness.run_options import RunOptions
from ganbench.runtime.device import choose_device
from ganbench.runtime.process_group import launched
from ganbench.training.batch_memory import check_batch_memory


def check_run(plan: RunPlan, options: RunOptions) -> Sequence[Request]:
    """Check the device, the metrics with their weights and real samples, loggers, and memory.

    Returns:
        The metrics that will be measured; none if no metric suits the data and none is named.

    Raises:
        GanbenchError: Something is wrong or missing.
    """
    data = plan.source.spec
    wanted = wanted_metrics(plan.source, options.metrics, options.measuring)
    logger_classes(options.loggers)
    device = choose_device(options.device)
    check_batch_memory(data, plan.config.recipe, device, lambda: plan.gan, launched().size)
    return wanted.requests


def check_data(sources: Iterable[Source], measuring: Measuring = AS_USUAL) -> None:
    """Load what is trained on and compared with, so that files that are missing are known.

    Raises:
        MissingDataError: Files are neither here nor can be downloaded.
        InputError: A file cannot be read.
    """
    for source in sources:
        measuring.real(source, source.load(source.splits[0]))
