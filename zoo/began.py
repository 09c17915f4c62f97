# SPDX-License-Identifier: MIT
"""BEGAN: the discriminator is an autoencoder, and a controller keeps the players in balance.

Paper: Berthelot et al., BEGAN: Boundary Equilibrium Generative Adversarial Networks, 2017, arXiv:1703.10717

The energy L(x) = mean |x - AE(x)| of real images is to fall, that of samples to rise as far as
the balance allows: the discriminator minimizes L(x) - k L(G(z)), the generator L(G(z)). After
each update of the discriminator k moves by rate * (ratio * L(x) - L(G(z))), within [0, 1]; a lower
``ratio`` (gamma) gives sharper images and fewer kinds of them. The statistic
``variant/convergence`` is the paper's measure M = L(x) + |ratio * L(x) - L(G(z))|.

Departs from the paper: strided convolutions in place of pooling and upsampling, ReLU in place of
ELU, and a tanh at the end; k moves by the fakes of the discriminator's turn, where the paper's two
players move at once. The learning rate does not fall where M stalls.
"""

from dataclasses import dataclass, replace

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

HIDDEN = 64


def with_weights_scaled(network: nn.Module) -> nn.Module:
    """Draw weights under which no layer dies or saturates: nothing is normalized."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, a=0.2)
        elif isinstance(layer, nn.ConvTranspose2d):  # whose inputs torch counts as outputs
            nn.init.kaiming_normal_(layer.weight, mode="fan_out")
    return network


class Autoencoder(nn.Module):
    """A discriminator (B, *shape) whose logits (B,) are energies; the extras are what it rebuilt.

    Args:
        shape: (C, H, W) of an image.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.encoder = ConvDiscriminator(shape, norm="none", outputs=HIDDEN)
        self.decoder = ConvGenerator(HIDDEN, shape, norm="none")
        with_weights_scaled(self)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map images (B, *shape) to energies (B,) and reconstructions (B, *shape)."""
        rebuilt = self.decoder(self.encoder(images))
        return (images - rebuilt).abs().flatten(1).mean(1), rebuilt


energy_balance = Loss(
    name="energy-balance",
    discriminator=lambda r, f: r.mean() - f.mean(),
    generator=lambda r, f: f.mean(),
)


@dataclass(frozen=True)
class Equilibrium(Hooks):
    """Weighs the energy of fakes by ``k``, which moves toward E L(G(z)) = ratio * E L(x)."""

    ratio: float
    rate: float

    def start(self, state: State) -> TrickState:
        """Begin with k = 0."""
        return {"k": torch.zeros((), device=state.device)}

    def wrap_loss(self, loss: Loss, state: State) -> Loss:
        """Put k into the discriminator's loss.

        Raises:
            ConfigError: The loss is another than the model's own.
        """
        if loss is not energy_balance:
            raise ConfigError(
                f"began is trained on energies, and the loss {loss.name} takes logits.",
                "Leave out --set loss=...",
            )
        return replace(loss, discriminator=lambda r, f: r.mean() - self.k(state) * f.mean())

    def k(self, state: State) -> Tensor:
        """Return the weight of the energy of fakes, from 0 to 1."""
        k = state.memory_of(self)["k"]
        assert isinstance(k, Tensor)
        return k

    def after_step(self, turn: Turn) -> None:
        """Move k by the energies that the discriminator's update was made from."""
        if turn.role == "generator":
            return
        energies = [turn.real.logits.detach().mean(), turn.fake.logits.detach().mean()]
        real, fake = turn.state.group.average(energies)
        balance = self.ratio * real - fake
        k = (self.k(turn.state) + self.rate * balance).clamp(0, 1)
        turn.state.memory_of(self)["k"] = k
        turn.state.statistics.add("variant/convergence", real + balance.abs())
        turn.state.statistics.add("variant/k", k)


@register
def began(data: DataSpec, *, ratio: float = 0.5, rate: float = 0.001) -> GAN:
    """BEGAN: an autoencoder as the discriminator, held in balance."""
    if not data.is_image:
        raise ConfigError(
            f"began draws images, and {data.name} holds {data.plural}.",
            "Use vanilla or wgan-gp for points.",
        )
    return GAN(
        generator=lambda latent_dim: with_weights_scaled(
            ConvGenerator(latent_dim, data.shape, norm="none")
        ),
        discriminator=Autoencoder,
        loss=energy_balance,
        hooks=Equilibrium(ratio, rate),
        recipe=Recipe(
            kimg=320 if data.resolution <= 32 else 2000,
            batch_size=16,
            latent_dim=HIDDEN,
            prior="uniform",
            generator_optimizer=adam(1e-4, (0.5, 0.999)),
            discriminator_optimizer=adam(1e-4, (0.5, 0.999)),
        ),
    )
