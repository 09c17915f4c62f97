# SPDX-License-Identifier: MIT
"""Verdicts, stability and what holds across datasets, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.analysis import number_text
from ganbench.analysis.across_datasets import Across
from ganbench.analysis.tables import heading
from ganbench.analysis.verdicts import Verdict
from ganbench.config import join_words
from ganbench.report import sentences
from ganbench.report.dataset_section import Section
from ganbench.report.markdown.markdown_text import bullets, details_block, escape, table


def verdict_parts(section: Section) -> list[str]:
    """Return the table of verdicts and the sentences on the main metric."""
    if not section.verdicts:
        return []
    columns = section.table.columns
    several = len(section.baselines) > 1
    rows = []
    for variant, cells in list(section.by_treatment.items())[: section.most_rows]:
        name = escape(section.treatments[variant])
        if several:
            baseline = next(iter(cells.values())).comparison.baseline
            name += f" (against {escape(baseline)})"
        rows.append([name, *(_verdict(cells.get(column.name)) for column in columns)])
    head = ["treatment", *(escape(heading(column)) for column in columns)]
    against = "" if several else f", against {escape(section.baselines[0])}"
    parts = [
        f"### Does it help{against}?",
        table(head, rows, [False, *(True for _ in columns)]),
        escape(sentences.VERDICTS_NOTE),
    ]
    if section.main_verdicts:
        shown = section.main_verdicts[: section.most_sentences]
        parts.append(bullets(escape(one.sentence) for one in shown))
        if further := section.main_verdicts[section.most_sentences :]:
            parts.append(escape(sentences.further(further)))
        parts += [escape(line) for line in section.limits]
    return parts


def _verdict(one: Verdict | None) -> str:
    if one is None:
        return number_text.NOTHING
    word = escape(one.short)
    change = escape(sentences.change(one.comparison))
    return f"{word} {change}" if one.kind == "unclear" else f"**{word}** {change}"


def difference_parts(section: Section) -> list[str]:
    """Return the table of all differences with their tests, folded."""
    if not section.verdicts:
        return []
    head = ["treatment", "metric", "difference", "pairs", "p, t test", "p, Holm"]
    head += ["p, permutation (least)", "detectable", "P(better)", "verdict"]
    rows = [_difference(one, section) for one in section.verdicts[: section.most_rows]]
    right = [False, False, *(True for _ in range(7)), False]
    content = f"{table(head, rows, right)}\n\n{escape(sentences.DIFFERENCES_NOTE)}"
    return [details_block("Every difference, with its tests", content)]


def _difference(verdict: Verdict, section: Section) -> list[str]:
    one = verdict.comparison
    paired = one.paired
    middle = ["no pair is left" if one.lost else "no shared seeds", "0", *[number_text.NOTHING] * 4]
    if paired:
        least = number_text.p_text(paired.smallest_p_value)
        middle = [
            escape(number_text.signed_text(paired.difference)),
            f"{paired.n} ({one.lost} lost)" if one.lost else str(paired.n),
            escape(number_text.p_text(one.t_p_value)),
            escape(number_text.p_text(one.t_corrected)),
            escape(f"{number_text.p_text(paired.p_value)} ({least})"),
            number_text.amount(one.detectable),
        ]
    return [
        escape(section.treatments[one.variant]),
        escape(heading(one.column)),
        *middle,
        number_text.fixed(one.improvement.probability, 2),
        verdict.word,
    ]


def stability_parts(section: Section, profile: str | None) -> list[str]:
    """Return the table of what went wrong, and the profile's picture where there is one."""
    if not section.stability:
        return []
    head = ["variant", "settings", "runs", "went wrong", "how"]
    main = section.main
    if main:
        head += [f"deviation of {escape(main.name)}", "worst"]
    rows = [
        [
            escape(row.name),
            str(row.settings),
            str(row.runs),
            f"{number_text.percent(row.share.value)} {escape(sentences.share_interval(row.share))}",
            escape(sentences.statuses(row.statuses)) or number_text.NOTHING,
            *(
                [
                    f"{number_text.amount(row.deviation)} "
                    f"({sentences.counted(row.values, 'value')})",
                    number_text.amount(row.worst),
                ]
                if main
                else []
            ),
        ]
        for row in section.stability[: section.most_rows]
    ]
    right = [False, True, True, True, False, *([True, True] if main else [])]
    parts = ["### Stability", table(head, rows, right), escape(sentences.STABILITY_NOTE)]
    if profile and section.profiles:
        name = escape(section.dataset)
        settings = "; ".join(dict.fromkeys(s for one in section.profiles for s in one.settings))
        parts += [
            f"![Performance profiles on {name}]({profile})",
            f"{escape(sentences.PROFILE_NOTE)} Settings: {escape(settings)}.",
        ]
    return parts


def across_parts(found: Sequence[Across]) -> list[str]:
    """Return the section on the same variants on several datasets."""
    if not found:
        return []
    parts = ["## Across datasets"]
    for one in found:
        rows = [
            [
                escape(row.variant),
                f"{number_text.amount(row.rank)} of {len(one.rows)}",
                escape(number_text.estimate_text(row.ratio)),
                str(row.ratio.n) if row.ratio else number_text.NOTHING,
            ]
            for row in one.rows[:120]
        ]
        on = escape(join_words(one.datasets))
        parts += [
            f"#### {escape(one.metric)}, against {escape(one.baseline)}, on {on}",
            table(
                ["variant", "mean rank", "ratio to the baseline", "pairs"],
                rows,
                [False, True, True, True],
            ),
        ]
    return [*parts, escape(sentences.ACROSS_NOTE)]
