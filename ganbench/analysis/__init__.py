# SPDX-License-Identifier: MIT
"""What runs show, as plain data: statistics, tables, comparisons, verdicts. Renders nothing."""
