# SPDX-License-Identifier: MIT
"""What cannot be had is named at once, with one command, and leaves the rest."""

from __future__ import annotations

import pytest
import torch

from ganbench.errors import InputError, MissingDataError
from ganbench.evaluation.reference import Reference
from ganbench.evaluation.unmeasured import joined, remedy
from ganbench.weights import MissingWeightsError


@pytest.fixture
def nothing_stored(monkeypatch, tmp_path):
    for name in ("GANBENCH_WEIGHTS", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "none"))


def missing(name, whole=False):
    return MissingWeightsError(f"{name} lacks.", f"get {name}", weights=name, whole=whole)


def test_one_command_gets_all_that_is_missing():
    library = MissingDataError("open_clip lacks.", 'pip install "ganbench[clip]"')
    assert remedy({"fid": missing("inception")}) == "ganbench weights fetch inception"
    failures = {
        "fid": missing("inception"),
        "lpips": missing("alexnet"),
        "kid": missing("inception"),
        "cmmd": library,
        "precision@vgg16-fc2": missing("vgg16"),
        "ndb": InputError("too few."),
    }
    assert remedy(failures) == (
        'pip install "ganbench[clip]" && ganbench weights fetch inception alexnet'
        " && ganbench weights fetch vgg16 --whole"
    )
    # Once the upper layers are asked for, the trunk comes with them.
    failures["is@inception"] = missing("inception")
    assert "fetch alexnet && ganbench weights fetch vgg16 inception --whole" in remedy(failures)


def test_each_cause_is_named_once_with_its_metrics():
    error = joined(
        {"fid": missing("inception"), "lpips": missing("vgg16"), "kid": missing("inception")}
    )
    assert isinstance(error, MissingDataError)
    assert error.message == "fid, kid: inception lacks; lpips: vgg16 lacks."
    alone = joined({"ndb": InputError("Too few.", "Draw more."), "kid": InputError("Too few.")})
    assert (type(alone), alone.message, alone.hint) == (InputError, "Too few.", "Draw more.")


@pytest.mark.usefixtures("nothing_stored")
def test_all_that_is_missing_is_known_before_anything_is_measured(noise):
    with pytest.raises(MissingDataError) as caught:
        Reference(noise, metrics=["fid", "is@mnist-cnn", "lpips", "clean-fid"])
    assert "fid, clean-fid: The weights of inception" in caught.value.message
    assert caught.value.hint == "ganbench weights fetch inception alexnet"


@pytest.mark.usefixtures("nothing_stored")
def test_the_others_are_measured(noise):
    names = ["fid", "fid@mnist-cnn", "ndb", "lpips-within-class", "fid@pixels"]
    reference = Reference(noise, metrics=names, partial=True)
    outcome = reference.measure(noise.values[:40])
    assert set(outcome.measured) == {"fid@mnist-cnn", "fid@pixels"}
    assert set(outcome.failed) == {"fid", "ndb", "lpips-within-class"}
    assert "at least 100 samples, not 60" in outcome.failed["ndb"].message
    alone = Reference(noise, metrics=["fid@mnist-cnn"]).evaluate(noise.values[:40])
    assert outcome.measured["fid@mnist-cnn"] == alone["fid@mnist-cnn"]
    with pytest.raises(MissingDataError):
        Reference(noise, metrics=["fid", "kid"], partial=True)


def test_a_network_that_cannot_read_the_images_leaves_the_others(noise, monkeypatch):
    from ganbench.networks.pixels import PixelFeatures

    def refuse(self, images):
        raise InputError("These images cannot be read.")

    monkeypatch.setattr(PixelFeatures, "prepare", refuse)
    outcome = Reference(noise, metrics=["fid@pixels", "is@mnist-cnn"]).measure(noise.values)
    assert list(outcome.measured) == ["is@mnist-cnn"]
    assert outcome.failed["fid@pixels"].message == "These images cannot be read."
    with pytest.raises(InputError):
        Reference(noise, metrics=["fid@pixels", "is@mnist-cnn"]).evaluate(noise.values)


def test_samples_that_cannot_be_read_stop_everything(noise):
    with pytest.raises(InputError, match="NaN"):
        Reference(noise).measure(torch.full((9, 1, 28, 28), torch.nan))
