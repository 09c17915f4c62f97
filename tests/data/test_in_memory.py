# SPDX-License-Identifier: MIT
"""Data that a PyTorch user has in memory: the same values for training and for evaluation."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset, TensorDataset
from torch.utils.data import Dataset as TorchDataset

from ganbench.data import in_memory, open_dataset
from ganbench.data.array_source import held_out
from ganbench.data.dataset import Dataset
from ganbench.errors import ConfigError, InputError
from ganbench.gan import DataSpec, Mixture
from ganbench.samples import open_samples

COUNT = 30
COLOR = np.random.default_rng(0).integers(0, 256, (COUNT, 3, 12, 12), dtype=np.uint8)
GRAY = COLOR[:, :1]
POINTS = np.random.default_rng(1).normal(size=(COUNT, 2)).astype(np.float32)
LABELS = np.arange(COUNT) % 4


def last(images):
    """Images (N, C, H, W) with their channels last, or (N, H, W) where there is one."""
    return images[:, 0] if images.shape[1] == 1 else images.transpose(0, 2, 3, 1)


class Items(TorchDataset):
    """A map-style dataset of items that a function makes."""

    def __init__(self, make):
        self.make = make

    def __len__(self):
        return COUNT

    def __getitem__(self, index):
        return self.make(index)


class Stream(IterableDataset):
    """An iterable dataset of items that a function makes."""

    def __init__(self, make, count=COUNT):
        self.make = make
        self.count = count

    def __iter__(self):
        return (self.make(index) for index in range(self.count))


class Info:
    dataset_name = "cifar10"


class HuggingFace:
    """A stand-in for ``datasets.Dataset``: rows are dictionaries of its features."""

    def __init__(self, make):
        self.features = dict.fromkeys(make(0))
        self.make = make
        self.info = Info()

    def __len__(self):
        return COUNT

    def __getitem__(self, index):
        return self.make(index) if isinstance(index, int) else [self.make(i) for i in index]

    def __iter__(self):
        return (self.make(index) for index in range(COUNT))


class HuggingFaceStream:
    """A stand-in for ``datasets.IterableDataset``."""

    def __init__(self, make):
        self.features = dict.fromkeys(make(0))
        self.make = make

    def __iter__(self):
        return (self.make(index) for index in range(COUNT))


def pil(images):
    return [Image.fromarray(image) for image in last(images)]


def floats(images):
    """Pixels in [0, 1], as ``ToTensor`` makes them."""
    return torch.from_numpy(images).float() / 255


KINDS = {
    "array": lambda x, y: last(x),
    "array with its channels first": lambda x, y: x,
    "array with an axis for gray": lambda x, y: x.transpose(0, 2, 3, 1),
    "tensor": lambda x, y: torch.from_numpy(x),
    "tensor with its channels last": lambda x, y: torch.from_numpy(last(x).copy()),
    "PIL images": lambda x, y: pil(x),
    "tuple of PIL images": lambda x, y: tuple(pil(x)),
    "list of tensors": lambda x, y: list(torch.from_numpy(x)),
    "list of arrays and labels": lambda x, y: list(zip(last(x), y.tolist(), strict=True)),
    "dataset of images": lambda x, y: Items(lambda i: pil(x)[i]),
    "dataset of pairs": lambda x, y: Items(lambda i: (pil(x)[i], int(y[i]))),
    "dataset of triples": lambda x, y: Items(lambda i: (torch.from_numpy(x[i]), y[i], str(i))),
    "dataset without labels": lambda x, y: Items(lambda i: (pil(x)[i], None)),
    "dataset with the label -1": lambda x, y: Items(lambda i: (pil(x)[i], -1)),
    "dataset of dictionaries": lambda x, y: Items(lambda i: {"img": last(x)[i], "label": y[i]}),
    "tensors": lambda x, y: TensorDataset(torch.from_numpy(x), torch.from_numpy(y)),
    "tensors without labels": lambda x, y: TensorDataset(torch.from_numpy(x)),
    "stream": lambda x, y: Stream(lambda i: (torch.from_numpy(x[i]), torch.tensor(y[i]))),
    "loader": lambda x, y: DataLoader(Items(lambda i: (torch.from_numpy(x[i]), int(y[i]))), 7),
    "loader of images": lambda x, y: DataLoader(torch.from_numpy(x), 7),
    "loader of a stream": lambda x, y: DataLoader(Stream(lambda i: torch.from_numpy(x[i])), 7),
    "loader of dictionaries": lambda x, y: DataLoader(
        Items(lambda i: {"pixel_values": torch.from_numpy(x[i]), "labels": int(y[i])}), 7
    ),
    "Hugging Face": lambda x, y: HuggingFace(lambda i: {"image": pil(x)[i], "label": int(y[i])}),
    "Hugging Face, a column of another name": lambda x, y: HuggingFace(
        lambda i: {"id": i, "photo": pil(x)[i], "label": int(y[i])}
    ),
    "Hugging Face stream": lambda x, y: HuggingFaceStream(
        lambda i: {"img": pil(x)[i], "label": int(y[i])}
    ),
}
WITH_LABELS = {
    "list of arrays and labels", "dataset of pairs", "dataset of triples",
    "dataset of dictionaries", "tensors", "stream", "loader", "loader of dictionaries",
    "Hugging Face", "Hugging Face, a column of another name", "Hugging Face stream",
}  # fmt: skip


def rejoin(source):
    """All values and labels of a dataset's two splits, in their first order."""
    order = np.concatenate([held_out(COUNT, split, 0.1, 10) for split in ("train", "test")])
    loaded = [source.load(split) for split in ("train", "test")]
    assert [len(data) for data in loaded] == [27, 3]
    assert [data.split for data in loaded] == ["train", "test"]
    assert all(data.spec == source.spec for data in loaded)
    back = np.argsort(order)
    values = torch.cat([data.values for data in loaded])[back]
    if loaded[0].labels is None:
        return values, None
    return values, torch.cat([data.labels for data in loaded])[back].tolist()


