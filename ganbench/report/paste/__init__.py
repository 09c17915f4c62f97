# SPDX-License-Identifier: MIT
"""Reports to paste: the numbers of a report as LaTeX, CSV and Parquet, and its charts as PDF."""
