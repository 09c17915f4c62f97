# SPDX-License-Identifier: MIT
"""``ganbench`` and ``python -m ganbench``: the command, which may be interrupted from its start."""

import sys


def start() -> None:
    """Carry out the command that was typed."""
    try:
        from ganbench.cli import main as run_command_line
    except KeyboardInterrupt:  # before the command line can tell what it was doing
        sys.exit(130)
    run_command_line()


if __name__ == "__main__":
    start()