def read(samples):
    """All values of samples, and their labels."""
    values = torch.cat([chunk.values for chunk in samples.chunks(8)])
    return values, None if samples.labels is None else samples.labels.tolist()


@pytest.mark.parametrize("images", [COLOR, GRAY], ids=["color", "gray"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_alike_for_training_and_for_evaluation(kind, images):
    source = open_dataset(KINDS[kind](images, LABELS))
    expected = LABELS.tolist() if kind in WITH_LABELS else None
    values, labels = rejoin(source)
    np.testing.assert_array_equal(values.numpy(), images)
    assert labels == expected
    assert source.spec.shape == images.shape[1:]
    assert source.spec.classes == (4 if expected else 0)
    samples = open_samples(KINDS[kind](images, LABELS))
    measured, measured_labels = read(samples)
    np.testing.assert_array_equal(measured.numpy(), images)
    assert measured_labels == expected
    assert samples.facts.shape == images.shape[1:]
    assert samples.facts.classes == (4 if expected else 0)


@pytest.mark.parametrize(
    "source",
    [
        POINTS,
        torch.from_numpy(POINTS),
        list(POINTS),
        TensorDataset(torch.from_numpy(POINTS).double(), torch.from_numpy(LABELS)),
        DataLoader(torch.from_numpy(POINTS), 4),
        HuggingFaceStream(lambda i: {"image": POINTS[i], "label": int(LABELS[i])}),
    ],
    ids=["array", "tensor", "list", "dataset", "loader", "Hugging Face"],
)
def test_points(source):
    opened = open_dataset(source)
    assert opened.spec.shape == (2,)
    np.testing.assert_array_equal(rejoin(opened)[0].numpy(), POINTS)
    np.testing.assert_array_equal(read(open_samples(source))[0].numpy(), POINTS)
    with pytest.raises(ConfigError, match="no resolution"):
        open_dataset(source, resolution=32)


@pytest.mark.parametrize(
    ("values", "value_range"),
    [
        (lambda x: floats(x), (0, 1)),
        (lambda x: floats(x).double().numpy(), (0, 1)),
        (lambda x: floats(x) * 255, (0, 255)),
        (lambda x: floats(x) * 6 - 2, (-2.0, 4.0)),
        (lambda x: floats(x) * 2 - 1, (-1, 1)),
        (lambda x: floats(x) * 2 - 1, None),
        (lambda x: TensorDataset(floats(x)), (0, 1)),
        (lambda x: DataLoader(TensorDataset(floats(x)), 4), (0, 1)),
        (lambda x: Items(lambda i: {"pixel_values": floats(x)[i]}), (0, 1)),
        (lambda x: x, (0, 1)),  # uint8 is uint8 whatever the range of floats
    ],
)
def test_floats_become_the_pixels_that_they_were(values, value_range):
    source = open_dataset(values(COLOR), value_range=value_range)
    np.testing.assert_array_equal(rejoin(source)[0].numpy(), COLOR)
    samples = open_samples(values(COLOR), value_range=value_range)
    np.testing.assert_array_equal(read(samples)[0].numpy(), COLOR)
    assert source.spec.version == open_dataset(KINDS["array"](COLOR, None)).spec.version


@pytest.mark.parametrize("read_all", [open_dataset, lambda *a, **k: read(open_samples(*a, **k))])
@pytest.mark.parametrize(
    ("scale", "value_range", "sentence", "hint"),
    [
        (1, None, r"values from 0 to 1.*; floats in \[-1, 1\] or uint8", "value_range=(0, 1)"),
        (255, None, "values from 0 to 255", "--range 0,255"),
        (255, (0, 1), r"values from 0 to 255.*; floats in \[0, 1\]", "value_range=(0, 255)"),
        (1.1, (0, 1), r"values from 0 to 1\.1.*; floats in \[0, 1\]", "clamp"),
        (9, None, "values from 0 to 9", "--range 0,255"),
        (-9, (0, 1), "values from -9 to -?0", "value_range=(LOW, HIGH)"),
    ],
)
def test_values_outside_their_range_are_named_with_what_to_write(
    read_all, scale, value_range, sentence, hint
):
    with pytest.raises(InputError, match=sentence) as caught:
        read_all(floats(COLOR) * scale, value_range=value_range)
    assert hint in caught.value.hint


def test_a_value_outside_a_stated_range_is_found_wherever_it_is():
    images = torch.rand(200, 1, 4, 4)
    images[-1, 0, 2, 2] = 1.5
    with pytest.raises(InputError, match=r"to 1\.5; floats in \[0, 1\] were expected"):
        open_dataset(images, value_range=(0, 1))
    samples = open_samples(images, value_range=(0, 1))
    with pytest.raises(InputError, match=r"to 1\.5; floats in \[0, 1\] were expected"):
        read(samples)


@pytest.mark.parametrize("opened", [open_dataset, open_samples])
@pytest.mark.parametrize(
    "value_range",
    [(1, 0), (0, 0), (0, float("nan")), (0, float("inf")), (0,), 1, "0,1", (0, "1"), (False, True)],
)
def test_a_range_that_is_none_is_refused(opened, value_range):
    with pytest.raises(ConfigError, match="A range is two numbers, the smaller one first, not"):
        opened(COLOR, value_range=value_range)


# -- identity ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("array", "array"),
        ("tensor", "tensor"),
        ("PIL images", "list"),
        ("tuple of PIL images", "list"),
        ("tensors", "dataset-TensorDataset"),
        ("dataset of pairs", "dataset-Items"),
        ("loader", "dataset-Items"),
        ("Hugging Face", "dataset-cifar10"),
        ("Hugging Face stream", "dataset-HuggingFaceStream"),
    ],
)
def test_the_name_says_where_data_come_from(kind, name):
    spec = open_dataset(KINDS[kind](COLOR, LABELS)).spec
    assert spec.name == name
    assert re.fullmatch("[0-9a-f]{16}", spec.version)
    facts = open_samples(KINDS[kind](COLOR, LABELS)).facts
    assert facts.name == ("samples" if kind in {"array", "tensor"} else name)


