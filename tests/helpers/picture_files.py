# SPDX-License-Identifier: MIT
"""Fixtures: pictures as arrays and as files, and folders and archives of files."""

from __future__ import annotations

import io
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def png():
    """Return the bytes of an image file of (H, W) or (H, W, 3) uint8 pixels, or uint16, or bool."""

    def encode(pixels, form="PNG", **options):
        buffer = io.BytesIO()
        image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
        image.save(buffer, form, **options)
        return buffer.getvalue()

    return encode


@pytest.fixture
def pictures(png):
    """Return ``count`` color images (count, H, W, 3) and files of them by name."""

    def make(count, size=8, seed=0):
        shape = (count, size, size, 3)
        pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
        return pixels, {f"{index:04d}.png": png(pixels[index]) for index in range(count)}

    return make


@pytest.fixture
def write(tmp_path):
    """Write files {name: bytes} as a folder, or as an archive of the given ending."""

    def folder(path, files):
        path.mkdir()
        for name, data in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)

    def zipped(path, files):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)

    def tarred(path, files, mode):
        with tarfile.open(path, f"w:{mode}") as archive:
            for name, data in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))

    def make(files, ending="", name="samples"):
        path = tmp_path / f"{name}{ending}"
        if ending == "":
            folder(path, files)
        elif ending == ".zip":
            zipped(path, files)
        else:
            modes = {".tar": "", ".tgz": "gz"}
            tarred(path, files, modes.get(ending, ending.rpartition(".")[2]))
        return path

    return make
