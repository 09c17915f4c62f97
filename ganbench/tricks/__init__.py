# SPDX-License-Identifier: MIT
"""Stabilization tricks, one in each file, found by their ``@register``."""
