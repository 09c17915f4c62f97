# SPDX-License-Identifier: MIT
"""Metrics, found by their ``@register``; the package ``evaluation`` computes them together."""
