# SPDX-License-Identifier: MIT
"""Feature networks, found by their ``@register``: images in, features and probabilities out."""