def test_equal_data_have_one_version_whatever_they_come_in():
    labeled = {open_dataset(KINDS[kind](COLOR, LABELS)).spec.version for kind in WITH_LABELS}
    others = {
        open_dataset(KINDS[kind](COLOR, LABELS)).spec.version for kind in KINDS.keys() - WITH_LABELS
    }
    assert len(labeled) == len(others) == 1
    assert labeled != others
    with_labels = open_dataset(COLOR, labels=LABELS)
    assert {with_labels.spec.version} == labeled
    assert rejoin(with_labels)[1] == LABELS.tolist()


def test_the_version_follows_values_shape_labels_and_order():
    changed = COLOR.copy()
    changed[17, 2, 3, 4] ^= 1
    versions = [
        open_dataset(values, labels=labels).spec.version
        for values, labels in (
            (COLOR, None),
            (changed, None),
            (COLOR[::-1].copy(), None),
            (COLOR.reshape(COUNT, 3, 6, 24), None),
            (COLOR[1:], None),
            (COLOR, LABELS),
            (COLOR, (LABELS + 1) % 4),
            (POINTS, None),
        )
    ]
    assert len(set(versions)) == len(versions)


def test_the_version_of_today():
    # Whoever changes how data in memory are hashed or split makes every stored run a stranger.
    assert open_dataset(COLOR, labels=LABELS).spec.version == "5b6a311a1e73a5fe"
    assert open_dataset(POINTS).spec.version == "66bc0eaaca6aed30"


