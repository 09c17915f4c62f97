# SPDX-License-Identifier: MIT
"""The chapter on one dataset: what comes first, and what follows."""

from __future__ import annotations

from ganbench.report import sentences
from ganbench.report.content_blocks import Block, Chapter, Paragraph
from ganbench.report.dataset.conclusion_blocks import conclusion_blocks
from ganbench.report.dataset.dataset_section import DatasetSection
from ganbench.report.dataset.health_blocks import best_blocks, health_blocks
from ganbench.report.dataset.metric_blocks import (
    budget_blocks,
    measurement_blocks,
    metric_blocks,
)
from ganbench.report.dataset.over_settings_blocks import over_settings_blocks
from ganbench.report.dataset.picture_blocks import look_blocks, strip_blocks
from ganbench.report.dataset.stability_blocks import stability_blocks
from ganbench.report.dataset.training_blocks import (
    course_blocks,
    loss_blocks,
    sample_blocks,
    settings_blocks,
)
from ganbench.report.dataset.verdict_blocks import difference_blocks, verdict_blocks
from ganbench.report.illustrations import Illustrations


def dataset_chapter(section: DatasetSection, illustrations: Illustrations) -> Chapter:
    """Return the chapter on a dataset: answers first, then numbers, then how they came about.

    Args:
        section: The dataset's analysis and charts.
        illustrations: The pictures of the runs, and the links to their recordings.
    """
    blocks: list[Block] = [
        *_warnings(section),
        *map(Paragraph, _left_out(section)),
        *over_settings_blocks(section),
        *verdict_blocks(section),
        *conclusion_blocks(section),
        *metric_blocks(section),
        *sample_blocks(section, illustrations.grids),
        *strip_blocks(section, illustrations.strips),
        *look_blocks(section, illustrations.looks),
        *course_blocks(section),
        *stability_blocks(section),
        *health_blocks(section),
        *budget_blocks(section),
        *best_blocks(section),
        *difference_blocks(section),
        *loss_blocks(section),
        *measurement_blocks(section, illustrations.recordings),
        *settings_blocks(section),
    ]
    return Chapter(section.dataset, tuple(blocks), anchor=section.slug)


def _left_out(section: DatasetSection) -> list[str]:
    """Return what the chapter leaves out of many runs."""
    return sentences.left_out(
        section.table, section.drawn, section.chosen, courses=bool(section.courses)
    )


def _warnings(section: DatasetSection) -> list[Paragraph]:
    """Return what makes numbers of this dataset incomparable."""
    warnings = [
        f"{metric} was measured by more than one protocol. Its columns must not be compared."
        for metric in section.table.mixed
    ]
    if len(section.environments) > 1:
        warnings.append(
            f"These runs were made in {len(section.environments)} environments: their seconds and "
            "images per second are not comparable."
        )
    if len(section.threads) > 1:
        warnings.append(sentences.threads_warning(section.threads))
    return [Paragraph(warning, role="warning") for warning in warnings]
