"""Images of every mode, depth and range decode to what arithmetic says of their values."""

import io

import numpy as np
import pytest
from image_bytes import png, tiff
from PIL import Image
from squares import square

from imbench.errors import UsageError
from imbench.images.cache import make_dataset
from imbench.images.decode import ImageFault, decode, load_image, quiet_pillow
from imbench.images.value_range import LEVELS, ValueRange, parse_range, range_used

RNG = np.random.default_rng(13)
GREY8 = RNG.integers(0, 256, (30, 20), dtype=np.uint8)
RGB8 = RNG.integers(0, 256, (30, 20, 3), dtype=np.uint8)
RGBA8 = RNG.integers(0, 256, (30, 20, 4), dtype=np.uint8)
GREY16 = RNG.integers(0, LEVELS, (30, 20), dtype=np.uint16)
RGB16 = RNG.integers(0, LEVELS, (30, 20, 3), dtype=np.uint16)
RGBA16 = RNG.integers(0, LEVELS, (30, 20, 4), dtype=np.uint16)
GREY32 = RNG.integers(0, 1 << 32, (30, 20), dtype=np.uint32)
SIGNED = RNG.integers(-3000, 3000, (30, 20), dtype=np.int32)
FLOAT = RNG.normal(size=(30, 20)).astype(np.float32)
PALETTE = RNG.integers(0, 256, (16, 3), dtype=np.uint8)
INDEX = RNG.integers(0, 16, (30, 20), dtype=np.uint8)


