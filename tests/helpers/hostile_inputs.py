# SPDX-License-Identifier: MIT
"""Hostile data: images, archives, arrays, labels, sounds, points, and names of datasets."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import warnings
import wave
import zipfile
from pathlib import Path

import numpy as np
import scipy.io
from hostile_files import Reader, damaged, written_as
from hypothesis import strategies as st
from PIL import ExifTags, Image

from ganbench.data import open_dataset
from ganbench.data.dataset_names import find_path, is_path, parse_dataset_name
from ganbench.data.idx import read_idx
from ganbench.data.image_formats import ENDINGS_BY_FORMAT
from ganbench.samples import open_samples


def measured(path: Path) -> None:
    """Read samples as ``eval`` does: their facts, and every chunk; a part of them as well."""
    for samples in (open_samples(path), open_samples(path, count=2)):
        assert samples.facts.version
        for _ in samples.chunks(3):
            pass


def trained_on(path: Path) -> None:
    """Read a dataset as ``run`` does: its spec, and both splits."""
    source = open_dataset(path)
    for split in source.splits:
        source.load(split)


def both(path: Path) -> None:
    """Read a file for evaluation and for training; each may refuse it."""
    measured(path)
    trained_on(path)


def _saved(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def _image_files() -> dict[str, bytes]:
    """Return a small file of each format that Pillow can write."""
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    color = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    files = {}
    for form in ENDINGS_BY_FORMAT:
        if form in Image.SAVE:
            mode = {"MSP": "1", "XBM": "1", "BLP": "P"}.get(form, "RGB")
            try:
                files[form] = _saved(color.convert(mode), form)
            except (OSError, ValueError, KeyError):  # of sizes or modes that the format lacks
                continue
    files = {form: data for form, data in files.items() if len(data) < 20_000}
    files["JPEG with tags"] = _saved(color, "JPEG", exif=exif)
    files["PNG with tags"] = _saved(color.convert("RGBA"), "PNG", exif=exif)
    files["PNG of a palette"] = _saved(color.convert("P"), "PNG", transparency=0)
    files["PNG of 16 bits"] = _saved(Image.fromarray(pixels[..., 0].astype(np.uint16) * 9), "PNG")
    files["GIF of frames"] = _saved(color, "GIF", save_all=True, append_images=[color.rotate(90)])
    files["TIFF, packed"] = _saved(color, "TIFF", compression="tiff_lzw")
    files["TIFF of floats"] = _saved(Image.fromarray(pixels[..., 0].astype(np.float32)), "TIFF")
    return files


Image.init()
IMAGES = _image_files()
GOOD = IMAGES["PNG"]

images = damaged(st.sampled_from(sorted(IMAGES)).map(IMAGES.__getitem__))
any_file = st.one_of(images, st.binary(max_size=60), st.just(GOOD))

ODD_NAMES = (
    "a.png", "a.PNG", "b/a.png", "00000/img0.png", "00001/img1.png", "./a.png", "../a.png",
    "/a.png", "C:/a.png", "a\\b.png", "a/../b.png", "", "/", ".png", "a.png/", "a.npy", "x.json",
    "dataset.json", "a/dataset.json", ".hidden/a.png", "\udcff.png", "é.jpg", "a" * 300 + ".png",
    "\0.png", "a\nb.png", "[red]a[/red].png",
)  # fmt: skip
usual_names = st.from_regex(r"[a-c0-9]{1,3}(/[a-c0-9]{1,3})?\.(png|jpg|ppm|txt)", fullmatch=True)


@st.composite
def labels_files(draw: st.DrawFn) -> bytes:
    """Draw the contents of a ``dataset.json``."""
    value = st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=3)
        ),
        max_leaves=8,
    )
    pairs = st.lists(
        st.tuples(st.sampled_from(["0.png", "a/1.png", "a/2.png"]), value | st.integers(0, 3)),
        max_size=5,
    )
    document = draw(st.one_of(value, st.fixed_dictionaries({"labels": value | pairs})))
    text = draw(
        st.one_of(
            st.just(json.dumps(document)),
            st.just("[" * 100_000),
            st.just('{"labels": [["0.png", ' + "9" * 5000 + "]]}"),
        )
    )
    return text.encode("utf-8", "surrogatepass")


@st.composite
def members(draw: st.DrawFn) -> list[tuple[str, bytes]]:
    """Draw the names and the contents of files in an archive; one name in a few archives is odd."""
    files = draw(st.lists(st.tuples(usual_names, any_file), max_size=4, unique_by=lambda f: f[0]))
    if draw(st.booleans()):
        files += [("x/1.png", GOOD), ("y/2.bmp", IMAGES["BMP"])]
    if draw(st.integers(0, 3)) == 0:
        odd = st.tuples(st.sampled_from(ODD_NAMES), any_file | labels_files())
        files += draw(st.lists(odd, min_size=1, max_size=3))
    return files


@st.composite
def zip_files(draw: st.DrawFn) -> bytes:
    """Draw a zip archive: odd names, links, every compression, wrong sizes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in draw(members()):
            info = zipfile.ZipInfo(name.encode("utf-8", "replace").decode() or "x")
            info.compress_type = draw(st.sampled_from([0, 8, 12, 14]))
            if draw(st.integers(0, 9)) == 0:
                info.external_attr = 0o120777 << 16
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of names that are there already
                archive.writestr(info, data)
    return buffer.getvalue()


