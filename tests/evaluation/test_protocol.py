# SPDX-License-Identifier: MIT
"""The protocol: it names all that makes a number, and nothing else."""

from __future__ import annotations

from ganbench import registry
from ganbench.evaluation.protocol import full_protocol, network_protocol, point_protocol
from ganbench.evaluation.reference import Reference
from ganbench.runtime.inference import Compute
from ganbench.samples.sample_set import Facts

HASH = registry.networks.get("mnist-cnn")().facts.weights_sha256[:8]
REAL = Facts("photos", "12ab", "images", split="test")


def test_the_protocol_names_all_that_makes_the_number(noise):
    reference = Reference(noise)
    fakes = noise.values[:20]
    measured = reference.evaluate(fakes, conditions=("weights=ema",))
    network = f"@mnist-cnn:{HASH}/28px-bilinear-antialias"
    rest = "noise:v3/split=train/n_real=60/n_fake=20/weights=ema"
    assert {name: measurement.protocol for name, measurement in measured.items()} == {
        "fid@mnist-cnn": f"fid/v1{network}/ddof=1/{rest}",
        "is@mnist-cnn": f"is/v1{network}/splits=1/{rest}",
        "modes": f"modes/v1{network}/argmax/{rest}",
        "reverse-kl": f"reverse-kl/v1{network}/argmax/{rest}",
    }


def test_points_have_a_rule_or_are_their_own_features():
    metrics = {name: registry.metrics.get(name)() for name in ("modes", "kid", "kid-full")}
    assert point_protocol(metrics["modes"], rule="nearest") == "modes/v1/nearest"
    assert point_protocol(metrics["kid"]) == "kid/v1@points/subsets=100x1000/seed=2020"
    assert point_protocol(metrics["kid-full"]) == "kid-full/v1@points"


def test_counts_that_are_not_known_are_a_question_mark():
    protocol = full_protocol("fid/v1@x", REAL, precision="fp32", n_real=0, n_fake=0)
    assert protocol == "fid/v1@x/photos:v12ab/split=test/n_real=?/n_fake=?"


def test_a_number_format_is_named_where_it_moves_the_number(noise, square):
    rough = Compute(precision="bf16")
    images = Reference(noise, metrics=["modes"], compute=rough).evaluate(noise.values)
    points = Reference(square, metrics=["modes"], compute=rough).evaluate(square.values)
    assert "/argmax/bf16/noise:v3/" in images["modes"].protocol
    assert "bf16" not in points["modes"].protocol  # no network computes
    plain = Reference(noise, metrics=["modes"]).evaluate(noise.values)["modes"].protocol
    assert plain == images["modes"].protocol.replace("/bf16", "")
    facts = registry.networks.get("pixels")().facts
    assert network_protocol(facts, "fp32") == "pixels/max32px-area-unit/fp32"
