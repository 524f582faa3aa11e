"""Which files are images: those that are read, those that are not, by name and by first bytes."""

from __future__ import annotations

import re

__all__ = ["HEAD", "format_of", "is_read", "suffix_of", "suffix_words"]

HEAD = 132
"""Bytes that `format_of` needs at most (DICOM's mark follows 128 free bytes)."""

_READ = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), "JPEG"),
    **dict.fromkeys((".tif", ".tiff"), "TIFF"),
    **dict.fromkeys((".ppm", ".pgm", ".pbm", ".pnm"), "PPM"),
    **{".png": "PNG", ".gif": "GIF", ".bmp": "BMP", ".webp": "WebP"},
}
"""Names of the formats that imbench.images.decode reads."""
_NOT_READ = frozenset(
    (
        *(".heic", ".heif", ".hif", ".avi", ".avif", ".jp2", ".j2k", ".jpf", ".jpx", ".jpm"),
        *(".jxl", ".tga", ".dcm", ".dicom", ".ima", ".npy", ".npz", ".nii", ".nii.gz"),
        *(".mha", ".mhd", ".nrrd", ".mat", ".raw", ".cr2", ".cr3", ".nef", ".arw", ".dng"),
        *(".orf", ".rw2", ".raf", ".pef", ".srw", ".psd", ".xcf", ".svg", ".exr", ".hdr"),
        *(".pfm", ".pcx", ".ico", ".icns", ".sgi", ".dds", ".fit", ".fits", ".svs", ".ndpi"),
        *(".czi", ".scn", ".mrxs", ".lif", ".nd2", ".mpo", ".eps", ".pdf", ".mp4", ".mov"),
        *(".mkv", ".webm"),
    )
)
"""Suffixes of images, volumes and films in formats that are not read."""
_MARKS: tuple[tuple[str, str], ...] = (
    ("JPEG", r"\xff\xd8\xff"),
    ("PNG", r"\x89PNG\r\n\x1a\n"),
    ("GIF", r"GIF8[79]a"),
    ("BMP", r"BM.{4}\0{4}"),
    ("WebP", r"RIFF.{4}WEBP"),
    ("TIFF", r"II\*\0|MM\0\*"),
    ("PPM", r"P[1-6]\s+[\d#]"),
    ("AVIF", r".{4}ftyp(?:avif|avis)"),
    ("HEIC", r".{4}ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1)"),
    ("JPEG 2000", r"\0\0\0\x0cjP  |\xff\x4f\xff\x51"),
    ("JPEG XL", r"\xff\x0a|\0\0\0\x0cJXL "),
    ("DICOM", r".{128}DICM"),
    ("npy", r"\x93NUMPY"),
    ("PSD", r"8BPS"),
    ("FITS", r"SIMPLE  ="),
)
_PATTERNS = tuple((name, re.compile(mark.encode("latin-1"), re.DOTALL)) for name, mark in _MARKS)


def suffix_of(name: str) -> str:
    """Return the suffix of a file's name in lower case: ``.jpg``, ``.nii.gz``, or nothing."""
    lower = name.lower()
    if lower.endswith(".nii.gz"):
        return ".nii.gz"
    stem, dot, suffix = lower.rpartition(".")  # pathlib takes ten times as long
    return dot + suffix if stem.strip(".") and suffix else ""


def suffix_words(suffix: str) -> str:
    """Return a suffix as a note prints it."""
    return suffix or "without suffix"


def is_read(suffix: str) -> str | None:
    """Return the format of a suffix that is read, ``""`` of one that is not, None of no image.

    >>> is_read(".jpg"), is_read(".heic"), is_read(".txt")
    ('JPEG', '', None)
    """
    return _READ.get(suffix, "" if suffix in _NOT_READ else None)


def format_of(head: bytes) -> tuple[str, bool] | None:
    r"""Return the format that a file's first bytes show, and whether it is read; None if none.

    >>> format_of(b"\xff\xd8\xff\xe0"), format_of(b"\0\0\0\x18ftypheic"), format_of(b"text")
    (('JPEG', True), ('HEIC', False), None)
    """
    for name, pattern in _PATTERNS:
        if pattern.match(head):
            return name, name in _READ.values()
    return None
