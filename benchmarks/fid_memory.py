# SPDX-License-Identifier: MIT
"""Peak memory of ``ganbench eval --metrics fid`` as the number of samples grows.

Each measurement is a process of its own, which draws its samples from a Python callable, chunk by
chunk, and measures them against a file of statistics. The peak is the system's figure of the
process (``ru_maxrss``). With Inception, 50,000 images take about 46 minutes on a CPU, at 18
images/s. ``--network light`` is a random projection to the same number of features, 2,048: all
that FID itself keeps has the same size, and it takes a minute.

    python benchmarks/fid_memory.py --counts 5000,50000 --network light
    python benchmarks/fid_memory.py --counts 5000,50000 --engine openvino
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GENERATOR = '''
import torch

def draw(count, generator):
    """Smooth random color images: noise at 8 x 8 pixels, enlarged to 32."""
    small = torch.rand(count, 3, 8, 8, generator=generator) * 2 - 1
    return torch.nn.functional.interpolate(small, size=(32, 32), mode="bilinear")
'''

LIGHT = '''
import torch
from ganbench import register
from ganbench.evaluation.feature_network import FeatureNetwork, NetworkFacts

class Light(FeatureNetwork):
    batch_size = 16

    def prepare(self, images):
        return images.float().flatten(1) / 255

@register("light")
def light():
    """A rectified random projection to 2,048 features."""
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(3 * 32 * 32, 2048), torch.nn.ReLU())
    return Light(module, NetworkFacts("light", 1, "", "none", 2048, 0))
'''


def main() -> None:
    """Measure each count and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--counts", default="5000,50000")
    parser.add_argument("--network", default="inception")
    parser.add_argument("--engine", default="torch")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "smooth.py").write_text(GENERATOR)
        (Path(folder) / "light.py").write_text(LIGHT)
        evaluate(folder, 500, options, "--save-statistics", "statistics.npz", real="smooth.py:draw")
        rows = [
            evaluate(folder, int(count), options, "--seed", "1", real="statistics.npz")
            for count in options.counts.split(",")
        ]
    if options.json:
        print(json.dumps({"network": options.network, "rows": rows}, indent=2))
        return
    print(f"FID with {options.network}, {options.engine}, {options.precision}")
    print(f"{'images':>8} {'peak MiB':>10} {'seconds':>9} {'FID':>9}")
    for row in rows:
        print(f"{row['n']:8,} {row['peak_mib']:10,.0f} {row['seconds']:9.1f} {row['fid']:9.4f}")
    print(f"last / first: {rows[-1]['peak_mib'] / rows[0]['peak_mib']:.3f}")


def evaluate(
    folder: str, count: int, options: argparse.Namespace, *more: str, real: str
) -> dict[str, float]:
    """Run ``ganbench eval`` in a process of its own; return its n, peak, seconds and FID."""
    command = [sys.executable, "-m", "ganbench", "eval", "./smooth.py:draw"]
    network = "./light.py" if options.network == "light" else options.network
    command += ["--real", f"./{real}", "--metrics", f"fid@{network}"]
    command += ["--samples", str(count), "--no-floor", "--no-cache", "--json", "-q"]
    command += ["--engine", options.engine, "--precision", options.precision, *more]
    command += ["--threads", str(options.threads)] if options.threads else []
    begun = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        output.seek(0)
        text = output.read()
    if status:
        raise SystemExit(f"ganbench eval failed: {text}")
    (measured,) = json.loads(text)["metrics"].values()
    return {
        "n": measured["n"],
        "peak_mib": usage.ru_maxrss / 1024,
        "seconds": time.perf_counter() - begun,
        "fid": measured["value"],
    }


if __name__ == "__main__":
    main()
