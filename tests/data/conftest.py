# SPDX-License-Identifier: MIT
"""Pictures and archives of them, as the tests of samples make them."""

from picture_files import pictures, png, write

__all__ = ["pictures", "png", "write"]
