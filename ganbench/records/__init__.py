# SPDX-License-Identifier: MIT
"""What is on disk: run folders, results, environments; imports no torch."""
