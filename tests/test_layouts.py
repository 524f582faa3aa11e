"""Folders as users have them: which are splits, which classes, what is left out, with a word."""

import os
import shutil
import unicodedata
from pathlib import Path

import pytest
from clicked import printed
from PIL import Image

from imbench.errors import DataError, ImbenchError, UnknownName, UsageError
from imbench.images.cache import make_dataset, prepare

SPLIT = {"train/cat": 4, "train/dog": 6, "test/cat": 2, "test/dog": 3}


def everything(spec, root="."):
    return make_dataset(spec, root).everything()


def counts(listing):
    """Return the images of each split and class."""
    kinds = [listing.classes[label] for label in listing.labels]
    pairs = list(zip(listing.splits.tolist(), kinds, strict=True))
    return {f"{split} {kind}": pairs.count((split, kind)) for split, kind in sorted(set(pairs))}


def lines(listing, kind=""):
    return [note.line for note in listing.notes if note.kind.startswith(kind)]


OURS = {"train cat": 4, "train dog": 6, "test cat": 2, "test dog": 3}


# K1: a layout is guessed all or nothing, without doubt


def test_k1_an_empty_folder_beside_the_splits_does_not_count(data_folder):
    root = data_folder(SPLIT)
    (root / "__MACOSX").mkdir()
    listing = everything(f"folder:{root}")
    assert counts(listing) == OURS
    assert lines(listing, "guessed") == [
        "guessed: train, test are split folders by their names; to change it: "
        "train=FOLDER,test=FOLDER, or split=none"
    ]


def test_k1_training_set_and_test_set_are_splits_through_links_too(data_folder, tmp_path):
    root = data_folder(SPLIT)
    linked = tmp_path / "m2"
    linked.mkdir()
    (linked / "training_set").symlink_to(root / "train")
    (linked / "test_set").symlink_to(root / "test")
    listing = everything(f"folder:{linked}")
    assert counts(listing) == OURS
    assert "followed: 2 links to folders (e.g. test_set)" in lines(listing)
    said = printed("data", "verify", f"folder:{linked}")
    assert "training_set (train), test_set (test) are split folders" in said


def test_k1_defects_that_are_in_test_alone_are_said_truly(data_folder):
    root = data_folder(
        {"train/good": 4, "test/good": 2, "test/broken": 3, "ground_truth/broken": 3}
    )
    listing = everything(f"folder:{root}")
    assert counts(listing) == {"train good": 4, "test good": 2, "test broken": 3}
    assert any("3 in ground_truth" in line for line in lines(listing, "left out"))
    with pytest.raises(DataError, match=r"no training image of class 'broken': all are of 'good'"):
        make_dataset(f"folder:{root}", ".").read()
    pooled = make_dataset(f"folder:{root},split=none", ".").read()
    assert pooled.classes == ("good", "broken")
    assert counts(pooled) == {"train good": 4, "test good": 2, "train broken": 2, "test broken": 1}
    said = printed("data", "stats", f"folder:{root}")
    assert "write split=none to split the images of all classes anew" in said


def test_k1_masks_beside_their_images_are_left_out_or_kept(data_folder, tmp_path):
    root = data_folder({"a": 6, "b": 4})
    for image in sorted(root.rglob("*.png")):
        Image.open(image).save(image.with_suffix(".jpg"))
    (root / "b/x_mask.png").write_bytes((root / "b/0.png").read_bytes())
    (root / "b/x.png").write_bytes((root / "b/0.png").read_bytes())
    listing = everything(f"folder:{root}")
    assert [name for name in listing.names if name.endswith(".png")] == ["b/x.png"]
    assert lines(listing, "left out") == [
        "left out: 11 files taken for masks of other images (11 .png; e.g. a/0.png; in class a 6, "
        "b 5); to change it: move them or keep=masks"
    ]
    assert listing.policies["left out"] == "masks"
    kept = everything(f"folder:{root},keep=masks")
    assert len(kept.names) == 22
    assert "left out" not in kept.policies
    assert lines(kept, "left out") == []


