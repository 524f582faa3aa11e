"""Every data set on files a test makes, and on the real images where IMBENCH_DATA names them."""

import gzip
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from imbench.errors import DataError, UnknownName, UsageError
from imbench.images.cache import make_dataset, prepare
from imbench.images.split import crossing_groups
from imbench.registry import registered_names


def read(spec, root):
    return make_dataset(spec, root).read()


def counts(listing):
    return {
        split: np.bincount(
            listing.labels[listing.splits == split], minlength=len(listing.classes)
        ).tolist()
        for split in np.unique(listing.splits).tolist()
    }


@pytest.mark.parametrize("name", ["celeba", "cub", "fashion-mnist", "horse2zebra"])
def test_missing_data_say_which_command_mends_it(name, tmp_path):
    with pytest.raises(DataError) as caught:
        read(name, tmp_path)
    assert f"`bench data import {name} PATH`" in str(caught.value)
    assert (f"`bench data fetch {name}`" in str(caught.value)) == (name != "celeba")
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("name", ["celeba", "cub", "digits", "fashion-mnist", "savanna"])
def test_unknown_options_and_arguments_are_refused(name, tmp_path):
    with pytest.raises(UnknownName, match=f"option of {name}"):
        make_dataset(f"{name}:minoriti=3", tmp_path)
    with pytest.raises(UsageError, match="takes no argument"):
        make_dataset(f"{name}:3", tmp_path)


def test_no_data_set_imports_torch():
    code = (
        "import sys; from imbench.registry import load_plugin, registered_names; "
        "[load_plugin('datasets', name) for name in registered_names('datasets')]; "
        "print([m for m in ('torch', 'torchvision', 'PIL', 'sklearn') if m in sys.modules])"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "[]"
    assert {"celeba", "csv", "cub", "digits", "folder", "savanna"} <= set(
        registered_names("datasets")
    )


# digits


def test_digits(tmp_path):
    listing = read("digits:minority=3", tmp_path)
    assert listing.classes == ("rest", "3")
    assert listing.channels == 1
    assert len(listing.names) == 1797
    assert sum(counts(listing)["train"]) == 1078
    assert counts(listing)["test"][1] == 73
    assert int(np.max(listing.sources)) == 255
    assert counts(read("digits", tmp_path))["train"] == [974, 104]
    assert read("digits:majority=1,minority=7", tmp_path).classes == ("1", "7")
    assert read("digits:majority=8", tmp_path).classes == ("8", "rest")


def test_digits_split_is_the_same_for_every_choice(tmp_path):
    def test_names(spec):
        listing = read(spec, tmp_path)
        return {n for n, s in zip(listing.names, listing.splits, strict=True) if s == "test"}

    assert test_names("digits:minority=3") == test_names("digits:minority=8")


# savanna


def test_savanna_is_deterministic_and_grows_without_change(tmp_path):
    small = read("savanna:train=3,test=2,size=16", tmp_path)
    large = read("savanna:train=5,test=2,size=16", tmp_path)
    assert small.classes == ("solid", "striped")
    assert counts(small) == {"test": [2, 2], "train": [3, 3]}
    where = [large.names.index(name) for name in small.names]
    assert (np.asarray(large.sources)[where] == small.sources).all()
    other = read("savanna:train=3,test=2,size=16,seed=1", tmp_path)
    assert (np.asarray(other.sources) != small.sources).any()


def test_savanna_masks_hold_the_animal(tmp_path):
    listing = read("savanna:train=40,test=1", tmp_path)
    pixels, masks = np.asarray(listing.sources), np.asarray(listing.masks)
    assert 0.1 < masks[:80].mean() < 0.3
    # Stripes: the brightness inside the mask spreads more for the striped class, always.
    spread = np.array([pixels[i][masks[i]].std() for i in range(80)])
    assert spread[:40].max() < spread[40:].min()
    # And its mean says nothing.
    mean = np.array([pixels[i][masks[i]].mean() for i in range(80)])
    assert abs(mean[:40].mean() - mean[40:].mean()) < mean.std()


@pytest.mark.parametrize("correlation", [-1, 0, 0.9, 1])
def test_savanna_correlation_of_background_and_class(correlation, tmp_path):
    listing = read(f"savanna:train=100,test=100,correlation={correlation},size=16", tmp_path)
    outside = ~np.asarray(listing.masks)
    colour = np.array(
        [image[free].mean(axis=0) for image, free in zip(listing.sources, outside, strict=True)]
    )
    grass = colour[:, 1] > colour[:, 0]
    for split, expected in (("train", correlation), ("test", 0)):
        rows = listing.splits == split
        solid = listing.labels[rows] == 0
        share = grass[rows][solid].mean() - grass[rows][~solid].mean()
        assert share == pytest.approx(expected, abs=0.011)


def test_savanna_does_not_fill_the_memory(tmp_path):
    with pytest.raises(UsageError, match="GiB"):
        make_dataset("savanna:train=1000000,size=1024", tmp_path)


# folder


def test_folder_with_splits(data_folder, tmp_path):
    root = data_folder(
        {"train/cat": 4, "train/dog": 6, "val/cat": 1, "val/dog": 1, "test/cat": 2, "test/dog": 3}
    )
    (root / "train/cat/notes.txt").write_text("no image")
    (root / "train/cat/.hidden.png").write_text("")
    (root / ".cache").mkdir()
    listing = read("folder:pictures", tmp_path)
    assert listing.classes == ("dog", "cat")
    assert counts(listing) == {"test": [3, 2], "train": [6, 4], "validation": [1, 1]}
    assert listing.names[0] == "test/cat/0.png"


def test_folder_without_splits(data_folder, tmp_path, monkeypatch):
    root = data_folder({"cat": 8, "dog": 12, "dog/deeper": 4})
    listing = read(f"folder:{root}", tmp_path)
    assert counts(listing) == {"test": [4, 2], "train": [12, 6]}
    more = read(f"folder:{root},test=0.5,validation=0.25", tmp_path)
    assert counts(more) == {"test": [8, 4], "train": [4, 2], "validation": [4, 2]}
    monkeypatch.chdir(root.parent)
    assert read("folder:pictures", tmp_path / "elsewhere").names == listing.names


def test_folder_with_many_classes(data_folder, tmp_path):
    root = data_folder({"hat": 4, "shirt": 9, "skirt": 5})
    with pytest.raises(UsageError, match=r"from hat \(3\), shirt \(7\), skirt \(4\)"):
        read(f"folder:{root}", tmp_path)
    listing = read(f"folder:{root},majority=shirt,minority=skirt/hat", tmp_path)
    assert listing.classes == ("shirt", "skirt", "hat")
    with pytest.raises(UnknownName, match="did you mean skirt"):
        read(f"folder:{root},majority=shirt,minority=skrit", tmp_path)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ({"train/a": 2, "val/a": 2}, "no test folder"),
        ({"train/a": 2, "test/a": 2, "testing/a": 1}, "two folders for one split"),
        ({"cat": 3}, "one class"),
        ({"a": 0, "b": 0}, "no class folders with images"),
    ],
)
def test_folders_that_cannot_be_meant(data_folder, tmp_path, made, message):
    root = data_folder(made)
    with pytest.raises((DataError, UsageError), match=message):
        read(f"folder:{root}", tmp_path)


