# SPDX-License-Identifier: MIT
"""Parameters that make slow tricks quick, for tests that take every trick."""

QUICK = {
    "unrolled": {"steps": 2},
    "drs": {"burn_in": 500},
    "metropolis-hastings": {"steps": 5},
    "ddls": {"steps": 3},
    "dot": {"steps": 3},
    "standing-statistics": {"batches": 3},
}
"""The parameters, by the trick: fewer of the same steps, each of which does the same."""
