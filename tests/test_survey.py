import re
import shutil

import numpy as np

from imbench.images.cache import make_dataset
from imbench.images.survey import (
    class_counts,
    find_defects,
    format_counts,
    survey_copies,
    survey_headers,
    survey_images,
)
from imbench.images.validate import read_everything


def everything(spec, root):
    return read_everything(make_dataset(spec, root), spec)


def found(spec, root, official=None):
    listing = everything(spec, root)
    images = survey_images(listing)
    defects = find_defects(listing, images, survey_copies(listing, images), official or {})
    # Distances depend on the library that writes JPEG files.
    return {(d.kind, re.sub(r"distance 0\.\d\d", "distance D", d.text), d.grave) for d in defects}


def test_clean_data_have_no_defects(data_folder, tmp_path):
    data_folder({"train/a": 5, "train/b": 4, "test/a": 2, "test/b": 2})
    assert found("folder:pictures", tmp_path) == set()
    assert found("savanna:train=3,test=2,size=16", tmp_path) == set()


def test_every_kind_of_defect_is_named(data_folder, data_photograph, tmp_path):
    root = data_folder(
        {"train/a": 5, "train/b": 5, "train/c": 2, "val/a": 2, "val/b": 2, "test/a": 2, "test/b": 2}
    )
    shutil.copy(root / "train/a/0.png", root / "train/a/inside.png")
    shutil.copy(root / "train/a/1.png", root / "train/b/other.png")
    shutil.copy(root / "test/a/0.png", root / "train/a/leak.png")
    data_photograph(0).save(root / "test/b/0.png")
    data_photograph(0).save(root / "val/b/near.jpg", quality=70)
    shutil.copy(root / "val/a/0.png", root / "train/a/val.png")
    (root / "test/a/bad.png").write_bytes(b"")
    assert found("folder:pictures", tmp_path, {"test b": 3}) == {
        ("undecodable", "test/a/bad.png: the file is empty (0 bytes)", True),
        ("missing class", "c has no test image", True),
        ("duplicate", "train/a/0.png = train/a/inside.png", False),
        ("two classes", "train/a/1.png = train/b/other.png (a and b)", True),
        ("leak", "train/a/leak.png = test/a/0.png", True),
        ("leak", "val/b/near.jpg ~ test/b/0.png (distance D)", True),
        ("leak", "train/a/val.png = val/a/0.png", True),
        ("count", "2 test images of b, officially 3", False),
    }


def test_torn_groups(data_folder, tmp_path):
    root = data_folder({"a": 4, "b": 4})
    lines = [
        f"{k}/{i}.png,{k},{'test' if i > 1 else 'train'},{k}{i}" for k in "ab" for i in range(4)
    ]
    (root / "t.csv").write_text("\n".join(["path,label,split,group", *lines]))
    assert found("csv:pictures/t.csv", tmp_path) == set()
    (root / "t.csv").write_text((root / "t.csv").read_text().replace("a2", "a0"))
    assert found("csv:pictures/t.csv", tmp_path) == {
        ("torn group", "a0 is in test and train", True)
    }


def test_headers_are_read_without_decoding(data_folder, tmp_path):
    root = data_folder({"a": 2, "b": 2})
    whole_file = (root / "a/0.png").read_bytes()
    (root / "a/0.png").write_bytes(whole_file[:-300])  # a damage that only decoding shows
    (root / "a/1.png").write_bytes(b"hello")
    (root / "b/9.png").symlink_to("nowhere")
    seen = survey_headers(everything("folder:pictures", tmp_path))
    assert [one.fault for one in seen] == [
        "",
        "not an image of a known format",
        "",
        "",
        "the file is missing",
    ]
    assert (seen[0].width, seen[0].height, seen[0].mode) == (48, 40, "RGB")
    assert format_counts(seen) == {"formats": {"PNG": 3}, "modes": {"RGB": 3}}


def test_counts_by_split(data_folder, tmp_path):
    data_folder({"train/a": 3, "train/b": 1, "test/a": 2, "test/c": 1})
    counted = class_counts(everything("folder:pictures", tmp_path))
    assert {split: row.tolist() for split, row in counted.items()} == {
        "train": [3, 1, 0],
        "test": [2, 0, 1],
    }


def test_real_defects(data_real):
    horses = found("horse2zebra", data_real)
    leaks = {text for kind, text, _ in horses if kind == "leak"}
    assert leaks == {
        "trainA/n02381460_3811.jpg = testA/n02381460_1160.jpg",
        "trainB/n02391049_2136.jpg ~ testB/n02391049_5240.jpg (distance D)",
    }
    exact = [text for kind, text, _ in horses if kind == "duplicate" and " = " in text]
    assert 20 <= len(exact) <= 30
    assert {kind for kind, _, _ in horses} == {"duplicate", "leak"}


def test_real_image_in_two_classes(data_real):
    clothes = found("folder:clothing", data_real)
    both = [text for kind, text, _ in clothes if kind == "near copies of two classes"]
    assert len(both) == 1
    assert both[0].startswith("train/shorts/6075b4a5")
    assert "train/skirt/637a56e4" in both[0]


def test_real_files_are_described(data_real):
    seen = survey_headers(everything("folder:clothing", data_real))
    assert format_counts(seen) == {"formats": {"JPEG": 3781}, "modes": {"RGB": 3781}}
    assert int(np.min([min(one.width, one.height) for one in seen])) == 128


def test_equal_images_are_one_group_and_one_line(data_folder, data_photograph, tmp_path):
    root = data_folder({"train/a": 3, "train/b": 3, "test/a": 3, "test/b": 3})
    data_photograph(0).save(root / "train/a/0.png")
    for place in ("train/a/x", "train/a/y", "train/a/z", "test/a/x"):
        shutil.copy(root / "train/a/0.png", root / f"{place}.png")
    for place in ("train/a/v", "train/b/w"):
        shutil.copy(root / "train/b/1.png", root / f"{place}.png")
    shutil.copy(root / "train/b/2.png", root / "train/b/again.png")
    data_photograph(0).save(root / "test/b/near.jpg", quality=70)
    assert found("folder:pictures", tmp_path) == {
        (
            "leak",
            "5 equal images: train/a/0.png, train/a/x.png, train/a/y.png, ... (train 4, test 1)",
            True,
        ),
        ("leak", "train/a/0.png (and 4 equal to it) ~ test/b/near.jpg (distance D)", True),
        (
            "near copies of two classes",
            "train/a/0.png (and 4 equal to it) ~ test/b/near.jpg (a and b; distance D)",
            True,
        ),
        (
            "two classes",
            "3 equal images: train/a/v.png, train/b/1.png, train/b/w.png (a 1, b 2)",
            True,
        ),
        ("duplicate", "train/b/2.png = train/b/again.png", False),
    }
