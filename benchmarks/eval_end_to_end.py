# SPDX-License-Identifier: MIT
"""Whole evaluations of folders of images: ganbench next to torch-fidelity, pytorch-fid, clean-fid.

    python benchmarks/eval_end_to_end.py [--rounds 5] [--threads 2] [--only fid,pytorch-fid]
                                         [--share 1.0] [--json FILE]

FID of two folders, from the start of a process to its value: 600 PNG of 28 pixels (digits of
mnist5k, and other digits that are blurred), and 300 JPEG of 256 pixels (parts of photos, and other
parts that are blurred: of scikit-learn's two photos, and of scikit-image's where it is installed).
Contestants take turns, each in a process of its own, in an order that changes from round to round,
so that a machine that slows down slows all. With ``--share 0.1``, for a trial, there is a tenth of
the images. All have the same weights (``ganbench weights fetch
inception``), the same number of threads, and their own batch size. ganbench neither reads nor
writes its cache of real features.

- ``fid``: ``ganbench eval``, with its interval and its floor, which the others do not have.
- ``torch-fidelity``: the same definition.
- ``pytorch-fid``: resizes by another rule, so its value is another one.
- ``clean-fid``: ganbench's metric of that name.
- ``clean-fid itself``: its own reading, resizing, and statistics. It would download its network,
  so it gets pytorch-fid's network with the same weights.

The breakdown is from a further process, in which functions of ganbench are timed: seconds in them,
without those that they call and that have a row of their own. Decoding is by threads at the same
time as the rest, and its row is processor time.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any

METRICS = {"fid": "fid", "clean-fid": "clean-fid"}
NEEDED = {
    "torch-fidelity": ("torch_fidelity",),
    "pytorch-fid": ("pytorch_fid",),
    "clean-fid itself": ("cleanfid", "pytorch_fid"),
}
CONTESTANTS = (*METRICS, *NEEDED)
WEIGHTS, BEGUN = "BENCHMARK_WEIGHTS", "BENCHMARK_BEGUN"
SIDE = 256


# -- the images ----------------------------------------------------------------------------------


def make_folders(root: Path, share: float) -> dict[str, tuple[Path, Path]]:
    """Write a share of the images; return the folders of real and blurred ones by case."""
    import numpy as np
    from PIL import Image, ImageFilter

    from ganbench.data import open_dataset

    random = np.random.default_rng(0)
    png, jpeg = round(600 * share), round(300 * share)  # on each side
    digits = open_dataset("mnist5k").load("train").values.numpy()[: 2 * png, 0]  # (N, 28, 28)
    photos = [np.asarray(photo) for photo in _photos()]
    crops = []
    for index in range(2 * jpeg):
        photo = photos[index % len(photos)]
        top, left = (int(random.integers(side - SIDE + 1)) for side in photo.shape[:2])
        crops.append(photo[top : top + SIDE, left : left + SIDE])
    cases = {
        f"{png} PNG of 28 pixels": (digits, "png", 0.7),
        f"{jpeg} JPEG of 256 pixels": (crops, "jpg", 2.0),
    }
    folders = {}
    for name, (arrays, ending, blur) in cases.items():
        sides = root / f"real-{ending}", root / f"fake-{ending}"
        for folder in sides:
            folder.mkdir()
        for index, array in enumerate(arrays):
            image = Image.fromarray(array)
            if index % 2:
                image = image.filter(ImageFilter.GaussianBlur(blur))
            image.save(sides[index % 2] / f"{index:04}.{ending}", quality=90)
        folders[name] = sides
    return folders


def _photos() -> list[Any]:
    from PIL import Image
    from sklearn.datasets import load_sample_images

    photos = list(load_sample_images().images)
    spec = find_spec("skimage")
    if spec is not None and spec.origin:
        folder = Path(spec.origin).parent / "data"
        for name in ("astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg"):
            if (folder / name).is_file():
                photos.append(Image.open(folder / name).convert("RGB"))
    return photos


def write_weights(path: Path) -> None:
    """Write the stored weights as a file of torch-fidelity's and pytorch-fid's format."""
    import torch

    from ganbench import weights

    final = {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    torch.save(final | weights.load("inception"), path)


# -- the contestants, each in a process of its own -----------------------------------------------


def ganbench_value(metric: str, real: str, fake: str, threads: int) -> float:
    """Return the value of ``ganbench eval``."""
    from ganbench.cli import main

    words = ["eval", fake, "--real", real, "--metrics", metric, "--threads", str(threads)]
    sys.argv = ["ganbench", *words, "--device", "cpu", "--no-cache", "--json", "--quiet"]
    written = io.StringIO()
    with redirect_stdout(written):
        try:
            main()
        except SystemExit as end:
            if end.code:
                raise
    return float(json.loads(written.getvalue())["metrics"][metric]["value"])


def fidelity_value(real: str, fake: str) -> float:
    """Return torch-fidelity's FID."""
    import torch_fidelity

    values = torch_fidelity.calculate_metrics(
        input1=fake,
        input2=real,
        fid=True,
        cuda=False,
        cache=False,
        verbose=False,
        feature_extractor_weights_path=os.environ[WEIGHTS],
    )
    return float(values["frechet_inception_distance"])


