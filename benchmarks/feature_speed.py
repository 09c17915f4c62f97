# SPDX-License-Identifier: MIT
"""Speed of Inception's features on this CPU: torch-fidelity's extractor and ganbench's engines.

    python benchmarks/feature_speed.py [--rounds 5] [--images 128] [--threads 2] [--compile]
                                       [--json FILE]

All read the same images (stacks of three digits of mnist5k as colors, 28 x 28) and the same stored
weights (``ganbench weights fetch inception``), and go from uint8 to features, resizing included:
torch-fidelity with its default batch of 64, ganbench with its own. Each has a process of its own
(``turns.py``). They take turns, and the order changes from round to round, so that a machine which
slows down slows all; each has an untimed batch before its turn. Figures are medians over rounds,
and ratios are of the same round. The deviation is the largest difference of a feature from
torch-fidelity's, as a share of the largest feature. OpenVINO is left out if it is not installed.
bf16 is faster only where the CPU multiplies bfloat16 (AMX, AVX-512 BF16).
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from turns import Contestant, Measured

from ganbench import open_dataset, weights
from ganbench.errors import GanbenchError
from ganbench.networks.inception import inception
from ganbench.runtime.inference import Compute

FIDELITY = "torch-fidelity"
FIDELITY_BATCH = 64
WARM_UP = 16
Features = Callable[[Tensor], Tensor]


def fidelity() -> Features:
    """Return torch-fidelity's own extractor, with the stored weights in a file of its format."""
    tensors = weights.load("inception")
    final = {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inception.pth"
        torch.save(final | tensors, path)
        extractor = FeatureExtractorInceptionV3(
            "inception-v3-compat", ["2048"], feature_extractor_weights_path=str(path)
        )

    def features(images: Tensor) -> Tensor:
        with torch.no_grad():
            return torch.cat([extractor(batch)[0] for batch in torch.split(images, FIDELITY_BATCH)])

    return features


def engine(compute: Compute) -> Features:
    """Return ganbench's network on an engine."""
    network = inception()
    return lambda images: network.extract(images, compute=compute).features


ENGINES = {
    "torch fp32": Compute(),
    "torch bf16": Compute(precision="bf16"),
    "compile fp32": Compute(engine="compile"),
    "openvino fp32": Compute(engine="openvino"),
    "openvino bf16": Compute(engine="openvino", precision="bf16"),
}


def names(*, compiled: bool) -> list[str]:
    """Return the names that can be measured here."""
    measurable = [FIDELITY, *ENGINES]
    if not compiled:
        measurable.remove("compile fp32")
    try:
        version("openvino")
    except PackageNotFoundError:
        print('OpenVINO is left out: pip install "ganbench[openvino]"', file=sys.stderr)
        return [name for name in measurable if "openvino" not in name]
    return measurable


def extraction(name: str, images: Tensor) -> Measured:
    """Yield None; then, at each turn, images per second and the features (N, 2048)."""
    extract = fidelity() if name == FIDELITY else engine(ENGINES[name])
    yield None
    while True:
        extract(images[:WARM_UP])
        begin = time.perf_counter()
        features = extract(images)
        yield len(images) / (time.perf_counter() - begin), features.numpy()


def multiplies_bfloat16() -> str:
    """Return the instructions by which the CPU multiplies bfloat16."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return "unknown"
    return " and ".join(sorted(flags & {"amx_bf16", "avx512_bf16"})) or "none"


def measure(
    images: Tensor, contestants: dict[str, Contestant], rounds: int
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Return each contestant's images per second by round, and its deviation."""
    speeds: dict[str, list[float]] = {name: [] for name in contestants}
    features: dict[str, np.ndarray] = {}
    order = list(contestants)
    for contestant in contestants.values():
        contestant.introduction()
    for turn in range(rounds):
        first = turn % len(order)
        for name in order[first:] + order[:first]:
            speed, features[name] = contestants[name].turn(None)
            speeds[name].append(speed)
            print(f"round {turn + 1}/{rounds}: {name} {speed:.1f}", file=sys.stderr)
    expected = features[FIDELITY]
    deviations = {
        name: float(abs(actual - expected).max() / abs(expected).max())
        for name, actual in features.items()
    }
    return speeds, deviations


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=128)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--compile", action="store_true", help="measure torch.compile, too")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    digits = open_dataset("mnist5k").load("train").values
    images = digits[: 3 * options.images].view(-1, 3, 28, 28)
    try:
        weights.load("inception")
    except GanbenchError as error:
        print(f"{error.message} {error.hint}", file=sys.stderr)
        return error.exit_code
    contestants = {
        name: Contestant(extraction, name, images) for name in names(compiled=options.compile)
    }
    speeds, deviations = measure(images, contestants, options.rounds)
    ratios = {
        name: [own / base for own, base in zip(speeds[name], speeds[FIDELITY], strict=True)]
        for name in contestants
    }
    facts = {
        "images": len(images),
        "threads": options.threads,
        "bfloat16": multiplies_bfloat16(),
        "machine": platform.machine(),
        "torch": torch.__version__,
    }
    print(", ".join(f"{key} {value}" for key, value in facts.items()))
    print(f"{'':15s} {'images/s':>20s} {'x torch-fidelity':>22s} {'deviation':>10s}")
    for name in contestants:
        speed, ratio = (
            f"{statistics.median(rounds):.{places}f} "
            f"({min(rounds):.{places}f}-{max(rounds):.{places}f})"
            for rounds, places in ((speeds[name], 1), (ratios[name], 2))
        )
        print(f"{name:15s} {speed:>20s} {ratio:>22s} {deviations[name]:>10.1e}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            document = {"images_per_second": speeds, "ratios": ratios, "deviations": deviations}
            json.dump({**facts, **document}, file, indent=2)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