@pytest.mark.parametrize("above", ["wrapper", "a/b/c"])
@pytest.mark.parametrize("names", [("TRAIN", "Test"), ("Training", "evaluation")])
def test_k1_splits_are_found_below_wrappers_and_beside_other_folders(data_folder, above, names):
    made = {
        name.replace("train", names[0]).replace("test", names[1]): n for name, n in SPLIT.items()
    }
    root = data_folder({f"{above}/{name}": n for name, n in made.items()} | {"figures": 2})
    listing = everything(f"folder:{root}")
    assert counts(listing) == OURS
    assert any("2 files beside the split (2 in figures)" in line for line in lines(listing))


def test_k1_a_second_copy_of_the_splits_beside_them_is_left_out(data_folder):
    root = data_folder({**SPLIT, **{f"pets/{name}": n for name, n in SPLIT.items()}})
    listing = everything(f"folder:{root}")
    assert counts(listing) == OURS
    assert any("15 files beside the split (15 in pets)" in line for line in lines(listing))


def test_k1_each_split_in_a_folder_of_its_own_name(data_folder):
    root = data_folder(
        {name.replace("train", "training_set/training_set"): n for name, n in SPLIT.items()}
    )
    listing = everything(f"folder:{root}")
    assert counts(listing) == OURS
    said = [line for line in lines(listing) if "classes are the folders of" in line]
    assert said[0].startswith("guessed: classes are the folders of training_set/training_set;")


@pytest.mark.parametrize("word", ["seg_{}", "{}2017", "images_{}", "{} data"])
def test_k1_split_folders_may_have_more_in_their_names(data_folder, word):
    root = data_folder(
        {
            f"{word.format('train')}/a": 3,
            f"{word.format('train')}/b": 2,
            f"{word.format('test')}/a": 1,
            f"{word.format('test')}/b": 1,
        }
    )
    listing = everything(f"folder:{root}")
    assert counts(listing) == {"train a": 3, "train b": 2, "test a": 1, "test b": 1}


def test_k1_names_that_hold_split_and_class_are_both(data_folder):
    root = data_folder({"trainA": 4, "trainB": 3, "testA": 2, "testB": 1, "masks/trainA": 4})
    listing = everything(f"folder:{root}")
    assert counts(listing) == {"train A": 4, "train B": 3, "test A": 2, "test B": 1}
    assert any("4 files beside the split (4 in masks)" in line for line in lines(listing))


def test_k1_class_folders_may_hold_the_splits(data_folder):
    root = data_folder({"/".join(reversed(name.split("/"))): n for name, n in SPLIT.items()})
    assert counts(everything(f"folder:{root}")) == OURS


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ({"2019/cat": 2, "2019/dog": 2, "2020/cat": 2, "2020/dog": 2}, "train=2019,test=2020"),
        ({"a/good": 2, "b/good": 2, "b/bad": 2}, "hold the same folders .bad, good."),
        (
            {"train/x/a": 1, "train/x/b": 1, "train/y/a": 1, "train/y/b": 1, "test/x/a": 1},
            "depth=2",
        ),
        ({"train/a": 2, "val/a": 2}, "write test=val or train=train,test=0.25"),
        ({"train/a": 2, "train/b": 2}, "no test folder: write test=FOLDER or train=train"),
        ({"test/a": 2, "cats/a": 2}, "has test but no train folder: write train=cats"),
        ({"test/train/a": 1, "test/test/a": 1}, "point at it"),
        ({"train/a": 2, "train/b": 2, "test": 3}, "the 3 images of test are in no class folders"),
        ({"train": 2, "test/a": 3}, "the 2 images of train are in no class folders"),
        ({"a/train/x": 1, "a/test/x": 1, "b/train/x": 1, "b/test/x": 1}, "in a and b: point at"),
        (
            {"cats": 9, "dogs/old/train/x": 1, "dogs/old/test/x": 1},
            "most of 11 images lie elsewhere",
        ),
        ({"cat": 2, "dog/test": 2}, "dog/test is named like a split"),
        ({"data/x/a": 3, "data/x/b": 2, "docs": 1}, "folder:.*pictures/data/x"),
        ({"ok/cam1": 3, "ok/cam2": 2, "defect": 1}, "if both are classes, write depth=1"),
        ({"train/a": 2, "train/b/val": 2, "test/a": 2}, "train/b/val is named like a split"),
        ({"train/a": 2, "train/train": 2, "test/a": 2}, "train/train is named like a split"),
    ],
    ids=lambda value: None if isinstance(value, str) else "+".join(value),
)
def test_k1_folders_that_may_be_splits_or_classes_are_refused(data_folder, made, message):
    root = data_folder(made)
    with pytest.raises(DataError, match=message):
        everything(f"folder:{root}")