@pytest.mark.parametrize("own_generator", [False, True])
def test_data_that_shuffle_and_augment_are_the_same_each_time(own_generator):
    def augmented(index):
        noise = torch.rand(1).item() + random.random() + np.random.random()
        return torch.full((1, 4, 4), noise / 2 - 1), index % 3

    generator = torch.Generator().manual_seed(5) if own_generator else None
    loader = DataLoader(Items(augmented), 4, shuffle=True, generator=generator)
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    first, second = open_dataset(loader), open_dataset(loader)
    assert first.spec == second.spec
    assert torch.equal(first.load("train").values, second.load("train").values)
    assert rejoin(first)[1] != [index % 3 for index in range(COUNT)], "it shuffles"
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert np.random.get_state()[1].tolist() == states[2]
    if own_generator:
        assert torch.equal(generator.get_state(), torch.Generator().manual_seed(5).get_state())


def test_an_array_that_changes_later_does_not_change_the_dataset():
    for values in (POINTS.copy(), last(COLOR).copy(), COLOR.copy()):
        source = open_dataset(values)
        before = source.load("train").values.clone()
        values[:] = 0
        assert torch.equal(source.load("train").values, before)


def test_a_dataset_that_reuses_its_memory():
    buffer = np.zeros((4, 4), np.uint8)

    def item(index):
        buffer[:] = index
        return buffer

    assert rejoin(open_dataset(Items(item)))[0][:, 0, 0, 0].tolist() == list(range(COUNT))


# -- what is known of the data -----------------------------------------------------------------


def test_a_resolution_resizes_and_is_part_of_the_name():
    source = open_dataset(COLOR, resolution=24)
    assert (source.spec.name, source.spec.shape) == ("array@24", (3, 24, 24))
    assert source.load("train").values.shape == (27, 3, 24, 24)
    wide = open_dataset(COLOR.reshape(COUNT, 3, 9, 16))
    assert wide.load("test").values.shape == (3, 3, 9, 9)


