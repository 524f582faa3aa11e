"""What the network sees, on the page: images of each class and split, originals beside them."""

from __future__ import annotations

import base64
import io
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from imbench.images.cache import prepare
from imbench.page import seen
from imbench.page.page import render_page

SPEC = "folder:pictures,majority=cat"
FOLDERS = {"train/cat": 7, "train/dog": 2, "test/cat": 1, "test/dog": 4}


@pytest.fixture
def made(data_folder, make_record, tmp_path, monkeypatch):
    """Return the root of a data set of 48 x 40 px, its decoded images, and a record of it."""
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "cache"))
    root = data_folder(FOLDERS).parent
    decoded = prepare(SPEC, root=root, size=16)
    cell = {"dataset": SPEC, "fingerprint": decoded.fingerprint}
    return root, decoded, make_record(cell=cell)


def section_of(page: str) -> str:
    found = re.search(r'<section id="images".*?</section>', page, re.S)
    return found.group() if found else ""


def pictures(section: str, what: str) -> list[Image.Image]:
    """Return the pictures with some alternative text."""
    urls = re.findall(rf'src="data:image/webp;base64,([^"]+)" alt="{what}"', section)
    return [Image.open(io.BytesIO(base64.b64decode(url))) for url in urls]


def test_some_of_each_class_and_split_are_beside_their_originals(made):
    root, decoded, record = made
    section = section_of(render_page([record], data=root))
    titles = re.findall("<h4>(.*?)</h4>", section)
    counts = ["train, cat: 7 images", "train, dog: 2 images", "test, cat: 1 image"]
    assert titles == [*counts, "test, dog: 4 images"]
    assert "as the network sees it at 16 px (geometry=stretch)" in section
    names = re.findall("<code>(.*?)</code>", section)
    assert names[:4] == [f"train/cat/{number}.png" for number in (0, 2, 4, 6)]
    assert len(names) == 4 + 2 + 1 + 4
    assert section.count("<small>48 x 40</small>") == len(names)
    shown = pictures(section, "as the network sees it")
    assert np.array_equal(np.asarray(shown[1].convert("RGB")), decoded.train.pixels[2])
    assert {picture.size for picture in pictures(section, "original")} == {(48, 40)}


def test_a_file_that_was_changed_is_not_shown_as_the_original(made, data_picture):
    root, _, record = made
    data_picture(99).save(root / "pictures" / "test" / "cat" / "0.png")
    section = section_of(render_page([record], data=root))
    assert section.count('alt="as the network sees it"') == 11
    assert section.count('alt="original"') == 10


def test_without_the_data_set_the_cache_shows_what_is_seen(made):
    root, _, record = made
    shutil.rmtree(root / "pictures")
    section = section_of(render_page([record], data=root))
    assert "As the network sees them at 16 px; the originals are not on this machine." in section
    assert (section.count('alt="original"'), section.count('alt="as the network')) == (0, 11)


def test_without_any_images_a_sentence_stands_there(made, monkeypatch, tmp_path):
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "other"))
    page = render_page([made[2]], data=tmp_path / "gone")
    assert "No images: the data set is not on this machine." in section_of(page)
    assert '<a href="#images">' in page


def test_a_page_without_images_has_no_such_section(made):
    page = render_page([made[2]], data=made[0], images=0)
    assert section_of(page) == ""
    assert '<a href="#images">' not in page
    assert "data:image/webp" not in page


def test_one_sheet_a_data_set_and_no_more_than_has_room(made, make_record, monkeypatch):
    root, decoded, record = made
    other = make_record(
        cell={
            "dataset": SPEC,
            "fingerprint": decoded.fingerprint,
            "settings": record.cell.settings.model_copy(update={"steps": 7}),
        }
    )
    assert section_of(render_page([record, other], data=root)).count("<h3>") == 1
    monkeypatch.setattr(seen, "SECTIONS", 3)
    assert "No room for 1 more class of a split." in section_of(render_page([record], data=root))
    monkeypatch.setattr(seen, "BUDGET", 0)
    small = section_of(render_page([record], data=root))
    assert "No images, to keep the page small; bench data show draws them." in small


def test_sheets_of_deep_images_know_their_range(make_record, tmp_path, monkeypatch):
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    for name in ("train/a", "train/b", "test/a", "test/b"):
        (tmp_path / "deep" / name).mkdir(parents=True)
        for number in range(2):
            values = rng.integers(0, 4096, (20, 20), dtype=np.uint16)
            Image.fromarray(values).save(tmp_path / "deep" / name / f"{number}.png")
    spec = "folder:deep,majority=a"
    decoded = prepare(spec, root=tmp_path, size=16)
    record = make_record(cell={"dataset": spec, "fingerprint": decoded.fingerprint})
    section = section_of(render_page([record], data=tmp_path))
    assert "(geometry=stretch, range=" in section
    assert section.count('alt="original"') == 8
