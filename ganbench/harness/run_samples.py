# SPDX-License-Identifier: MIT
"""What a trained run draws, as samples to measure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ganbench.data.dataset import Dataset
from ganbench.data.described_source import DescribedSource
from ganbench.harness.changed_sources import changed_code, check_data_unchanged
from ganbench.harness.plan import RunPlan
from ganbench.harness.run_metrics import default_samples
from ganbench.harness.state_paths import StatePaths
from ganbench.harness.stored_run import load_state
from ganbench.kinds import kind_of
from ganbench.records.run_folder import RunFolder
from ganbench.samples.generator_samples import weights_version
from ganbench.samples.sample_set import CHUNK, Chunk, Facts, Samples, TensorSamples, check_finite
from ganbench.sampling.draw import DRAW_BATCH, DrawnSamples, draw, sampler_name, stream
from ganbench.state import State
from ganbench.training.trainer import evaluating
from ganbench.typed_values import MOST_SAMPLES, MOST_SEED, check_whole


class RunSamples(Samples):
    """Samples that a trained run draws: the same ones for the same seed.

    Args:
        plan: The plan of the run.
        folder: The folder that holds its checkpoint, or the exported generator.
        count: The number of samples; None means ``default_samples``.
        seed: The seed of the latents.
        device: Where samples are drawn.
    """

    def __init__(
        self, plan: RunPlan, folder: RunFolder, count: int | None, seed: int, device: torch.device
    ) -> None:
        check_whole("The number of samples", count, 1, MOST_SAMPLES)
        check_whole("The seed", seed, 0, MOST_SEED)
        self._state: State = load_state(plan, folder, device)
        self._seed = seed
        spec = self._state.data
        self._count = count or default_samples(spec)
        self._plan = plan
        self.sampler = sampler_name(self._state)
        self._changed = changed_code(plan, folder)
        self.skipped = {}
        self.paths = StatePaths(self._state, seed)
        self._drawn: DrawnSamples | None = None
        if self._state.conditional is True:  # its classes must be known before it is read
            with evaluating(self._state):
                self._drawn = draw(self._state, self._count, seed=seed, purpose="metrics")
            assert self._drawn.labels is not None
            self.labels = self._drawn.labels.numpy()
        weights = weights_version(self._state.sampler().generator)
        self.facts = Facts(folder.path.name, weights, spec.plural, shape=spec.shape, drawn=True)

    @property
    def trained_on(self) -> str | Dataset:
        """The data that the run was trained on, by name if they have one.

        Raises:
            ConfigError: They have changed since.
        """
        source = self._plan.source
        if isinstance(source, DescribedSource):
            source = source.opened
        check_data_unchanged(replace(self._plan, source=source))
        return source.load(source.splits[0]) if self._plan.in_memory else self._plan.config.dataset

    def described(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return a measurement with the sampler, and a warning if the run's code has changed."""
        warning = "; ".join(filter(None, [*self._changed, record["warning"]]))
        return {**record, "sampler": self.sampler, "warning": warning}

    def __len__(self) -> int:
        return self._count

    def chunks(self, size: int = CHUNK) -> Iterator[Chunk]:
        """Draw as measurements during training do, in batches that do not depend on ``size``."""
        if self._drawn is not None:
            check_finite(self._drawn.samples)
            yield from TensorSamples(self._drawn.samples, self.facts).chunks(size)
            return
        random = stream(self._state, self._seed, "metrics")
        for start in range(0, self._count, DRAW_BATCH):
            with evaluating(self._state):
                drawn = self._state.sampler()(min(DRAW_BATCH, self._count - start), random)
            values = drawn.images.cpu()
            check_finite(values)
            values = kind_of(self._state.data).to_samples(values, self._state.data)
            for offset in range(0, len(values), size):
                part = values[offset : offset + size]
                first = start + offset
                yield Chunk(part, np.arange(first, first + len(part)))
