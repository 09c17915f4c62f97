# SPDX-License-Identifier: MIT
"""The zoo: one GAN variant per file, shipped as ``ganbench.zoo`` and loaded by the registry."""

if __name__ != "ganbench.zoo":
    raise ImportError("Import the zoo as ganbench.zoo: ganbench.create('vanilla', data).")
