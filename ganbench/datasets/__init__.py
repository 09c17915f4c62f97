# SPDX-License-Identifier: MIT
"""Datasets, found by their ``@register``; ``ganbench.data`` holds the readers."""