def test_k1_classes_with_one_folder_of_the_same_name_each_are_classes(data_folder):
    root = data_folder({"n01/images": 3, "n02/images": 2, "n01/masks": 3, "n02/masks": 2})
    listing = everything(f"folder:{root}")
    assert listing.classes == ("n01", "n02")
    assert len(listing.names) == 5
    assert any("5 files taken for masks" in line for line in lines(listing))


# What the user says


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("test=val", {"train a": 4, "train b": 2, "test a": 1, "test b": 1}),
        ("test=VAL", {"train a": 4, "train b": 2, "test a": 1, "test b": 1}),
        (
            "train=train,test=0.5,validation=0",
            {"train a": 2, "train b": 1, "test a": 2, "test b": 1},
        ),
        ("split=none,test=0.2", {"train a": 4, "train b": 2, "test a": 1, "test b": 1}),
        ("train=more,test=val", {"train a": 1, "train b": 1, "test a": 1, "test b": 1}),
    ],
)
def test_a_split_is_a_folder_or_a_share(data_folder, options, expected):
    root = data_folder({"train/a": 4, "train/b": 2, "val/a": 1, "val/b": 1})
    if "more" in options:
        data_folder({"more/a": 1, "more/b": 1})
    assert counts(everything(f"folder:{root},{options}")) == expected


def test_a_share_of_the_training_images_for_validation_beside_split_folders(data_folder):
    root = data_folder(SPLIT)
    listing = everything(f"folder:{root},validation=0.5")
    assert counts(listing) == {
        **OURS,
        **{"train cat": 2, "train dog": 3, "validation cat": 2, "validation dog": 3},
    }


def test_depth_says_which_folders_are_classes(data_folder):
    made = {"good/cam1": 2, "good/cam2": 2, "bad/cam1": 2, "bad/cam2": 2}
    root = data_folder(made)
    assert everything(f"folder:{root},depth=1").classes == ("bad", "good")
    assert everything(f"folder:{root},depth=2").classes == ("cam1", "cam2")


def test_folders_named_like_splits_can_be_classes(data_folder):
    root = data_folder({"control": 4, "test": 4})
    with pytest.raises(DataError, match="split=none"):
        everything(f"folder:{root}")
    assert everything(f"folder:{root},split=none").classes == ("control", "test")


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ("test=vla", UsageError, "no folder 'vla' with images: did you mean val"),
        ("train=val", UsageError, "write test=FOLDER"),
        ("train=train,test=train/a", UsageError, "holds test=train/a"),
        ("split=0.5", UsageError, "is not split=none"),
        ("split=none,test=val", UsageError, "split=none takes no"),
        ("keep=mask", UnknownName, "did you mean masks"),
        ("depth=0", UsageError, "whole number from 1 to 20"),
    ],
)
def test_options_that_cannot_be_meant(data_folder, options, kind, message):
    root = data_folder({"train/a": 2, "val/a": 2})
    with pytest.raises(kind, match=message):
        everything(f"folder:{root},{options}")


# Names that are one


def test_classes_that_differ_by_case_or_unicode_form_between_splits_are_one(data_folder):
    decomposed = unicodedata.normalize("NFD", "Füße")
    root = data_folder({"train/Cat": 3, "train/Füße": 2, "test/cat": 1, f"test/{decomposed}": 1})
    listing = everything(f"folder:{root}")
    assert counts(listing) == {"train Cat": 3, "train Füße": 2, "test Cat": 1, "test Füße": 1}
    assert "guessed: folders 'cat', 'Cat' are one class, Cat; to change it: rename one" in (
        lines(listing)
    )


def test_characters_that_differ_by_case_in_one_split_are_two_classes(data_folder):
    root = data_folder({f"{split}/{kind}": 2 for split in ("train", "test") for kind in "aAb"})
    assert everything(f"folder:{root}").classes == ("A", "a", "b")


# K4: images are not counted and nobody says so


OTHERS = {
    "x.heic": b"\0\0\0\x18ftypheic",
    "x.avif": b"\0\0\0\x1cftypavif",
    "x.jp2": b"\0\0\0\x0cjP  \r\n",
    "x.tga": b"\0\0\x02",
    "x.dcm": b"\0" * 128 + b"DICM",
    "x.npy": b"\x93NUMPY",
    "iphone": b"\0\0\0\x18ftypmif1",
    "scan.dat": b"\0" * 128 + b"DICM",
}


