# SPDX-License-Identifier: MIT
"""Statistics, tables, comparisons and verdicts as plain data. Renders nothing."""