def test_folder_and_csv_paths(data_folder, tmp_path):
    root = data_folder({"train/a": 2, "train/b": 2, "test/a": 2, "test/b": 2})
    with pytest.raises(UsageError, match="needs a path"):
        make_dataset("folder", tmp_path)
    with pytest.raises(UsageError, match="needs a path"):
        make_dataset("csv", tmp_path)
    with pytest.raises(DataError, match=r"there is no .*nowhere.* nor "):
        read("folder:nowhere", tmp_path)
    with pytest.raises(DataError, match="is not a folder"):
        read("folder:pictures/train/a/0.png", tmp_path)
    with pytest.raises(DataError, match="is not a file"):
        read("csv:pictures", tmp_path)
    with pytest.raises(UsageError, match="has its own split"):
        read(f"folder:{root},test=0.5", tmp_path)


def test_a_class_missing_in_test_is_named(data_folder, tmp_path):
    root = data_folder({"train/a": 2, "train/b": 2, "test/a": 2})
    with pytest.raises(DataError, match="has no test image of class 'b'"):
        prepare(f"folder:{root}", root=tmp_path, size=8)


# the official layouts


@pytest.fixture
def celeba(tmp_path, data_picture):
    """Make a folder in CelebA's layout: 12 faces, of which 8 have exactly one of the two hairs."""
    base = tmp_path / "celeba"
    (base / "img_align_celeba").mkdir(parents=True)
    rows, parts = [], []
    for i in range(12):
        name = f"{i + 1:06d}.jpg"
        data_picture(i, (178, 218)).save(base / "img_align_celeba" / name)
        hair = [(1, -1), (-1, 1), (1, 1), (-1, -1), (1, -1), (-1, 1)][i % 6]
        rows.append(f"{name} {hair[0]:2d} {hair[1]:2d} {1 if i < 6 else -1:2d}")
        parts.append(f"{name} {i // 6 * 2}")
    header = "Black_Hair Blond_Hair Smiling "
    (base / "list_attr_celeba.txt").write_text("\n".join(["12", header, *rows, ""]))
    (base / "list_eval_partition.txt").write_text("\n".join([*parts, ""]))
    return base


