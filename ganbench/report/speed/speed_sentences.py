# SPDX-License-Identifier: MIT
"""The sentences of the section on speed, which page and Markdown share."""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.analysis.number_text import amount, estimate_text, percent
from ganbench.analysis.stats import Estimate
from ganbench.config import join_words
from ganbench.records.speed_record import Rate, Roofline, SpeedCase
from ganbench.report.sentences import counted
from ganbench.report.speed.speed_rows import SETTINGS, SpeedRow, listed, setting_words
from ganbench.report.speed.speed_section import Machine, Speed

MOST_MODELS = 12
"""Of so many models a dataset there is a sentence on each."""

SPEED_NOTE = (
    "Images per second: the median of the rounds, in brackets the slowest and the fastest. They "
    "say how steady this machine was, not what another one would do. In training an image is a "
    "real image shown to the discriminator. Latency is that of a single sample. GFLOP are those of "
    "matrix products and convolutions, a multiplication with its addition being two, for one image "
    "and all passes of both players; GFLOP/s are of training. Memory is the peak. Start-up ends "
    "with the first step."
)

CEILING_NOTE = (
    "The ceiling is the most that the same machine reached in large matrix products and "
    "convolutions alone"
)

FAR = 0.5
"""Below this share of the ceiling it is said why."""

_KINDS = {
    "products": "matrix products and convolutions",
    "elementwise": "activations, losses and sums",
    "copies": "copies and roundings",
    "optimizer": "updates of weights",
    "rest": "Python and dispatch",
}

Sentence = tuple[str, str]
"""What is spoken of, and the rest of the sentence."""

RATES_NOTE = (
    "Each circle is one round, dashes are the medians, joined by a line. Both axes are "
    "logarithmic; each machine has its own."
)

SPLIT_NOTE = (
    "A bar is one iteration, all steps of both players; above it stands how long that takes. "
    "Discriminator and generator are the forward and backward passes of their turns, penalties "
    "what the terms that tricks add to the losses cost beside."
)


def spread(rate: Rate | None) -> Estimate | None:
    """Return the median of the rounds with the slowest and the fastest of several."""
    if rate is None or rate.images_per_second is None:
        return None
    several = len(rate.rounds) > 1
    low, high = (min(rate.rounds), max(rate.rounds)) if several else (None, None)
    return Estimate(rate.images_per_second, low, high, len(rate.rounds), "median of rounds")


def summary(speed: Speed) -> str:
    """Return what was measured where, in one sentence.

    A report of nothing else begins with it.
    """
    cases = [row.case for one in speed.machines for row in one.rows]
    if not cases:
        return f"{counted(len(speed.unread), 'measurement')} of speed, none of which can be read."
    labels = list(dict.fromkeys(row.label for one in speed.machines for row in one.rows))
    shown = join_words(labels) if len(labels) <= 4 else f"{len(labels)} GAN variants"
    places = join_words(one.title for one in speed.machines)
    failed = sum(case.status == "failed" for case in cases)
    lost = f", {failed} of which failed" if failed else ""
    return f"How fast {shown} train and sample: {counted(len(cases), 'case')}{lost}, on {places}."


def sentences(machine: Machine, differing: Sequence[str]) -> list[Sentence]:
    """Return what is fastest on a machine.

    Speeds on different datasets are not compared.
    """
    found: list[Sentence] = []
    for dataset in dict.fromkeys(row.case.dataset for row in machine.rows):
        rows = [row for row in machine.rows if row.case.dataset == dataset]
        on = f" on {dataset}"
        best = _best(rows, "training")
        found += _fastest(best, "training", on, differing)
        found += [
            (row.label, f" reaches {_rate_words(row, 'training', differing)}.")
            for row in best[1:MOST_MODELS]
        ]
        found += _nearest(rows, best, differing)
        found += _reasons(rows, differing)
        found += _fastest(_best(rows, "sampling"), "sampling", on, differing)
        found += _soonest(rows, on, differing)
    return found


def _best(rows: Sequence[SpeedRow], what: str) -> list[SpeedRow]:
    """Return the fastest case of each label, the fastest first."""
    kept: dict[str, SpeedRow] = {}
    for row in rows:
        speed = _speed(row, what)
        if speed and (row.label not in kept or speed > _speed(kept[row.label], what)):
            kept[row.label] = row
    return sorted(kept.values(), key=lambda row: -_speed(row, what))


def _rate(row: SpeedRow, what: str) -> Rate | None:
    return row.case.training if what == "training" else row.case.sampling


def _speed(row: SpeedRow, what: str) -> float:
    rate = _rate(row, what)
    return (rate.images_per_second or 0.0) if rate else 0.0


def _fastest(
    best: Sequence[SpeedRow], what: str, on: str, differing: Sequence[str]
) -> list[Sentence]:
    """Return the sentence on the fastest of a dataset; overlapping rounds are said to overlap."""
    if not best:
        return []
    first, *others = best
    words = _rate_words(first, what, differing)
    verb = {"training": "trains", "sampling": "samples"}[what]
    near = [row.label for row in others if _overlap(_rate(first, what), _rate(row, what))]
    close = f" The rounds of {join_words(near)} overlap with these." if near else ""
    how = f"{verb} fastest{on}: {words}" if others else f"reaches, in {what}{on}, {words}"
    return [(first.label, f" {how}.{close}")]


