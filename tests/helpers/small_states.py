# SPDX-License-Identifier: MIT
"""Training states of small GANs on the CPU, with the GAN's own recipe and loss."""

import torch

from ganbench.training.build import build_state

CPU = torch.device("cpu")


def state_of(gan, data, tricks=(), *, recipe=None, loss=None, seed=0, **context):
    """Return the state of a GAN on some data, with tricks, before its first step."""
    return build_state(
        gan,
        data,
        recipe=recipe or gan.recipe,
        tricks=tricks,
        loss=loss or gan.loss,
        seed=seed,
        device=CPU,
        **context,
    )