def test_celeba(celeba, tmp_path):
    listing = read("celeba", tmp_path)
    assert listing.classes == ("Black_Hair", "Blond_Hair")
    assert counts(listing) == {"test": [2, 2], "train": [2, 2]}
    assert listing.names[:3] == ("000001.jpg", "000002.jpg", "000005.jpg")
    decoded = prepare("celeba", root=tmp_path, size=16)
    assert decoded.train.pixels.shape == (4, 16, 16, 3)


def test_celeba_attributes(celeba, tmp_path):
    listing = read("celeba:majority=rest,minority=Blond_Hair", tmp_path)
    assert counts(listing) == {"test": [3, 3], "train": [3, 3]}
    with pytest.raises(UnknownName, match="did you mean Blond_Hair"):
        read("celeba:minority=Blonde_Hair", tmp_path)
    with pytest.raises(UsageError, match="both majority and minority"):
        make_dataset("celeba:minority=Black_Hair", tmp_path)
    with pytest.raises(DataError, match="training image of class 'rest'"):
        prepare("celeba:majority=rest,minority=Smiling", root=tmp_path, size=8)


def as_kaggle_has_it(celeba):
    """Make the tables CSV, and put the images a folder deeper."""
    _, header, *rows = (celeba / "list_attr_celeba.txt").read_text().splitlines()
    table = [["image_id", *header.split()], *(row.split() for row in rows)]
    parts = (celeba / "list_eval_partition.txt").read_text().split()
    pairs = [["image_id", "partition"], *zip(parts[::2], parts[1::2], strict=True)]
    for name, lines in (("list_attr_celeba", table), ("list_eval_partition", pairs)):
        (celeba / f"{name}.txt").unlink()
        (celeba / f"{name}.csv").write_text("\n".join(map(",".join, lines)))
    (celeba / "img_align_celeba").rename(celeba / "deeper")
    (celeba / "img_align_celeba").mkdir()
    (celeba / "deeper").rename(celeba / "img_align_celeba/img_align_celeba")


def test_celeba_as_kaggle_has_it(celeba, tmp_path):
    official = read("celeba:majority=rest,minority=Blond_Hair", tmp_path)
    as_kaggle_has_it(celeba)
    listing = read("celeba:majority=rest,minority=Blond_Hair", tmp_path)
    assert listing.names == official.names
    assert listing.labels.tolist() == official.labels.tolist()
    assert listing.splits.tolist() == official.splits.tolist()
    assert all(path.is_file() for path in listing.sources)
    archive = shutil.make_archive(str(tmp_path / "archive"), "zip", celeba)
    dataset = make_dataset("celeba", tmp_path / "other")
    dataset.import_from(Path(archive))
    assert len(dataset.read().names) == 8
    (celeba / "list_eval_partition.csv").write_text("image_id,partition\n000001.jpg,3\n")
    with pytest.raises(DataError, match=r"list_eval_partition.csv, line 2: .*'3'.* 0, 1 or 2"):
        read("celeba", tmp_path)


def test_celeba_says_which_faces_are_left_out(celeba, tmp_path):
    assert [note.line for note in read("celeba", tmp_path).notes] == [
        "left out: 4 faces that have both Black_Hair and Blond_Hair or neither; to change it: "
        "majority=rest or minority=rest"
    ]
    assert read("celeba:majority=rest", tmp_path).notes == ()


def test_celeba_in_its_official_subfolders(celeba, tmp_path):
    for name, folder in [
        ("img_align_celeba", "Img"),
        ("list_attr_celeba.txt", "Anno"),
        ("list_eval_partition.txt", "Eval"),
    ]:
        (celeba / folder).mkdir()
        (celeba / name).rename(celeba / folder / name)
    assert len(read("celeba", tmp_path).names) == 8


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("list_attr_celeba.txt", lambda t: t.replace("12", "202599", 1), "12 rows and says 202599"),
        (
            "list_attr_celeba.txt",
            lambda t: t.replace("000003.jpg  1", "000003.jpg"),
            "has 2 values",
        ),
        ("list_attr_celeba.txt", lambda t: "<html>", "does not begin"),
        ("list_eval_partition.txt", lambda t: t.replace(" 2", " 7", 1), "is not a name and 0, 1"),
        ("list_eval_partition.txt", lambda t: t[16:], "does not list 000001.jpg"),
        ("list_eval_partition.txt", None, "lacks list_eval_partition.txt"),
    ],
)
def test_celeba_tables_that_are_damaged(celeba, tmp_path, name, change, message):
    path = celeba / name
    if change is None:
        path.unlink()
    else:
        path.write_text(change(path.read_text()))
    with pytest.raises(DataError, match=message):
        read("celeba", tmp_path)