def saved(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def pgm(values, largest):
    """Return a binary PGM file of 16 bits."""
    height, width = values.shape
    return f"P5 {width} {height} {largest}\n".encode() + values.astype(">u2").tobytes()


def rescaled(values, low, high):
    return 255 * (np.clip(values.astype(float), low, high) - low) / (high - low)


def over_white(colour, alpha):
    share = alpha[..., None] / 255
    colour = colour if colour.ndim == 3 else np.repeat(colour[..., None], 3, axis=2)
    return colour * share + 255 * (1 - share)


def palette_image():
    image = Image.fromarray(INDEX, "P")
    image.putpalette(PALETTE.tobytes())
    return image


def cmyk_as_rgb(values):
    ink = values.astype(float) / 255
    return 255 * (1 - ink[..., :3]) * (1 - ink[..., 3:])


EIGHT_BITS = {
    "one bit, PNG": (lambda: saved(Image.fromarray(GREY8 > 99), "PNG"), 255.0 * (GREY8 > 99)),
    "grey, PNG": (lambda: saved(Image.fromarray(GREY8), "PNG"), GREY8),
    "grey, BMP": (lambda: saved(Image.fromarray(GREY8), "BMP"), GREY8),
    "grey, TIFF": (lambda: tiff(GREY8), GREY8),
    "white is zero, TIFF": (lambda: tiff(GREY8, photometric=0), 255 - GREY8),
    "grey of 4 bits, PGM": (
        lambda: b"P5 20 30 15\n" + (GREY8 // 16).tobytes(),
        GREY8 // 16 * 17,
    ),
    "colour, PNG": (lambda: saved(Image.fromarray(RGB8), "PNG"), RGB8),
    "colour, big-endian TIFF": (lambda: tiff(RGB8, photometric=2, order=">"), RGB8),
    "colour in planes, TIFF": (lambda: tiff(RGB8, photometric=2, planes=True), RGB8),
    "colour, lossless WebP": (lambda: saved(Image.fromarray(RGB8), "WEBP", lossless=True), RGB8),
    "palette, PNG": (lambda: saved(palette_image(), "PNG"), PALETTE[INDEX]),
    "palette, GIF": (lambda: saved(palette_image(), "GIF"), PALETTE[INDEX]),
    "palette with a transparent colour, PNG": (
        lambda: saved(palette_image(), "PNG", transparency=3),
        np.where((INDEX == 3)[..., None], 255, PALETTE[INDEX]),
    ),
    "grey with a transparent value, PNG": (
        lambda: saved(Image.fromarray(GREY8), "PNG", transparency=int(GREY8[0, 0])),
        np.repeat(np.where(GREY8[0, 0] == GREY8, 255, GREY8)[..., None], 3, axis=2),
    ),
    "grey with alpha, PNG": (
        lambda: saved(Image.fromarray(RGBA8[..., :2], "LA"), "PNG"),
        over_white(RGBA8[..., 0], RGBA8[..., 1]),
    ),
    "colour with alpha, PNG": (
        lambda: saved(Image.fromarray(RGBA8), "PNG"),
        over_white(RGBA8[..., :3], RGBA8[..., 3]),
    ),
    "colour with alpha, TIFF": (
        lambda: tiff(RGBA8, photometric=2, extra=2),
        over_white(RGBA8[..., :3], RGBA8[..., 3]),
    ),
    "CMYK, TIFF": (lambda: tiff(RGBA8, photometric=5), cmyk_as_rgb(RGBA8)),
}
SIXTEEN_BITS = {
    "grey, PNG": (lambda: png(GREY16[..., None], 0), GREY16),
    "grey, TIFF": (lambda: tiff(GREY16), GREY16),
    "grey, big-endian TIFF": (lambda: tiff(GREY16, order=">"), GREY16),
    "grey, deflated TIFF": (lambda: tiff(GREY16, deflate=True), GREY16),
    "white is zero, TIFF": (lambda: tiff(GREY16, photometric=0), GREY16),
    "grey, PGM": (lambda: pgm(GREY16, 65535), GREY16),
    "grey of 12 bits, PGM": (lambda: pgm(GREY16 // 16, 4095), GREY16 // 16),
    "colour, PNG": (lambda: png(RGB16, 2), RGB16),
    "colour, TIFF": (lambda: tiff(RGB16, photometric=2), RGB16),
    "colour, big-endian TIFF": (lambda: tiff(RGB16, photometric=2, order=">"), RGB16),
    "colour, deflated TIFF": (lambda: tiff(RGB16, photometric=2, deflate=True), RGB16),
    "colour, deflated big-endian TIFF": (
        lambda: tiff(RGB16, photometric=2, deflate=True, order=">"),
        RGB16,
    ),
    "colour and an unused channel, TIFF": (
        lambda: tiff(RGBA16, photometric=2, extra=0),
        RGBA16[..., :3],
    ),
}


def shown(data, value_range=None):
    with quiet_pillow():
        return np.asarray(load_image(data, value_range)[0]).astype(float)


@pytest.mark.parametrize("name", EIGHT_BITS)
def test_eight_bits_and_fewer(name):
    data, expected = EIGHT_BITS[name]
    assert np.abs(shown(data()) - expected).max() <= 1.01
    assert (shown(data()) == shown(data(), ValueRange(0, 9))).all()  # a range is for deeper ones


@pytest.mark.parametrize("name", SIXTEEN_BITS)
@pytest.mark.parametrize("ends", [(0, 65535), (0, 4095), (20_000, 30_000)], ids=str)
def test_sixteen_bits(name, ends):
    data, values = SIXTEEN_BITS[name]
    expected = rescaled(values, *ends)
    if name.startswith("white is zero"):
        expected = 255 - expected
    found = shown(data(), ValueRange(*ends))
    assert np.abs(found - expected).max() <= 0.5
    if ends == (0, 65535):
        assert (shown(data()) == found).all()
        assert not load_image(data())[1].clipped
    clipped = load_image(data(), ValueRange(*ends))[1].clipped
    assert clipped == (values.min() < ends[0] or values.max() > ends[1])


@pytest.mark.parametrize(
    ("name", "make", "colour", "alpha"),
    [
        ("grey, PNG", lambda: png(RGBA16[..., :2], 4), RGBA16[..., 0], RGBA16[..., 1]),
        ("colour, PNG", lambda: png(RGBA16, 6), RGBA16[..., :3], RGBA16[..., 3]),
        (
            "colour, TIFF",
            lambda: tiff(RGBA16, photometric=2, extra=2),
            RGBA16[..., :3],
            RGBA16[..., 3],
        ),
        (
            "a grey value, PNG",
            lambda: png(GREY16[..., None], 0, key=GREY16[2, 3]),
            GREY16,
            np.where(GREY16[2, 3] == GREY16, 0, 65535),
        ),
        (
            "a colour, PNG",
            lambda: png(RGB16, 2, key=RGB16[2, 3]),
            RGB16,
            np.where((RGB16[2, 3] == RGB16).all(axis=2), 0, 65535),
        ),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_transparency_of_sixteen_bits(name, make, colour, alpha):
    for value_range in (None, ValueRange(10_000, 50_000)):
        ends = (0, 65535) if value_range is None else (10_000, 50_000)
        expected = over_white(rescaled(colour, *ends), alpha / 257)
        assert np.abs(shown(make(), value_range) - expected).max() <= 2  # alpha has 8 bits here
        assert load_image(make())[1].transparent


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        (GREY32, (1 << 20, 3 << 30)),
        (SIGNED, (-1024, 2048)),
        (SIGNED.astype(np.int16), (-3000, 3000)),
        (FLOAT, (-1.5, 0.5)),
    ],
    ids=["32 bits", "signed", "signed, 16 bits", "floating point"],
)
def test_what_has_no_range_is_refused_unless_one_is_given(values, ends):
    for order in "<>" if values.dtype.kind != "u" else "<":
        data = tiff(values, order=order)
        with pytest.raises(ImageFault, match="no defined range; say range=LOW-HIGH"):
            load_image(data)
        found = shown(data, ValueRange(*ends))
        assert np.abs(found - rescaled(values, *ends)).max() <= 0.5


def test_values_that_are_no_numbers_are_refused():
    values = FLOAT.copy()
    values[3, 3] = np.nan
    with pytest.raises(ImageFault, match="no numbers"):
        load_image(tiff(values), ValueRange(0, 1))


def test_what_would_be_misread_is_refused():
    for deflate in (False, True):
        with pytest.raises(ImageFault, match="separate planes"):
            load_image(tiff(RGB16, photometric=2, planes=True, deflate=deflate))
    with pytest.raises(ImageFault, match="signed values of 8 bits"):
        load_image(tiff(GREY8.astype(np.int8)))


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_other_colour_spaces_give_the_colours_they_were_made_of(kind):
    smooth = Image.fromarray(RGB8[:3, :2]).resize((40, 60), Image.Resampling.BICUBIC)
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    image = smooth.convert("YCbCr")
    assert np.abs(shown(saved(image, kind, **options)) - np.asarray(smooth)).max() <= 6


def test_lab_is_converted():
    lab = np.zeros((30, 20, 3), np.uint8)
    lab[..., 0] = 255  # white
    lab[:, 10:] = (136, 80, 67)  # red: L 53 %, a and b as they are
    found = shown(saved(Image.fromarray(lab, "LAB"), "TIFF"))
    assert np.abs(found[:, :10] - 255).max() <= 2
    assert np.abs(found[:, 10:] - (255, 0, 0)).max() <= 12


@pytest.mark.parametrize("geometry", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("name", [*EIGHT_BITS, *(f"16 {name}" for name in SIXTEEN_BITS)])
def test_every_mode_takes_every_geometry(name, geometry):
    if name in EIGHT_BITS:
        (make, values), value_range = EIGHT_BITS[name], None
    else:
        make, values = SIXTEEN_BITS[name.removeprefix("16 ")]
        value_range = ValueRange(0, 50_000)
        values = rescaled(values, 0, 50_000)
        values = 255 - values if "white is zero" in name else values
    channels = values.shape[2] if values.ndim == 3 else 1
    expected = square(values.reshape(*values.shape[:2], channels), 16, geometry)
    with quiet_pillow():
        found = decode(
            make(), size=16, channels=channels, geometry=geometry, value_range=value_range
        )
    assert np.abs(found.pixels - expected).max() <= 2


@pytest.mark.parametrize("geometry", ["stretch", "pad", "crop"])
def test_deep_images_take_every_geometry(geometry):
    values = np.full((60, 20), 1000, np.uint16)
    values[:, 10:] = 3000
    picture = decode(
        png(values[..., None], 0),
        size=20,
        channels=1,
        geometry=geometry,
        value_range=ValueRange(1000, 3000),
    )
    left, right = (7, 12) if geometry == "pad" else (2, 17)
    assert picture.pixels[10, [left, right], 0].tolist() == [0, 255]
    assert (picture.pixels[0, 0, 0] == 128) == (geometry == "pad")


def counted(values):
    return np.bincount(np.asarray(values).ravel(), minlength=LEVELS)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.arange(256), "0-255"),
        (np.arange(4000), "0-4095"),
        (np.arange(900), "0-1023"),
        (np.arange(60_000), "0-65535"),
        (np.arange(30_000, 34_000), "30000-33999"),
        (np.r_[np.tile(np.arange(4000), 20), 65_535], "4-3996"),
        ([7, 7, 7], "0-255"),
        ([], "0-65535"),
    ],
    ids=["8", "12", "10", "16", "far from zero", "one hot pixel", "flat", "none"],
)
def test_the_range_that_images_use(values, expected):
    assert str(range_used(counted(np.asarray(values, int)))) == expected


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("0-4095", (0, 4095)),
        ("-1024-3071", (-1024, 3071)),
        ("-1.5--.5", (-1.5, -0.5)),
        ("0-1e-3", (0, 1e-3)),
    ],
)
def test_a_range_is_read_and_printed(text, ends):
    found = parse_range(text, "x")
    assert found.ends == ends
    assert parse_range(str(found), "x") == found


@pytest.mark.parametrize("text", ["", "5", "5-", "9-3", "0-0", "a-b", "0-nan", "0-inf", "0..5"])
def test_what_is_no_range_is_refused(text, tmp_path):
    with pytest.raises(UsageError, match="range="):
        parse_range(text, "folder")


def test_built_in_photographs_take_no_range(tmp_path):
    make_dataset("folder:x,range=auto", tmp_path)
    with pytest.raises(UsageError, match="range"):
        make_dataset("horse2zebra:range=0-4095", tmp_path)
