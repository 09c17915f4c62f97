# SPDX-License-Identifier: MIT
"""BEGAN: the discriminator is an autoencoder, and a controller keeps the players in balance.

Paper: Berthelot et al., BEGAN: Boundary Equilibrium Generative Adversarial Networks, 2017, arXiv:1703.10717

The energy L(x) = mean |x - AE(x)| of real images is to fall, that of samples to rise as far as the
balance allows: the discriminator minimizes L(x) - k L(G(z)), the generator L(G(z)). After each
update of the discriminator k moves by rate * (ratio * L(x) - L(G(z))), within [0, 1]; a lower
``ratio`` (gamma) gives sharper images and less diversity. The statistic ``variant/convergence`` is
the paper's measure M = L(x) + |ratio * L(x) - L(G(z))|. The logit is -L(x): higher means more
real.

Departs from the paper: strided convolutions in place of pooling and upsampling; LeakyReLU in the
encoder; a tanh at the end of the generator; initial weights under which each layer but the last
keeps the variance of its input, and the first images are nearly gray; for shorter training, Adam
at a learning rate of 2e-4, which does not fall where M stalls (the paper's is 5e-5 to 1e-4), with
a beta1 of 0.5 (public code has 0.9), and k at ten times the rate. ``ratio`` is 0.7, the highest
that the paper shows: digits that are easily rebuilt, such as ones, have half of the mean energy of
all, so a ratio of 0.5 is met by drawing nothing else. k moves by the fakes of the discriminator's
turn, where the paper's two players move at once.
"""

from dataclasses import dataclass, replace
from math import prod, sqrt

import torch
from torch import Tensor, nn

from ganbench import (
    GAN,
    ConfigError,
    ConvDiscriminator,
    ConvGenerator,
    DataSpec,
    Hooks,
    Loss,
    Recipe,
    State,
    TrickState,
    Turn,
    adam,
    register,
)
from ganbench.backbone import images_only

CODE_SIZE = 64
ELU, LEAKY_RELU = 0.645, 0.52
"""The mean square of the activation of a value from N(0, 1)."""


def keep_variance(network: nn.Module, passed: float, *, last: float = 1.0) -> None:
    """Draw weights under which each layer's outputs vary as its inputs do: nothing is normalized.

    Args:
        network: Layers in the order of the forward pass.
        passed: The share of the mean square of N(0, 1) that the activation between them passes on.
        last: What the deviation of the last layer's outputs is multiplied by.
    """
    kinds = nn.Linear | nn.Conv2d | nn.ConvTranspose2d
    layers = [layer for layer in network.modules() if isinstance(layer, kinds)]
    for layer in layers:
        power = 1.0 if layer is layers[0] else passed
        scale = last if layer is layers[-1] else 1.0
        nn.init.normal_(layer.weight, std=scale / sqrt(power * fan_in(layer)))


def fan_in(layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d) -> float:
    """Return the number of inputs that an output sums, away from the edges."""
    if isinstance(layer, nn.Linear):
        return layer.in_features
    inputs = layer.in_channels * prod(layer.kernel_size)
    if isinstance(layer, nn.ConvTranspose2d):
        # Between the inputs lie pixels that nothing is taken from.
        return inputs / prod(layer.stride)
    return inputs


def image_maker(code_size: int, shape: tuple[int, ...]) -> ConvGenerator:
    """Return a generator or decoder whose first images are nearly gray, and easily rebuilt.

    So samples start with less energy than real images, and k rises from the first update. Where
    they start with more, k stays 0, and nothing drives samples away from whatever is easy.
    """
    network = ConvGenerator(code_size, shape, norm="none", activation="elu")
    keep_variance(network, ELU, last=0.1)
    return network


class Autoencoder(nn.Module):
    """A discriminator (B, *shape) whose logits (B,) are -energies; the extras are what it rebuilt.

    Args:
        shape: (C, H, W) of an image.
    """

    logit_layer = None

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.encoder = ConvDiscriminator(shape, norm="none", outputs=CODE_SIZE)
        keep_variance(self.encoder, LEAKY_RELU)
        self.decoder = image_maker(CODE_SIZE, shape)
        self.decoder.layers[-1] = nn.Identity()  # a tanh stops learning where it saturates

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map images (B, *shape) to -energies (B,) and reconstructions (B, *shape)."""
        rebuilt = self.decoder(self.encoder(images))
        return -(images - rebuilt).abs().flatten(1).mean(1), rebuilt


energy_balance = Loss(
    name="energy-balance",
    discriminator=lambda r, f: f.mean() - r.mean(),
    generator=lambda r, f: -f.mean(),
)


@dataclass(frozen=True)
class Equilibrium(Hooks):
    """Weighs the energy of fakes by ``k``, which moves toward E L(G(z)) = ratio * E L(x)."""

    ratio: float
    rate: float

    def start(self, state: State) -> TrickState:
        """Begin with k = 0."""
        return {"k": torch.zeros((), device=state.device)}

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse losses of logits.

        Raises:
            ConfigError: The loss is another than the model's own.
        """
        if gan.loss is not energy_balance:
            raise ConfigError(
                f"began is trained on energies, and the loss {gan.loss.name} takes logits.",
                "Leave out --set loss=...",
            )

    def wrap_loss(self, loss: Loss, state: State) -> Loss:
        """Put k into the discriminator's loss."""
        return replace(loss, discriminator=lambda r, f: self.k(state) * f.mean() - r.mean())

    def k(self, state: State) -> Tensor:
        """Return the weight of the energy of fakes, from 0 to 1."""
        return state.tensor_of(self, "k")

    def after_step(self, turn: Turn) -> None:
        """Move k by the energies that the discriminator's update was made from."""
        if turn.role == "generator":
            return
        energies = [-scored.logits.detach().mean() for scored in (turn.real, turn.fake)]
        real, fake = turn.state.group.average(energies)
        balance = self.ratio * real - fake
        k = (self.k(turn.state) + self.rate * balance).clamp(0, 1)
        turn.state.memory_of(self)["k"] = k
        turn.state.statistics.add("variant/convergence", real + balance.abs())
        turn.state.statistics.add("variant/k", k)


@register
def began(data: DataSpec, *, ratio: float = 0.7, rate: float = 0.01) -> GAN:
    """BEGAN: an autoencoder as the discriminator, held in balance."""
    images_only("began", data)
    return GAN(
        generator=lambda latent_dim: image_maker(latent_dim, data.shape),
        discriminator=Autoencoder,
        loss=energy_balance,
        hooks=Equilibrium(ratio, rate),
        recipe=Recipe(
            kimg=320 if data.resolution <= 32 else 2000,
            batch_size=16,
            latent_dim=CODE_SIZE,
            prior="uniform",
            generator_optimizer=adam(2e-4, (0.5, 0.999)),
            discriminator_optimizer=adam(2e-4, (0.5, 0.999)),
        ),
    )
