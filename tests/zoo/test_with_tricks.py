# SPDX-License-Identifier: MIT
"""Every trick on every registered model: it trains, or is refused in a sentence."""

import pytest
import torch
from quick_tricks import QUICK
from small_models import small, takes
from small_states import state_of

from ganbench import registry
from ganbench.config import TrickConfig
from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.step import alternate
from ganbench.training.trainer import evaluating
from ganbench.trick_config import make_trick

POINTS = DataSpec("points", "1", (2,), classes=2)
IMAGES = DataSpec("images", "1", (1, 8, 8), classes=2)
PAIRS = DataSpec("pairs", "1", (1, 8, 8), source=(1, 8, 8))
SOUNDS = DataSpec("sounds", "1", (1, 64))
TEXTS = DataSpec("texts", "1", (4, 8), alphabet=("a", "b", "c", "d"))


def refusal(model, data, name):
    """Make two iterations with a trick and draw samples; return the error if it was refused."""
    gan = small(model, data)
    tricks = [trick for trick in gan.tricks if registry.name_of(trick) != name]
    settings = {"batch_size": 4, "kimg": 0.1, "discriminator_steps": 1}
    random = torch.Generator().manual_seed(0)
    batch = Batch(
        torch.rand(4, *data.shape, generator=random) * 2 - 1,
        torch.tensor([0, 1, 1, 0]) if data.classes else None,
        torch.rand(4, *data.source, generator=random) * 2 - 1 if data.source else None,
    )
    try:
        state = state_of(
            gan,
            data,
            [*tricks, make_trick(TrickConfig(name=name, parameters=QUICK.get(name, {})))],
            recipe=gan.recipe.model_copy(update=settings),
        )
        for _ in range(2):
            state.tricks.step_rule(alternate)(state, lambda: batch)
        for role in state.updates:
            assert all(weight.isfinite().all() for weight in state.parameters(role))
        state.sources = lambda count, generator: batch.source[:count]
        with evaluating(state):
            sample = state.sampler()(4, torch.Generator().manual_seed(0))
    except ConfigError as error:
        return error
    assert sample.images.shape == (4, *data.shape)
    return None


def cases():
    """Yield each model with points and with images, or with the one kind of data it takes."""
    for model in registry.models.names():
        kinds = []
        for data in (POINTS, IMAGES, PAIRS, SOUNDS, TEXTS):
            if kinds and data not in (POINTS, IMAGES):
                break
            if takes(model, data):
                kinds.append(data)
        for data in kinds:
            yield pytest.param(model, data, id=f"{model}-{data.name}")


