# SPDX-License-Identifier: MIT
"""The protocol: it names all that makes a number, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from ganbench import registry
from ganbench.evaluation.protocol import (
    full_protocol,
    how_computed,
    network_protocol,
    point_protocol,
)
from ganbench.evaluation.reference import Reference
from ganbench.records.comparable_protocol import WITHOUT_REAL, comparable
from ganbench.runtime.inference import Compute
from ganbench.samples.sample_set import Facts

HASH = registry.networks.get("mnist-cnn")().facts.weights_sha256[:8]
REAL = Facts("photos", "12ab", "images", split="test")


def test_the_protocol_names_all_that_makes_the_number(noise):
    reference = Reference(noise)
    fakes = noise.values[:20]
    measured = reference.evaluate(fakes, conditions=("sampler=ema",))
    network = f"@mnist-cnn:{HASH}/28px-bilinear-antialias"
    rest = "n_fake=20/sampler=ema"
    real = "noise:v3/split=train/n_real=60"
    assert {name: measurement.protocol for name, measurement in measured.items()} == {
        "fid@mnist-cnn": f"fid/v1{network}/ddof=1/{real}/{rest}",
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
    protocol = full_protocol("fid/v1@x", REAL, n_real=0, n_fake=0)
    assert protocol == "fid/v1@x/photos:v12ab/split=test/n_real=?/n_fake=?"


def test_a_number_format_is_named_where_it_moves_the_number(noise, square):
    rough = Compute(precision="bf16")
    names = ["fid@mnist-cnn", "fid@pixels"]
    compared = Reference(noise, metrics=names, compute=rough).evaluate(noise.values)
    assert "/ddof=1/bf16/noise:v3/" in compared["fid@mnist-cnn"].protocol
    assert "bf16" not in compared["fid@pixels"].protocol  # nothing is computed
    images = Reference(noise, metrics=["modes"], compute=rough).evaluate(noise.values)
    points = Reference(square, metrics=["modes"], compute=rough).evaluate(square.values)
    assert "/argmax/bf16/n_fake=60" in images["modes"].protocol
    assert "bf16" not in points["modes"].protocol  # no network computes
    plain = Reference(noise, metrics=["modes"]).evaluate(noise.values)["modes"].protocol
    assert plain == images["modes"].protocol.replace("/bf16", "")
    facts = registry.networks.get("pixels")().facts
    assert network_protocol(facts, Compute()) == "pixels/max32px-area-unit/fp32"


def test_an_engine_is_named_where_it_moves_the_number(noise):
    facts = registry.networks.get("mnist-cnn")().facts
    assert how_computed(facts, Compute()) == ""
    assert how_computed(facts, Compute(engine="openvino")) == "openvino"
    assert how_computed(facts, Compute(engine="compile", precision="bf16")) == "compile/bf16"
    for name in ("pixels", "structure"):
        exact = registry.networks.get(name)().facts
        assert how_computed(exact, Compute(engine="openvino", precision="bf16")) == ""
    assert how_computed(None, Compute(engine="openvino")) == ""  # points
    assert network_protocol(facts, Compute()).endswith("/fp32")
    assert network_protocol(facts, Compute(engine="openvino")).endswith("/openvino/fp32")
    engine = Compute(engine="openvino")
    measured = Reference(noise, metrics=["fid@mnist-cnn"], compute=engine).evaluate(noise.values)
    assert "/ddof=1/openvino/noise:v3/" in measured["fid@mnist-cnn"].protocol


def test_real_data_are_named_where_the_value_depends_on_them(noise, square):
    other = replace(noise, split="test", values=noise.values[:30])
    for name in ("is@mnist-cnn", "modes", "ms-ssim", "vendi@mnist-cnn", "fid@mnist-cnn"):
        first, second = (
            Reference(real, metrics=[name]).evaluate(noise.values[:40]) for real in (noise, other)
        )
        assert list(first) == list(second)
        for key in first:
            equal = first[key].protocol == second[key].protocol
            assert equal == (first[key].value == second[key].value), key
    density = Reference(square, metrics=["modes"]).evaluate(square.values[:40])["modes"]
    assert density.protocol == "modes/v1/nearest-center<=3sigma/square:v1/n_fake=40"


def test_earlier_versions_named_real_data_that_do_not_matter(noise, square):
    uses_nothing = set()
    for name in registry.metrics.names():
        metric = registry.metrics.get(name)()
        if not metric.compares and "counterparts" not in metric.needs:
            uses_nothing.add(name)
    later = {"modes-corrected", "ppl-w", "ppl-w-end", "ppl-z", "ppl-z-end"}  # not in those versions
    assert uses_nothing - later == set(WITHOUT_REAL)
    for real, names in ((noise, ["modes", "fid@mnist-cnn"]), (square, ["modes", "fid@points"])):
        for measurement in Reference(real, metrics=names).evaluate(real.values).values():
            now, count = measurement.protocol, len(real.values)
            rule, _, rest = now.partition(f"/n_fake={count}")
            rule = rule.partition(f"/{real.spec.name}:v")[0]
            data = f"{real.spec.name}:v{real.spec.version}/split=train/n_real={count}"
            before = f"{rule}/{data}/n_fake={count}{rest}"
            assert comparable(before) == comparable(now)
            assert comparable(f"{now}/sampler=ema") == comparable(now)
