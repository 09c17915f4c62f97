# SPDX-License-Identifier: MIT
"""Metrics, one file each, and ``evaluate.py``, which computes many in one pass."""
