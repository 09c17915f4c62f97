# SPDX-License-Identifier: MIT
"""How fast a GAN trains and samples here, where the time goes, and faster ways to compute it."""