def pytorch_fid_value(real: str, fake: str) -> float:
    """Return pytorch-fid's FID."""
    from pytorch_fid import fid_score

    _give_weights()
    value = fid_score.calculate_fid_given_paths([real, fake], 50, "cpu", 2048, num_workers=0)
    return float(value)


def clean_fid_value(real: str, fake: str) -> float:
    """Return clean-fid's FID."""
    import torch
    from cleanfid import fid
    from pytorch_fid.inception import InceptionV3

    _give_weights()
    network = InceptionV3([3], resize_input=False, normalize_input=False).eval()

    def features(images: Any) -> Any:
        with torch.no_grad():
            return network((images - 128) / 128)[0].flatten(1)

    device = torch.device("cpu")
    return float(fid.compare_folders(fake, real, features, "clean", device=device, verbose=False))


def _give_weights() -> None:
    """Let pytorch-fid read the weights from a file instead of downloading them."""
    import torch
    from pytorch_fid import inception

    state = torch.load(os.environ[WEIGHTS], weights_only=True)
    inception.load_state_dict_from_url = lambda *given, **more: state


def contend(name: str, real: str, fake: str, threads: int) -> None:
    """Print the value of a contestant."""
    values = {
        "torch-fidelity": fidelity_value,
        "pytorch-fid": pytorch_fid_value,
        "clean-fid itself": clean_fid_value,
    }
    value = (
        ganbench_value(METRICS[name], real, fake, threads)
        if name in METRICS
        else values[name](real, fake)
    )
    print(json.dumps({"value": value}))


# -- where ganbench's time goes ------------------------------------------------------------------


