# SPDX-License-Identifier: MIT
"""The lab: a local page on which one sees a GAN learn."""
