# SPDX-License-Identifier: MIT
"""A report as Markdown."""