class Stopwatch:
    """Seconds in functions, without those in functions that they call and that are timed, too."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inner: list[float] = []
        self._lock = threading.Lock()

    def time(self, owner: Any, function: str, row: str) -> None:
        """Time a function of a module or a class of the main thread."""
        call = getattr(owner, function)

        def timed(*given: Any, **more: Any) -> Any:
            begun = time.perf_counter()
            self._inner.append(0.0)
            try:
                return call(*given, **more)
            finally:
                seconds = time.perf_counter() - begun
                self.seconds[row] += seconds - self._inner.pop()
                if self._inner:
                    self._inner[-1] += seconds

        setattr(owner, function, timed)

    def time_threads(self, owner: Any, function: str, row: str) -> None:
        """Take the processor time of a function that threads call."""
        call = getattr(owner, function)

        def timed(*given: Any, **more: Any) -> Any:
            begun = time.thread_time()
            try:
                return call(*given, **more)
            finally:
                with self._lock:
                    self.seconds[row] += time.thread_time() - begun

        setattr(owner, function, timed)


def break_down(metric: str, real: str, fake: str, threads: int) -> None:
    """Print the seconds that the parts of ``ganbench eval`` take."""
    from ganbench import weights
    from ganbench.evaluation import reference
    from ganbench.evaluation.feature_network import FeatureNetwork
    from ganbench.evaluation.math import frechet, frechet_value
    from ganbench.evaluation.math.moments import RunningMoments
    from ganbench.metrics.fid import FrechetDistance
    from ganbench.networks.inception import InceptionNetwork
    from ganbench.samples import image_samples

    watch = Stopwatch()
    begun = float(os.environ[BEGUN])
    measure = reference.Reference.measure
    loaded = time.time() - begun

    def noting(*given: Any, **more: Any) -> Any:
        watch.seconds["start"] = time.time() - begun - watch.seconds["weights"]
        return measure(*given, **more)

    reference.Reference.measure = noting  # type: ignore[method-assign]
    watch.time(weights, "load", "weights")
    watch.time_threads(image_samples, "decode_file", "decode (in threads)")
    watch.time(InceptionNetwork, "prepare", "resize")
    watch.time(FeatureNetwork, "_forward", "network")
    for function in ("add", "moments"):
        watch.time(RunningMoments, function, "statistics")
    watch.time(frechet, "root_of", "statistics")
    watch.time(frechet_value, "jackknife", "distance and interval")
    watch.time(FrechetDistance, "floor", "floor")
    value = ganbench_value(metric, real, fake, threads)
    whole = time.time() - begun
    parts = sum(seconds for row, seconds in watch.seconds.items() if "threads" not in row)
    watch.seconds["everything else"] = whole - parts
    print(json.dumps({"value": value, "imports": loaded, "parts": dict(watch.seconds)}))


# -- the turns -----------------------------------------------------------------------------------


def turn(task: str, name: str, sides: tuple[Path, Path], threads: int) -> dict[str, Any]:
    """Carry a task out in a process; return its document, wall and processor time, and memory."""
    command = [sys.executable, __file__, task, name, *map(str, sides), str(threads)]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), BEGUN: str(time.time())}
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        begun = time.perf_counter()
        actions = [
            (os.POSIX_SPAWN_DUP2, output.fileno(), 1),
            (os.POSIX_SPAWN_DUP2, errors.fileno(), 2),
        ]
        process = os.posix_spawn(sys.executable, command, environment, file_actions=actions)
        _, status, usage = os.wait4(process, 0)
        seconds = time.perf_counter() - begun
        output.seek(0)
        errors.seek(0)
        if status:
            last = errors.read().decode(errors="replace").strip().splitlines()[-1:]
            return {"failed": " ".join(last) or f"status {status}"}
        document: dict[str, Any] = json.loads(output.read().splitlines()[-1])
    return document | {
        "seconds": seconds,
        "processor_seconds": usage.ru_utime + usage.ru_stime,
        "peak_mib": usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10),
    }


def report(case: str, turns: dict[str, list[dict[str, Any]]]) -> None:
    """Print a row for each contestant, with medians and ranges over rounds."""
    print(f"\n{case}\n{'':<18}{'value':>12}{'wall s':>26}{'processor s':>26}{'peak MiB':>10}")
    for name, taken in turns.items():
        if failed := [turn["failed"] for turn in taken if "failed" in turn]:
            print(f"{name:<18}  no value: {failed[0]}")
            continue
        columns = []
        for key in ("seconds", "processor_seconds"):
            values = [turn[key] for turn in taken]
            middle = f"{statistics.median(values):.1f}"
            columns.append(f"{middle} ({min(values):.1f} to {max(values):.1f})")
        peak = max(turn["peak_mib"] for turn in taken)
        value = taken[0]["value"]
        print(f"{name:<18}{value:>12.6f}{columns[0]:>26}{columns[1]:>26}{peak:>10.0f}")


def main() -> int:
    """Measure in turns, and print."""
    if sys.argv[1:2] in (["contend"], ["break-down"]):
        name, real, fake, threads = sys.argv[2:]
        (contend if sys.argv[1] == "contend" else break_down)(name, real, fake, int(threads))
        return 0
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default=",".join(CONTESTANTS))
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    names = arguments.only.split(",")
    missing = {
        name: module
        for name in names
        for module in NEEDED.get(name, ())
        if find_spec(module) is None
    }
    for name, module in missing.items():
        print(f"{name} is left out: {module} is not installed (pip install pytorch-fid clean-fid).")
    names = [name for name in names if name not in missing]
    document: dict[str, Any] = {"threads": arguments.threads, "cases": {}}
    with tempfile.TemporaryDirectory() as root:
        os.environ[WEIGHTS] = str(Path(root) / "inception.pth")
        write_weights(Path(os.environ[WEIGHTS]))
        for case, sides in make_folders(Path(root), arguments.share).items():
            turns: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
            for number in range(arguments.rounds):
                shift = number % max(1, len(names))
                for name in names[shift:] + names[:shift]:
                    turns[name].append(turn("contend", name, sides, arguments.threads))
            report(case, turns)
            parts = {}
            for name in set(METRICS).intersection(names):
                broken = turn("break-down", name, sides, arguments.threads)
                parts[name] = broken
                seconds = broken.get("parts", {})
                print(f"  {name}: ", end="")
                print(", ".join(f"{row} {taken:.2f} s" for row, taken in seconds.items()))
            document["cases"][case] = {"turns": turns, "breakdown": parts}
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(document, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