@pytest.fixture
def cub(tmp_path, data_picture):
    """Make a folder in CUB's layout: two sparrows, one flycatcher, one wren; four images each."""
    base = tmp_path / "CUB_200_2011"
    species = ["113.Baird_Sparrow", "037.Acadian_Flycatcher", "120.Fox_Sparrow", "193.Bewick_Wren"]
    lines = {"images": [], "image_class_labels": [], "train_test_split": [], "classes": []}
    for number, kind in enumerate(species):
        (base / "images" / kind).mkdir(parents=True)
        lines["classes"].append(f"{number + 1} {kind}")
        for i in range(4):
            row = number * 4 + i + 1
            data_picture(row).save(base / "images" / kind / f"{i}.jpg")
            lines["images"].append(f"{row} {kind}/{i}.jpg")
            lines["image_class_labels"].append(f"{row} {number + 1}")
            lines["train_test_split"].append(f"{row} {int(i < 3)}")
    for name, text in lines.items():
        (base / f"{name}.txt").write_text("\n".join(text) + "\n")
    return base


def test_cub(cub, tmp_path):
    listing = read("cub", tmp_path)
    assert listing.classes == ("Sparrow", "Flycatcher")
    assert counts(listing) == {"test": [2, 1], "train": [6, 3]}
    assert listing.names[0] == "images/113.Baird_Sparrow/0.jpg"
    assert counts(read("cub:minority=Wren/Flycatcher", tmp_path))["train"] == [6, 3, 3]
    assert counts(read("cub:majority=rest,minority=wren", tmp_path))["train"] == [9, 3]
    assert len(prepare("cub", root=tmp_path, size=8).train) == 9


def test_k4_images_of_cub_that_its_table_does_not_list_are_said(cub, tmp_path):
    shutil.copy(cub / "images/193.Bewick_Wren/0.jpg", cub / "images/193.Bewick_Wren/more.jpg")
    (note,) = read("cub", tmp_path).notes
    assert note.line == "left out: 1 image file in images/ that images.txt does not list"


def test_cub_choices_that_cannot_be_meant(cub, tmp_path):
    with pytest.raises(UsageError, match="no species with 'Eagle'"):
        read("cub:minority=Eagle", tmp_path)
    with pytest.raises(UsageError, match="Fox_Sparrow belongs to 'Sparrow' and 'Fox'"):
        read("cub:minority=Fox", tmp_path)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("images", lambda t: t[:-30], "do not list the same images|is not a number"),
        ("classes", lambda t: "1 113.Baird_Sparrow\n", "lacks class '2'"),
        ("train_test_split", lambda t: "<html>\n", "is not a number and a text"),
        ("image_class_labels", None, "lacks image_class_labels.txt"),
    ],
)
def test_cub_tables_that_are_damaged(cub, tmp_path, name, change, message):
    path = cub / f"{name}.txt"
    if change is None:
        path.unlink()
    else:
        path.write_text(change(path.read_text()))
    with pytest.raises(DataError, match=message):
        read("cub", tmp_path)


def idx(array):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def zipped(data):
    """Compress; the same bytes at any time of the day."""
    return gzip.compress(data, mtime=0)


def fashion_files(train=40, test=20):
    """Return the four files of Fashion-MNIST, with few images."""
    rng = np.random.default_rng(0)
    files = {}
    for part, count in (("train", train), ("t10k", test)):
        pixels = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        files[f"{part}-images-idx3-ubyte.gz"] = zipped(idx(pixels))
        labels = (np.arange(count) % 10).astype(np.uint8)
        files[f"{part}-labels-idx1-ubyte.gz"] = zipped(idx(labels))
    return files


@pytest.fixture
def fashion(tmp_path):
    base = tmp_path / "fashion-mnist"
    base.mkdir()
    for name, data in fashion_files().items():
        (base / name).write_bytes(data)
    return base


