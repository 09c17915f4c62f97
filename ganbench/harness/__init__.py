# SPDX-License-Identifier: MIT
"""Runs from their description to their result, alone and in matrices."""
