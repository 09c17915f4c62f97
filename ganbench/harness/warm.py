# SPDX-License-Identifier: MIT
"""All that a run imports, imported: processes that are forked from here begin at once.

Torch's optimizers bring in its compiler when the first one is made, metrics bring in scipy and
scikit-learn: seconds each, for every cell of a matrix. Nothing here computes in parallel, so no
thread is lost in the fork.
"""

from __future__ import annotations

import torch

from ganbench import registry
from ganbench.errors import GanbenchError
from ganbench.harness import cells
from ganbench.metrics.requests import MIXTURE_METRICS, OWN_METRICS

__all__ = ["cells"]

for _registry in (registry.models, registry.tricks, registry.datasets, registry.networks):
    _registry.entries()  # reads every source file of its package
torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])
for _name in (*OWN_METRICS, *MIXTURE_METRICS):
    try:
        registry.metrics.get(_name)
    except GanbenchError:  # whoever asks for it will be told
        continue
