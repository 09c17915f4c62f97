# SPDX-License-Identifier: MIT
"""Options that were typed and have no effect: a command refuses them rather than ignore them."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from ganbench.cli.options import typed_flags
from ganbench.errors import ConfigError

if TYPE_CHECKING:
    import typer


def refuse_all_but(context: typer.Context, takes: Collection[str], where: str) -> None:
    """Refuse every option that was typed, except those that have an effect.

    Args:
        context: The command as it was typed.
        takes: The parameters that have an effect.
        where: When the others have none, as the end of a sentence: ``with --diff``.

    Raises:
        ConfigError: Another option was typed.
    """
    typed = typed_flags(context)
    _refuse([flag for name, flag in typed.items() if name not in takes], where)


def refuse_idle(context: typer.Context, idle: Collection[str], where: str) -> None:
    """Refuse the options that have no effect, if they were typed.

    Args:
        context: The command as it was typed.
        idle: The parameters that have no effect.
        where: When they have none, as the end of a sentence: ``with --diff``.

    Raises:
        ConfigError: One of them was typed.
    """
    _refuse([flag for name, flag in typed_flags(context).items() if name in idle], where)


def _refuse(flags: list[str], where: str) -> None:
    if not flags:
        return
    *others, last = flags
    listed = f"{', '.join(others)} and {last}" if others else last
    verb = "change" if others else "changes"
    raise ConfigError(f"{listed} {verb} nothing {where}.", f"Leave {listed} out.")