@st.composite
def tar_files(draw: st.DrawFn, packing: str = "") -> bytes:
    """Draw a tar archive: odd names, links, devices, sparse files."""
    buffer = io.BytesIO()
    kinds = [tarfile.REGTYPE] * 6 + [
        tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE,
        tarfile.GNUTYPE_SPARSE, b"\xff",
    ]  # fmt: skip
    form = draw(st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
    with tarfile.open(fileobj=buffer, mode=f"w:{packing}", format=form) as archive:  # type: ignore[call-overload]
        for name, data in draw(members()):
            member = tarfile.TarInfo(name)
            member.type = draw(st.sampled_from(kinds))
            member.linkname = "a.png"
            member.size = len(data) if member.type == tarfile.REGTYPE else 0
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


@st.composite
def npy_files(draw: st.DrawFn) -> bytes:
    """Draw an npy file whose header may claim anything."""
    length = st.sampled_from([0, 1, 2, 3, 4, 8, 30, 10**6, 2**31, 2**62, -1])
    shape = tuple(draw(st.lists(length, max_size=5)))
    types = ["|u1", "<f4", "<f8", ">f8", "<f2", "<f16", "|b1", "<i8", "|O", "<U5", "<c8", "|V0"]
    kind = draw(st.sampled_from(types))
    buffer = io.BytesIO()
    header = {"descr": kind, "fortran_order": draw(st.booleans()), "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    claimed = int(np.prod([min(n, 40) for n in shape])) * np.dtype(kind).itemsize
    payload = bytes(max(0, min(claimed, 50_000)))
    if draw(st.booleans()):
        rows = np.random.default_rng(1).normal(size=(30, 4)).astype("<f4")
        buffer = io.BytesIO()
        np.save(buffer, rows.T if draw(st.booleans()) else rows)
        payload = b""
    return buffer.getvalue() + payload


@st.composite
def npz_files(draw: st.DrawFn) -> bytes:
    """Draw an npz file: any keys, arrays that fit or do not, files that are none."""
    keys = st.sampled_from(
        ["images", "points", "labels", "arr_0", "arr_1", "sources", "sequences", "videos", "rate",
         "alphabet", "mu", "sigma", "x", "../x"]
    )  # fmt: skip
    random = np.random.default_rng(draw(st.integers(0, 3)))
    arrays = [
        random.integers(0, 256, (6, 8, 8, 3), dtype=np.uint8),
        random.integers(0, 256, (6, 8, 8), dtype=np.uint8),
        random.uniform(-1, 1, (6, 1, 8)).astype(np.float32),
        random.normal(size=(6, 2)),
        random.normal(size=(6, 3)).astype(np.float32),
        np.full((6, 2), np.nan),
        random.integers(0, 3, 6),
        random.integers(0, 3, (6, 5)),
        random.integers(0, 256, (6, 2, 8, 8, 3), dtype=np.uint8),
        np.array(["a", "b", "c"]),
        np.float64(7),
        np.int64(10**18),
        np.array(9),
    ]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for key in draw(st.lists(keys, max_size=4, unique=draw(st.integers(0, 4)) > 0)):
            data = draw(npy_files()) if draw(st.integers(0, 4)) == 0 else None
            if data is None:
                member = io.BytesIO()
                np.save(member, draw(st.sampled_from(arrays)))
                data = member.getvalue()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of names that are there already
                archive.writestr(f"{key}.npy", data, draw(st.sampled_from([0, 8, 8, 12])))
    return buffer.getvalue()


def _idx_file() -> bytes:
    return bytes([0, 0, 8, 3]) + np.array([2, 3, 4], ">u4").tobytes() + bytes(24)


def _wav_file(width: int, channels: int) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((channels, width, 8000, 0, "NONE", ""))
        file.writeframes(bytes(60 * width * channels))
    return buffer.getvalue()


def _mat_file(*, packed: bool) -> bytes:
    buffer = io.BytesIO()
    arrays = {"X": np.zeros((32, 32, 3, 2), np.uint8), "y": np.ones((2, 1))}
    scipy.io.savemat(buffer, arrays, do_compression=packed)
    return buffer.getvalue()


def _write_images(folder: Path, content: dict[str, bytes]) -> Path:
    """Write image files next to two good ones."""
    for name, data in {**content, "good.png": GOOD, "better.png": IMAGES["BMP"]}.items():
        (folder / name).write_bytes(data)
    return folder


def _write_labels(folder: Path, content: bytes) -> Path:
    (folder / "a").mkdir()
    for name in ("0.png", "a/1.png", "a/2.png"):
        (folder / name).write_bytes(GOOD)
    (folder / "dataset.json").write_bytes(content)
    return folder


def _write_sounds(folder: Path, content: bytes) -> Path:
    (folder / "good.wav").write_bytes(_wav_file(2, 1))
    (folder / "other.wav").write_bytes(content)
    return folder


def _write_mat(folder: Path, content: bytes) -> Path:
    (folder / "test_32x32.mat").write_bytes(content)
    return folder


def _name_of(path: Path) -> None:
    text = path.read_text("utf-8", "surrogatepass")
    name = parse_dataset_name(text).name
    if is_path(name):
        find_path(name)


def _read_idx(path: Path) -> None:
    read_idx(path, 3)


dataset_names = st.one_of(
    st.text(max_size=40),
    st.from_regex(
        r"(~|\.|x|/|a\.npz|a\.npy)+(@-?\d{1,400}(\.\.\d*e?\d{0,5})?){0,2}", fullmatch=True
    ),
    st.just("~nobody-of-that-name/x"),
    st.just("a" * 5000 + "/x"),
    st.just("x\0y/z"),
)

READERS = [
    Reader(
        "image files",
        st.dictionaries(st.sampled_from(["x.png", "y.jpg", "z.tga"]), any_file, min_size=1),
        _write_images,
        measured,
    ),
    Reader(
        "images to train on",
        st.dictionaries(st.sampled_from(["x.png", "y.jpg"]), any_file, min_size=1),
        _write_images,
        trained_on,
    ),
    Reader("zip", damaged(zip_files()), written_as("x.zip"), both),
    Reader("tar", damaged(tar_files()), written_as("x.tar"), both),
    Reader("tar.gz", damaged(tar_files("gz")), written_as("x.tar.gz"), both),
    Reader("tar.xz", damaged(tar_files("xz")), written_as("x.tar.xz"), measured),
    Reader("npy", damaged(npy_files()), written_as("x.npy"), both),
    Reader("npz", damaged(npz_files()), written_as("x.npz"), measured),
    Reader("npz to train on", damaged(npz_files()), written_as("x.npz"), trained_on),
    Reader("dataset.json", labels_files(), _write_labels, both),
    Reader(
        "idx",
        damaged(st.sampled_from([_idx_file(), gzip.compress(_idx_file(), mtime=0)])),
        written_as("x-idx3-ubyte.gz"),
        _read_idx,
    ),
    Reader(
        "wav",
        damaged(st.sampled_from([_wav_file(2, 1), _wav_file(1, 2), _wav_file(3, 1)])),
        _write_sounds,
        trained_on,
    ),
    Reader(
        "mat",
        damaged(st.sampled_from([_mat_file(packed=True), _mat_file(packed=False)])),
        _write_mat,
        lambda folder: open_dataset("svhn", folder).load("test"),
    ),
    Reader(
        "csv",
        damaged(st.just(b"x,y\n1,2\n-3e2,4.5\n") | st.binary(max_size=60)),
        written_as("x.csv"),
        measured,
    ),
    Reader(
        "names of datasets",
        dataset_names.map(lambda text: text.encode("utf-8", "surrogatepass")),
        written_as("name"),
        _name_of,
    ),
]
"""Readers of data; a reader that trains and one that evaluates may refuse different things."""
