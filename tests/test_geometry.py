"""Pictures of any shape: stretched, padded or cut to their middle, and what is said of it."""

import io

import numpy as np
import pytest
from clicked import printed
from PIL import Image
from squares import square

from imbench.errors import UsageError
from imbench.images.cache import make_dataset, prepare
from imbench.images.cache_reader import read_manifest
from imbench.images.decode import decode, shrink_mask
from imbench.images.geometry import crop_line, geometry_notes
from imbench.images.pixel_notes import PIXEL_KINDS


def kinds(decoded):
    """Return the kinds of the notes on pixels: others are told elsewhere."""
    return [note.kind for note in decoded.notes if note.kind in PIXEL_KINDS]


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("geometry", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("shape", [(40, 60), (90, 30), (17, 64), (48, 48), (7, 5)])
def test_each_geometry_is_what_arithmetic_says(geometry, shape):
    rng = np.random.default_rng(shape)
    pixels = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    found = decode(png(pixels), size=16, geometry=geometry).pixels
    assert np.abs(found - square(pixels, 16, geometry)).max() <= 1.01


@pytest.mark.parametrize(("geometry", "survives"), [("stretch", 1), ("pad", 1), ("crop", 0)])
def test_a_defect_in_the_corner_of_a_long_picture(geometry, survives):
    pixels = np.full((300, 600, 3), 90, np.uint8)
    pixels[:60, :60] = 250
    seen = decode(png(pixels), size=32, geometry=geometry).pixels
    assert (seen.max() > 240) == survives


def test_a_very_long_picture_is_still_there():
    pixels = np.full((2, 900, 3), 7, np.uint8)
    padded = decode(png(pixels), size=16, geometry="pad").pixels
    assert (padded == 7).all(axis=(1, 2)).sum() == 1
    assert (decode(png(pixels), size=16, geometry="stretch").pixels == 7).all()


@pytest.mark.parametrize("geometry", ["stretch", "pad", "crop"])
def test_a_mask_follows_its_image(geometry):
    mask = np.zeros((40, 80), bool)
    mask[10:30, :30] = True
    image = np.where(mask, 255, 0).astype(np.uint8)
    seen = decode(png(image), size=20, channels=1, geometry=geometry).pixels[..., 0]
    for source in (mask, png(image)):
        small = shrink_mask(source, size=20, geometry=geometry)
        inside = slice(5, 15) if geometry == "pad" else slice(None)
        assert (small[inside] == (seen[inside] >= 128)).all()
        assert small.sum() == (seen[inside] >= 128).sum()  # what is added is no object


def test_a_mask_of_zeros_and_ones_is_no_empty_one():
    mask = np.zeros((40, 40), np.uint8)
    mask[10:30, :20] = 1
    for value in (1, 255):
        assert shrink_mask(png(mask * np.uint8(value)), size=20).sum() == 100
    assert shrink_mask(png(mask * 0), size=20).sum() == 0


@pytest.fixture
def long(tmp_path, data_picture):
    """Return a maker of a folder of pictures of one size, and a function that prepares it."""

    def make(size):
        for split in ("train", "test"):
            for label in range(2):
                place = tmp_path / "long" / split / "ab"[label]
                place.mkdir(parents=True)
                for number in range(3):
                    data_picture(label + 2 * number + 10 * len(split), size).save(
                        place / f"{number}.png"
                    )

        def prepared(options=""):
            spec = f"folder:{tmp_path / 'long'}{options}"
            return prepare(spec, root=tmp_path, size=16, cache=tmp_path / "cache")

        return prepared

    return make


def test_a_folder_is_stretched_and_can_be_padded_or_cropped(long):
    prepared = long((60, 30))
    made = {name: prepared(f",geometry={name}") for name in ("stretch", "pad", "crop")}
    assert prepared().folder == made["stretch"].folder
    assert len({one.fingerprint for one in made.values()}) == 3
    assert [kinds(one) for one in made.values()] == [["stretched"], ["padded"], ["cropped"]]
    assert (made["pad"].train.pixels[0, 0] == 128).all()


def test_the_fingerprint_of_square_images_does_not_know_of_geometry(long):
    prepared = long((30, 30))
    made = [prepared(f",geometry={name}") for name in ("stretch", "pad", "crop")]
    assert len({one.fingerprint for one in made}) == 1
    assert [kinds(one) for one in made] == [[], [], []]


def test_fingerprints_of_the_first_version_stay(tmp_path):
    for split in ("train", "test"):
        for label in range(2):
            place = tmp_path / "old" / split / "ab"[label]
            place.mkdir(parents=True)
            for number in range(2):
                values = np.arange(24 * 16 * 3).reshape(24, 16, 3) * (1 + label + 2 * number)
                pixels = (values % 251 + len(split)).astype(np.uint8)
                Image.fromarray(pixels).save(place / f"{number}.png")

    def fingerprint(spec):
        return prepare(spec, root=tmp_path, size=8, cache=tmp_path / "cache").fingerprint

    assert fingerprint("folder:old,geometry=crop") == "f8a37df53349191208c04237787c6cbf"
    assert fingerprint("savanna:train=2,test=2,size=16") == "0b16b123e52c49b3f88cfe117314bb1b"


def test_masks_alone_make_no_other_fingerprint_but_another_entry(tmp_path, data_folder):
    folder = data_folder({"trainA": 3, "trainB": 3, "testA": 2, "testB": 2})
    folder.rename(tmp_path / "horse2zebra")
    made = [
        prepare(f"horse2zebra{options}", root=tmp_path, size=8, cache=tmp_path / "cache")
        for options in ("", ":geometry=crop", ":geometry=pad")
    ]
    assert made[0].folder == made[1].folder != made[2].folder
    assert made[0].fingerprint != made[2].fingerprint
    (note,) = [note for note in made[0].notes if note.kind == "cropped"]
    assert note.change == "geometry=stretch or geometry=pad"


def test_what_is_no_geometry_is_refused(tmp_path):
    for spec in ("folder:x,geometry=squash", "cub:geometry=none", "csv:x.csv,geometry=1"):
        with pytest.raises(UsageError, match="must be stretch, pad or crop"):
            make_dataset(spec, tmp_path)


def test_a_data_set_without_the_option_is_not_told_to_use_it():
    assert geometry_notes([(2, 1), (1, 1)], {})[0].change == ""
    assert geometry_notes([(1, 1)], {"geometry": "pad"}) == []


def test_stats_say_what_a_crop_would_cut_off(long, tmp_path):
    long((60, 30))
    spec = f"folder:{tmp_path}/long"
    lines = printed("data", "stats", spec).splitlines()
    assert "width / height: 2.00 to 2.00, median 2.00" in lines
    assert (
        "stretched: 12 of 12 images are not square and are squeezed to one, the worst by 2.00 to "
        "1; to change it: geometry=pad or geometry=crop"
    ) in lines
    assert lines[-5] == f"geometry=crop would cut off {crop_line([(60, 30)] * 12)}"
    assert "50 % of the area of the median image" in lines[-5]
    lines = printed("data", "stats", f"{spec},geometry=crop").splitlines()
    assert [line for line in lines if "would cut off" in line] == []
    assert [line for line in lines if line.startswith("cropped: 12 of 12 images")]
    output = printed("data", "verify", f"{spec},geometry=pad")
    assert "padded: 12 of 12 images are not square and are filled up" in output


def test_the_manifest_holds_the_note(long):
    manifest = read_manifest(long((60, 30))(",geometry=crop").folder)
    assert [note["count"] for note in manifest["notes"] if note["kind"] == "cropped"] == [12]
