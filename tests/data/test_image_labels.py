# SPDX-License-Identifier: MIT
"""What is taken for classes: folders, StyleGAN's labels, and never its shards."""

from __future__ import annotations

import io
import json
import tarfile

import numpy as np
import pytest
from PIL import Image

from ganbench.data import open_dataset
from ganbench.data.image_labels import folder_labels, image_labels
from ganbench.data.open_image_files import open_image_files
from ganbench.errors import InputError
from ganbench.samples import open_samples

STYLEGAN = [f"{index // 4:05d}/img{index:08d}.png" for index in range(12)]
"""The layout of StyleGAN2-ADA's dataset tool, with 4 files in a shard."""


@pytest.mark.parametrize(
    "names",
    [
        STYLEGAN,
        [f"{1000 * (index // 3):05d}/{index:05d}.png" for index in range(9)],  # FFHQ
        [f"{index // 5:06d}/{7 * index:06d}.png" for index in range(20)],  # sparse seeds
        [f"part-{index // 5:02d}/sample_{index}_final.jpg" for index in range(20)],
    ],
)
def test_shards_of_a_numbered_list_are_no_classes(names):
    found = folder_labels(sorted(names))
    assert found.labels is None
    assert found.classes == 0
    assert "were taken for parts of one numbered list, not for classes" in found.notice


@pytest.mark.parametrize(
    "names",
    [
        ["cat/1.png", "cat/2.png", "dog/1.png"],
        ["00/1.png", "00/2.png", "01/1.png", "01/2.png"],  # numbers begin again in each class
        ["00/1.png", "00/3.png", "01/2.png", "01/4.png"],  # numbers interleave
        ["00/x.png", "01/y.png", "01/z.png"],  # nothing is numbered
        ["00000/1.png", "cat/2.png", "cat/3.png"],
        ["a01/1.png", "b02/2.png", "b02/3.png"],
        ["00/1.png", "001/2.png", "001/3.png"],
    ],
)
def test_other_folders_are_classes_and_named(names):
    found = folder_labels(names)
    folders = sorted({name.split("/")[0] for name in names})
    assert found.labels.tolist() == [folders.index(name.split("/")[0]) for name in names]
    assert found.classes == len(folders)
    sentence = f"{len(folders)} folders ({', '.join(folders)}) were taken for classes"
    assert found.notice.partition(", although")[0] == sentence


@pytest.mark.parametrize("name", ["image.png", "{}.png"])
def test_a_folder_for_each_file_is_no_class(name):
    found = folder_labels([f"{number:04d}/{name.format(number)}" for number in range(30)])
    assert (found.labels, found.classes) == (None, 0)
    assert "hold a single file each, and were not taken for classes" in found.notice


@pytest.mark.parametrize("folders", ["01", "ab"])
def test_numbering_that_goes_on_makes_a_doubt_of_classes(folders):
    found = folder_labels([f"{folders[0]}/1.png", f"{folders[0]}/2.png", f"{folders[1]}/3.png"])
    assert found.classes == 2
    assert "although the numbers of their files continue" in found.notice


def test_only_the_first_classes_are_named():
    found = folder_labels([f"class{letter}/{name}.png" for letter in "abcdefg" for name in "xy"])
    assert found.notice.startswith("7 folders (classa, classb, classc, classd, classe, ...)")


@pytest.mark.parametrize(
    ("ending", "top"), [("", ""), (".zip", ""), (".tar", ""), (".zip", "ffhq/"), (".tgz", "a/b/")]
)
def test_the_labels_of_dataset_json_are_the_classes(pictures, write, ending, top):
    labels = [index % 5 for index in range(12)]
    pairs = [[name, label] for name, label in zip(STYLEGAN, labels, strict=True)]
    files = dict(zip(STYLEGAN, pictures(12)[1].values(), strict=True))
    files["dataset.json"] = json.dumps({"labels": [*pairs, ["gone.png", 70]]}).encode()
    path = write({top + name: data for name, data in files.items()}, ending)
    samples = open_samples(path, strict=True)
    assert samples.labels.tolist() == labels
    assert samples.facts.classes == 5
    assert samples.notices == (f"{path.name}: 5 classes are from dataset.json.",)
    source = open_dataset(path)
    assert source.spec.classes == 5
    by_pixels = {
        image.numpy().tobytes(): label
        for image, label in zip(
            next(iter(open_samples(f"{path}@8").chunks())).values,
            source.load("train").labels.tolist(),
            strict=True,
        )
    }
    whole = dict(zip((v.numpy().tobytes() for v in next(iter(samples.chunks())).values), labels,
                     strict=True))  # fmt: skip
    assert by_pixels.items() <= whole.items()
    assert len(by_pixels) == 11


def stylegan_folder(pictures, write, document, names=STYLEGAN):
    files = dict(zip(names, pictures(len(names))[1].values(), strict=True))
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return write({**files, "dataset.json": data})


def test_other_labels_are_another_version_of_the_dataset(pictures, write):
    path = stylegan_folder(pictures, write, {"labels": [[name, 0] for name in STYLEGAN]})
    first = open_dataset(path).spec.version
    labels = [[name, index % 2] for index, name in enumerate(STYLEGAN)]
    (path / "dataset.json").write_text(json.dumps({"labels": labels}))
    second = open_dataset(path).spec.version
    (path / "dataset.json").unlink()
    assert len({first, second, open_dataset(path).spec.version}) == 3


