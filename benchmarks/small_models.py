# SPDX-License-Identifier: MIT
"""Small models on points: ganbench's step beside the same update compiled, batched, and in JAX.

    python benchmarks/small_models.py [--rounds 5] [--seconds 1.5] [--models vanilla,wgan-gp]

``ganbench`` trains as ``ganbench run`` does. ``compiled`` is one iteration as a function of
weights, moments, examples and latents, written out by hand (losses, penalty, Adam) and compiled by
torch as a whole; ``five seeds`` is the same over a further axis of weights (``torch.func.vmap``);
``jax`` is the same, jitted, and ``jax, five seeds`` batched by ``jax.vmap``. The networks, the
batch and the number of updates are those of the recipe; the random numbers are drawn outside. All
have one thread and a process each, and take turns. Printed are iterations a second for each seed,
and their ratios to ganbench's of the same round: median, least and greatest.

JAX is needed for its contestants only (``pip install jax``), and only here.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

import torch
from turns import Contestant

from ganbench.data import open_dataset
from ganbench.gan import GAN
from ganbench.harness.plan import plan
from ganbench.training.build import create

SEEDS = 5
CPU = torch.device("cpu")


def problem(model: str) -> tuple[GAN, torch.Tensor, float]:
    """Return a model, its points (N, 2), and the weight of its gradient penalty."""
    dataset = open_dataset("ring8").load("train")
    gan = create(model, dataset.spec)
    weights = [getattr(trick, "weight", 0.0) for trick in gan.tricks]
    return gan, dataset.values.float(), float(sum(weights))


def repeated(step: Callable[[], None], seeds: int) -> Iterator[Any]:
    """Yield, for each number of seconds that is sent, the iterations a second for each seed."""
    for _ in range(10):
        step()
    seconds = yield "ready"
    while True:
        begun, count = time.perf_counter(), 0
        while (taken := time.perf_counter() - begun) < seconds:
            for _ in range(10):
                step()
            count += 10
        seconds = yield seeds * count / taken


def ganbench_step(model: str) -> Iterator[Any]:
    """Train as a run does."""
    from ganbench.speed.meter import Meter

    meter = Meter(plan(model, "ring8").config, open_dataset("ring8").load("train"), CPU)
    ten = repeated(lambda: meter.iterate(10), 1)
    speed = yield next(ten)
    while True:
        speed = yield 10 * ten.send(speed)


def torch_update(gan: GAN, penalty: float, compiling: bool) -> tuple[Callable[..., Any], Any]:
    """Return one iteration as a function, and the state that it takes and returns."""
    from torch.func import functional_call, grad

    recipe = gan.recipe
    torch.manual_seed(0)
    networks = gan.generator(recipe.latent_dim), gan.discriminator((2,))
    weights = [{k: v.detach() for k, v in network.named_parameters()} for network in networks]
    generator, discriminator = (
        lambda values, inputs, network=network: functional_call(network, values, (inputs,))
        for network in networks
    )
    specs = (recipe.generator_optimizer, recipe.discriminator_optimizer)

    def objective(d: Any, g: Any, real: Any, latents: Any, share: Any) -> Any:
        fake = generator(g, latents).detach()
        loss = gan.loss.discriminator(discriminator(d, real), discriminator(d, fake))
        if not penalty:
            return loss
        between = torch.lerp(real, fake, share[:, None])
        slope = grad(lambda inputs: discriminator(d, inputs).sum())(between)
        return loss + penalty * (slope.square().sum(1).sqrt() - 1).square().mean()

    def generator_objective(g: Any, d: Any, latents: Any) -> Any:
        return gan.loss.generator(latents.new_empty(0), discriminator(d, generator(g, latents)))

    def adam(values: Any, slopes: Any, moments: Any, spec: Any) -> tuple[Any, Any]:
        (b1, b2), (first, second, count) = spec.betas, moments
        count = count + 1
        first = {k: torch.lerp(first[k], slopes[k], 1 - b1) for k in values}
        second = {k: torch.lerp(second[k], slopes[k].square(), 1 - b2) for k in values}
        moved = {
            k: values[k]
            - spec.learning_rate
            * (first[k] / (1 - b1**count))
            / ((second[k] / (1 - b2**count)).sqrt() + 1e-8)
            for k in values
        }
        return moved, (first, second, count)

    def update(state: Any, reals: Any, latents: Any, shares: Any, last: Any) -> Any:
        (g, g_moments), (d, d_moments) = state
        for real, noise, share in zip(reals, latents, shares, strict=True):
            slopes = grad(objective)(d, g, real, noise, share)
            d, d_moments = adam(d, slopes, d_moments, specs[1])
        slopes = grad(generator_objective)(g, d, last)
        g, g_moments = adam(g, slopes, g_moments, specs[0])
        return (g, g_moments), (d, d_moments)

    def begin(values: Any) -> Any:
        zeros = {k: torch.zeros_like(v) for k, v in values.items()}
        return values, (zeros, dict(zeros), torch.zeros(()))

    state = tuple(begin(values) for values in weights)
    return (torch.compile(update) if compiling else update), state


def torch_step(model: str, seeds: int) -> Iterator[Any]:
    """Train by a compiled function of the whole iteration."""
    gan, points, penalty = problem(model)
    update, state = torch_update(gan, penalty, compiling=seeds == 1)
    axes = (seeds,) if seeds > 1 else ()
    if seeds > 1:
        state = _copies(state, seeds)
        update = torch.compile(torch.func.vmap(update))
    recipe = gan.recipe
    steps, batch = recipe.discriminator_steps, recipe.batch_size
    held = {"state": state}

    def step() -> None:
        with torch.no_grad():
            chosen = torch.randint(len(points), (*axes, steps, batch))
            reals = points[chosen]
            noise = torch.randn(*axes, steps + 1, batch, recipe.latent_dim)
            shares = torch.rand(*axes, steps, batch)
            at = len(axes)
            latents, last = noise.narrow(at, 0, steps), noise.select(at, steps)
            held["state"] = update(held["state"], reals, latents, shares, last)

    return repeated(step, seeds)


def _copies(state: Any, seeds: int) -> Any:
    """Return a state with a leading axis of seeds."""
    if isinstance(state, torch.Tensor):
        return state.expand(seeds, *state.shape).clone()
    if isinstance(state, dict):
        return {key: _copies(value, seeds) for key, value in state.items()}
    return tuple(_copies(value, seeds) for value in state)


def jax_step(model: str, seeds: int) -> Iterator[Any]:
    """Train by a jitted function of the whole iteration."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    gan, points, penalty = problem(model)
    recipe, slope = gan.recipe, 0.2 if model == "vanilla" else 0.0
    layers = [
        [
            (m.weight.detach().numpy().T, m.bias.detach().numpy())
            for m in network.modules()
            if isinstance(m, torch.nn.Linear)
        ]
        for network in (gan.generator(recipe.latent_dim), gan.discriminator((2,)))
    ]

    def mlp(weights: Any, values: Any) -> Any:
        for index, (matrix, bias) in enumerate(weights):
            values = values @ matrix + bias
            if index < len(weights) - 1:
                values = jnp.where(values > 0, values, slope * values)
        return values

    def discriminator_objective(d: Any, g: Any, real: Any, noise: Any, share: Any) -> Any:
        fake = jax.lax.stop_gradient(mlp(g, noise))
        if not penalty:
            return (jax.nn.softplus(-mlp(d, real)) + jax.nn.softplus(mlp(d, fake))).mean()
        between = real + (fake - real) * share[:, None]
        slopes = jax.grad(lambda inputs: mlp(d, inputs).sum())(between)
        norms = jnp.sqrt((slopes**2).sum(1))
        return mlp(d, fake).mean() - mlp(d, real).mean() + penalty * ((norms - 1) ** 2).mean()

    def generator_objective(g: Any, d: Any, noise: Any) -> Any:
        logits = mlp(d, mlp(g, noise))
        return jax.nn.softplus(-logits).mean() if not penalty else -logits.mean()

    def adam(values: Any, slopes: Any, moments: Any, spec: Any) -> Any:
        (b1, b2), (first, second, count) = spec.betas, moments
        count = count + 1
        mix = jax.tree.map
        first = mix(lambda m, s: b1 * m + (1 - b1) * s, first, slopes)
        second = mix(lambda v, s: b2 * v + (1 - b2) * s * s, second, slopes)
        rate = spec.learning_rate
        values = mix(
            lambda w, m, v: (
                w - rate * (m / (1 - b1**count)) / (jnp.sqrt(v / (1 - b2**count)) + 1e-8)
            ),
            values,
            first,
            second,
        )
        return values, (first, second, count)

    def update(state: Any, reals: Any, latents: Any, shares: Any, last: Any) -> Any:
        (g, g_moments), (d, d_moments) = state
        for real, noise, share in zip(reals, latents, shares, strict=True):
            slopes = jax.grad(discriminator_objective)(d, g, real, noise, share)
            d, d_moments = adam(d, slopes, d_moments, recipe.discriminator_optimizer)
        slopes = jax.grad(generator_objective)(g, d, last)
        g, g_moments = adam(g, slopes, g_moments, recipe.generator_optimizer)
        return (g, g_moments), (d, d_moments)

    def begin(values: Any) -> Any:
        values = jax.tree.map(jnp.asarray, values)
        first, second = (jax.tree.map(jnp.zeros_like, values) for _ in range(2))
        return values, (first, second, jnp.zeros(()))

    state: Any = tuple(begin(values) for values in layers)
    axes = (seeds,) if seeds > 1 else ()
    if seeds > 1:
        state = jax.tree.map(lambda value: jnp.stack([value] * seeds), state)
    jitted = jax.jit(jax.vmap(update) if seeds > 1 else update, donate_argnums=0)
    random, data = np.random.default_rng(0), points.numpy()
    steps, batch, width = recipe.discriminator_steps, recipe.batch_size, recipe.latent_dim
    held = {"state": state}

    def step() -> None:
        reals = data[random.integers(len(data), size=(*axes, steps, batch))]
        noise = random.standard_normal((*axes, steps + 1, batch, width), np.float32)
        shares = random.random((*axes, steps, batch), np.float32)
        held["state"] = jitted(
            held["state"], reals, noise[..., :steps, :, :], shares, noise[..., steps, :, :]
        )
        jax.block_until_ready(held["state"])

    return repeated(step, seeds)


