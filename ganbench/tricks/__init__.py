# SPDX-License-Identifier: MIT
"""Stabilization tricks, one per file, found by their ``@register``."""
