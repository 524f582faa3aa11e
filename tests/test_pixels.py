"""What a data set's pixels become: one range for all, images that show nothing, transparency."""

import io

import numpy as np
import pytest
from clicked import bench, printed
from image_bytes import png, tiff
from PIL import Image

from imbench.errors import DataError, UsageError
from imbench.images.cache import make_dataset, prepare
from imbench.images.deep_files import settle_range
from imbench.images.pixel_notes import PIXEL_KINDS
from imbench.images.survey import find_defects, survey_copies, survey_images
from imbench.images.validate import read_everything

COUNTS = {"train/a": 4, "train/b": 3, "test/a": 2, "test/b": 2}


def pixel_notes_of(decoded):
    """Return the notes of decoding: those of the layout are told elsewhere."""
    return [note for note in decoded.notes if note.kind in (*PIXEL_KINDS, "transparent", "blank")]


def texture(seed, low, high, shape=(32, 32)):
    """Return coarse noise whose values are `low` to `high`, uint16."""
    coarse = np.random.default_rng(seed).random((4, 4)).astype(np.float32)
    fine = np.asarray(Image.fromarray(coarse).resize(shape[::-1], Image.Resampling.BILINEAR))
    share = (fine - fine.min()) / (fine.max() - fine.min())
    return np.rint(low + share * (high - low)).astype(np.uint16)


def deep(values):
    return png(values[..., None], 0)


@pytest.fixture
def made(tmp_path):
    """Return a maker of folders of images and a function that prepares one."""

    def make(write, counts=COUNTS, name="set"):
        seed = 0
        for place, count in counts.items():
            (tmp_path / name / place).mkdir(parents=True)
            for number in range(count):
                content = write(seed, place)
                suffix = ".tif" if content[:2] in (b"II", b"MM") else ".png"
                (tmp_path / name / place / f"{number}{suffix}").write_bytes(content)
                seed += 1
        return f"folder:{tmp_path / name}"

    return make


@pytest.fixture
def prepared(tmp_path):
    def prepare_here(spec, **options):
        return prepare(spec, root=tmp_path, size=32, cache=tmp_path / "cache", **options)

    return prepare_here


def test_values_of_12_bits_in_files_of_16_keep_their_levels(made, prepared):
    spec = made(lambda seed, place: deep(texture(seed, 100, 3900)))
    decoded = prepared(spec)
    assert len(np.unique(decoded.train.pixels)) > 150
    (note,) = pixel_notes_of(decoded)
    assert note.line == (
        "rescaled: 11 images of more than 8 bits, so that 0-4095 becomes 0-255; "
        "to change it: range=LOW-HIGH"
    )


def test_values_of_8_bits_in_files_of_16_are_what_they_are_in_files_of_8(made, prepared):
    spec = made(lambda seed, place: deep(texture(seed, 0, 250)))

    def plain(seed, place):
        file = io.BytesIO()
        Image.fromarray(texture(seed, 0, 250).astype(np.uint8)).save(file, "PNG")
        return file.getvalue()

    wide, narrow = prepared(spec), prepared(made(plain, name="narrow"))
    assert (wide.train.pixels == narrow.train.pixels).all()
    assert wide.fingerprint != narrow.fingerprint  # the range is part of it
    assert pixel_notes_of(narrow) == []


def test_one_range_for_all_images_and_none_of_it_from_test_images(made, prepared):
    def write(seed, place):
        return deep(texture(seed, 0, 60_000 if "test" in place else 500 * (seed + 1)))

    spec = made(write)
    decoded = prepared(spec)
    (note,) = pixel_notes_of(decoded)
    assert "so that 0-4095 becomes 0-255; 4 of them have values beyond it" in note.text
    darkest, brightest = decoded.train.pixels[0], decoded.train.pixels[-1]
    assert darkest.max() < 40
    assert brightest.max() > 210
    assert (decoded.test.pixels == 255).mean() > 0.5


def test_a_range_that_is_given_counts(made, prepared):
    spec = made(lambda seed, place: deep(texture(seed, 100, 3900)))
    seen = {text: prepared(f"{spec},range={text}") for text in ("auto", "0-4095", "0-1000")}
    assert seen["auto"].fingerprint == seen["0-4095"].fingerprint != seen["0-1000"].fingerprint
    assert (seen["auto"].train.pixels == seen["0-4095"].train.pixels).all()
    assert "0-1000 becomes 0-255; 11 of them" in pixel_notes_of(seen["0-1000"])[0].text


def test_the_fingerprint_of_images_that_use_all_16_bits_is_that_of_the_first_version(
    made, prepared
):
    spec = made(lambda seed, place: deep(texture(seed, 0, 65_535)))
    assert prepared(spec).fingerprint == "842054bf961815101236dbf4a1891cd9"


def test_a_range_without_effect_is_refused(made, prepared):
    spec = made(lambda seed, place: picture(seed, "RGB"))
    with pytest.raises(UsageError, match="range=0-4095 has no effect"):
        prepared(f"{spec},range=0-4095")
    prepared(f"{spec},range=auto")