def test_k4_sixteen_heic_files_beside_twelve_jpeg_are_said(data_folder):
    root = data_folder({"cat": 12, "dog": 20})
    for number in range(16):
        (root / f"cat/{number}.HEIC").write_bytes(OTHERS["x.heic"])
    expected = (
        "left out: 16 files of a format that is not read (16 .heic; all in class cat); to change "
        "it: convert to PNG or JPEG"
    )
    for command in ("stats", "verify"):
        said = printed("data", command, f"folder:{root}")
        assert expected in said.splitlines()
    assert expected in [note.line for note in prepare(f"folder:{root}", root=root, size=8).notes]


@pytest.mark.parametrize("name", OTHERS)
def test_k4_each_format_that_is_not_read_is_counted_by_suffix(data_folder, name):
    root = data_folder({"cat": 2, "dog": 2})
    (root / "cat" / name).write_bytes(OTHERS[name])
    (line,) = lines(everything(f"folder:{root}"), "left out")
    assert line.startswith("left out: 1 file of a format that is not read (1 ")
    assert (Path(name).suffix or "HEIC without suffix") in line
    assert "all in class cat" in line


def test_k4_a_class_that_has_such_files_only_is_named(data_folder):
    root = data_folder({"train/cat": 2, "train/dog": 2, "test/cat": 1, "test/dog": 1})
    (root / "train/bird").mkdir()
    (root / "train/bird/x.heic").write_bytes(OTHERS["x.heic"])
    assert any("all in class bird" in line for line in lines(everything(f"folder:{root}")))


def test_k4_an_image_with_a_wrong_suffix_or_none_is_said_and_can_be_kept(data_folder):
    root = data_folder({"cat": 4, "dog": 4})
    (root / "cat/0.png").rename(root / "cat/zero")
    (root / "dog/0.png").rename(root / "dog/zero.data")
    listing = everything(f"folder:{root}")
    assert len(listing.names) == 6
    (line,) = lines(listing, "left out")
    assert "(1 PNG without suffix, 1 PNG .data; in class cat 1, dog 1)" in line
    assert line.endswith("name them .jpg, .png, ... or keep=unnamed")
    kept = everything(f"folder:{root},keep=unnamed")
    assert len(kept.names) == 8
    assert kept.policies["kept"] == "unnamed"
    assert len(prepare(f"folder:{root},keep=unnamed", root=root, size=8).train.labels) == 6


def test_k4_horse2zebra_counts_what_it_leaves_out(data_folder):
    root = data_folder(
        {f"horse2zebra/{part}": 2 for part in ("trainA", "trainB", "testA", "testB")}
    )
    (root / "horse2zebra/trainB/x.heic").write_bytes(OTHERS["x.heic"])
    (line,) = lines(make_dataset("horse2zebra", root).read(), "left out")
    assert "(1 .heic; all in class zebra)" in line


# What else lies about


def test_links(data_folder, tmp_path):
    root = data_folder({"cat": 3, "dog": 4})
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(root / "dog", elsewhere)
    (root / "cat/more").symlink_to(elsewhere)
    (root / "cat/round").symlink_to(root)
    (root / "cat/9.png").symlink_to(elsewhere / "0.png")
    (root / "cat/again.png").symlink_to(root / "cat/0.png")
    (root / "gone").symlink_to("nowhere")
    listing = everything(f"folder:{root}")
    assert counts(listing)["train dog"] + counts(listing)["test dog"] == 4
    cats = [name for name in listing.names if name.startswith("cat/")]
    assert cats == ["cat/0.png", "cat/1.png", "cat/2.png", "cat/9.png"] + [
        f"cat/more/{number}.png" for number in (1, 2, 3)
    ]
    said = lines(listing)
    assert "followed: 1 link to folders (e.g. cat/more)" in said
    assert "followed: 1 link to image files outside of the folder" in said
    assert any("2 links leading nowhere, or back (e.g. cat/round" in line for line in said)
    assert any("2 files that links list once more (e.g. cat/again.png" in line for line in said)


