# SPDX-License-Identifier: MIT
"""The formats of image files: which are read, and what a header says before pixels are decoded.

They are the formats that Pillow decodes by itself and can tell by their first bytes, and TGA.
Left out are PostScript (Pillow starts another program for it), Windows metafiles, video, and
scientific files that need a plug-in.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath

from PIL import ExifTags, Image, UnidentifiedImageError

from ganbench.data.square_images import is_gray

ENDINGS_BY_FORMAT: dict[str, tuple[str, ...]] = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "BMP": (".bmp",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    "AVIF": (".avif", ".avifs"),
    "JPEG2000": (".jp2", ".j2k", ".jpc", ".jpf", ".jpx", ".j2c"),
    "BLP": (".blp",),
    "CUR": (".cur",),
    "DCX": (".dcx",),
    "DDS": (".dds",),
    "DIB": (".dib",),
    "FITS": (".fit", ".fits"),
    "FLI": (".fli", ".flc"),
    "FTEX": (".ftc", ".ftu"),
    "GBR": (".gbr",),
    "ICNS": (".icns",),
    "ICO": (".ico",),
    "MSP": (".msp",),
    "PCX": (".pcx",),
    "PIXAR": (".pxr",),
    "PSD": (".psd",),
    "QOI": (".qoi",),
    "SGI": (".sgi", ".bw", ".rgb", ".rgba"),
    "SUN": (".ras",),
    "XBM": (".xbm",),
    "XPM": (".xpm",),
    "TGA": (".tga", ".icb", ".vda", ".vst"),
}
"""The endings of each format by Pillow's name of it; TGA, which has no signature, is tried last."""
EXTENSIONS = frozenset(ending for endings in ENDINGS_BY_FORMAT.values() for ending in endings)
COMMON_EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".gif")
"""The endings that sentences name."""
IMAGE_PIXELS = 2**26
"""Most pixels of an image, 8192 x 8192; its header is checked before anything is decoded."""
EXPECTED_ENDINGS = f"{' '.join(COMMON_EXTENSIONS)} or another format that Pillow reads"
"""The end of sentences that say which files were expected."""
_SHORT = 3  # the type of an EXIF tag whose value has 16 bits


@dataclass(frozen=True)
class ImageHeader:
    """What the header of an image file says.

    ``size`` is (width, height) in pixels. ``rotated`` says that an orientation tag asks viewers
    to turn or mirror the image, which is not done; ``transparent`` that it has transparency,
    which is composited over white.
    """

    size: tuple[int, int]
    gray: bool
    format: str
    rotated: bool
    transparent: bool

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape (C, H, W) of its pixels; C is 1 where it is stored without color."""
        return (1 if self.gray else 3, self.size[1], self.size[0])


def is_image_name(name: str) -> bool:
    """Tell whether the ending of a path means an image."""
    return PurePosixPath(name).suffix.lower() in EXTENSIONS


def open_image(data: bytes) -> Image.Image:
    """Return the image in the bytes of a file, not yet decoded; its ending does not matter.

    Raises:
        Exception: Whatever Pillow raises for a damaged file; ValueError for more pixels than
            ``IMAGE_PIXELS``.
    """
    try:
        image = Image.open(io.BytesIO(data), formats=_formats())
    except UnidentifiedImageError as error:
        raise ValueError("it is no image of a known format") from error
    width, height = image.size
    if width * height > IMAGE_PIXELS:
        image.close()
        raise ValueError(f"it has {width} x {height} pixels, more than {IMAGE_PIXELS:,}")
    return image


def header_of(image: Image.Image) -> ImageHeader:
    """Return what the header of an image says; pixels are not decoded."""
    return ImageHeader(
        size=image.size,
        gray=is_gray(image),
        format="JPEG" if image.format == "MPO" else image.format or "",
        rotated=_orientation(image.info.get("exif") or b"") in range(2, 9),
        transparent=image.has_transparency_data,
    )


@cache
def _formats() -> tuple[str, ...]:
    """Return those formats that this build of Pillow has."""
    Image.init()
    return tuple(name for name in ENDINGS_BY_FORMAT if name in Image.OPEN)


def _orientation(exif: bytes) -> int:
    """Return the orientation in EXIF data, 1 where there is none or the data are damaged.

    Pillow reads all tags, and warns of each that is damaged; only this one is needed.
    """
    data = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}L", data, 4)
        (count,) = struct.unpack_from(f"{order}H", data, start)
        for entry in range(count):
            place = start + 2 + 12 * entry
            tag, form, _, value = struct.unpack_from(f"{order}HHLH", data, place)
            if (tag, form) == (ExifTags.Base.Orientation, _SHORT):
                return int(value)
    except struct.error:
        pass
    return 1
