# SPDX-License-Identifier: MIT
"""``python -m ganbench``: the same as the command."""

from ganbench.cli import main

if __name__ == "__main__":
    main()
