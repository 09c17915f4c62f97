# SPDX-License-Identifier: MIT
"""A run as a recipe of the lab makes the same run again."""

import pytest

from ganbench.harness.plan import plan
from ganbench.lab.run_recipe import recipe_of_plan

OWN_DEFAULT = [
    # What is chosen is the model's default, and not the usual value next to the chosen parameters.
    ("wgan-gp", "mnist5k", {"model.backbone": "resnet", "recipe.latent_dim": 100}),
    ("mgan", "ring8", {"model.generators": 4, "recipe.latent_dim": 10}),
    ("stylegan2-ada", "digits", {"model.backbone": "dcgan", "learning_rate": 0.0025}),
]


@pytest.mark.parametrize(
    ("model", "dataset", "settings"),
    [
        *OWN_DEFAULT,
        ("vanilla", "ring8", {}),
        ("bigan", "digits", {"model.latent_dim": 20}),
        ("dcgan", "digits", {"loss": "hinge", "precision": "bf16", "kimg": 3}),
    ],
)
def test_the_same_run_is_made_again(model, dataset, settings):
    planned = plan(model, dataset, settings={**settings, "seed": 3}, tricks=["r1:weight=0.3"])
    recipe = recipe_of_plan(planned)
    again = plan(
        recipe.model,
        recipe.dataset,
        tricks=recipe.tricks,
        settings={**recipe.settings, "seed": recipe.seed},
    )
    assert again.config.identity == planned.config.identity


def test_what_is_usual_is_left_out():
    recipe = recipe_of_plan(plan("wgan-gp", "mnist5k", settings={"model.backbone": "resnet"}))
    assert recipe.settings == {"model.backbone": "resnet"}
    assert recipe.tricks == ()
    assert recipe_of_plan(plan("vanilla", "ring8")).settings == {}
