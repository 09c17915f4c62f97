# SPDX-License-Identifier: MIT
"""Datasets as they are opened and loaded; the registered ones are in ``ganbench.datasets``."""

from ganbench.data.dataset import Dataset, Source
from ganbench.data.dataset_names import is_path, name_with_range
from ganbench.data.open_data import open_dataset

__all__ = ["Dataset", "Source", "is_path", "name_with_range", "open_dataset"]
