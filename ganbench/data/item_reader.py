# SPDX-License-Identifier: MIT
"""The image and the label in an item or a batch of a user's dataset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ganbench.data.square_images import is_gray, to_eight_bit

_IMAGE_KEYS = ("image", "img", "pixel_values")
_LABEL_KEYS = ("label", "labels")


def split_item(item: object) -> tuple[object, object | None]:
    """Return the image (or point) of an item and its label, None where it has none.

    An item is an image, a tuple (image, label, ...), or a mapping with the key ``image``, ``img``
    or ``pixel_values``, or with a single PIL image, and ``label``.

    Raises:
        ValueError: the mapping has no such key; the message is the end of a sentence.
    """
    if isinstance(item, Mapping):
        label = next((item[key] for key in _LABEL_KEYS if key in item), None)
        return _image_of(item), label
    if isinstance(item, tuple | list) and item:
        return item[0], item[1] if len(item) > 1 else None
    return item, None


def value_array(value: object) -> NDArray[Any]:
    """Return an image or a point as an array: (H, W) or (H, W, 3) uint8 of a PIL image.

    Raises:
        ValueError: it is none of these; the message is the end of a sentence.
    """
    if isinstance(value, Tensor):
        return tensor_array(value)
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, Image.Image):
        try:
            return np.asarray(to_eight_bit(value, 1 if is_gray(value) else 3))
        except (OSError, ValueError) as error:
            raise ValueError(f"cannot be read: {error}") from error
    expected = "a tensor, an array or a PIL image was expected"
    if isinstance(value, list):  # a Hugging Face dataset holds lists unless it has a format
        expected += "; a Hugging Face dataset gives arrays after with_format('numpy')"
    raise ValueError(f"holds {type(value).__name__}, and {expected}")


def label_array(label: object | None) -> NDArray[np.int64] | None:
    """Return labels as integers of any shape, None where there are none.

    Raises:
        ValueError: they are no integers; the message is the end of a sentence.
    """
    if label is None:
        return None
    try:
        array = tensor_array(label) if isinstance(label, Tensor) else np.asarray(label)
    except ValueError:  # lists of different lengths
        array = np.array(None)
    if array.dtype.kind not in "iu":
        kind = type(label).__name__ if array.dtype.kind == "O" else f"of type {array.dtype}"
        raise ValueError(f"has a label that is {kind}; an integer, the class, was expected")
    return array.astype(np.int64)


def tensor_array(values: Tensor) -> NDArray[Any]:
    """Return a tensor on any device as an array; bfloat16, which numpy lacks, as float32.

    Raises:
        ValueError: the tensor is sparse, or has no values; the message is the end of a sentence.
    """
    try:
        values = values.detach().cpu()
        return (values.float() if values.dtype == torch.bfloat16 else values).numpy()
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise ValueError("cannot be read by numpy: it is sparse, or has no values") from error


def _image_of(item: Mapping[Any, Any]) -> object:
    for key in _IMAGE_KEYS:
        if key in item:
            image: object = item[key]
            return image
    pictures = [value for value in item.values() if isinstance(value, Image.Image)]
    if len(pictures) == 1:
        return pictures[0]
    raise ValueError(
        f"has the keys {', '.join(map(str, item)) or 'of nothing'}; "
        f"one of {', '.join(_IMAGE_KEYS)} was expected"
    )
