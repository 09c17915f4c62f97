# SPDX-License-Identifier: MIT
"""Catalogue: tools that show training."""
