# SPDX-License-Identifier: MIT
"""The list of bundled generators: what it says of each, and of their data."""

from ganbench.records.bundled_generators import (
    PretrainedGenerator,
    data_terms,
    pretrained_folder,
    pretrained_generators,
)

ENTRY = PretrainedGenerator(
    model="acgan", dataset="mnist5k", classes=10, kimg=160, parameters=3, size_bytes=9, sha256="0",
    license="mit", metric="fid@mnist-cnn", value=3.14159, low=3, high=3.3, gray_levels=1,
    pixels=(0,),
)  # fmt: skip


def test_an_entry_in_words():
    assert ENTRY.summary == "acgan after 160 kimg of mnist5k, one of 10 classes on request."
    assert ENTRY.metric_text == "fid@mnist-cnn 3.142 [3, 3.3]"
    bare = ENTRY.model_copy(update={"low": None, "high": None, "classes": 0})
    assert bare.metric_text == "fid@mnist-cnn 3.142"
    assert bare.summary == "acgan after 160 kimg of mnist5k."


def test_names_say_what_a_generator_is_of_and_its_data_have_terms():
    assert pretrained_generators()
    for name, entry in pretrained_generators().items():
        assert name == f"{entry.model}@{entry.dataset}"
        assert entry.dataset in data_terms()
        assert pretrained_folder(name).is_dir()
    assert pretrained_folder("nothing@mnist5k") is None
