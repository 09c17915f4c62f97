# SPDX-License-Identifier: MIT
"""Metrics, found by their ``@register``; how they are computed together is in ``evaluation``."""