def test_fashion_mnist(fashion, tmp_path):
    listing = read("fashion-mnist", tmp_path)
    assert listing.classes == ("t-shirt", "shirt")
    assert counts(listing) == {"test": [2, 2], "train": [4, 4]}
    assert listing.names[0] == "train/00000"
    assert read("fashion-mnist:majority=rest,minority=coat", tmp_path).classes == ("rest", "coat")
    assert prepare("fashion-mnist", root=tmp_path, size=16).train.pixels.shape == (8, 16, 16, 1)
    for path in list(fashion.iterdir()):  # unpacked, as torchvision leaves it
        (fashion / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert read("fashion-mnist", tmp_path).names == listing.names


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("train-images-idx3-ubyte.gz", b"<html>", "is damaged: Not a gzipped file"),
        ("train-images-idx3-ubyte.gz", zipped(b"hello"), "does not begin as an IDX"),
        ("t10k-labels-idx1-ubyte.gz", zipped(idx(np.zeros(3, np.uint8))), "differ"),
        (
            "t10k-labels-idx1-ubyte.gz",
            zipped(idx(np.zeros(20, np.uint8))[:-1]),
            "19 bytes and says 20",
        ),
        (
            "t10k-labels-idx1-ubyte.gz",
            zipped(b"\0\0\x08\1\xff\xff\xff\xff"),
            "claims to hold 4294967295",
        ),
        ("t10k-labels-idx1-ubyte.gz", None, "lacks t10k-labels-idx1-ubyte"),
    ],
    ids=["no-gzip", "no-idx", "fewer-labels", "cut-off", "too-large", "missing"],
)
def test_fashion_mnist_files_that_are_damaged(fashion, tmp_path, name, data, message):
    if data is None:
        (fashion / name).unlink()
    else:
        (fashion / name).write_bytes(data)
    with pytest.raises(DataError, match=message):
        read("fashion-mnist", tmp_path)


def test_horse2zebra(data_folder, tmp_path, data_picture):
    data_folder({"trainA": 5, "trainB": 6, "testA": 2, "testB": 3}).rename(tmp_path / "horse2zebra")
    masks = tmp_path / "horse2zebra/masks/trainA"
    masks.mkdir(parents=True)
    data_picture(1).convert("1").save(masks / "2.png")
    listing = read("horse2zebra", tmp_path)
    assert listing.classes == ("horse", "zebra")
    assert counts(listing) == {"test": [2, 3], "train": [5, 6]}
    assert listing.masks is not None
    assert [m for m in listing.masks if m is not None] == [masks / "2.png"]
    assert read("horse2zebra:minority=horse", tmp_path).classes == ("zebra", "horse")
    decoded = prepare("horse2zebra", root=tmp_path, size=8)
    assert decoded.train.masks is not None
    assert decoded.train.masks[2].any()
    assert not decoded.train.masks[3].any()
    assert decoded.test.masks is None
    (tmp_path / "horse2zebra/testB").rename(tmp_path / "horse2zebra/test")
    with pytest.raises(DataError, match="lacks folder testB"):
        read("horse2zebra", tmp_path)


# real images


@pytest.mark.parametrize(
    ("spec", "classes", "train", "test"),
    [
        ("horse2zebra", ("horse", "zebra"), [1067, 1334], [120, 140]),
        ("cub", ("Sparrow", "Flycatcher"), [150, 210], [149, 207]),
        ("folder:cifar10-cat-dog", ("cat", "dog"), [5000, 5000], [1000, 1000]),
        (
            "folder:clothing,majority=t-shirt,minority=skirt/hat",
            ("t-shirt", "skirt", "hat"),
            [795, 112, 123],
            [52, 12, 12],
        ),
    ],
)
def test_real_counts(data_real, spec, classes, train, test):
    listing = read(spec, data_real)
    assert listing.classes == classes
    assert counts(listing)["train"] == train
    assert counts(listing)["test"] == test


def test_real_faces_are_split_by_person(data_real):
    listing = read("csv:lfw/labels.csv,label=gender,group=person", data_real)
    assert listing.classes == ("male", "female")
    assert np.bincount(listing.labels).tolist() == [3039, 2632]
    assert len(set(listing.groups.tolist())) == 3143
    assert crossing_groups(listing.groups, listing.splits) == {}
    assert (listing.splits == "test").mean() == pytest.approx(0.25, abs=0.005)


def test_row_29_real_leaks_of_horse2zebra_are_dropped(data_real):
    decoded = prepare("horse2zebra", root=data_real, size=32)
    near = "nearly equal to test image testB/n02391049_5240.jpg, at distance 0.02"
    assert decoded.skipped == {
        "trainA/n02381460_3811.jpg": "equal to test image testA/n02381460_1160.jpg",
        "trainB/n02391049_2136.jpg": near,
    }
    assert decoded.train.counts(2).tolist() == [1066, 1333]
    assert decoded.train.masks is not None
