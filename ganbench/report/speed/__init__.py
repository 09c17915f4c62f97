# SPDX-License-Identifier: MIT
"""A report's section on speed."""
