# SPDX-License-Identifier: MIT
"""Named, dated events in the life of a run, found in what it records. Loads no torch."""
