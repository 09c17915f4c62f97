# SPDX-License-Identifier: MIT
"""How this machine computes: devices, threads, number formats, processes, memory."""
