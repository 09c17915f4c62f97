# SPDX-License-Identifier: MIT
"""What metrics and feature networks are, and how one pass over samples serves all of them."""
