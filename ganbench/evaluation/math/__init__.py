# SPDX-License-Identifier: MIT
"""The mathematics that several metrics share: exact, in float64, in bounded memory."""
