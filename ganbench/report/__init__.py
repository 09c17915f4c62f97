# SPDX-License-Identifier: MIT
"""Tables, charts and pages from stored runs; computes no statistic."""
