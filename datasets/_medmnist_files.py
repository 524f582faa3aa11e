"""The npz files of MedMNIST: their classes, checksums, and how one is read safely."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imbench.errors import DataError
from imbench.files.reading import LARGE, open_regular

__all__ = ["BINARY", "CLASSES", "MD5", "Part", "read_parts"]

Part = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Images (n, height, width, channels) and labels (n,) of one split."""

CLASSES: Mapping[str, tuple[str, ...]] = {
    "pathmnist": (
        *("adipose", "background", "debris", "lymphocytes", "mucus", "smooth-muscle"),
        *("normal-mucosa", "stroma", "adenocarcinoma"),
    ),
    "dermamnist": (
        *("actinic-keratosis", "basal-cell-carcinoma", "benign-keratosis", "dermatofibroma"),
        *("melanoma", "nevus", "vascular-lesion"),
    ),
    "octmnist": ("neovascularization", "macular-edema", "drusen", "normal"),
    "pneumoniamnist": ("normal", "pneumonia"),
    "retinamnist": ("grade-0", "grade-1", "grade-2", "grade-3", "grade-4"),
    "breastmnist": ("malignant", "normal-or-benign"),
    "bloodmnist": (
        *("basophil", "eosinophil", "erythroblast", "immature-granulocyte", "lymphocyte"),
        *("monocyte", "neutrophil", "platelet"),
    ),
    "tissuemnist": (
        *("collecting-duct", "distal-tubule", "glomerular-endothelium"),
        *("interstitial-endothelium", "leukocyte", "podocyte", "proximal-tubule", "thick-limb"),
    ),
    **dict.fromkeys(
        ("organamnist", "organcmnist", "organsmnist"),
        (
            *("bladder", "femur-left", "femur-right", "heart", "kidney-left", "kidney-right"),
            *("liver", "lung-left", "lung-right", "pancreas", "spleen"),
        ),
    ),
}
"""Short names of the labels 0, 1, ... of each file, after those in MedMNIST's own table."""

BINARY: Mapping[str, tuple[str, str]] = {
    "pneumoniamnist": ("normal", "pneumonia"),
    "breastmnist": ("normal-or-benign", "malignant"),
}
"""Majority and minority where nobody chooses: what is sound is what is common outside."""

MD5: Mapping[str, str] = {
    "pathmnist": "a8b06965200029087d5bd730944a56c1",
    "dermamnist": "0744692d530f8e62ec473284d019b0c7",
    "octmnist": "c68d92d5b585d8d81f7112f81e2d0842",
    "pneumoniamnist": "28209eda62fecd6e6a2d98b1501bb15f",
    "retinamnist": "bd4c0672f1bba3e3a89f0e4e876791e4",
    "breastmnist": "750601b1f35ba3300ea97c75c52ff8f6",
    "bloodmnist": "7053d0359d879ad8a5505303e11de1dc",
    "tissuemnist": "ebe78ee8b05294063de985d821c1c34b",
    "organamnist": "866b832ed4eeba67bfb9edee1d5544e6",
    "organcmnist": "0afa5834fb105f7705a7d93372119a21",
    "organsmnist": "e5c39f1af030238290b9557d9503af9d",
}
"""Of the files of 28 px, as published in `medmnist/info.py` of https://github.com/MedMNIST/MedMNIST."""

_SPLITS = {"train": "train", "val": "validation", "test": "test"}


def read_parts(path: Path) -> dict[str, Part]:
    """Return images and labels of each split of an npz file.

    Raises
    ------
    DataError
        If it is no such file, is cut short, has several labels an image, or volumes.
    """
    try:
        with open_regular(path, LARGE) as file, zipfile.ZipFile(file) as archive:
            size = sum(info.file_size for info in archive.infolist())
        if size > 4 * LARGE:
            raise ValueError(f"it would unpack to {size / 1e9:.2g} GB")
        with open_regular(path, LARGE) as raw, np.load(raw, allow_pickle=False) as arrays:
            return {
                split: _part(arrays[f"{key}_images"], arrays[f"{key}_labels"], key)
                for key, split in _SPLITS.items()
            }
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path} is no file of MedMNIST that can be read: {error}") from error


def _part(images: NDArray[np.uint8], labels: NDArray[np.int64], key: str) -> Part:
    if images.dtype != np.uint8 or images.ndim not in (3, 4):
        raise ValueError(f"{key}_images is {images.dtype} of shape {images.shape}, not bytes")
    pixels = images if images.ndim == 4 else images[..., None]
    if pixels.shape[-1] not in (1, 3):
        raise ValueError(f"{key}_images has shape {images.shape}: volumes are not read")
    if labels.shape not in ((len(images), 1), (len(images),)) or labels.dtype.kind not in "ui":
        raise ValueError(
            f"{key}_labels has shape {labels.shape}; one label an image is read, not several"
        )
    return pixels, labels.reshape(-1).astype(np.int64)
