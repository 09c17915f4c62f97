# SPDX-License-Identifier: MIT
"""Tables, charts and pages from stored runs; never computes a metric."""
