# SPDX-License-Identifier: MIT
"""Train a GAN on images of your own, and measure it on images that it has not seen.

The images here are drawn by a function, so that the script needs no files. Any array of the shape
(N, H, W) or (N, H, W, 3) will do, and so will a path: "./photos@64".
"""

import numpy as np

import ganbench

COUNT = 3000
"""The number of images; the last third is held out."""


def draw_rings(count: int) -> np.ndarray:
    """Draw images (count, 28, 28), uint8: a ring of random radius and place in each."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:28, :28]
    radius, row, column = rng.uniform([[4], [10], [10]], [[9], [18], [18]], (3, count))
    distance = np.hypot(rows - row[:, None, None], columns - column[:, None, None])
    on_the_ring = np.exp(-((distance - radius[:, None, None]) ** 2))
    return (255 * on_the_ring).astype(np.uint8)


images = draw_rings(COUNT)
train, held_out = images[: 2 * COUNT // 3], images[2 * COUNT // 3 :]

# A network that knows these images does not exist, so nothing is measured while it trains.
run = ganbench.run("dcgan", train, tricks=["ema"], settings={"kimg": 30}, metrics=[])
run.grid().save("rings.png")

# The metrics look at the pixels themselves. Real against real is the value to come near to.
result = ganbench.evaluate(
    fake=run.sample(1000),
    real=held_out,
    metrics=["precision@pixels", "recall@pixels", "kid@pixels"],
)
for name, value in result.metrics.items():
    print(f"{name}: {value['value']:.3g}, real against real {value['floor']:.3g}")