def test_a_file_that_links_put_into_training_and_test_is_in_test_alone(data_folder):
    root = data_folder(SPLIT)
    (root / "train/cat/leak").symlink_to(root / "test/cat")
    listing = everything(f"folder:{root}")
    assert counts(listing) == OURS
    assert any("2 files that links list once more" in line for line in lines(listing))


def test_hidden_thumbnails_empty_folders_and_stray_images(data_folder):
    root = data_folder(
        {"cat": 3, "dog": 3, "dog/.hidden": 1, "cat/thumbnails": 3, "__MACOSX/cat": 2, "bird": 0}
    )
    for name in ("stray.png", ".hidden.png", "cat/.DS_Store", "cat/0_thumb.png", "notes.txt"):
        shutil.copy(root / "cat/0.png", root / name)
    listing = everything(f"folder:{root}")
    assert len(listing.names) == 6
    assert [line.split("; to change")[0] for line in lines(listing, "left out")] == [
        "left out: 4 files taken for small copies of others (3 in thumbnails, 1 .png; "
        "e.g. cat/0_thumb.png; all in class cat)",
        "left out: 4 files hidden or left behind by a program (2 in __MACOSX, 1 .png, "
        "1 in .hidden; e.g. .hidden.png; in class dog 1)",
        "left out: 1 file in no class folder (1 in the folder itself)",
        "left out: 1 folder without images (bird)",
        "left out: 1 other file (1 .txt)",
    ]
    kept = everything(f"folder:{root},keep=hidden/thumbnails")
    assert "cat/thumbnails/0.png" in kept.names
    assert kept.policies["kept"] == "hidden"


def test_a_class_called_mask_is_a_class(data_folder):
    root = data_folder({"mask": 4, "no_mask": 4, "thumbs": 3})
    assert everything(f"folder:{root}").classes == ("mask", "no_mask", "thumbs")


@pytest.mark.parametrize("counts", [{"images": 4, "notes": 0}, {"": 4}], ids=["one", "none"])
def test_folders_that_are_no_classes_point_to_a_table(data_folder, counts):
    root = data_folder(counts)
    says = rf"path,label and a line such as .*,CLASS for each image, .* csv:TABLE.csv,root={root}"
    with pytest.raises(ImbenchError, match=says):
        make_dataset(f"folder:{root}", root).read()


def test_a_pipe_is_no_image(data_folder):
    root = data_folder({"cat": 3, "dog": 3})
    os.mkfifo(root / "cat/pipe.png")
    listing = everything(f"folder:{root}")
    assert len(listing.names) == 6
    assert any("1 file not regular (cat/pipe.png" in line for line in lines(listing))


def test_names_that_are_no_text_do_not_break_a_note(data_folder, tmp_path):
    root = data_folder({"cat": 3, "dog": 3})
    (root / os.fsdecode(b"\xff\n\x1b[31m")).mkdir()
    said = printed("data", "stats", f"folder:{root}")
    assert "\x1b" not in said


def test_images_in_folders_below_a_class_folder_are_said(data_folder):
    root = data_folder(
        {
            "train/pets/cat": 3,
            "train/pets/dog": 3,
            "train/wild/fox": 3,
            "test/pets/cat": 1,
            "test/wild/fox": 1,
        }
    )
    listing = everything(f"folder:{root}")
    assert listing.classes == ("pets", "wild")
    assert any(
        "11 images in folders below a class folder" in line and line.endswith("depth=2")
        for line in lines(listing)
    )
    assert everything(f"folder:{root},depth=2").classes == ("cat", "dog", "fox")


def test_the_plan_says_what_was_guessed(data_folder, tmp_path):
    root = data_folder({**SPLIT, "val/cat": 1, "val/dog": 1})
    said = printed(
        *("run", "--datasets", f"folder:{root}", "--minority", "3", "--methods", "vanilla"),
        *("--seeds", "0", "--size", "8", "--out", tmp_path / "out", "--dry-run"),
    )
    assert "guessed: train, val (validation), test are split folders" in said


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_wrapper_moves_no_image_to_another_split(data_folder, tmp_path, wrapped):
    root = data_folder({"cat": 30, "dog": 40})
    plain = everything(f"folder:{root}")
    (tmp_path / "above").mkdir()
    root.rename(tmp_path / "above/pets")
    listing = everything(f"folder:{tmp_path / 'above'}")
    assert listing.splits.tolist() == plain.splits.tolist()
    assert listing.names == tuple(f"pets/{name}" for name in plain.names)
