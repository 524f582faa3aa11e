"""Every kind of bad or unusual image file, as real files made with Pillow."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from imbench.images.decode import ImageFault, decode, quiet_pillow, shrink_mask
from imbench.images.properties import Properties


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def fault(data):
    with quiet_pillow(), pytest.raises(ImageFault) as caught:
        decode(data, size=8)
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"\0\0\0\x1cftypavif", "AVIF"),
        (b"\0" * 128 + b"DICM", "DICOM"),
        (b"\x93NUMPY", "npy"),
    ],
    ids=["heic", "avif", "dicom", "npy"],
)
def test_k4_a_file_of_another_format_than_its_name_says_is_told_by_its_first_bytes(data, name):
    assert fault(data) == f"{name}, a format that is not read; convert it to PNG or JPEG"


def flat(colour, mode="RGB", size=(16, 16)):
    return Image.new(mode, size, colour)


def colour(data, channels=3):
    return decode(data, size=8, channels=channels).pixels[4, 4].tolist()


def test_the_shorter_side_is_resized_and_the_centre_kept(data_picture):
    image = data_picture(0, (60, 40))
    picture = decode(encoded(image, "PNG"), size=20)
    whole = np.asarray(image.resize((30, 20), Image.Resampling.BILINEAR))
    assert np.abs(picture.pixels.astype(int) - whole[:, 5:25]).max() <= 1
    assert picture.properties == Properties(60, 40, "RGB", "PNG")


def test_exif_orientation_is_applied():
    image = flat("red", size=(20, 10))
    image.paste((0, 0, 255), (0, 0, 10, 10))  # left half blue
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise: left comes to the top
    picture = decode(encoded(image, "PNG", exif=exif), size=10)
    assert (picture.properties.width, picture.properties.height) == (10, 20)
    top, bottom = picture.pixels[1, 5], picture.pixels[8, 5]
    assert top[2] > top[0]
    assert bottom[0] > bottom[2]


def test_one_channel():
    assert colour(encoded(flat((255, 0, 0)), "PNG"), channels=1) == [76]
    assert colour(encoded(flat(90, "L"), "PNG"), channels=3) == [90, 90, 90]


def test_row_15_palette_is_resolved():
    image = flat((250, 10, 20)).quantize(4)
    assert image.mode == "P"
    assert colour(encoded(image, "PNG")) == [250, 10, 20]
    assert colour(encoded(image, "GIF")) == [250, 10, 20]


def test_transparency_is_laid_over_white():
    image = flat((255, 0, 0, 0), "RGBA")
    image.putpixel((15, 15), (255, 0, 0, 255))
    assert colour(encoded(image, "PNG")) == [255, 255, 255]
    assert decode(encoded(image, "PNG"), size=8).properties.transparent
    assert not decode(encoded(image.convert("RGB"), "PNG"), size=8).properties.transparent
    assert colour(encoded(flat((255, 0, 0, 255), "RGBA"), "PNG")) == [255, 0, 0]
    assert colour(encoded(flat((0, 128), "LA"), "PNG")) == pytest.approx([127] * 3, abs=1)
    image = flat((9, 9, 9))
    image.putpixel((15, 15), (9, 9, 8))
    assert colour(encoded(image, "PNG", transparency=(9, 9, 9))) == [255, 255, 255]


def test_row_15_cmyk_is_converted():
    assert colour(encoded(flat((0, 255, 255, 0), "CMYK"), "TIFF")) == [255, 0, 0]
    r, g, b = colour(encoded(flat((0, 255, 255, 0), "CMYK"), "JPEG", quality=95))
    assert r > 240
    assert max(g, b) < 15


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_row_15_sixteen_bit_grey_is_scaled_and_not_clipped(kind):
    values = np.full((16, 16), 257 * 100, np.uint16)
    assert colour(encoded(Image.fromarray(values), kind)) == [100, 100, 100]


def test_one_bit():
    assert colour(encoded(flat(1, "1"), "PNG")) == [255, 255, 255]


def test_a_camera_file_with_a_second_picture_counts_as_its_first(data_picture):
    first, second = data_picture(1), data_picture(2)
    data = encoded(first, "MPO", save_all=True, append_images=[second])
    assert decode(data, size=8).properties.format == "MPO"
    assert (
        decode(data, size=8).digest
        == decode(encoded(first, "JPEG"), size=8).digest
        != decode(encoded(second, "JPEG"), size=8).digest
    )


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_row_15_animations_and_pages_are_refused(data_picture, kind):
    data = encoded(data_picture(1), kind, save_all=True, append_images=[data_picture(2)])
    assert fault(data).startswith("2 frames")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM"])
def test_row_15_every_format_is_read_and_its_truncation_noticed(data_picture, kind):
    data = encoded(data_picture(3, (64, 64)), kind)
    assert decode(data, size=16).pixels.shape == (16, 16, 3)
    assert fault(data[: len(data) // 2])


def test_row_15_a_truncated_jpeg_that_verify_lets_pass_is_noticed(data_picture):
    data = encoded(data_picture(3, (64, 64)), "JPEG")[:-200]
    Image.open(io.BytesIO(data)).verify()
    assert fault(data).startswith("damaged: image file is truncated")


def test_row_15_a_flipped_byte_in_a_png_is_noticed(data_picture):
    data = bytearray(encoded(data_picture(3), "PNG"))
    data[len(data) // 2] ^= 0xFF
    assert fault(bytes(data)).startswith("damaged")


def test_row_15_empty_and_foreign_files():
    assert fault(b"") == "the file is empty (0 bytes)"
    assert fault(b"\n<!DOCTYPE html><html>quota</html>") == "an HTML page, not an image"
    assert fault(b"%!PS-Adobe-3.0 EPSF-3.0\n") == "not an image of a known format"
    assert fault(b"hello" * 100) == "not an image of a known format"


def bomb(width, height):
    """Return a small PNG file that claims to have width x height pixels."""

    def chunk(kind, body):
        check = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("side", [10_000, 20_000, 60_000])
def test_row_15_decompression_bombs_are_refused_before_they_are_decoded(side):
    assert "pixels" in fault(bomb(side, side))


def test_floating_point_and_32_bit_images_have_no_range():
    assert "no defined range" in fault(encoded(Image.new("F", (16, 16), 0.5), "TIFF"))
    assert "no defined range" in fault(encoded(Image.new("I", (16, 16), 70_000), "TIFF"))


def test_broken_exif_does_not_spoil_intact_pixels():
    data = encoded(flat((10, 200, 30)), "JPEG", exif=b"Exif\0\0II*\0garbage-garbage", quality=95)
    with quiet_pillow():
        assert np.allclose(colour(data), [10, 200, 30], atol=4)


def test_thumbnail_and_digest_show_the_whole_image(data_picture):
    wide = data_picture(5, (90, 30))
    picture = decode(encoded(wide, "PNG"), size=8)
    assert picture.thumbnail.shape == (32, 32)
    assert picture.digest == decode(encoded(wide, "BMP"), size=16).digest
    wide.putpixel((0, 0), (0, 0, 0))  # outside the square that is kept
    assert picture.digest != decode(encoded(wide, "PNG"), size=8).digest


def test_a_mask_is_true_from_one_half_on():
    mask = flat(0, "1", (20, 20))
    mask.paste(1, (10, 0, 20, 20))
    small = shrink_mask(encoded(mask, "PNG"), size=10)
    assert small.dtype == bool
    assert small[:, :4].sum() == 0
    assert small[:, 6:].all()
