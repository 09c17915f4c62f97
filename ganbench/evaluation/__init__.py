# SPDX-License-Identifier: MIT
"""The contracts of metrics and feature networks, and the one pass over samples that serves all."""
