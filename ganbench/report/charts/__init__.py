# SPDX-License-Identifier: MIT
"""Charts of a report, as Vega-Lite."""
