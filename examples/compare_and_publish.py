# SPDX-License-Identifier: MIT
"""Find out whether a trick helps, and make what a paper or a repository needs of it.

It writes a page with all numbers, the references of everything that was used, and a folder with the
best generator and its model card, as Hugging Face has them.
"""

import subprocess
import sys
from pathlib import Path

import ganbench

comparison = ganbench.compare(
    "dcgan",
    tricks=["none", "diffaugment"],
    seeds=range(5),
    settings={"kimg": 40},
    metric="fid@mnist-cnn",
    out="runs/digits",
)
print(comparison)  # the verdicts, and how many columns were looked at
comparison.to_pandas().to_csv("differences.csv", index=False)

command = [sys.executable, "-m", "ganbench", "report", "runs/digits", "--out", "report"]
subprocess.run(command, check=True)
Path("references.bib").write_text(ganbench.cite("runs/digits"))

# The best run of the comparison is published as what it is: one run, chosen out of many.
finished = [run for run in comparison.runs if run.status == "done"]
best = min(finished, key=lambda run: run.metrics["fid@mnist-cnn"]["value"])
print(best.export("hub-folder", "generator"))
