# SPDX-License-Identifier: MIT
"""The papers behind models, tricks, losses, metrics, datasets and networks, and how to cite them.

The facts stand in ``papers.toml`` of the zoo. An entry of the registry belongs to the paper whose
arXiv identifier or DOI its docstring names, so a new entry needs no change of that file.
"""
