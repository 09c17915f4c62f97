# SPDX-License-Identifier: MIT
"""Drawing samples from a trained generator, and writing them to files."""
