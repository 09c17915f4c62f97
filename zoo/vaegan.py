# SPDX-License-Identifier: MIT
"""VAE-GAN: a variational autoencoder that measures its error in the discriminator's features.

Paper: Larsen et al., Autoencoding beyond pixels using a learned similarity metric, 2016, arXiv:1512.09300

The generator is the decoder. An encoder, which learns with it, maps an image to a normal
distribution q(z | x). The error of a reconstruction is that of the discriminator's features f:
||f(x) - f(G(z))||^2 / 2 with z from q. The encoder minimizes that error and KL(q || N(0, 1)). The
decoder minimizes ``gamma`` times the error, and plays the usual game, in which the discriminator
takes reconstructions for fakes, as it takes samples. The game does not move the encoder, and the
error does not move the discriminator.

Departs from the paper: networks and recipe are those of the backbone; the features are the values
before the discriminator's last layer, of which there are 128; the decoder minimizes -log D, not
log(1 - D). gamma is 0.1: the error is a sum over features, and at 1 it outweighs the game in the
decoder. The authors have 1e-6 to 5e-5, for an error over ten thousand features. They also let the
decoder or the discriminator rest where the other falls behind; here both always move.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench import (
    GAN,
    ConfigError,
    DataSpec,
    Hooks,
    Partner,
    Recipe,
    Terms,
    Turn,
    build_backbone,
    losses,
    register,
)
from ganbench.nn.features import FeatureDiscriminator

FEATURES = 128


@dataclass(frozen=True)
class LearnedSimilarity(Hooks):
    """Adds the encoder's two terms, and reconstructions as further fakes.

    ``gamma`` weighs the error in features in the decoder's gradient, and not in the encoder's.
    """

    gamma: float

    def encode(self, turn: Turn) -> tuple[Tensor, Tensor, Tensor]:
        """Return codes (B, size) drawn from q, its means and its logarithms of variances."""
        images = turn.batch.images
        with turn.state.autocast():
            encoded = turn.state.partners["encoder"](images)
        means, log_variances = encoded.float().chunk(2, 1)
        stream = turn.random(self)
        noise = torch.randn(means.shape, generator=stream, device=images.device)
        return means + (0.5 * log_variances).exp() * noise, means, log_variances

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse latents that are not normal, and losses without a cost of a fake alone.

        Codes are drawn to N(0, 1), and reconstructions are further fakes.

        Raises:
            ConfigError: The prior is another, or the loss compares real with fake logits.
        """
        if recipe.prior != "normal":
            raise ConfigError(
                f"vaegan's encoder is drawn to N(0, 1), and recipe.prior is {recipe.prior}.",
                "Leave out --set recipe.prior=...",
            )
        if gan.loss.paired or gan.loss.fake_part is None:
            raise ConfigError(
                f"vaegan's reconstructions are further fakes, and the loss {gan.loss.name} has no "
                "cost of a fake alone.",
                "For example: --set loss=hinge",
            )

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Take reconstructions for fakes."""
        cost = turn.state.loss.fake_part
        assert cost is not None
        with torch.no_grad():
            rebuilt, _ = turn.make(self.encode(turn)[0], tracked=False)
        return {"rebuilt": cost(turn.judge(rebuilt).logits).mean()}

    def generator_terms(self, turn: Turn) -> Terms:
        """Return the KL divergence, the error in features, and the game for reconstructions."""
        codes, means, log_variances = self.encode(turn)
        divergences = 0.5 * (means.square() + log_variances.exp() - 1 - log_variances).sum(1)
        # The error reaches the encoder through the decoder: what is weighed behind it is undone
        # before it.
        rebuilt, _ = turn.make(scale_gradient(codes, 1 / self.gamma), tracked=False)
        similar = turn.judge(scale_gradient(rebuilt, self.gamma))
        errors = (turn.real.extras.detach() - similar.extras).float().square().sum(1)  # (B,)
        # The game is the decoder's alone.
        played = turn.judge(turn.make(codes.detach(), tracked=False)[0]).logits
        return {
            "divergence": divergences.mean(),
            "similarity": 0.5 * errors.mean(),
            "rebuilt": turn.state.loss.generator(played.new_empty(0), played),
        }


def scale_gradient(values: Tensor, factor: float) -> Tensor:
    """Return values of any shape, through which gradients pass multiplied by a factor."""
    return torch.lerp(values.detach(), values, factor)  # both ends are equal


@register
def vaegan(data: DataSpec, *, backbone: str = "auto", gamma: float = 0.1) -> GAN:
    """VAE-GAN: a learned measure of similarity."""
    if gamma <= 0:
        raise ConfigError(
            f"vaegan's gamma weighs the error of reconstructions and is above zero, not {gamma:g}.",
            "For example: --set model.gamma=0.1",
        )
    networks = build_backbone(backbone, data)
    return GAN(
        generator=networks.generator,
        discriminator=lambda shape: FeatureDiscriminator(
            networks.network(shape, FEATURES), FEATURES
        ),
        partners={"encoder": Partner(lambda size, shape: networks.encoder(2 * size, shape))},
        loss=losses.non_saturating,
        hooks=LearnedSimilarity(gamma),
        recipe=networks.recipe,
    )
