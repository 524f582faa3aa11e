"""`bench data show`: a sheet of what a network sees."""

import shutil

import numpy as np
import pytest
from clicked import printed, refused
from image_bytes import png
from PIL import Image

from imbench.images.cache import make_dataset
from imbench.images.contact_sheet import MAX_SECTIONS, choose_sections, draw_sheet
from imbench.images.validate import read_everything


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """Return a folder of wide pictures, red on the left and blue on the right, and work above."""
    for place, count in {"train/cat": 9, "train/dog": 2, "test/cat": 2, "test/dog": 1}.items():
        (tmp_path / "pets" / place).mkdir(parents=True)
        for number in range(count):
            image = Image.new("RGB", (300, 100), (0, 200, 0))
            image.paste((200, 0, 0), (0, 0, 60, 100))
            image.paste((0, 0, 200), (240, 0, 300, 100))
            image.putpixel((150, 50), (number, 0, 0))
            image.save(tmp_path / "pets" / place / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "pets"


def test_some_of_each_class_and_split_spread_over_the_listing(pictures, tmp_path):
    listing = read_everything(make_dataset("folder:pets", tmp_path), "folder:pets")
    sections = choose_sections(listing, 3)
    shown = [
        (one.split, one.name, one.count, [listing.names[row] for row in one.rows])
        for one in sections
    ]
    assert shown == [
        ("train", "cat", 9, [f"train/cat/{number}.png" for number in (0, 4, 8)]),
        ("train", "dog", 2, ["train/dog/0.png", "train/dog/1.png"]),
        ("test", "cat", 2, ["test/cat/0.png", "test/cat/1.png"]),
        ("test", "dog", 1, ["test/dog/0.png"]),
    ]


def colours(path):
    """Return which of the three colours of the pictures what the network sees has on a sheet."""
    seen = pixels(path)[:, 12 + 128 + 4 : 12 + 2 * 128 + 4]  # right half of the first column
    return {
        name
        for name, colour in {"red": (200, 0, 0), "blue": (0, 0, 200), "grey": (128,) * 3}.items()
        if (np.abs(seen - colour).max(axis=2) < 8).sum() > 500
    }


@pytest.mark.parametrize(
    ("geometry", "expected"),
    [("stretch", {"red", "blue"}), ("pad", {"red", "blue", "grey"}), ("crop", set())],
)
def test_what_the_network_sees_follows_the_geometry(pictures, geometry, expected):
    words = (f"folder:pets,geometry={geometry}", "--images", 2, "--out", "sheet.png")
    assert printed("data", "show", *words) == (
        "sheet.png: 7 images at 32 px in 4 sections, one for each class and split\n"
    )
    assert colours("sheet.png") == expected


def test_what_the_network_sees_follows_the_range(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for place in ("train/a", "train/b", "test/a", "test/b"):
        (tmp_path / "deep" / place).mkdir(parents=True)
        values = np.linspace(0, 4095, 32 * 32).reshape(32, 32, 1).astype(np.uint16)
        (tmp_path / "deep" / place / "0.png").write_bytes(png(values, 0))
    printed("data", "show", "folder:deep", "--out", "a.png")
    printed("data", "show", "folder:deep,range=0-65535", "--out", "b.png")
    place = np.s_[70 : 70 + 90, 12 : 12 + 256]
    assert np.ptp(pixels("a.png")[place]) > 180
    assert (pixels("b.png")[place] < 20).mean() > 0.9


def test_it_is_the_same_every_time_and_replaces_itself_alone(pictures, tmp_path):
    printed("data", "show", "folder:pets")
    (sheet,) = tmp_path.glob("*.png")
    assert sheet.name.startswith("folder_pets")
    assert sheet.name.endswith("-32px.png")
    first = sheet.read_bytes()
    printed("data", "show", "folder:pets")
    assert sheet.read_bytes() == first
    photograph = tmp_path / "photo.png"
    shutil.copy(pictures / "train/cat/0.png", photograph)
    before = photograph.read_bytes()
    for out, message in [("photo.png", "is not a sheet"), ("sheet.jpg", "does not end in .png")]:
        assert message in refused("data", "show", "folder:pets", "--out", out)
    assert photograph.read_bytes() == before


def test_a_damaged_image_is_said_on_the_sheet(pictures):
    printed("data", "show", "folder:pets", "--images", 1, "--out", "sheet.png")
    whole = pixels("sheet.png")
    (pictures / "test/dog/0.png").write_bytes(b"")
    printed("data", "show", "folder:pets", "--images", 1, "--out", "sheet.png")
    changed = np.flatnonzero((pixels("sheet.png") != whole).any(axis=(1, 2)))
    assert len(changed) > 100  # where the picture was there is a frame and the reason
    assert changed.min() > 0.6 * len(whole)


def test_names_of_any_letters_and_data_that_are_no_files(pictures, tmp_path):
    (pictures / "train/cat").rename(pictures / "train" / "猫\u202e")
    (pictures / "test/cat").rename(pictures / "test" / "猫\u202e")
    printed("data", "show", "folder:pets", "--out", "cats.png")
    said = printed("data", "show", "savanna:train=3,test=2,size=16", "--size", 200, "--images", 1)
    assert "4 images at 200 px in 4 sections, one for each class and split" in said


@pytest.mark.parametrize("names", [("00000", "1_0", "(3)"), ("+1", "0x10", '"q"')], ids=str)
def test_classes_with_odd_names_are_shown_and_described_as_they_are_called(
    tmp_path, monkeypatch, data_picture, names
):
    monkeypatch.chdir(tmp_path)
    for label, name in enumerate(names):
        (tmp_path / "odd" / name).mkdir(parents=True)
        for number in range(4):
            data_picture(4 * label + number).save(tmp_path / "odd" / name / f"{number}.png")
    spec = f"folder:odd,majority={names[0]},minority={names[1]}/{names[2]}"
    assert printed("data", "show", spec, "--out", "sheet.png") == (
        "sheet.png: 12 images at 32 px in 6 sections, one for each class and split\n"
    )
    told = printed("data", "stats", spec, "--data", ".")
    rows = told.partition("as chosen, the majority first")[2].splitlines()[2:5]
    assert [row.split()[0] for row in rows] == list(names)


def test_more_classes_than_have_room(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in range(40):
        for split in ("train", "test"):
            place = tmp_path / "many" / split / f"{number:02d}"
            place.mkdir(parents=True)
            Image.new("RGB", (8, 8), (number, 9, 200)).save(place / "0.png")
    output = printed("data", "show", "folder:many", "--out", "sheet.png")
    assert f"in {MAX_SECTIONS} sections, one for each class and split" in output
    assert "20 more have no room: choose majority=A,minority=B" in output


def test_a_sheet_is_as_wide_as_it_needs(pictures, tmp_path):
    listing = read_everything(make_dataset("folder:pets", tmp_path), "folder:pets")
    some = choose_sections(listing, 9)
    sheet = draw_sheet(listing, some, title="t", size=32, value_range=None)
    assert sheet.width <= 1600
    small = draw_sheet(listing, choose_sections(listing, 1), title="t", size=32, value_range=None)
    assert small.width < sheet.width
    assert small.height < sheet.height
