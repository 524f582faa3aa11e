"""What each geometry makes of a picture, by sums of products: a reference for `to_square`."""

import numpy as np


def triangle(before, after, kept):
    """Return weights (after, before) of bilinear resizing of the middle `kept`, antialiased."""
    scale = kept / after
    support = max(scale, 1)
    centres = (before - kept) / 2 + (np.arange(after)[:, None] + 0.5) * scale
    distance = np.abs(np.arange(before)[None] + 0.5 - centres) / support
    weights = np.maximum(0, 1 - distance)
    return weights / weights.sum(axis=1, keepdims=True)


def resized(pixels, height, width, kept=None):
    before = pixels.shape[:2]
    down = triangle(before[0], height, kept or before[0])
    across = triangle(before[1], width, kept or before[1])
    return np.einsum("hi,ijc,wj->hwc", down, pixels.astype(float), across)


def square(pixels, size, geometry):
    height, width = pixels.shape[:2]
    if geometry == "stretch":
        return resized(pixels, size, size)
    if geometry == "crop":
        return resized(pixels, size, size, kept=min(height, width))
    longer = max(height, width)
    shape = round(size * height / longer), round(size * width / longer)
    whole = np.full((size, size, pixels.shape[2]), 128.0)
    top, left = (size - shape[0]) // 2, (size - shape[1]) // 2
    whole[top : top + shape[0], left : left + shape[1]] = resized(pixels, *shape)
    return whole
