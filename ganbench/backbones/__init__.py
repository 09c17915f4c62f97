# SPDX-License-Identifier: MIT
"""Catalogue of backbones: a generator with its discriminator, in a file each."""
