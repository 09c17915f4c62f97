# SPDX-License-Identifier: MIT
"""The sentences of the chapter on speed."""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.analysis.number_text import amount, estimate_text, percent
from ganbench.analysis.speed_summary import (
    Activity,
    images_per_second,
    products_share_of_ceiling,
    rate_of,
    rate_spread,
    rounds_overlap,
)
from ganbench.config import counted, join_words
from ganbench.records.speed_record import Roofline, SpeedCase
from ganbench.report.sentences import named
from ganbench.report.speed.speed_rows import SETTINGS, SpeedRow, listed, setting_words
from ganbench.report.speed.speed_section import Machine, Speed

MOST_MODELS = 12
"""This many models of a dataset have a sentence each."""

SPEED_NOTE = (
    "Images per second: the median of the rounds; in brackets are the slowest and the fastest "
    "round. They tell how steady this machine was, not what another one would do. In training an "
    "image is a real image shown to the discriminator. Latency is the latency of a single sample. "
    "GFLOP counts matrix products and convolutions, a multiplication with its addition being two, "
    "for one image and all passes of both players; GFLOP/s is the rate in training. Memory is the "
    "peak. Start-up ends with the first step."
)

CEILING_NOTE = (
    "The ceiling is the most that the same machine reached in large matrix products and "
    "convolutions alone"
)

FAR = 0.5
"""Below this share of the ceiling a sentence tells the reason."""

_KINDS = {
    "products": "matrix products and convolutions",
    "elementwise": "activations, losses and sums",
    "copies": "copies and roundings",
    "optimizer": "updates of weights",
    "rest": "Python and dispatch",
}

Sentence = tuple[str, str]
"""The subject, and the rest of the sentence."""

RATES_NOTE = (
    "Each dot is one round. Dashes are the medians, joined by a line. Both axes are "
    "logarithmic, and each machine has its own."
)

SPLIT_NOTE = (
    "A bar is one iteration, all steps of both players; above it stands how long the iteration "
    "takes. Discriminator and generator are the forward and backward passes of their turns. "
    "Penalties are the extra cost of the terms that tricks add to the losses."
)


def summary(speed: Speed) -> str:
    """Return what was measured where, in one sentence.

    A report of nothing else begins with it.
    """
    rows = [row for machine in speed.machines for row in machine.rows]
    if not rows:
        return f"{counted(len(speed.unread), 'measurement')} of speed, none of which can be read."
    labels = list(dict.fromkeys(row.label for row in rows))
    places = join_words(machine.title for machine in speed.machines)
    failures = sum(row.case.status == "failed" for row in rows)
    failed = f", {failures} of which failed" if failures else ""
    return (
        f"How fast {named(labels, 'GAN variants')} train and sample: "
        f"{counted(len(rows), 'case')}{failed}, on {places}."
    )


def sentences(machine: Machine, differing: Sequence[str]) -> list[Sentence]:
    """Return what is fastest on a machine, dataset by dataset.

    Speeds on different datasets are not compared.

    Args:
        machine: The machine.
        differing: The settings that differ between any cases (see ``differing_settings``).
    """
    spoken: list[Sentence] = []
    for dataset in dict.fromkeys(row.case.dataset for row in machine.rows):
        rows = [row for row in machine.rows if row.case.dataset == dataset]
        on = f" on {dataset}"
        best = _best(rows, "training")
        spoken += _fastest(best, "training", on, differing)
        spoken += [
            (row.label, f" reaches {_rate_words(row, 'training', differing)}.")
            for row in best[1:MOST_MODELS]
        ]
        spoken += _nearest(rows, best, differing)
        spoken += _reasons(rows, differing)
        spoken += _fastest(_best(rows, "sampling"), "sampling", on, differing)
        spoken += _soonest(rows, on, differing)
    return spoken


def _best(rows: Sequence[SpeedRow], activity: Activity) -> list[SpeedRow]:
    """Return the fastest case of each label, the fastest first."""
    best: dict[str, SpeedRow] = {}
    for row in rows:
        rate = images_per_second(row.case, activity)
        if not rate:
            continue
        if row.label not in best or rate > images_per_second(best[row.label].case, activity):
            best[row.label] = row
    return sorted(best.values(), key=lambda row: -images_per_second(row.case, activity))


def _fastest(
    best: Sequence[SpeedRow], activity: Activity, on: str, differing: Sequence[str]
) -> list[Sentence]:
    """Return the sentence on the fastest of a dataset, and on others whose rounds overlap."""
    if not best:
        return []
    first, *others = best
    words = _rate_words(first, activity, differing)
    verb = {"training": "trains", "sampling": "samples"}[activity]
    rate = rate_of(first.case, activity)
    near = [row.label for row in others if rounds_overlap(rate, rate_of(row.case, activity))]
    close = f" The rounds of {join_words(near)} overlap with these." if near else ""
    how = f"{verb} fastest{on}: {words}" if others else f"reaches, in {activity}{on}, {words}"
    return [(first.label, f" {how}.{close}")]


def _rate_words(row: SpeedRow, activity: Activity, differing: Sequence[str]) -> str:
    """Return a speed with all that it depends on; in training, with its share of the ceiling."""
    rate = estimate_text(rate_spread(rate_of(row.case, activity)))
    words = f"{rate} images/s ({where(row.case, differing)})"
    share = _share_words(row) if activity == "training" else ""
    return f"{words}, {share}" if share else words


