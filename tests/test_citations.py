# SPDX-License-Identifier: MIT
"""Papers from Python: the same as on the command line."""

import ganbench
from ganbench.papers.paper import known_papers


def test_cite_takes_names_and_runs(cli, tmp_path):
    settings = {"kimg": 0.1, "batch_size": 20}
    run = ganbench.run(
        "vanilla", "ring8", settings=settings, out=tmp_path, samples=32, progress=False
    )
    assert ganbench.cite("dcgan", "r1") == cli("cite", "dcgan", "r1").out
    assert ganbench.cite(run) == ganbench.cite(run.path) == cli("cite", run.path).out
    assert "@inproceedings{lin2018pacgan," in ganbench.cite(run)
    assert ganbench.cite() == ""


def test_list_papers(cli):
    assert ganbench.list_papers() == list(known_papers())
    words = ("--tag", "anomaly", "--year", "2018-", "--json")
    rows = cli("ls", "papers", *words).document["papers"]
    keys = ganbench.list_papers(tags=["anomaly"], years="2018-")
    assert keys == sorted(row["key"] for row in rows)
    assert 5 < len(keys) < len(known_papers())