@pytest.mark.parametrize("ending", ["", ".cls"], ids=["folders", "files beside"])
@pytest.mark.parametrize("labels", [None, "vectors"])
def test_classes_that_dataset_json_turns_off_are_another_version(pictures, write, labels, ending):
    names = [f"{animal}/{index}.png" for animal in ("cat", "dog") for index in range(3)]
    if ending:
        names = [f"{index}.png" for index in range(6)]
    files = dict(zip(names, pictures(len(names))[1].values(), strict=True))
    if ending:
        files |= {name.replace(".png", ending): b"1" for name in names}
    path = write(files)
    with_classes = open_dataset(path).spec
    named = [[name, [0.5, 1.0]] for name in names] if labels else None
    (path / "dataset.json").write_text(json.dumps({"labels": named}))
    without = open_dataset(path).spec
    assert (with_classes.classes, without.classes) == (2, 0)
    assert with_classes.version != without.version


@pytest.mark.parametrize(
    ("document", "notice"),
    [
        ({"labels": None}, "dataset.json says that there are no classes"),
        (
            {"labels": [[name, [0.5, 1.0]] for name in STYLEGAN]},
            "the labels in dataset.json are no classes and were not used",
        ),
        ({"title": "cats"}, "3 folders (00000, 00001, 00002) were taken for parts of one numbered"),
        ([1, 2], "3 folders (00000, 00001, 00002) were taken for parts of one numbered"),
    ],
)
def test_a_dataset_json_without_classes(pictures, write, document, notice):
    path = stylegan_folder(pictures, write, document)
    for opened in (open_samples(path), open_dataset(path)):
        assert notice in opened.notices[-1]
    assert open_samples(path).labels is None
    assert open_dataset(path).spec.classes == 0


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (b"{", "dataset.json in .* cannot be read"),
        (b"\xff", "cannot be read"),
        (b"[" * 10**6, "more than 200 levels"),
        (b'{"labels": [["a", ' + b"9" * 5000 + b"]]}", "cannot be read"),
        ({"labels": 3}, "are not pairs of a path and a class"),
        ({"labels": [["a", 1, 2]]}, "are not pairs"),
        ({"labels": [[name, 0] for name in STYLEGAN[1:]]}, r"for 1 of the 12 .* first 00000/img0"),
        ({"labels": [[name, -1] for name in STYLEGAN]}, "counted from 0 to 99999"),
        ({"labels": [[name, 10**30] for name in STYLEGAN]}, "counted from 0 to 99999"),
        ({"labels": [[name, True] for name in STYLEGAN]}, ""),
    ],
)
def test_a_damaged_dataset_json_is_one_sentence(pictures, write, document, sentence):
    path = stylegan_folder(pictures, write, document)
    if not sentence:
        assert open_samples(path).labels is None
        return
    for open_it in (open_samples, open_dataset):
        with pytest.raises(InputError, match=sentence):
            open_it(path)


def test_given_labels_go_before_all_others(pictures, write):
    path = stylegan_folder(pictures, write, {"labels": [[name, 1] for name in STYLEGAN]})
    assert open_samples(path, labels=np.arange(12)).labels.tolist() == list(range(12))


def test_folders_of_sounds_have_the_same_rule(tmp_path):
    import wave

    for name in ("00000/000.wav", "00000/001.wav", "00001/002.wav", "00001/003.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        with wave.open(str(tmp_path / name), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(bytes(200))
    source = open_dataset(f"{tmp_path}@16")
    assert source.spec.classes == 0
    assert "were taken for parts of one numbered list" in source.notices[0]


# -- WebDataset ----------------------------------------------------------------------------------


@pytest.fixture
def shard(tmp_path):
    """Write a WebDataset shard: an image, a class and a caption for each example."""

    def write(classes, beside=(), name="shard-000000.tar"):
        with tarfile.open(tmp_path / name, "w") as archive:

            def add(member, data):
                info = tarfile.TarInfo(member)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))

            for index, label in enumerate(classes):
                picture = io.BytesIO()
                Image.fromarray(np.full((8, 8), 20 * index, np.uint8)).save(picture, "png")
                add(f"{index:06d}.png", picture.getvalue())
                if label is not None:
                    add(f"{index:06d}.cls", str(label).encode())
                add(f"{index:06d}.txt", b"a picture")
        return tmp_path / name

    return write


def test_the_classes_of_webdataset_stand_next_to_the_images(shard):
    path = shard([2, 0, 1, 1])
    labels = image_labels(open_image_files(path))
    assert labels.labels.tolist() == [2, 0, 1, 1]
    assert labels.notice == "3 classes are from the files ending in .cls"
    source = open_dataset(path)
    assert source.spec.classes == 3
    assert source.passed_over == {"files ending in .txt": 4}
    assert open_dataset(shard([2, 0, 1, 0], name="b.tar")).spec.version != source.spec.version


def test_classes_that_some_images_lack_are_not_used(shard):
    labels = image_labels(open_image_files(shard([2, None, 1])))
    assert labels.labels is None


@pytest.mark.parametrize(
    ("classes", "sentence"),
    [([0, "cat"], r"000001\.cls in .* holds no class"), ([0, -1], "labels that are no classes")],
)
def test_what_is_no_class_is_one_sentence(shard, classes, sentence):
    with pytest.raises(InputError, match=sentence):
        image_labels(open_image_files(shard(classes)))
