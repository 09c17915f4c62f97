# SPDX-License-Identifier: MIT
"""The trainer that all models share: building, optimizing, checkpoints."""