def test_gray_images_among_color_ones_become_rgb():
    images = pil(COLOR)
    images[4] = images[4].convert("L")
    expected = COLOR.copy()
    expected[4] = np.asarray(images[4])
    np.testing.assert_array_equal(rejoin(open_dataset(images))[0].numpy(), expected)
    images[0] = images[0].convert("L")  # the first does not decide
    expected[0] = np.asarray(images[0])
    np.testing.assert_array_equal(read(open_samples(images))[0].numpy(), expected)


def test_pil_images_follow_the_rules_of_folders():
    deep = Image.fromarray(np.full((4, 4), 257 * 200, np.uint16))
    clear = Image.new("RGBA", (4, 4), (9, 9, 9, 0))
    assert (open_dataset([deep] * COUNT).load("test").values == 200).all()
    assert (open_dataset([clear] * COUNT).load("test").values == 255).all()
    with pytest.raises(InputError, match="Item 1 of list cannot be read: its pixels are floating"):
        open_dataset([clear, Image.fromarray(np.zeros((4, 4), np.float32))])


def test_splits_by_name_are_kept():
    splits = {
        "test": TensorDataset(torch.from_numpy(COLOR[20:]), torch.from_numpy(LABELS[20:])),
        "train": TensorDataset(torch.from_numpy(COLOR[:20]), torch.from_numpy(LABELS[:20])),
    }
    source = open_dataset(splits)
    assert source.splits == ("train", "test")
    np.testing.assert_array_equal(source.load("train").values.numpy(), COLOR[:20])
    np.testing.assert_array_equal(source.load("test").values.numpy(), COLOR[20:])
    assert source.load("test").labels.tolist() == LABELS[20:].tolist()
    assert (source.spec.name, source.spec.classes) == ("dataset-TensorDataset", 4)
    for split, part in (("train", COLOR[:20]), ("test", COLOR[20:])):
        np.testing.assert_array_equal(read(open_samples(splits, split=split))[0].numpy(), part)
    np.testing.assert_array_equal(read(open_samples(splits))[0].numpy(), COLOR[20:])
    with pytest.raises(ConfigError, match="no split 'valid'"):
        source.load("valid")
    with pytest.raises(ConfigError, match="no split 'valid'") as caught:
        open_samples(splits, split="valid")
    assert caught.value.hint == "They have: test and train."
    only = open_dataset({"train": COLOR})
    assert only.spec == open_dataset(COLOR).spec
    assert len(only.load("test")) == 3
    with pytest.raises(InputError, match=r"different shapes: train \(3, 12, 12\), test \(1, 12"):
        open_dataset({"train": COLOR, "test": GRAY})
    with pytest.raises(ConfigError, match="without splits"):
        open_dataset(splits, labels=LABELS)


def test_what_is_open_already():
    source = open_dataset(COLOR, labels=LABELS)
    assert open_dataset(source) is source
    for options in ({"resolution": 16}, {"value_range": (0, 1)}, {"labels": LABELS}):
        with pytest.raises(ConfigError, match="array is open already"):
            open_dataset(source, **options)
    train = read(open_samples(source))
    assert torch.equal(train[0], source.load("train").values)
    assert torch.equal(read(open_samples(source, split="test"))[0], source.load("test").values)


def test_a_loaded_split_is_a_dataset_of_its_own():
    mixture = Mixture(((0.0, 0.0), (1.0, 1.0)), 0.1)
    spec = DataSpec("/data/rings", "1", (2,), classes=0, network=None, mixture=mixture)
    loaded = Dataset(spec, "train", torch.from_numpy(POINTS), torch.from_numpy(LABELS))
    source = open_dataset(loaded)
    assert (source.spec.name, source.spec.mixture) == ("dataset-rings", mixture)
    assert source.spec.version != "1"
    assert source.spec.classes == 0
    values, labels = rejoin(source)
    np.testing.assert_array_equal(values.numpy(), POINTS)
    assert labels == LABELS.tolist()
    digits = Dataset(
        DataSpec("digits", "1", (1, 12, 12), 10, "mnist-cnn"), "test", torch.from_numpy(GRAY)
    )
    spec = open_dataset(digits, resolution=28).spec
    assert (spec.name, spec.network, spec.shape) == ("dataset-digits@28", "mnist-cnn", (1, 28, 28))


