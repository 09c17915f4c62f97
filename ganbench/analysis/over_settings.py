# SPDX-License-Identifier: MIT
"""What a treatment does at each setting, such as a learning rate: how far its effect carries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ganbench.analysis.comparison import PLAIN
from ganbench.analysis.verdicts import Verdict
from ganbench.config import join_words
from ganbench.records.labels import by_numbers


@dataclass(frozen=True)
class OverSettings:
    """A set of tricks at several settings of a model: a verdict on the primary metric for each.

    The baseline of each verdict has the same setting. ``settings`` are in the order of their
    numbers.
    """

    model: str
    tricks: str
    settings: tuple[str, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def noun(self) -> str:
        """What the settings are, in the plural."""
        return noun_of(self.settings)

    def count(self, kind: str, *, conditional: bool = False) -> int:
        """Return the number of settings at which the verdict is of a kind, such as ``helps``.

        Verdicts that hold only where no run failed count apart, where ``conditional`` is true.
        """
        return sum(
            verdict.kind == kind and verdict.conditional == conditional for verdict in self.verdicts
        )

    @property
    def steadier(self) -> int:
        """The number of settings at which fewer runs fail than without the tricks."""
        return sum(verdict.comparison.fails_less for verdict in self.verdicts)

    @property
    def shows(self) -> bool:
        """Whether there is a verdict at any setting."""
        return self.count("unclear") < len(self.settings)

    @property
    def sentence(self) -> str:
        """At how many settings it does what, in one sentence."""
        total = len(self.settings)
        parts = [f"helps at {self.count('helps')} of {total} {self.noun}"]
        others = (
            ("helps where no run failed", self.count("helps", conditional=True)),
            ("hurts", self.count("hurts")),
            ("hurts where no run failed", self.count("hurts", conditional=True)),
            ("fails", self.count("fails")),
            ("shows no difference", self.count("unclear")),
        )
        parts += [f"{what} at {count}" for what, count in others if count]
        text = f"{self.tricks or PLAIN} {join_words(parts)}."
        if self.steadier:
            text += f" Fewer of its runs than of the baseline's fail at {self.steadier}."
        return text


def over_settings(verdicts: Sequence[Verdict]) -> list[OverSettings]:
    """Return each model with each set of tricks that is compared at two settings or more.

    Args:
        verdicts: The verdicts on one dataset.
    """
    groups: dict[tuple[str, str], dict[str, Verdict]] = {}
    for verdict in verdicts:
        comparison = verdict.comparison
        if verdict.primary and comparison.only_tricks and comparison.setting and comparison.tricks:
            group = groups.setdefault((comparison.model, comparison.tricks), {})
            group[comparison.setting] = verdict
    made = []
    for (model, tricks), by_setting in groups.items():
        settings = sorted(by_setting, key=by_numbers)
        if len(settings) > 1:
            found = tuple(by_setting[setting] for setting in settings)
            made.append(OverSettings(model, tricks, tuple(settings), found))
    return made


def noun_of(settings: Sequence[str]) -> str:
    """Return ``learning rates`` if they are all that differs, otherwise ``settings``.

    >>> noun_of(["learning_rate=0.001", "learning_rate=0.01"])
    'learning rates'
    """
    keys = {part.partition("=")[0] for setting in settings for part in setting.split(", ")}
    rates = keys and all(key.endswith("learning_rate") for key in keys)
    return "learning rates" if rates else "settings"