AUGMENTING = {"ada", "bcr", "diffaugment", "rotation"}
FEATURES = {
    *("consistency-term", "feature-matching", "minibatch-discrimination", "minibatch-stddev"),
}
CODES = {"logan", "truncation"}
PENALTIES = {
    "dragan",
    "gradient-penalty",
    "r1",
    "r2",
    "wgan-div",
}
WHOLE = {"multi-scale", "projected-discriminator", "unet-discriminator"}
OWN_DISCRIMINATOR = {
    *("aae", "acgan", "began", "bigan", "biggan", "cgan", "cgan-projection", "cogan", "contragan"),
    *("ddgan", "diffusion-gan", "ebgan", "fastgan", "fisher-gan", "gat", "gman", "infogan"),
    *("mdgan", "mgan", "msggan", "progan", "reacgan", "sagan", "san", "ssgan", "stylegan2"),
    *("unet-gan", "vaegan", "veegan"),
}
"""The models whose discriminator no other can replace."""
REFUSED = {
    "images": {"multi-scale"},
    "own discriminator": {"projected-discriminator", "unet-discriminator"},
    "without labels": {"contrastive"},
    "points": AUGMENTING | WHOLE,
    "pairs": AUGMENTING | WHOLE,
    "sounds": AUGMENTING | WHOLE,
    "texts": AUGMENTING | WHOLE,
    "aae": {
        *("pacgan", "instance-noise", "ada", "diffaugment", "gradient-normalization"),
        *PENALTIES,
        "path-length",
    },
    "acgan": {"pacgan", "several-discriminators"},
    "began": {"label-smoothing", *FEATURES, "rotation", "several-discriminators"},
    "bigan": {"pacgan"},
    "biggan": {"pacgan"},
    "cgan": {"pacgan"},
    "cgan-projection": {"pacgan"},
    "cogan": {"pacgan", "replay", "instance-noise", *AUGMENTING, *FEATURES},
    "contragan": {"pacgan", "several-discriminators"},
    "ddgan": {"pacgan", "replay", "instance-noise"},
    "ddgan-images": AUGMENTING,
    "diffusion-gan": {"pacgan"},
    "diffusion-gan-images": {"bcr"},
    "ebgan": {*FEATURES, "rotation", "several-discriminators"},
    "fastgan": {"pacgan", "several-discriminators"},
    "fisher-gan": {"pacgan", "label-smoothing"},
    "gat": {"bcr", "label-smoothing", "pacgan", "replay"},
    "gman": {*FEATURES},
    "gman-images": {"rotation"},
    "infogan": {"pacgan", *CODES, "several-discriminators"},
    "logan-images": {"consensus", "unrolled"},
    "mdgan": {"pacgan"},
    "mgan": {"pacgan", *CODES, "several-discriminators"},
    "mmdgan": {
        *("label-smoothing", "several-discriminators"),
        *("ada", "apa", "ddls", "dot", "drs", "lecam", "logan", "metropolis-hastings", "top-k"),
    },
    "mmdgan-images": {"unet-discriminator"},
    "msggan": {"pacgan", "replay", "instance-noise", *AUGMENTING, "label-smoothing"},
    "pacgan": {"drs"},
    "pacgan-images": {"rotation"},
    "pix2pix": {"pacgan", "logan", "path-length"},
    "progan": {"pacgan", "spectral-norm", "label-smoothing"},
    "projected-gan": {*FEATURES, "rotation"},
    "r3gan": {"label-smoothing"},
    "r3gan-images": {"spectral-norm"},
    "ragan": {"label-smoothing", "several-discriminators"},
    "ragan-images": {"unet-discriminator"},
    "reacgan": {"pacgan", "several-discriminators"},
    "rpgan": {"label-smoothing"},
    "sagan": {"pacgan"},
    "san": {"pacgan", *FEATURES, "label-smoothing", "several-discriminators"},
    "san-images": {"rotation"},
    "ssgan": {"pacgan", "several-discriminators"},
    "stylegan2": {"replay", "spectral-norm"},
    "stylegan2-ada": {"replay", "spectral-norm"},
    "unet-gan": {"pacgan", "several-discriminators"},
    "unrolled": {"historical-averaging", "replay"},
    "unrolled-images": {"logan"},
    "vaegan": {"pacgan", "several-discriminators"},
    "veegan": {"pacgan"},
    "wavegan": {"label-smoothing"},
    "wgan": {"label-smoothing"},
    "wgan-div": {"label-smoothing"},
    "wgan-gp": {"label-smoothing"},
    "wgan-lp": {"label-smoothing"},
}
"""The tricks that are refused, and no others: with some data, by a model, or by it with them."""


