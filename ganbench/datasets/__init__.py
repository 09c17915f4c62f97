# SPDX-License-Identifier: MIT
"""Datasets, found by their ``@register``; what reads them is in ``ganbench.data``."""