def test_a_part_of_data_in_memory_is_random_and_seeded():
    samples = open_samples(KINDS["dataset of pairs"](COLOR, LABELS), count=5, seed=1)
    values, labels = read(samples)
    whole = {image.tobytes(): int(label) for image, label in zip(COLOR, LABELS, strict=True)}
    assert [whole[image.numpy().tobytes()] for image in values] == labels
    assert len(labels) == 5


# -- what is refused ---------------------------------------------------------------------------


def fails(index):
    raise KeyError("no such image")


class NoLength(TorchDataset):
    def __getitem__(self, index):
        return GRAY[index]


HOSTILE = [
    (3, "cannot be (opened|read) from int"),
    (None, "cannot be (opened|read) from NoneType"),
    (2.5, "cannot be (opened|read) from float"),
    (b"bytes", "cannot be (opened|read) from bytes"),
    ({}, "cannot be (opened|read) from dict"),
    ({"train": 3}, "cannot be (opened|read) from int"),
    (object(), "cannot be (opened|read) from object"),
    (np.float64(3), "cannot be (opened|read) from float64"),
    (np.array(3.0), r"shape \(\)"),
    (np.arange(5.0), r"shape \(5,\)"),
    (np.zeros((4, 2, 3, 4, 5)), r"shape \(4, 2, 3, 4, 5\)"),
    (np.zeros((4, 5, 6, 7), np.uint8), r"shape \(4, 5, 6, 7\).* 1 or 3 channels"),
    (np.zeros((4, 0)), r"shape \(4, 0\)"),
    (np.array([[{}, {}], [{}, {}]]), "of type object"),
    (np.array([["a", "b"], ["c", "d"]]), "of type <U1"),
    (COLOR.astype(np.int64), "of type int64; images as uint8"),
    (COLOR > 7, "of type bool"),
    (POINTS.astype(np.complex64), "of type complex64"),
    (np.full((4, 2), np.nan), "NaN or infinite, in 4 of 4"),
    (np.full((4, 8, 8), np.inf), "NaN or infinite, in 4 of 4"),
    (torch.full((4, 2), torch.nan), "NaN or infinite, in 4 of 4"),
    (torch.zeros(4, 3).to_sparse(), "The tensor cannot be read by numpy: it is sparse"),
    (torch.zeros(4, 3, device="meta"), "The tensor cannot be read by numpy"),
    (torch.zeros(4, 2, dtype=torch.int32), "of type int32; points as floats"),
    ([], "list holds no examples"),
    (Stream(lambda i: GRAY[i], count=0), "dataset-Stream holds no examples"),
    ([1, 2], "Item 0 of list holds int, and a tensor, an array or a PIL image was expected"),
    (["a.png", "b.png"], "Item 0 of list holds str"),
    ([[1.0, 2.0]], "Item 0 of list holds float"),
    ([GRAY[0], COLOR[0]], r"Item 1 of list is uint8 \(3, 12, 12\), and the first .* \(1, 12, 12\)"),
    ([COLOR[0], COLOR[1].astype(np.float32)], "Item 1 of list is float32 .* first .* is uint8"),
    ([Image.new("L", (4, 4)), Image.new("L", (5, 4))], r"Item 1 of list is uint8 \(4, 5\)"),
    ([(GRAY[0], 1), (GRAY[1],)], "Some items of list have labels, and some have none"),
    ([(GRAY[0], "cat")], "Item 0 of list has a label that is of type <U3; an integer"),
    ([(GRAY[0], 1.5)], "has a label that is of type float64; an integer"),
    ([(GRAY[0], {"boxes": 3})], "has a label that is dict; an integer"),
    ([(GRAY[0], [[1], [2, 3]])], "has a label that is list; an integer"),
    ([(GRAY[0], torch.arange(40))], "Item 0 of list has 40 labels for 1 examples"),
    ([(GRAY[0], -2), (GRAY[1], 1)], "The labels of list go from -2 to 1"),
    ([(GRAY[0], 10**6)] * 2, "The labels of list go from 1000000"),
    ([{"text": "a", "id": 3}], "Item 0 of list has the keys text, id; one of image, img, pixel"),
    ([{"image": [[1, 2], [3, 4]]}], r"holds list, .* with_format\('numpy'\)"),
    ([{"image": {"path": "x"}}], "Item 0 of list holds dict"),
    (Items(fails), "dataset-Items failed at item 0: KeyError: 'no such image'"),
    (Stream(fails), "dataset-Stream failed at item 0: KeyError"),
    (DataLoader(Items(fails), 4), "dataset-Items failed at batch 0: KeyError"),
    (NoLength(), "dataset-NoLength failed at item 0: TypeError"),
    (DataLoader([1.5] * 4, collate_fn=lambda batch: batch[0]), "Batch 0 .* holds float"),
    (DataLoader(torch.zeros(4), collate_fn=lambda batch: batch[0]), "Batch 0 .* single number"),
]


