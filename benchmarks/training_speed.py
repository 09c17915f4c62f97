# SPDX-License-Identifier: MIT
"""Training speed of ``vanilla``, three loops in turn in one process.

    python benchmarks/training_speed.py [--rounds 7] [--images 12800] [--threads 2] [--json FILE]

- *article*: the loop of the article that ganbench starts from, with its one missing import:
  a DataLoader over PIL images, sigmoid and BCELoss, the generator's graph built and thrown away
  in the discriminator's step, every batch printed.
- *hand-written*: the same arithmetic as ganbench's step (logits and softplus, no wasted
  gradients, fused Adam, data in memory), written out flat.
- *ganbench*: the step that ``ganbench run`` uses.

The loops take turns, and the order changes from round to round, so that a machine which slows
down slows all three; the figures are medians over rounds, and ratios of the same round.
"""

from __future__ import annotations

import argparse
import io
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout

import torch
from PIL import Image
from torch import nn
from torch.nn.functional import softplus
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import ToTensor

from ganbench import create, open_dataset
from ganbench.data.dataset import Dataset as Images
from ganbench.step import alternate
from ganbench.training.build import build_state
from ganbench.training.trainer import Batches

BATCH = 64
Loop = Callable[[int], None]


def networks(*, sigmoid: bool) -> tuple[nn.Sequential, nn.Sequential]:
    """Return the article's generator and discriminator."""
    generator = nn.Sequential(
        nn.Linear(100, 256), nn.LeakyReLU(0.2, inplace=True),
        nn.Linear(256, 512), nn.LeakyReLU(0.2, inplace=True),
        nn.Linear(512, 1024), nn.LeakyReLU(0.2, inplace=True),
        nn.Linear(1024, 784), nn.Tanh(),
    )  # fmt: skip
    discriminator = nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 512), nn.LeakyReLU(0.2, inplace=True),
        nn.Linear(512, 256), nn.LeakyReLU(0.2, inplace=True),
        nn.Linear(256, 1), *([nn.Sigmoid()] if sigmoid else []),
    )  # fmt: skip
    return generator, discriminator


class Pictures(Dataset[tuple[torch.Tensor, int]]):
    """The digits as torchvision serves them: a PIL image made and transformed for each access."""

    def __init__(self, images: Images) -> None:
        self.pixels = images.values[:, 0].numpy()
        self.transform = ToTensor()

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.pixels[index])), 0


def article(images: Images) -> Loop:
    """Return the article's loop."""
    loader = DataLoader(Pictures(images), batch_size=BATCH, shuffle=True)
    generator, discriminator = networks(sigmoid=True)
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    d_optimizer = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    adversarial = nn.BCELoss()

    def run(count: int) -> None:
        seen = 0
        while seen < count:
            for index, (real, _) in enumerate(loader):
                valid, fake = torch.ones((len(real), 1)), torch.zeros((len(real), 1))
                real_loss = adversarial(discriminator(real), valid)
                drawn = generator(torch.randn(len(real), 100)).view(len(real), 1, 28, 28)
                d_loss = 0.5 * (real_loss + adversarial(discriminator(drawn), fake))
                d_optimizer.zero_grad()
                d_loss.backward()
                d_optimizer.step()
                drawn = generator(torch.randn(len(real), 100)).view(len(real), 1, 28, 28)
                g_loss = adversarial(discriminator(drawn), valid)
                g_optimizer.zero_grad()
                g_loss.backward()
                g_optimizer.step()
                print(
                    f"[Epoch 0/1] [Batch {index}/{len(loader)}] "
                    f"[D loss: {d_loss.item()}] [G loss: {g_loss.item()}]"
                )
                seen += len(real)
                if seen >= count:
                    return

    return run


def hand_written(images: Images) -> Loop:
    """Return a careful loop with the arithmetic of ganbench's step."""
    values = images.values
    generator, discriminator = networks(sigmoid=False)
    g_weights, d_weights = list(generator.parameters()), list(discriminator.parameters())
    g_optimizer = torch.optim.Adam(g_weights, lr=2e-4, betas=(0.5, 0.999), fused=True)
    d_optimizer = torch.optim.Adam(d_weights, lr=2e-4, betas=(0.5, 0.999), fused=True)
    order, start = torch.randperm(len(values)), 0

    def run(count: int) -> None:
        nonlocal order, start
        for _ in range(count // BATCH):
            if start + BATCH > len(order):
                order, start = torch.randperm(len(values)), 0
            chosen = values.index_select(0, order[start : start + BATCH])
            start += BATCH
            real = chosen.float().mul_(2 / 255).sub_(1)
            with torch.no_grad():
                fake = generator(torch.randn(BATCH, 100))
            d_loss = softplus(-discriminator(real)).mean() + softplus(discriminator(fake)).mean()
            d_optimizer.zero_grad()
            d_loss.backward()
            d_optimizer.step()
            for weight in d_weights:
                weight.requires_grad_(False)
            g_loss = softplus(-discriminator(generator(torch.randn(BATCH, 100)))).mean()
            g_optimizer.zero_grad()
            g_loss.backward()
            g_optimizer.step()
            for weight in d_weights:
                weight.requires_grad_(True)

    return run


def ganbench(images: Images) -> Loop:
    """Return ganbench's own step, with its statistics."""
    gan = create("vanilla", images.spec)
    state = build_state(
        gan,
        images.spec,
        recipe=gan.recipe,
        tricks=gan.tricks,
        loss=gan.loss,
        seed=0,
        device=torch.device("cpu"),
    )
    batches = Batches(images, BATCH, seed=0)

    def next_batch():  # noqa: ANN202
        batch = batches.at(state.images_seen)
        state.images_seen += len(batch)
        return batch

    def run(count: int) -> None:
        for _ in range(count // BATCH):
            alternate(state, next_batch)
        state.statistics.flush()

    return run


def timed(loop: Loop, count: int) -> float:
    """Return the images per second of one turn; what the loop prints is formatted and dropped."""
    with redirect_stdout(io.StringIO()):
        begin = time.perf_counter()
        loop(count)
        return count / (time.perf_counter() - begin)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, default=200 * BATCH)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    images = open_dataset("mnist5k").load("train")
    loops = {
        "article": article(images),
        "hand-written": hand_written(images),
        "ganbench": ganbench(images),
    }
    speeds: dict[str, list[float]] = {name: [] for name in loops}
    for loop in loops.values():
        timed(loop, 20 * BATCH)
    names = list(loops)
    for turn in range(options.rounds):
        for name in names[turn % 3 :] + names[: turn % 3]:
            speeds[name].append(timed(loops[name], options.images))
        print(f"round {turn + 1}/{options.rounds}", file=sys.stderr)
    ratios = {
        f"ganbench / {name}": [a / b for a, b in zip(speeds["ganbench"], speeds[name], strict=True)]
        for name in ("article", "hand-written")
    }
    print(
        f"vanilla, 28 x 28, batch {BATCH}, fp32, {options.threads} threads, "
        f"torch {torch.__version__}"
    )
    for name, values in (ratios | speeds).items():
        unit = "" if "/" in name else " images/s"
        form = ".3f" if "/" in name else ",.0f"
        middle, low, high = statistics.median(values), min(values), max(values)
        print(f"{name:24s} median {middle:{form}}{unit}  (min {low:{form}}, max {high:{form}})")
    if options.json:
        facts = {
            "threads": options.threads,
            "torch": torch.__version__,
            "machine": platform.machine(),
        }
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({**facts, "images_per_second": speeds, "ratios": ratios}, file, indent=2)


if __name__ == "__main__":
    main()
