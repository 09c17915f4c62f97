# SPDX-License-Identifier: MIT
"""The sanity suite: known damage, what counts as a response, and the page."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from ganbench.data import open_dataset
from ganbench.errors import ConfigError
from ganbench.harness import self_check as module
from ganbench.harness.damage import CheckImages, damages
from ganbench.harness.self_check import response, self_check
from ganbench.report.self_check_page import findings, markdown, write_self_check


@pytest.fixture(scope="module")
def images():
    source = open_dataset("mnist5k")
    training, pool = source.load("train"), source.load("test")
    return CheckImages(pool, training.take(torch.arange(200)), 200)


def damage(images, kind, index=0):
    return [damage for damage in damages(images) if damage.kind == kind][index]


def test_every_damage_keeps_the_number_and_the_type(images):
    planned = damages(images)
    assert len(planned) == len({(damage.kind, damage.amount) for damage in planned}) == 17
    for planned_damage in planned:
        values = planned_damage.apply(images)
        assert values.shape == images.clean.shape
        assert values.dtype == torch.uint8
        assert not torch.equal(values, images.clean)
    nameless = CheckImages(replace(images.pool, labels=None), images.training, 200)
    assert not any(damage.kind == "dropped classes" for damage in damages(nameless))
    few = CheckImages(images.pool, images.training, 50)
    amounts = [damage.amount for damage in damages(few) if damage.kind == "dropped classes"]
    assert amounts == ["1 of 10", "5 of 10", "9 of 10"]


def test_noise_and_shift_have_the_amount_that_they_say(images):
    gray = images.clean.float() * 0 + 128
    even = CheckImages(
        images.pool.__class__(images.pool.spec, "test", gray.to(torch.uint8)), images.training, 200
    )
    for index, deviation in enumerate((4, 16, 48)):
        values = damage(images, "noise", index).apply(even).float()
        assert float((values - 128).std()) == pytest.approx(deviation, rel=0.02)
    for index, amount in enumerate((8, 32, 64)):
        assert (damage(images, "shifted colors", index).apply(even) == 128 + amount).all()


def test_blur_is_a_gaussian_of_its_sigma(images):
    for index, sigma in enumerate((0.5, 1.0, 2.0)):
        blurred = damage(images, "blur", index).apply(images)[3, 0].float().numpy()
        expected = gaussian_filter(images.clean[3, 0].double().numpy(), sigma, mode="mirror")
        np.testing.assert_allclose(blurred, expected, atol=1.0)


def test_dropped_classes_are_gone_and_none_comes_twice(images):
    for index, remaining_classes in enumerate((9, 5)):
        values = damage(images, "dropped classes", index).apply(images)
        rows = {image.numpy().tobytes() for image in values}
        assert len(rows) == 200
        remaining = {
            image.numpy().tobytes()
            for image, label in zip(images.pool.values, images.pool.labels, strict=True)
            if label < remaining_classes
        }
        assert rows <= remaining


def test_repeats_and_copies_have_the_share_that_they_say(images):
    for index, share in enumerate((0.01, 0.1, 0.5)):
        values = damage(images, "one sample repeated", index).apply(images)
        same = (values == images.pool.values[0]).flatten(1).all(dim=1)
        assert int(same.sum()) == pytest.approx(share * 200, abs=1)
    training = {image.numpy().tobytes() for image in images.training.values}
    for index, share in enumerate((0.1, 0.5, 1.0)):
        values = damage(images, "copied training images", index).apply(images)
        copied = sum(image.numpy().tobytes() in training for image in values)
        assert copied == round(share * 200)


def record(value, low=None, high=None, better="lower"):
    return {"value": value, "low": low, "high": high, "better": better}


@pytest.mark.parametrize(
    ("clean", "damaged", "expected"),
    [
        (record(1.0, 0.9, 1.1), record(1.3, 1.2, 1.4), "worse"),
        (record(1.0, 0.9, 1.1), record(0.7, 0.6, 0.8), "better"),
        (record(1.0, 0.9, 1.1), record(1.13, 1.03, 1.23), "unmoved"),
        (record(1.0, 0.9, 1.1), record(1.15, 1.05, 1.25), "worse"),
        (record(5.0, better="higher"), record(4.0, better="higher"), "worse"),
        (record(5.0, better="higher"), record(5.0, better="higher"), "unmoved"),
        (record(0.2, 0.1, 0.3), record(None), "worse"),
    ],
)
def test_a_response_is_beyond_both_intervals(clean, damaged, expected):
    assert response(clean, damaged) == expected


@pytest.fixture(scope="module")
def result():
    return self_check("mnist5k", metrics=["fid@mnist-cnn", "modes", "recall@mnist-cnn"], samples=90)


def test_metrics_notice_what_they_should(result):
    rows = {(row["damage"], row["amount"]): row["metrics"] for row in result["rows"]}
    assert len(rows) == 19
    assert {record["response"] for record in rows["none", ""].values()} == {"unmoved"}
    assert rows["noise", "σ = 48 / 255"]["fid@mnist-cnn"]["response"] == "worse"
    assert rows["dropped classes", "5 of 10"]["modes"]["value"] <= 6
    assert rows["dropped classes", "9 of 10"]["recall@mnist-cnn"]["response"] == "worse"
    copied = rows["copied training images", "100%"]["fid@mnist-cnn"]
    assert copied["value"] == pytest.approx(0, abs=1e-6)
    assert copied["response"] == "better"


def test_names_that_mean_something_in_markdown_are_shown_as_they_are(result):
    name = "fid@a|b.py:f"
    rows = [
        {**row, "metrics": {name: row["metrics"]["fid@mnist-cnn"], **row["metrics"]}}
        for row in result["rows"]
    ]
    text = markdown({**result, "rows": rows, "dataset": "[x](http://e)|<b>"})
    assert "[x](" not in text
    assert "<b>" not in text
    cells = {len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line[:1] == "|"}
    assert len(cells) == 1, "every row has as many cells as there are columns"


def test_the_page_says_who_notices_and_who_is_misled(result, tmp_path):
    page = write_self_check({**result, "command": "ganbench eval --self-check"}, tmp_path)
    text = page.read_text()
    assert text == markdown({**result, "command": "ganbench eval --self-check"})
    sentence = next(s for s in findings(result) if s.startswith("**copied training images**"))
    assert "taken for an improvement by" in sentence
    assert "fid" in sentence.partition("improvement by")[2]
    assert sentence in text
    assert "| noise | σ = 48 / 255 |" in text
    stored = json.loads((tmp_path / "result.json").read_text())
    assert stored["rows"][0]["metrics"]["fid@mnist-cnn"]["protocol"].startswith("fid/v")
    assert (tmp_path / "responses.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("responses", "expected"),
    [
        ({"a": "·✗✗"}, "noticed from 2% on by a"),
        ({"a": "·✗▲"}, "noticed at 2% only by a; taken for an improvement by a"),
        ({"a": "✗·✗", "b": "✗✗✗"}, "noticed from 1% on by b; at 1% and 3% only by a"),
        (
            {"a": "··✗", "b": "·✗·", "c": "···"},
            "noticed at 2% only by b; from 3% on by a; not by c",
        ),
        ({"a": "···"}, "noticed by none"),
    ],
)
def test_a_damage_is_noticed_from_an_amount_on_only_where_more_is_noticed_too(responses, expected):
    words = {"✗": "worse", "▲": "better", "·": "unmoved"}
    rows = [
        {
            "damage": "noise",
            "amount": f"{place + 1}%",
            "metrics": {name: {"response": words[said[place]]} for name, said in responses.items()},
        }
        for place in range(3)
    ]
    assert findings({"rows": [rows[0], *rows]}) == [f"**noise**: {expected}."]


def test_points_are_not_damaged():
    with pytest.raises(ConfigError, match="holds points"):
        self_check("ring8")


class Splits:
    """A dataset of random images with given splits, which notes what is loaded."""

    def __init__(self, splits):
        self.splits = splits
        self.loaded = []
        self._digits = open_dataset("digits")
        self.spec = self._digits.spec

    def load(self, split):
        self.loaded.append(split)
        return self._digits.load(self._digits.splits[0])


@pytest.mark.parametrize(
    ("splits", "loaded"),
    [(("train", "valid", "test"), ["train", "test"]), (("train", "valid"), ["train", "valid"])],
)
def test_test_images_are_damaged_where_there_are_any(monkeypatch, splits, loaded):
    source = Splits(splits)
    monkeypatch.setattr(module, "open_dataset", lambda name, root: source)
    module._check_images("faces", 10, None)
    assert source.loaded == loaded


def test_data_with_one_split_are_refused_in_a_sentence(monkeypatch):
    monkeypatch.setattr(module, "open_dataset", lambda name, root: Splits(("train",)))
    with pytest.raises(ConfigError, match="compares two splits, and faces has only train"):
        module._check_images("faces", 10, None)
