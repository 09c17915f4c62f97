# SPDX-License-Identifier: MIT
"""Drawing samples from a trained pair, and writing them."""
