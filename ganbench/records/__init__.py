# SPDX-License-Identifier: MIT
"""Files on disk: run folders, results, environments, measurements of speed. Loads no torch."""