EXAMPLE_NORMS = {"layer-norm", "instance-norm", "group-norm"}
BATCH_NORM = {"standing-statistics", "virtual-batch-norm"}
UNFIT = {
    "points": {"instance-norm", *BATCH_NORM},
    "aae": {"dp-sgd", "instance-norm"},
    "acgan": {"dp-sgd"},
    "acgan-images": {"virtual-batch-norm"},
    "began": BATCH_NORM,
    "bigan": {"dp-sgd"},
    "bigan-images": {"instance-norm"},
    "biggan": {"dp-sgd", "virtual-batch-norm", "weight-norm", *EXAMPLE_NORMS},
    "cgan": {"dp-sgd"},
    "cgan-images": {"instance-norm", "virtual-batch-norm"},
    "cgan-projection": {"dp-sgd", "weight-norm"},
    "cgan-projection-images": {"virtual-batch-norm"},
    "cogan": {"dp-sgd", "virtual-batch-norm"},
    "contragan": {"dp-sgd", "weight-norm"},
    "contragan-images": {"virtual-batch-norm"},
    "ddgan": {"dp-sgd"},
    "ddgan-images": BATCH_NORM,
    "diffusion-gan": {"dp-sgd"},
    "diffusion-gan-images": {"instance-norm"},
    "dragan": {"dp-sgd"},
    "ebgan": {"dp-sgd"},
    "fastgan": {"dp-sgd"},
    "fisher-gan": {"dp-sgd"},
    "gat": {"dp-sgd", *EXAMPLE_NORMS, *BATCH_NORM},
    "gman": {"dp-sgd"},
    "gumbel-softmax-gan": {"dp-sgd", *BATCH_NORM},
    "infogan": {"ddls", "dot", "dp-sgd"},
    "logan": {"dp-sgd", "weight-norm"},
    "logan-images": {"symplectic"},
    "mdgan": {"dp-sgd"},
    "mgan": {"ddls", "dot", "dp-sgd"},
    "mmdgan": {"dp-sgd", "weight-norm"},
    "msggan": {"dp-sgd", "virtual-batch-norm"},
    "pacgan": {"ddls", "dot", "dp-sgd", "metropolis-hastings"},
    "pix2pix": {"ddls", "dot", "dp-sgd", *BATCH_NORM},
    "progan": {"dp-sgd", "orthogonal-initialization", "weight-norm", *EXAMPLE_NORMS, *BATCH_NORM},
    "projected-gan": {"dp-sgd", "weight-norm", *EXAMPLE_NORMS},
    "r3gan": {"dp-sgd"},
    "r3gan-images": {"learning-rate-decay", "weight-norm", *EXAMPLE_NORMS, *BATCH_NORM},
    "ragan": {"dp-sgd"},
    "reacgan": {"dp-sgd", "weight-norm"},
    "reacgan-images": {"virtual-batch-norm"},
    "rpgan": {"dp-sgd"},
    "sagan": {"dp-sgd", "virtual-batch-norm", "weight-norm", *EXAMPLE_NORMS},
    "san": {"dp-sgd", "weight-norm"},
    "sngan": {"weight-norm"},
    "sngan-images": EXAMPLE_NORMS,
    "ssgan": {"dp-sgd", "weight-norm"},
    "stylegan2": {
        "dp-sgd",
        "orthogonal-initialization",
        "weight-norm",
        *EXAMPLE_NORMS,
        *BATCH_NORM,
    },
    "stylegan2-ada": {
        "dp-sgd",
        "orthogonal-initialization",
        "weight-norm",
        *EXAMPLE_NORMS,
        *BATCH_NORM,
    },
    "unet-gan": {"dp-sgd", "weight-norm", *EXAMPLE_NORMS},
    "unrolled": {"dp-sgd"},
    "vaegan": {"dp-sgd"},
    "vanilla-images": {"instance-norm", *BATCH_NORM},
    "veegan": {"dp-sgd"},
    "veegan-images": {"instance-norm"},
    "wavegan": {"dp-sgd", *EXAMPLE_NORMS, *BATCH_NORM},
    "wgan": {"momentum"},
    "wgan-div": {"dp-sgd"},
    "wgan-gp": {"dp-sgd"},
    "wgan-lp": {"dp-sgd"},
}
"""Those that a model's networks, its generator's input or its optimizer leave no place for."""


@pytest.mark.parametrize(("model", "data"), list(cases()))
def test_every_trick_trains_or_is_refused(model, data):
    errors = {name: refusal(model, data, name) for name in registry.tricks.names()}
    names = {name for name, error in errors.items() if error}
    where = [data.name, model, f"{model}-{data.name}"]
    if small(model, data).conditional is not True:
        where.append("without labels")
    if model in OWN_DISCRIMINATOR:
        where.append("own discriminator")
    expected = [table.get(place, set()) for place in where for table in (REFUSED, UNFIT)]
    assert names == set().union(*expected)
    for name in names:
        assert errors[name].hint, "a refusal says what to do"
        said = f"{errors[name]} {errors[name].hint}"
        assert "variant" not in said, "which is nothing that a user can remove"