CONTESTANTS: dict[str, tuple[Callable[..., Iterator[Any]], tuple[Any, ...]]] = {
    "ganbench": (ganbench_step, ()),
    "compiled": (torch_step, (1,)),
    "five seeds": (torch_step, (SEEDS,)),
    "jax": (jax_step, (1,)),
    "jax, five seeds": (jax_step, (SEEDS,)),
}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--models", default="vanilla,wgan-gp")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for model in arguments.models.split(","):
        speeds: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
        contestants = {}
        for name, (make, words) in CONTESTANTS.items():
            contestants[name] = Contestant(make, model, *words)
            try:
                contestants[name].introduction()
            except EOFError:  # it ended with a message of its own
                del contestants[name], speeds[name]
        for _ in range(arguments.rounds):
            for name, contestant in contestants.items():
                speeds[name].append(contestant.turn(arguments.seconds))
        for contestant in contestants.values():
            contestant.end()
        for name, measured in speeds.items():
            pairs = zip(measured, speeds["ganbench"], strict=True)
            ratios = [speed / ours for speed, ours in pairs]
            print(
                f"{model:<8} {name:<16} {statistics.median(measured):7.1f} iterations/s per seed, "
                f"{statistics.median(ratios):.2f} times ganbench "
                f"({min(ratios):.2f} to {max(ratios):.2f})",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