def where(case: SpeedCase, differing: Sequence[str], *, batch: bool = True) -> str:
    """Return device, batch size, precision and threads of a case, and what else differs."""
    names = [name for name in SETTINGS if name in {"precision", "threads", "compile"}]
    names += ["memory_format"] if "memory_format" in differing else []
    parts = [case.device, f"batch {case.batch_size}" if batch else ""]
    return listed([*parts, *(setting_words(case, name) for name in names)])


def _share_words(row: SpeedRow) -> str:
    """Return which share of the machine's ceiling a case reached; empty where it is unknown."""
    share, reached = row.case.share_of_ceiling, row.case.gflops
    if share is None:
        return ""
    words = f"{percent(share)} of the machine's ceiling"
    if row.ceiling is None or reached is None:
        return words
    return f"{words} ({amount(reached)} of {amount(row.ceiling.gflops)} GFLOP/s)"


def _nearest(
    rows: Sequence[SpeedRow], best: Sequence[SpeedRow], differing: Sequence[str]
) -> list[Sentence]:
    """Return the sentence on the case nearest to the ceiling, unless it has a sentence already."""
    shares = [row for row in rows if row.case.share_of_ceiling]
    if not shares:
        return []
    nearest = max(shares, key=lambda row: row.case.share_of_ceiling or 0.0)
    if nearest in best[:MOST_MODELS]:
        return []
    words = f"{_share_words(nearest)} ({where(nearest.case, differing)})"
    return [(nearest.label, f" comes nearest to the ceiling: {words}.")]


def _reasons(rows: Sequence[SpeedRow], differing: Sequence[str]) -> list[Sentence]:
    """Return for each case far from the ceiling how it spends its time."""
    spoken: list[Sentence] = []
    for row in rows:
        share, profile = row.case.share_of_ceiling, row.case.profile
        if share is None or share >= FAR or not profile:
            continue
        ordered = sorted(profile.items(), key=lambda pair: -(pair[1] or 0.0))
        parts = [f"{percent(part)} in {_KINDS.get(kind, kind)}" for kind, part in ordered if part]
        products = products_share_of_ceiling(row.case)
        speed = (
            ""
            if products is None
            else (f"; the products run at {percent(products)} of the ceiling")
        )
        place = where(row.case, differing)
        spoken.append((row.label, f" ({place}) spends its time {join_words(parts)}{speed}."))
    return spoken[:MOST_MODELS]


def _soonest(rows: Sequence[SpeedRow], on: str, differing: Sequence[str]) -> list[Sentence]:
    """Return the sentence on the shortest wait for a sample."""
    waits = [
        (latency.p50, latency, row)
        for row in rows
        if (latency := row.case.latency_ms) and latency.p50
    ]
    if not waits:
        return []
    _, latency, row = min(waits, key=lambda wait: wait[0])
    percentiles = {50: latency.p50, 90: latency.p90, 99: latency.p99}
    times = ", ".join(f"p{rank} {amount(wait)} ms" for rank, wait in percentiles.items())
    samples = f" over {counted(latency.count, 'sample')}" if latency.count else ""
    how = "draws a single sample"
    how += " soonest" if len({row.label for _, _, row in waits}) > 1 else ""
    place = where(row.case, differing, batch=False)
    return [(row.label, f" {how}{on}: {times}{samples} ({place}).")]


def ceilings_words(ceilings: Sequence[Roofline]) -> str:
    """Return a machine's ceilings in one sentence; empty without any."""
    reached = [
        f"{amount(ceiling.gflops)} GFLOP/s at {ceiling.precision}"
        + (f" with {counted(ceiling.threads, 'thread')}" if ceiling.threads else "")
        + (f" ({ceiling.by})" if ceiling.by else "")
        for ceiling in ceilings
    ]
    return f"{CEILING_NOTE}: {join_words(reached)}." if reached else ""


def asides(machine: Machine) -> list[str]:
    """Return what to know about a machine's cases beyond the figures."""
    lines = [ceilings_words(machine.ceilings)]
    failed = sum(row.case.status == "failed" for row in machine.rows)
    if failed:
        lines.append(f"{counted(failed, 'case')} failed; the table tells why.")
    unsteady = sum(not row.case.steady for row in machine.rows)
    if unsteady:
        lines.append(
            f"The speed of {counted(unsteady, 'case')} still changed when the rounds began: the "
            "machine was busy."
        )
    if machine.repeats:
        lines.append(
            f"{counted(machine.repeats, 'repeat')} set aside: of cases that were measured more "
            "than once, the measurement with the most rounds is shown."
        )
    return [line for line in lines if line]


def note(speed: Speed) -> str:
    """Return what the figures mean, and how long they were measured if all documents agree."""
    protocols = {record.protocol for record in speed.documents}
    protocol = protocols.pop()
    if protocols or protocol is None or not protocol.rounds:
        return SPEED_NOTE
    seconds = f" of {amount(protocol.seconds)} s" if protocol.seconds else ""
    return f"{SPEED_NOTE} Each speed comes from {counted(protocol.rounds, 'round')}{seconds}."


def undrawn(machine: Machine) -> str:
    """Return how many cases of a machine the chart of the split leaves out."""
    return f"{counted(machine.undrawn, 'further case')} on {machine.title}: see the documents."
