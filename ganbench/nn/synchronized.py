# SPDX-License-Identifier: MIT
"""Batch normalization over a batch that several processes share.

torch's SyncBatchNorm needs CUDA and cannot be differentiated twice, which gradient penalties need.
This layer is made of plain operations and one exchange, so it runs anywhere, and has derivatives
of any order.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ganbench.errors import ConfigError
from ganbench.runtime.process_group import ProcessGroup

_PLAIN = {nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm}


class SynchronizedBatchNorm(_BatchNorm):
    """Normalizes each channel of (B, C, ...) over the parts of all processes (arXiv:1502.03167).

    It takes over the weights and running statistics of a plain layer, under the same names. In
    evaluation mode it is that layer. Every process must hold equally many examples.
    """

    def __init__(self, plain: _BatchNorm, group: ProcessGroup) -> None:
        super().__init__(
            plain.num_features,
            plain.eps,
            plain.momentum,
            plain.affine,
            plain.track_running_stats,
        )
        self.weight, self.bias = plain.weight, plain.bias
        self.running_mean, self.running_var = plain.running_mean, plain.running_var
        self.num_batches_tracked = plain.num_batches_tracked
        self.group = group

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2:
            raise ValueError(f"(B, C, ...) was expected, not {tuple(input.shape)}")

    def forward(self, input: Tensor) -> Tensor:
        """Normalize (B, C, ...) by the statistics of the parts of all processes."""
        if not self.training:  # samples are drawn by one process alone
            return super().forward(input)
        self._check_input_dim(input)
        values = input.float() if input.dtype in {torch.bfloat16, torch.float16} else input
        averaged = [dimension for dimension in range(values.ndim) if dimension != 1]
        variance, mean = torch.var_mean(values, averaged, correction=0)  # (C,) of this part
        means, variances = self.group.gather(torch.stack([mean, variance])).unbind(1)  # (size, C)
        # Exact where squares would cancel: the spread within the parts, and between them.
        mean = means.mean(0)
        variance = variances.mean(0) + (means - mean).square().mean(0)
        if self.track_running_stats:
            self._update_running(mean, variance, values.numel() // len(mean) * len(means))
        scale = (variance + self.eps).rsqrt()
        if self.affine:
            scale = scale * self.weight
        shift = -mean * scale
        if self.affine:
            shift = shift + self.bias
        per_channel = [1, -1, *[1] * (values.ndim - 2)]
        normalized = torch.addcmul(shift.view(per_channel), values, scale.view(per_channel))
        return normalized.to(input.dtype)

    @torch.no_grad()
    def _update_running(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Move the running statistics, as the plain layer does."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        share = self.momentum
        if share is None:  # a mean over all batches so far
            share = 1.0 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        unbiased = variance * (count / max(1, count - 1))
        self.running_var.lerp_(unbiased.to(self.running_var.dtype), share)


def has_batch_norm(network: nn.Module) -> bool:
    """Return whether a network has batch normalization, which torch differentiates twice only."""
    return any(isinstance(module, _BatchNorm) for module in network.modules())


def synchronize_batch_norm(network: nn.Module, group: ProcessGroup) -> nn.Module:
    """Return a network with every batch normalization synchronized.

    In a group of a single process, the network stays as it is.

    Raises:
        ConfigError: A batch normalization is none of torch's own.
    """
    if group.size == 1:
        return network
    if isinstance(network, _BatchNorm):
        if type(network) not in _PLAIN:
            raise ConfigError(
                f"{type(network).__name__} is a batch normalization that several processes cannot "
                "share: its statistics would be those of a part of the batch.",
                "Start it without torchrun, or use torch's own BatchNorm.",
            )
        return SynchronizedBatchNorm(network, group)
    for name, child in network.named_children():
        setattr(network, name, synchronize_batch_norm(child, group))
    return network