def test_floating_point_needs_a_range(made, prepared):
    spec = made(lambda seed, place: tiff(texture(seed, 0, 1000).astype(np.float32) / 1000))
    with pytest.raises(DataError, match="range=LOW-HIGH"):
        prepared(spec)
    decoded = prepared(f"{spec},range=0-1")
    assert len(np.unique(decoded.train.pixels)) > 150


def picture(seed, mode):
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (5, 5, 4), dtype=np.uint8), "RGBA")
    file = io.BytesIO()
    coarse.resize((32, 32), Image.Resampling.BICUBIC).convert(mode).save(file, "PNG")
    return file.getvalue()


def flat(colour, mode="RGB"):
    file = io.BytesIO()
    Image.new(mode, (32, 32), colour).save(file, "PNG")
    return file.getvalue()


def found(spec, root):
    dataset = make_dataset(spec, root)
    listing = read_everything(dataset, spec)
    value_range = settle_range(listing, spec)
    images = survey_images(listing, value_range)
    copies = survey_copies(listing, images, value_range)
    return {(one.kind, one.text, one.grave) for one in find_defects(listing, images, copies, {})}


def test_transparency_is_said(made, prepared):
    spec = made(lambda seed, place: picture(seed, "RGBA" if place == "test/a" else "RGB"))
    (note,) = pixel_notes_of(prepared(spec))
    assert (note.kind, note.count) == ("transparent", 2)
    assert "laid over white" in note.text


def test_an_image_that_is_all_transparent_is_a_fault(made, prepared, tmp_path):
    hidden = iter(range(100))

    def write(seed, place):
        return flat((seed, 9, 9, 0), "RGBA") if next(hidden) in (0, 8) else picture(seed, "RGB")

    spec = made(write)
    with pytest.raises(DataError, match="all its pixels are transparent"):
        prepared(spec)
    assert len(prepared(spec, bad_images="skip").skipped) == 2
    assert found(spec, tmp_path) == {
        (
            "undecodable",
            f"{name}: all its pixels are transparent; save it without its alpha channel",
            True,
        )
        for name in ("train/a/0.png", "test/a/1.png")
    }


def test_images_that_show_nothing_are_named_and_are_no_copies(made, prepared, tmp_path):
    odd = {
        0: flat((3, 3, 3)),
        1: flat((250, 255, 255)),
        2: flat((90, 120, 30)),
        3: flat((3, 3, 3)),
        7: flat((3, 3, 3)),
        9: png(texture(1, 0, 1500)[..., None], 0),
    }
    spec = made(lambda seed, place: odd.get(seed, picture(seed, "RGB")))
    full = f"{spec},range=0-65535"
    assert found(full, tmp_path) == {
        ("blank", f"{name}: {why} of 255)", True)
        for name, why in [
            ("train/a/0.png", "black (values 3 to 3"),
            ("train/a/1.png", "white (values 250 to 255"),
            ("train/a/2.png", "one flat colour (values 30 to 120"),
            ("train/a/3.png", "black (values 3 to 3"),
            ("test/a/0.png", "black (values 3 to 3"),
            ("test/b/0.png", "black (values 0 to 6"),
        ]
    }
    notes = {note.kind: note for note in prepared(full, drop_leaks=True).notes}
    assert notes["blank"].count == 6
    assert prepared(full, drop_leaks=True).skipped == {}


def test_a_picture_in_the_alpha_channel_alone_is_named(made, tmp_path):
    shape = np.full((32, 32, 4), 255, np.uint8)
    shape[8:20, 8:20, 3] = 0
    file = io.BytesIO()
    Image.fromarray(shape).save(file, "PNG")
    spec = made(lambda seed, place: file.getvalue() if seed == 2 else picture(seed, "RGB"))
    assert found(spec, tmp_path) == {
        (
            "blank",
            "train/a/2.png: white (values 255 to 255 of 255) once its transparent pixels are laid "
            "over white",
            True,
        )
    }


def test_few_levels_with_much_contrast_are_a_picture(made, tmp_path):
    def bilevel(seed, place):
        file = io.BytesIO()
        Image.fromarray(texture(seed, 0, 255) > 128).save(file, "PNG")
        return file.getvalue()

    assert found(made(bilevel), tmp_path) == set()


def test_verify_blames_blank_images_and_advises_no_dropping_of_leaks(made, tmp_path):
    spec = made(lambda seed, place: flat((0, 0, 0)) if seed % 2 else picture(seed, "RGB"))
    result = bench("data", "verify", spec, code=1)
    assert "blank: 5 images show nothing" in result.stdout
    assert "\nblank: 5\n  test/a/0.png" in result.stdout
    assert result.stderr.strip().endswith("5 grave defects (blank); correct the data")


def test_stats_tell_the_range_from_headers_and_training_images(made):
    spec = made(lambda seed, place: deep(texture(seed, 100, 3900)))
    output = printed("data", "stats", spec)
    assert "rescaled: 11 images of more than 8 bits, so that 0-4095 becomes 0-255;" in output


def test_a_picture_of_little_contrast_is_one(made, tmp_path):
    def faint(seed, place):
        file = io.BytesIO()
        Image.fromarray(texture(seed, 30, 39).astype(np.uint8)).save(file, "PNG")
        return file.getvalue()

    assert found(made(faint), tmp_path) == set()