@pytest.mark.parametrize(("source", "sentence"), HOSTILE)
def test_other_things_are_refused_in_one_sentence(source, sentence):
    for opened in (open_dataset, lambda value: read(open_samples(value))):
        with pytest.raises(InputError, match=sentence) as caught:
            opened(source)
        assert caught.value.message.endswith(".")
        assert "\n" not in caught.value.message


def test_training_takes_no_generators_and_at_least_two_examples():
    for source in (torch.nn.Linear(2, 2), torch.nn.Sequential(torch.nn.ReLU()), len, Items):
        with pytest.raises(InputError, match="A dataset cannot be opened from"):
            open_dataset(source)
    with pytest.raises(InputError, match="holds 1 examples; at least two"):
        open_dataset(COLOR[:1])
    assert len(open_samples(COLOR[:1])) == 1


def test_a_loader_that_makes_no_batches():
    for opened in (open_dataset, open_samples):
        with pytest.raises(ConfigError, match="batch_size=None makes no batches") as caught:
            opened(DataLoader(torch.from_numpy(COLOR), batch_size=None))
        assert "loader.dataset" in caught.value.hint


def test_a_stream_without_an_end_is_stopped_before_memory_is_full(monkeypatch):
    monkeypatch.setattr(in_memory, "GATHERED_BYTES", 10 * GRAY[0].nbytes)
    endless = Stream(lambda i: GRAY[i % COUNT], count=10**12)
    for opened in (open_dataset, open_samples):
        with pytest.raises(InputError, match=r"dataset-Stream holds more than .* half of this"):
            opened(endless)


@pytest.mark.parametrize("labels", [[1], np.ones(COUNT), ["a"] * COUNT, LABELS - 1, 3, LABELS[:0]])
def test_labels_that_do_not_fit(labels):
    for opened in (open_dataset, open_samples):
        with pytest.raises(InputError, match="The labels of"):
            opened(COLOR, labels=labels)


def test_labels_are_for_data_in_memory():
    with pytest.raises(ConfigError, match="Labels can be given for data in memory only"):
        open_dataset("mnist5k", labels=[1])
    for labels in (LABELS.tolist(), LABELS.astype(np.uint8), torch.from_numpy(LABELS)):
        assert rejoin(open_dataset(COLOR, labels=labels))[1] == LABELS.tolist()
        assert read(open_samples(pil(COLOR), labels=labels))[1] == LABELS.tolist()
