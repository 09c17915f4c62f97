# SPDX-License-Identifier: MIT
"""Whatever a record holds, its readers read it or refuse it in one sentence."""

import pytest
from hostile_files import attempt
from hostile_records import READERS
from hypothesis import HealthCheck, Phase, given, settings

EXAMPLES = {"records of runs": 60, "checkpoints": 40, "suites": 60}
"""How many files fit the budget of the suite; ``benchmarks/fuzz_readers.py`` tries many more."""


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_any_record_is_read_or_refused_in_a_sentence(reader):
    @settings(
        max_examples=EXAMPLES.get(reader.name, 100),
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(reader.contents)
    def try_contents(content):
        attempt(reader, content)

    try_contents()
