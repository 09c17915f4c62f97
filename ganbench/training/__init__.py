# SPDX-License-Identifier: MIT
"""The trainer that all models share: building, optimizers, checkpoints, several processes."""
