# SPDX-License-Identifier: MIT
"""WaveGAN: the paper's recipe, and what it refuses."""

import pytest

from ganbench import registry
from ganbench.config import adam
from ganbench.errors import ConfigError
from ganbench.gan import DataSpec
from ganbench.training.build import create


def test_the_recipe_is_the_papers():
    gan = create("wavegan", DataSpec("drums", "1", (1, 16_384)))
    assert gan.loss.name == "wasserstein"
    assert [registry.name_of(trick) for trick in gan.tricks] == ["gradient-penalty"]
    assert gan.tricks[0].weight == 10
    recipe = gan.recipe
    assert (recipe.discriminator_steps, recipe.latent_dim, recipe.prior) == (5, 100, "uniform")
    assert recipe.generator_optimizer == recipe.discriminator_optimizer == adam(1e-4, (0.5, 0.9))
    assert gan.discriminator((1, 16_384)).shuffle == 2


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (DataSpec("faces", "1", (3, 32, 32)), "wavegan draws sounds, and faces holds images"),
        (DataSpec("ring", "1", (2,)), "wavegan draws sounds, and ring holds points"),
        (DataSpec("prose", "1", (2, 64), alphabet=("a", "b")), "prose holds text"),
        (DataSpec("drums", "1", (1, 1000)), "1000 steps"),
    ],
)
def test_other_data_are_refused_with_a_hint(data, sentence):
    with pytest.raises(ConfigError, match=sentence) as refusal:
        create("wavegan", data)
    assert refusal.value.hint
