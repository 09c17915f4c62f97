# SPDX-License-Identifier: MIT
"""How large and how fast the networks of each backbone are, as a table in Markdown.

    OMP_NUM_THREADS=1 python benchmarks/backbone_table.py [--seconds 3] [--only dcgan,resnet]

Every backbone of the catalogue is built for images of 28 (gray), 32 and 64 pixels (color), at its
default width. ``parameters`` counts the weights of the generator and of the discriminator;
``MFLOP`` is of a forward pass for one image through each of them, by torch's formulas, where a
multiplication with its addition counts as two. ``images/s`` are real images per second of processor
time in training as lsgan, with one update of each player, on one thread: the median over whole
iterations with batches of 32. On an idle machine that is the time that passes.
"""

from __future__ import annotations

import argparse
import statistics
import time
from itertools import product

import torch
from torch import nn

from ganbench import DataSpec, registry
from ganbench.errors import ConfigError
from ganbench.gan import Batch
from ganbench.records.environment import describe_environment
from ganbench.speed.flops import Flops
from ganbench.step import alternate
from ganbench.training.build import build_state, create

BATCH = 32
DATA = [
    DataSpec("gray", "1", (1, 28, 28)),
    DataSpec("color", "1", (3, 32, 32)),
    DataSpec("large", "1", (3, 64, 64)),
]
HEADER = (
    "| backbone | pixels | parameters, G | parameters, D | MFLOP, G | MFLOP, D | images/s |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
)


def parameters(network: nn.Module) -> int:
    """Return the number of weights of a network."""
    return sum(weight.numel() for weight in network.parameters())


def forward_flops(network: nn.Module, values: torch.Tensor) -> float:
    """Return the floating-point operations of a forward pass for each of some values (B, ...)."""
    network.eval()
    with Flops() as flops, torch.no_grad():
        network(values)
    network.train()
    return flops.total / len(values)


def row(backbone: str, data: DataSpec, seconds: float) -> str:
    """Measure a backbone on some data; return a row of the table."""
    gan = create("lsgan", data, {"backbone": backbone})
    recipe = gan.recipe.replace(batch_size=BATCH)
    state = build_state(
        gan, data, recipe=recipe, tricks=(), loss=gan.loss, seed=0, device=torch.device("cpu")
    )
    images = torch.rand(BATCH, *data.shape) * 2 - 1
    flops = [
        forward_flops(state.generator, torch.randn(8, recipe.latent_dim)),
        forward_flops(state.discriminator, images[:8]),
    ]
    rates, begun = [], time.process_time()
    alternate(state, lambda: Batch(images))
    while len(rates) < 2 or time.process_time() - begun < seconds:
        before = time.process_time()
        alternate(state, lambda: Batch(images))
        rates.append(BATCH / (time.process_time() - before))
    cells = [
        f"`{backbone}`",
        str(data.resolution),
        f"{parameters(state.generator):,}",
        f"{parameters(state.discriminator):,}",
        *(f"{flop / 1e6:,.1f}" for flop in flops),
        f"{statistics.median(rates):,.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--only", default=",".join(registry.backbones.names()))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    processor = describe_environment(0, "", {})["processor"]
    print(f"{processor}, one thread, torch {torch.__version__}\n")
    print(HEADER)
    for backbone, data in product(arguments.only.split(","), DATA):
        try:
            print(row(backbone, data, arguments.seconds), flush=True)
        except ConfigError as error:
            print(f"| `{backbone}` | {data.resolution} | {error} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
