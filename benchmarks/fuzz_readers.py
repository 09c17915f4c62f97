# SPDX-License-Identifier: MIT
"""Does any file make a reader fail in another way than in one sentence?

    python benchmarks/fuzz_readers.py [--minutes 10] [--seed 0] [--reader zip ...] [--keep DIR]
                                      [--json FILE]

The readers and their hostile files are those of the fuzz tests: ``READERS`` of every module named
``tests/helpers/hostile_*.py``. They take turns until the time is over. The table counts what was
read, what was refused in a sentence, and faults: any other error, more than 20 s, or more than
700 MB for a file of some kilobytes. The first file of each kind of fault is kept. A reader that
hangs for 5 minutes ends the script with the stack. The exit code is 1 if there was a fault.
"""

from __future__ import annotations

import argparse
import faulthandler
import importlib
import json
import os
import pickle
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, seed, settings

HELPERS = Path(__file__).resolve().parents[1] / "tests" / "helpers"
sys.path.insert(0, str(HELPERS))

if TYPE_CHECKING:
    from hostile_files import Reader

CASES_A_TURN = 100
HANG_SECONDS = 300


@dataclass
class Tally:
    """What came of the files of one reader."""

    outcomes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    sentences: set[str] = field(default_factory=set)
    slowest_seconds: float = 0.0
    memory_mb: float = 0.0


def find_readers() -> list[Reader]:
    """Return the readers that the helpers of the tests list."""
    modules = [importlib.import_module(path.stem) for path in sorted(HELPERS.glob("hostile_*.py"))]
    return [reader for module in modules for reader in getattr(module, "READERS", ())]


def take_turn(reader: Reader, tally: Tally, seed_number: int, keep: Path) -> None:
    """Try some files on a reader, and count what comes of them."""
    from hostile_files import attempt

    @seed(seed_number)
    @settings(
        max_examples=CASES_A_TURN,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(content=reader.contents)
    def try_files(content: Any) -> None:
        faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
        try:
            result = attempt(reader, content)
        except Exception as error:  # noqa: BLE001 - a fault is what is looked for
            kind = kind_of(error)
            tally.outcomes["fault"] += 1
            tally.faults[kind] += 1
            if tally.faults[kind] == 1:
                keep.mkdir(parents=True, exist_ok=True)
                stem = f"{reader.name.replace(' ', '-')}-{len(tally.faults)}"
                (keep / f"{stem}.pickle").write_bytes(pickle.dumps(content))
                (keep / f"{stem}.txt").write_text(traceback.format_exc())
            return
        finally:
            faulthandler.cancel_dump_traceback_later()
        tally.outcomes[result.outcome] += 1
        tally.slowest_seconds = max(tally.slowest_seconds, result.seconds)
        tally.memory_mb = max(tally.memory_mb, result.memory_mb)
        if result.sentence:
            tally.sentences.add(" ".join(result.sentence.split()[-4:]))

    try_files()


def kind_of(error: Exception) -> str:
    """Return the type of an error, and where in ganbench it came from."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "/ganbench/" in f.filename]
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "outside"
    reason = str(error).partition("\n")[0][:60] if isinstance(error, AssertionError) else ""
    return " ".join(filter(None, (type(error).__name__, "at", place, reason)))


def main() -> None:
    """Let the readers take turns until the time is over, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reader", action="append", help="only this one; may be repeated")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-faults"))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    os.environ["GANBENCH_OFFLINE"] = "1"
    readers = [r for r in find_readers() if arguments.reader is None or r.name in arguments.reader]
    tallies = {reader.name: Tally() for reader in readers}
    end = time.monotonic() + 60 * arguments.minutes
    turn = 0
    while time.monotonic() < end:
        for reader in readers:
            take_turn(reader, tallies[reader.name], arguments.seed + turn, arguments.keep)
        turn += 1
        print(f"turn {turn}, {sum(t.outcomes.total() for t in tallies.values()):,} files",
              file=sys.stderr)  # fmt: skip
    print(f"{'reader':26}{'files':>8}{'read':>8}{'refused':>9}{'faults':>8}{'slowest':>9}{'MB':>6}")
    for name, tally in tallies.items():
        counts = tally.outcomes
        print(
            f"{name:26}{counts.total():8,}{counts['read']:8,}{counts['refused']:9,}"
            f"{counts['fault']:8,}{tally.slowest_seconds:8.1f}s{tally.memory_mb:6,.0f}"
        )
        for kind, count in tally.faults.most_common():
            print(f"    {count:,} x {kind}")
    if arguments.json is not None:
        document = {
            name: {
                **tally.outcomes,
                "faults": dict(tally.faults),
                "kinds_of_refusal": len(tally.sentences),
                "slowest_seconds": round(tally.slowest_seconds, 2),
                "memory_mb": round(tally.memory_mb),
            }
            for name, tally in tallies.items()
        }
        arguments.json.write_text(json.dumps(document, indent=2))
    sys.exit(any(tally.faults for tally in tallies.values()))


if __name__ == "__main__":
    main()
