"""Masks in a folder of their own: whose they are, what they show, and which are refused."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imbench.errors import DataError
from imbench.images.cache import prepare
from imbench.images.decode import ImageFault, shrink_mask
from imbench.images.mask_folder import find_masks, pair_masks

PAIRS = {
    "MVTec's": ("test/bent/000.png", "ground_truth/bent/000_mask.png"),
    "beside": ("bent/000.jpg", "bent/000_mask.png"),
    "a folder beside": ("bent/images/7.tif", "bent/masks/7.png"),
    "a folder below": ("bent/7.jpg", "bent/masks/7.png"),
    "no folders": ("bent/7.jpg", "7.png"),
    "more folders": ("bent/7.jpg", "test/bent/7.png"),
    "its own name has the word": ("bent/7_label.jpg", "7_label.png"),
}


@pytest.mark.parametrize("names", PAIRS.values(), ids=PAIRS)
def test_a_mask_is_found_by_the_name_of_its_image(names):
    image, mask = names
    assert pair_masks([image, "good/12.jpg"], [mask]) == {image: [mask]}


def test_several_masks_of_an_image_are_its_masks():
    masks = ["bent/7_mask_1.png", "bent/7_mask_2.png", "bent/8_mask.png", "sound/7_mask.png"]
    assert pair_masks(["bent/7.jpg"], masks) == {"bent/7.jpg": masks[:2]}


def test_a_mask_that_may_be_of_two_images_is_refused():
    images = ["bent/7.jpg", "good/7.jpg"]
    with pytest.raises(DataError, match=r"may be of bent/7\.jpg or of good/7\.jpg"):
        pair_masks(images, ["7.png"])
    assert pair_masks(images, ["good/7.png"]) == {"good/7.jpg": ["good/7.png"]}


SHAPE = np.zeros((40, 40), np.uint8)
SHAPE[10:30, :20] = 1
STRIPES = np.tile(np.array([[1], [2]], np.uint8), (20, 40))


def in_colours(numbers):
    """Return an image with a palette: class 1 is dark green, class 2 white, the ground blue."""
    image = Image.fromarray(numbers, "L").convert("P")
    image.putdata(numbers.ravel().tolist())
    image.putpalette([0, 0, 255, 0, 64, 0, 255, 255, 255])
    return image


FILES = {
    "black and white": Image.fromarray(SHAPE.astype(bool)),
    "0 and 255": Image.fromarray(SHAPE * 255),
    "0 and 1": Image.fromarray(SHAPE),
    "numbers of classes": Image.fromarray(SHAPE * STRIPES),
    "a palette": in_colours(SHAPE),
    "two classes of a palette": in_colours((SHAPE * 2).astype(np.uint8)),
    "red on black": Image.fromarray(np.stack([SHAPE * 255, SHAPE * 0, SHAPE * 0], axis=2)),
    "opaque": Image.fromarray(SHAPE * 255).convert("RGBA"),
    "16 bits": Image.fromarray(SHAPE.astype(np.uint16) * 65535),
    "numbers of 16 bits": Image.fromarray(SHAPE.astype(np.uint16) * 300),
}


def png(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("image", FILES.values(), ids=FILES)
def test_the_object_of_a_mask_is_what_is_not_its_ground(image):
    small = shrink_mask(png(image), size=20)
    assert (small == SHAPE[::2, ::2].astype(bool)).all()


def test_grey_edges_belong_to_the_object_from_one_half_on():
    ramp = np.broadcast_to(np.arange(0, 256, 8, dtype=np.uint8), (32, 32))
    assert shrink_mask(png(Image.fromarray(ramp.copy())), size=32).sum() == 32 * 16


def test_a_transparent_mask_is_refused():
    clear = Image.fromarray(np.stack([SHAPE * 255] * 4, axis=2))
    with pytest.raises(ImageFault, match="fill it black"):
        shrink_mask(png(clear), size=8)


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """Return a folder of sound and bent parts, 40 x 20, with a spot at another place in each."""
    rng = np.random.default_rng(0)
    for kind in ("bent", "good"):
        (tmp_path / "parts" / kind).mkdir(parents=True)
        for number in range(8):
            pixels = rng.integers(80, 120, (20, 40, 3)).astype(np.uint8)
            pixels[2:6, number : number + 8] = 250
            Image.fromarray(pixels).save(tmp_path / "parts" / kind / f"{number}.png")
    return tmp_path / "parts"


def spots(folder: Path, of: Path, size: tuple[int, int] = (40, 20)) -> None:
    for image in of.glob("bent/*.png"):
        pixels = np.asarray(Image.open(image).convert("L")) > 200
        path = folder / "bent" / f"{image.stem}_mask.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).resize(size).save(path)


def masked(parts: Path, folder: Path):
    spec = f"folder:{parts},majority=good,minority=bent,test=0.5,geometry=pad"
    data = prepare(spec, root=Path(), size=16)
    found = find_masks(folder, spec, Path())
    return found, data, found.added_to(data)


def test_masks_are_squared_as_their_images_and_classes_without_have_none(parts, tmp_path):
    spots(tmp_path / "masks", parts)
    found, data, made = masked(parts, tmp_path / "masks")
    assert (len(found.files), found.unused) == (8, 0)
    bent = made.test.labels == 1
    assert made.test.masks[bent].any(axis=(1, 2)).all()
    assert not made.test.masks[~bent].any()
    bright = np.asarray(data.test.pixels).mean(axis=3) > 190
    assert (made.test.masks[bent] == bright[bent]).mean() > 0.98  # edges are mixed in the image
    assert made.train.masks is None  # not read: those of test images are there


def test_masks_beside_the_images_are_found_and_no_image_is_its_own_mask(parts):
    spots(parts, parts)
    found, _, made = masked(parts, parts)
    assert sorted(found.files) == [f"bent/{number}.png" for number in range(8)]
    assert all("_mask" in file for files in found.files.values() for file in files)
    assert made.test.masks.any()


def test_masks_of_training_images_count_where_test_images_have_none(parts, tmp_path):
    spots(tmp_path / "masks", parts)
    _, data, _ = masked(parts, tmp_path / "masks")
    for name in data.test.names:
        (tmp_path / "masks" / name).with_name(f"{Path(name).stem}_mask.png").unlink(missing_ok=True)
    made = masked(parts, tmp_path / "masks")[2]
    assert made.test.masks is None
    assert made.train.masks.any()


def test_a_mask_of_other_proportions_is_refused_by_name(parts, tmp_path):
    spots(tmp_path / "masks", parts, size=(20, 40))
    with pytest.raises(DataError, match=r"of bent/.\.png: it is 20 x 40, its image 40 x 20"):
        masked(parts, tmp_path / "masks")


def test_a_smaller_mask_of_the_same_proportions_will_do(parts, tmp_path):
    spots(tmp_path / "masks", parts, size=(20, 10))
    assert masked(parts, tmp_path / "masks")[2].test.masks.any()


def test_a_mask_is_of_the_image_as_it_is_shown(parts, tmp_path):
    spots(tmp_path / "masks", parts, size=(20, 40))
    for path in parts.glob("*/*.png"):
        image = Image.open(path)
        exif = image.getexif()
        exif[0x0112] = 6  # lies on its side: programs show it 20 x 40
        image.save(path, exif=exif)
    assert masked(parts, tmp_path / "masks")[2].test.masks.any()


def test_a_folder_without_a_mask_of_an_image_says_what_one_would_be_called(parts, tmp_path):
    (tmp_path / "masks").mkdir()
    with pytest.raises(DataError, match=r"the mask of (bent|good)/0\.png would be .*/0\.png"):
        masked(parts, tmp_path / "masks")


def test_images_without_files_have_masks_by_their_names(tmp_path):
    spec = "savanna:train=4,test=4,size=8"
    data = prepare(spec, root=Path(), size=8)
    for name in data.test.names:
        path = tmp_path / "masks" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.ones((8, 8), bool)).save(path)
    made = find_masks(tmp_path / "masks", spec, Path()).added_to(
        replace(data, test=replace(data.test, masks=None))
    )
    assert made.test.masks.all()
