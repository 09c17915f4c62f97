# SPDX-License-Identifier: MIT
"""Model cards: the header that the Hub reads, and what they say and do not say."""

import pytest

from ganbench.config import Origin
from ganbench.export.model_card import CardNotes, model_card
from ganbench.harness.plan import plan
from ganbench.records.bundled_generators import DataTerms

RECIPE = {
    "kimg": 160.0,
    "latent_dim": 100,
    "schedule": "linear",
    "generator_optimizer": {"kind": "adam", "learning_rate": 0.0002, "betas": [0.5, 0.999]},
    "discriminator_optimizer": {"kind": "sgd", "learning_rate": "2e-4->0"},
}
CONFIG = {"model": "acgan", "dataset": "mnist5k", "loss": "hinge", "seed": 3, "recipe": RECIPE,
          "tricks": [{"name": "ema", "parameters": {"warm_up": 0.05}}]}  # fmt: skip
METRICS = {
    "fid@mnist-cnn": {"value": 4.5678, "low": 4.4, "high": 4.7, "floor": 0.06, "better": "lower",
                      "protocol": "fid/v1@mnist-cnn:f37103be", "n": 5000},
    "modes": {"value": 10.0, "low": None, "high": None, "better": "higher", "protocol": "modes/v1"},
}  # fmt: skip
DOCUMENT = {
    "generator": {"latent_dim": 100, "prior": "normal", "condition": "labels", "classes": 10,
                  "kind": "image", "shape": [1, 28, 28], "parameters": 760257, "random": False,
                  "stored_as": "float16", "sampler": "ema", "left_out": []},
    "data": {"name": "mnist5k", "shape": [1, 28, 28]},
    "run": {"identity": "ff974cd2ca8f5567", "config": CONFIG, "kimg": 160.0,
            "command": "ganbench run --model acgan", "result": {"metrics": METRICS}},
}  # fmt: skip
TERMS = DataTerms(title="digits", license="CC-BY-SA-3.0", holder="A and B", source="https://x.org")


def test_the_header_and_the_parts_of_a_whole_card():
    notes = CardNotes("acgan@mnist5k", typed="acgan@mnist5k", summary="An ACGAN.", license="mit",
                      paper="Odena et al., 2017, arXiv:1610.09585", terms=TERMS,
                      gray_levels=1)  # fmt: skip
    card = model_card(DOCUMENT, notes)
    header = card.split("---\n")[1].splitlines()
    assert header[:3] == [
        "license: mit",
        "library_name: ganbench",
        "pipeline_tag: unconditional-image-generation",
    ]
    assert '- "ema"' in header
    assert "      value: 4.5678" in header
    for text in (
        "trained on `mnist5k` for 160 thousand real examples",
        "A class from 0 to 9 may be asked for.",
        "760,257 parameters, stored as float16",
        "ganbench sample acgan@mnist5k --count 64 --class 3 --out samples.png",
        "| generator_optimizer | `adam at 0.0002, betas 0.5 and 0.999` |",
        "| discriminator_optimizer | `sgd at 2e-4->0` |",
        "| tricks | `ema:warm_up=0.05` |",
        "ganbench run --model acgan\n",
        "| fid@mnist-cnn ↓ | 4.568 | 4.4 – 4.7 | 0.06 | `fid/v1@mnist-cnn:f37103be` |",
        "| modes ↑ | 10 | – | – | `modes/v1` |",
        "moves a pixel by at most 1 of 255 gray levels",
        "under CC-BY-SA-3.0 (https://x.org)",
        "There is no watermark",
        "No published numbers",
    ):
        assert text in card, text


def test_a_run_that_went_on_from_another_says_so():
    origin = {"run": "5ab773ae00000000", "kimg": 40.0, "variant": "0"}
    run = {**DOCUMENT["run"], "config": {**CONFIG, "origin": origin}}
    row = "| went on from the run | `5ab773ae00000000, after 40 kimg` |"
    assert row in model_card({**DOCUMENT, "run": run}, CardNotes("x"))
    assert "went on from" not in model_card(DOCUMENT, CardNotes("x"))


def went_on(before, **changes):
    """Return the card of a run of 4 kimg that went on from one of 2, with changed settings."""
    settings = {"batch_size": 48, "kimg": 4, **changes}
    config = plan("vanilla", "ring8", tricks=["ema"], settings={**STEADY, **settings}).config
    origin = Origin(run=before.identity, kimg=2.016, variant="0")  # 42 batches of 48
    config = config.model_copy(update={"origin": origin})
    run = {**DOCUMENT["run"], "config": config.model_dump(mode="json")}
    return model_card({**DOCUMENT, "run": run}, CardNotes("x"))


STEADY = {"schedule": "constant", "seed": 3}


def test_only_a_run_that_differs_in_its_length_alone_could_be_made_in_one_piece():
    short = {**STEADY, "batch_size": 48, "kimg": 2}
    before = plan("vanilla", "ring8", tricks=["ema"], settings=short).config
    command = "ganbench run --model vanilla --dataset ring8 --trick ema"
    card = went_on(before)
    assert command in card
    assert "--kimg 4 --seed 3\n" in card
    rates = "recipe.generator_optimizer.learning_rate"
    for changes in ({rates: 0.01}, {rates: "0.01->0"}, {"seed": 4}, {"schedule": "linear"}):
        assert "one command" not in went_on(before, **changes), changes


def test_published_numbers_stand_next_to_what_differs():
    row = {"model": "PacGAN2", "source": "arXiv:1712.04086", "differs": "Longer | wider.",
           "metrics": {"modes": "7.9 ± 0.1"}}  # fmt: skip
    card = model_card(DOCUMENT, CardNotes("x", published=[row]))
    assert "| PacGAN2 | modes 7.9 ± 0.1 | arXiv:1712.04086 | Longer / wider. |" in card


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"random": True}, "draw random numbers"),
        ({"prior": "own"}, "a distribution of the model's own"),
        ({"left_out": ["drs"]}, "The run drew its samples with drs, which is left out."),
    ],
)
def test_limits_of_this_generator(change, sentence):
    plain = model_card(DOCUMENT, CardNotes("x"))
    card = model_card(
        {**DOCUMENT, "generator": {**DOCUMENT["generator"], **change}}, CardNotes("x")
    )
    assert sentence in card
    assert sentence not in plain


def test_what_is_not_known_is_not_claimed():
    run = {**DOCUMENT["run"], "result": None, "command": "", "kimg": None}
    card = model_card({**DOCUMENT, "run": run}, CardNotes("x"))
    assert not card.startswith("---\nlicense")
    assert "model-index" not in card
    assert "Nobody has stated a license for these weights." in card
    assert "Nothing was measured" in card
    assert "The terms of `mnist5k` are not known here." in card
    assert "half precision" not in card