def _overlap(first: Rate | None, second: Rate | None) -> bool:
    if not first or not second or not first.rounds or not second.rounds:
        return False
    return max(second.rounds) >= min(first.rounds)


def _rate_words(row: SpeedRow, what: str, differing: Sequence[str]) -> str:
    """Return a speed with all that it depends on; of training, with its share of the ceiling."""
    rate = estimate_text(spread(_rate(row, what)))
    words = f"{rate} images/s ({where(row.case, differing)})"
    share = _share_words(row) if what == "training" else ""
    return f"{words}, {share}" if share else words


def where(case: SpeedCase, differing: Sequence[str], *, batch: bool = True) -> str:
    """Return device, batch, precision and threads of a case, and what else differs."""
    names = [name for name in SETTINGS if name in {"precision", "threads", "compile"}]
    names += ["memory_format"] if "memory_format" in differing else []
    parts = [case.device, f"batch {case.batch_size}" if batch else ""]
    return listed([*parts, *(setting_words(case, name) for name in names)])


def _share_words(row: SpeedRow) -> str:
    """Return which share of the machine's ceiling a case reached; empty where nobody knows."""
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
    """Return the sentence on the case nearest to the ceiling, unless one has said it already."""
    shares = [row for row in rows if row.case.share_of_ceiling]
    if not shares:
        return []
    nearest = max(shares, key=lambda row: row.case.share_of_ceiling or 0.0)
    if nearest in best[:MOST_MODELS]:
        return []
    words = f"{_share_words(nearest)} ({where(nearest.case, differing)})"
    return [(nearest.label, f" comes nearest to the ceiling: {words}.")]


def _reasons(rows: Sequence[SpeedRow], differing: Sequence[str]) -> list[Sentence]:
    """Return for each case far from the ceiling what its time goes to."""
    found: list[Sentence] = []
    for row in rows:
        share, profile = row.case.share_of_ceiling, row.case.profile
        if share is None or share >= FAR or not profile:
            continue
        ordered = sorted(profile.items(), key=lambda pair: -(pair[1] or 0.0))
        parts = [f"{percent(one)} in {_KINDS.get(kind, kind)}" for kind, one in ordered if one]
        products = profile.get("products")
        speed = (
            f"; the products run at {percent(share / products)} of the ceiling" if products else ""
        )
        place = where(row.case, differing)
        found.append((row.label, f" ({place}) spends its time {join_words(parts)}{speed}."))
    return found[:MOST_MODELS]


def _soonest(rows: Sequence[SpeedRow], on: str, differing: Sequence[str]) -> list[Sentence]:
    """Return the sentence on the shortest wait for samples."""
    waits = [(one.p50, row) for row in rows if (one := row.case.latency_ms) and one.p50]
    if not waits:
        return []
    _, row = min(waits, key=lambda pair: pair[0])
    waited = row.case.latency_ms
    assert waited is not None
    times = ", ".join(f"p{p} {amount(getattr(waited, f'p{p}'))} ms" for p in (50, 90, 99))
    samples = f" over {counted(waited.count, 'sample')}" if waited.count else ""
    how = "draws a single sample"
    how += " soonest" if len({row.label for _, row in waits}) > 1 else ""
    place = where(row.case, differing, batch=False)
    return [(row.label, f" {how}{on}: {times}{samples} ({place}).")]


def ceilings_words(ceilings: Sequence[Roofline]) -> str:
    """Return what a machine's ceilings are, in one sentence; empty without any."""
    reached = [
        f"{amount(one.gflops)} GFLOP/s at {one.precision}"
        + (f" with {counted(one.threads, 'thread')}" if one.threads else "")
        + (f" ({one.by})" if one.by else "")
        for one in ceilings
    ]
    return f"{CEILING_NOTE}: {join_words(reached)}." if reached else ""


def asides(machine: Machine) -> list[str]:
    """Return what there is to know of a machine's cases beside the figures."""
    found = [ceilings_words(machine.ceilings)]
    failed = sum(row.case.status == "failed" for row in machine.rows)
    if failed:
        found.append(f"{counted(failed, 'case')} failed; the table says why.")
    shaky = sum(not row.case.steady for row in machine.rows)
    if shaky:
        found.append(
            f"The speed of {counted(shaky, 'case')} still changed when the rounds began: the "
            "machine was busy."
        )
    if machine.repeats:
        found.append(
            f"{counted(machine.repeats, 'repeat')} set aside: of cases that were measured more "
            "than once, the measurement with most rounds is shown."
        )
    return [line for line in found if line]


def note(speed: Speed) -> str:
    """Return what the figures are, and how long it was measured where all documents agree."""
    protocols = {record.protocol for record in speed.documents}
    protocol = protocols.pop()
    if protocols or protocol is None or not protocol.rounds:
        return SPEED_NOTE
    seconds = f" of {amount(protocol.seconds)} s" if protocol.seconds else ""
    return f"{SPEED_NOTE} Each speed is of {counted(protocol.rounds, 'round')}{seconds}."


def undrawn(machine: Machine) -> str:
    """Return how many cases of a machine the chart of the split leaves out."""
    return f"{counted(machine.undrawn, 'further case')} on {machine.title}: see the documents."
