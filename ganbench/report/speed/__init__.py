# SPDX-License-Identifier: MIT
"""The chapter of a report on speed."""
