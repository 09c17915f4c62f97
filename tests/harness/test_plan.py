# SPDX-License-Identifier: MIT
"""Plans: models, data, settings and tricks resolved before anything is trained."""

from dataclasses import replace

import pytest

from ganbench.config import parse_trick
from ganbench.errors import ConfigError, UnknownNameError
from ganbench.harness.plan import plan, plan_of


def test_a_plan_is_the_models_recipe_for_the_data():
    config = plan("WGAN_GP", "RING8").config
    assert (config.model, config.dataset, config.loss) == ("wgan-gp", "ring8", "wasserstein")
    assert config == plan("wgan-gp", "ring8").config
    assert config.tricks[0].name == "gradient-penalty"
    assert config.tricks[0].parameters["weight"] == 0.1
    assert config.seed == 0
    assert plan("wgan-gp", "digits").config.recipe != config.recipe


def test_settings_change_the_plan_by_dotted_key():
    settings = {"recipe.generator_optimizer.learning_rate": 0.5, "loss": "hinge", "seed": 7}
    config = plan("vanilla", "ring8", settings=settings).config
    assert config.recipe.generator_optimizer.learning_rate == 0.5
    assert (config.loss, config.seed) == ("hinge", 7)
    back = plan("vanilla", "ring8", settings={"loss": config.loss, "seed": 7}).config
    assert back.recipe == plan("vanilla", "ring8").config.recipe


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"model": "vanila"}, UnknownNameError, "Did you mean 'vanilla'"),
        ({"dataset": "ring9"}, UnknownNameError, "Did you mean 'ring8'"),
        ({"tricks": [parse_trick("emma")]}, UnknownNameError, "Did you mean 'ema'"),
        ({"tricks": [parse_trick("emma:off")]}, UnknownNameError, "Did you mean 'ema'"),
        ({"tricks": [parse_trick("ema:halflife=3")]}, ConfigError, "half_life_kimg"),
        ({"tricks": [parse_trick("ema:warm_up=-1")]}, ConfigError, "greater than or equal"),
        ({"settings": {"loss": "hing"}}, UnknownNameError, "hinge"),
        ({"settings": {"reciep.kimg": 3}}, ConfigError, "recipe"),
        ({"settings": {"model": "dcgan"}}, ConfigError, "Unknown setting 'model'"),
        ({"model": "dcgan"}, ConfigError, "dcgan draws images"),
        ({"tricks": [parse_trick("diffaugment")]}, ConfigError, "images"),
        (
            {"model": "infogan", "settings": {"prior": "uniform"}},
            ConfigError,
            "recipe.prior changes nothing",
        ),
        ({"model": "infogan", "settings": {"model.inf": 1}}, ConfigError, "Did you mean 'info'"),
        ({"model": "infogan", "settings": {"model.info": "x"}}, ConfigError, "model.info"),
        ({"settings": {"model.info": 1}}, ConfigError, "has no parameters"),
    ],
)
def test_what_is_wrong_with_a_plan_is_one_sentence(arguments, error, words):
    with pytest.raises(error) as raised:
        plan(**{"model": "vanilla", "dataset": "ring8", **arguments})
    assert words in raised.value.message
    assert "\n" not in raised.value.message
    assert raised.value.exit_code == 2


def test_a_trick_of_the_models_own_is_changed_or_taken_away():
    changed = plan("wgan-gp", "ring8", tricks=["gradient_penalty:weight=2"]).config
    assert changed.tricks[0].parameters["weight"] == 2.0
    assert len(changed.tricks) == 1
    assert plan("wgan-gp", "ring8", tricks=["gradient-penalty:off"]).config.tricks == ()


def test_the_order_of_tricks_is_not_part_of_what_a_run_is():
    first = plan("vanilla", "ring8", tricks=["r1", "ema"]).config
    second = plan("vanilla", "ring8", tricks=["ema", "R1"]).config
    assert first.identity == second.identity
    spelled = plan("vanilla", "ring8", tricks=["r1:weight=1", "ema"]).config
    explicit = plan("vanilla", "ring8", tricks=["r1:weight=1.0", "ema"]).config
    assert spelled.identity == explicit.identity


def test_a_folder_is_named_after_what_was_added(tmp_path, constant_model):
    def stem(model="vanilla", dataset="ring8", *tricks):
        return plan(model, dataset, tricks=tricks).folder_stem

    assert stem() == "vanilla-ring8-seed0"
    assert stem("vanilla", "ring8", "r1", "ema") == "vanilla+ema+r1-ring8-seed0"
    assert stem("wgan-gp", "ring8", "ema") == "wgan-gp+ema-ring8-seed0"
    assert stem(str(constant_model)) == "constant.py-ring8-seed0"
    ring = plan("vanilla", "ring8")
    config = ring.config.model_copy(update={"dataset": f"{tmp_path}/my photos@64"})
    elsewhere = replace(ring, config=config, added=(f"{tmp_path}/odd/trick.py",))
    assert elsewhere.folder_stem == "vanilla+trick.py-my-photos@64-seed0"


def test_parameters_of_a_model_are_recorded_and_part_of_its_identity():
    plain = plan("infogan", "ring8")
    parameters = {"backbone": "auto", "categories": 10, "continuous": 2, "info": 1.0}
    assert plain.config.parameters == parameters
    same = plan("infogan", "ring8", settings={"model.info": 1})
    other = plan("infogan", "ring8", settings={"model.info": 0.5})
    assert same.config.identity == plain.config.identity
    assert other.config.identity != plain.config.identity
    assert other.gan.hooks.weight == 0.5
    assert plan_of(other.config).gan.hooks.weight == 0.5
    assert not plan("vanilla", "ring8").config.parameters
