# SPDX-License-Identifier: MIT
"""Commands as they are typed, and the verbs that carry them out."""

import typer

from ganbench.cli import app

GROUP = typer.main.get_command(app)


def find_command(words: list[str]) -> tuple[object, list[str]]:
    """Return the verb that words name, and the words after it."""
    command = GROUP
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        assert words[0] in command.commands, f"no verb {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    return command, words


def parse(words: list[str]) -> None:
    """Parse a command as it would be run; wrong options and types raise."""
    command, rest = find_command(words)
    command.make_context(words[0], list(rest))
