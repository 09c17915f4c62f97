# SPDX-License-Identifier: MIT
"""Feature networks: what turns images into features and class probabilities."""
