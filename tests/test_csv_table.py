"""Tables of images: how they are read, what is guessed or left out, and that it is said."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest
from clicked import bench, printed

from imbench.errors import DataError, ImbenchError, UsageError
from imbench.images.cache import make_dataset, prepare
from imbench.images.dataset import Listing
from imbench.images.split import crossing_groups

ROWS = [f"{kind}/{i}.png,{kind}" for kind in "ab" for i in range(4)]
Read = Callable[..., Listing]


@pytest.fixture
def pictures(data_folder):
    return data_folder({"a": 4, "b": 4})


@pytest.fixture
def table(pictures, tmp_path) -> Read:
    """Return a function that writes a table, text or bytes, and reads it with options."""

    def made(text: str | bytes, options: str = "", name: str = "t.csv") -> Listing:
        raw = text if isinstance(text, bytes) else text.encode()
        (pictures / name).write_bytes(raw)
        return make_dataset(f"csv:pictures/{name}{options}", tmp_path).read()

    return made


def lines(*header: str, rows=ROWS, more=()) -> str:
    """Return a table of the rows, with a cell more in each from each of `more`."""
    return "\n".join([",".join(header), *map(",".join, zip(rows, *more, strict=True))])


def notes(listing: Listing) -> list[str]:
    """Return the notes of a table, without those on its two classes and the split of them all."""
    usual = ("is the majority", "are the test split, by a hash")
    return [note.line for note in listing.notes if not any(part in note.text for part in usual)]


def counts(listing: Listing) -> dict[str, list[int]]:
    return {
        split: np.bincount(
            listing.labels[listing.splits == split], minlength=len(listing.classes)
        ).tolist()
        for split in np.unique(listing.splits).tolist()
    }


# ---- the text of a table

PLAIN = lines("path", "label")
SEPARATED = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}


def test_a_plain_table_needs_no_note(table, pictures):
    listing = table(PLAIN)
    assert listing.names == tuple(row.split(",")[0] for row in ROWS)
    assert listing.sources[0] == pictures / "a/0.png"
    assert listing.classes == ("a", "b")
    assert counts(listing) == {"test": [1, 1], "train": [3, 3]}
    assert notes(listing) == []


@pytest.mark.parametrize("name", SEPARATED)
def test_the_separator_is_found_and_said(table, name):
    listing = table(PLAIN.replace(",", SEPARATED[name]))
    assert listing.names == table(PLAIN).names
    said = f"guessed: the cells of 8 rows are divided by {name}; to change it: sep="
    assert notes(listing) == ([] if name == "comma" else [said])
    assert notes(table(PLAIN.replace(",", SEPARATED[name]), f",sep={name}")) == []


def test_a_separator_of_ones_own(table):
    assert table(PLAIN.replace(",", "~"), ",sep=~").names == table(PLAIN).names
    assert table(PLAIN.replace(",", "  "), ",sep=space").names == table(PLAIN).names
    assert table(PLAIN.replace(",", "\t"), ",sep=\\t").names == table(PLAIN).names
    for wrong in ("a", "comma;", '"'):
        with pytest.raises(UsageError, match="is no separator; write comma, semicolon"):
            table(PLAIN, f",sep={wrong}")


def test_the_header_decides_where_cells_hold_other_separators(table):
    rows = [row.replace(",", ";") + ";x,y|z,1" for row in ROWS]
    assert table("\n".join(["path;label;note", *rows])).classes == ("a", "b")
    quoted = ['"' + row.replace(",", '","') + '","1;2;3;4"' for row in ROWS]
    assert table("\n".join(["path,label,a;b;c;d", *quoted])).classes == ("a", "b")
    bars = [f"{row}|dog" for row in ROWS]
    assert table("\n".join(["path,label", *bars])).classes == ("a|dog", "b|dog")


def test_excel_says_the_separator_in_a_first_line(table):
    text = PLAIN.replace(",", ";").replace("\n", "\r\n")
    assert notes(table("sep=;\r\n" + text)) == []
    with pytest.raises(DataError, match="line 4: not as many cells"):
        table("sep=;\npath;label\na/0.png;a\na/1.png\n")


ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_unicode_is_recognised(table, encoding):
    text = PLAIN.replace(",b", ",žluť")
    assert table(text.encode(encoding)).classes == ("a", "žluť")
    assert notes(table(text.encode(encoding))) == []


def test_text_of_windows_is_read_and_said(table):
    text = PLAIN.replace(",b", ",Käse €")
    listing = table(text.encode("cp1252"))
    assert listing.classes == ("Käse €", "a")
    assert notes(listing) == [
        "guessed: 4 lines are no UTF-8 and are read as Windows-1252; to change it: encoding=, or "
        "save the table in UTF-8"
    ]
    assert table(text.replace(" €", "").encode("latin-1"), ",encoding=latin-1").classes[0] == "Käse"
    assert table(text.encode("mac-roman"), ",encoding=mac-roman").classes[0] == "Käse €"
    with pytest.raises(UsageError, match="encoding=klingon is unknown"):
        table(text, ",encoding=klingon")
    with pytest.raises(DataError, match="is no text in ascii"):
        table(text, ",encoding=ascii")
    with pytest.raises(DataError, match="neither in UTF-8 nor in Windows-1252"):
        table(text.encode() + b"\x81")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["unix", "windows", "mac"])
def test_blank_lines_blank_rows_and_blanks_around_cells_are_passed_over(table, end):
    text = PLAIN.replace(",", " ,  ").replace("\n", "  \n\n , \n") + ",,\n\n"
    listing = table(text.replace("\n", end))
    assert listing.names == table(PLAIN).names
    assert notes(listing) == []


def test_quotes(table, pictures):
    odd = ["a, b.png", 'tube 5" long.png', " c.png", "ž;名|x.png"]
    for name in odd:
        (pictures / "a" / name).write_bytes((pictures / "a/0.png").read_bytes())
    cells = ['"a/{}"'.format(name.replace('"', '""')) for name in odd]
    rows = [f'{cell}, "big, round\ncat"' for cell in cells] + ["b/0.png,b"]
    listing = table("\n".join(['"path", "label"', *rows]))
    assert listing.names == (*(f"a/{name}" for name in odd), "b/0.png")
    assert listing.classes == ("big, round\ncat", "b")


def test_what_is_no_table_says_what_it_is(table, pictures):
    others = {
        "t.json": (json.dumps({"20": {"image_filepath": "a"}}), "is JSON.*docs/adding.md"),
        "t.jsonl": ('{"path": "a/0.png"}\n', "is JSON"),
        "list.json": (' [\n{"a": 1}]', "is JSON"),
        "points.txt": ("2 5 3\n17 4 0\n", "neither comma, semicolon, tab nor bar divides.*'2 5 3'"),
        "t.xlsx": (b"PK\x03\x04rest", "an Excel workbook, not a table of text: save its sheet"),
        "t.csv.gz": (gzip.compress(PLAIN.encode(), mtime=0), "compressed with gzip.*unpack it"),
        "t.parquet": (b"PAR1\0\0", "is Parquet"),
        "t.html": ("\n<!DOCTYPE html>", "is a web page"),
        "t.png": ((pictures / "a/0.png").read_bytes(), "is no"),
        "empty.csv": ("\n \n", "is empty"),
        "zeros.csv": ("path,label\0\n", "is no"),
    }
    for name, (text, said) in others.items():
        with pytest.raises(DataError, match=said):
            table(text, name=name)


BAD = {
    "no rows": ("path,label\n\n", "", "has no rows"),
    "no path": ("place,label\nhere,a\n", "", "no column 'path'; name one with path= from place"),
    "no label": ("path,kind\na/0.png,a\n", "", "no column 'label'; name one with label= from path"),
    "no header": ("a/0.png,a\nb/0.png,b\n", "", "begins with an image.*a line above it"),
    "near": ("path,label\na/0.png,a\n", ",label=lable", "did you mean label"),
    "two labels": (
        PLAIN + "\n./a/0.png,b",
        "",
        "0.png has label 'a' in line 2 and 'b' in line 10; keep one row",
    ),
    "no cell": ("path,label\n,a\n", "", "line 2: path is empty"),
    "no label at all": ("path,label\na/0.png,\n", "", "column 'label' is empty"),
    "more cells": ("path,label\na/0.png,a,more\n", "", r"line 2: not as many cells .*\(3, 2\)"),
    "fewer cells": ("path,label\n\na/0.png\n", "", "line 3: not as many cells"),
    "open quote": (f'{PLAIN}\n"a/9.png,a\n', "", r"line 1\d: the quotes do not match"),
    "quote inside": (f'{PLAIN}\n"a"/9.png,a\n', "", "line 10: the quotes do not match"),
    "two columns": ("path,label,label\na/0.png,a,b\n", "", "has 2 columns named 'label'"),
    "split": (
        lines("path", "label", "split", more=[["left", "train", *["right"] * 6]]),
        "",
        r"2 values of column 'split' are none of .*: 'right' \(6\), 'left' \(1\); split=none",
    ),
    "no split": (lines("path", "label", "split", more=[["", *["train"] * 7]]), "", r"'' \(1\)"),
    "weight": (
        lines("path", "label", "w", more=[["1", "-1", *["1"] * 6]]),
        ",weight=w",
        "line 3: w '-1' is not a positive number; weight=none",
    ),
    "nan": (lines("path", "label", "w", more=[["nan"] * 8]), ",weight=w", "line 2: w 'nan'"),
    "split twice": (
        lines("path", "label", "split", more=[["test"] * 8]),
        ",test=0.5",
        "its own split, column 'split'; leave out test= and validation=, or add split=none",
    ),
    "one class": ("path,label\na/0.png,a\n", "", "one class"),
    "addresses": (
        "path,label\nhttps://x.org/0.png,a\nhttps://x.org/1.png,b\n",
        "",
        "2 paths are addresses in a network, the first https://x.org/0.png; download",
    ),
    "root": (PLAIN, ",root=nowhere", "root=nowhere: there is no folder .*pictures/nowhere nor "),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_table_is_a_sentence(table, name):
    text, options, message = BAD[name]
    with pytest.raises((DataError, UsageError), match=message) as caught:
        table(text, options)
    assert "\n" not in str(caught.value)


# ---- which columns


def test_columns_by_their_names(table):
    splits = ["train", "Training", "val", "test"] * 2
    text = lines("path", "label", "split", "group", more=[splits, "01234567"])
    listing = table(text)
    assert counts(listing) == {"test": [1, 1], "train": [2, 2], "validation": [1, 1]}
    assert listing.groups.tolist() == list("01234567")
    assert listing.sources[0].is_file()
    assert table(text.replace("path", "Path").replace("split", "SPLIT")).names == listing.names


def test_names_of_public_tables_are_guessed_and_said(table):
    listing = table(lines("image_id", "dx"))
    assert notes(listing) == [
        "guessed: column 'image_id' holds the path of 8 images; to change it: path=COLUMN",
        "guessed: column 'dx' holds the label of 8 images; to change it: label=COLUMN",
    ]
    assert notes(table(lines("image_id", "dx"), ",path=image_id,label=dx")) == []
    with pytest.raises(UsageError, match="no column 'label'; class and target may be it: name one"):
        table(lines("path", "class", "target", more=["01234567"]))


def test_the_one_column_of_image_files_is_guessed(table):
    listing = table(lines("Datei", "label"))
    assert notes(listing) == [
        "guessed: column 'Datei' holds the path of 8 images; to change it: path=COLUMN"
    ]
    with pytest.raises(UsageError, match="no column 'path'; Datei and mask may be it: name one"):
        table(lines("Datei", "label", "mask", more=[["m.png"] * 8]))


def test_a_weight_is_used_only_if_it_is_named(table):
    text = lines("path", "label", "weight", more=[[f"{60 + i}.5" for i in range(8)]])
    listing = table(text)
    assert listing.weights is None
    assert notes(listing) == [
        "not used: column 'weight' (60.5 to 67.5) does not weigh the loss; "
        "to change it: weight=weight"
    ]
    listing = table(text, ",weight=weight")
    assert listing.weights.tolist() == [60.5 + i for i in range(8)]
    assert notes(listing) == [
        "weighted: the loss of 8 images by column 'weight', 60.5 to 67.5; to change it: weight=none"
    ]
    assert notes(table(text, ",weight=none")) == []
    named = lines("path", "label", "w", more=[["0.5"] * 8])
    assert table(named, ",weight=w").weights.tolist() == [0.5] * 8


def test_a_split_column_is_said_and_can_be_switched_off(table):
    text = lines("path", "label", "split", more=[["train", "train", "train", "test"] * 2])
    assert counts(table(text)) == {"test": [1, 1], "train": [3, 3]}
    assert notes(table(text)) == [
        "split: by column 'split': 6 train, 2 test; to change it: split=none"
    ]
    listing = table(text, ",split=none,test=0.5")
    assert counts(listing) == {"test": [2, 2], "train": [2, 2]}
    assert notes(listing) == []


def test_a_column_that_looks_like_groups_or_a_split_is_told_of(table):
    listing = table(lines("path", "label", "lesion_id", "fold", more=["00112233", "01010101"]))
    assert listing.groups is None
    assert notes(listing) == [
        "not used: column 'fold' (2 values in 8 rows) is no split; to change it: split=fold",
        "not used: column 'lesion_id' (4 values in 8 rows) is no group; "
        "to change it: group=lesion_id",
    ]
    text = lines("path", "label", "lesion_id", more=["00112233"])
    assert notes(table(text, ",group=none")) == []
    with pytest.raises(UsageError, match="did you mean lesion_id"):
        table(text, ",group=lesion")


# ---- groups


def test_our_own_split_keeps_groups_whole_and_says_so(table):
    text = lines("file", "kind", "who", more=[[f"person{i // 2}" for i in range(8)]])
    listing = table(text, ",path=file,label=kind,group=who,test=0.5")
    assert counts(listing) == {"test": [2, 2], "train": [2, 2]}
    assert crossing_groups(listing.groups, listing.splits) == {}
    assert notes(listing) == [
        "grouped: 8 images in 4 groups by column 'who', the largest of 2; to change it: "
        "group=COLUMN or group=none"
    ]


def test_torn_groups_are_refused(table, tmp_path):
    text = lines("path", "label", "split", "group", more=[["train", "test"] * 4, ["ann"] * 8])
    table(text)
    with pytest.raises(DataError, match=r"1 groups are in more than one split.*'ann'"):
        prepare("csv:pictures/t.csv", root=tmp_path, size=8)
    said = printed("data", "stats", "csv:pictures/t.csv", "--data", tmp_path)
    assert "no run can use it: csv:pictures/t.csv: 1 groups are in more than" in said


def test_a_group_larger_than_the_share_is_the_test_split_if_all_are(table, tmp_path):
    listing = table(lines("path", "label", "group", more=["00110123"]))
    assert counts(listing) == {"test": [2, 2], "train": [2, 2]}
    assert notes(listing)[1].startswith(
        "grouped: test has 50% of class 'b' instead of 25%: its 4 images are in 4 groups"
    )
    assert len(prepare("csv:pictures/t.csv", root=tmp_path, size=8).test) == 4


def test_groups_that_leave_a_side_without_a_class_are_the_reason_given(table, tmp_path):
    said = (
        "no test image of class 'a': its 4 images are in 1 group, '0', and a group is never "
        "divided; to change it: group=COLUMN or group=none"
    )
    table(lines("path", "label", "group", more=["00000123"]))
    with pytest.raises(DataError, match=said):
        prepare("csv:pictures/t.csv", root=tmp_path, size=8)
    found = bench("data", "verify", "csv:pictures/t.csv", "--data", tmp_path, code=1).stdout
    assert "a has no test image: its 4 images are in 1 group" in found
    assert len(prepare("csv:pictures/t.csv,group=none", root=tmp_path, size=8).test) == 2


def test_rows_in_formats_that_are_not_read_are_counted_by_suffix(table, pictures):
    text = lines("path", "label")
    for name, other in (("0.png", "0.heic"), ("1.png", "1.HEIC"), ("2.png", "2.dcm")):
        (pictures / "a" / other).touch()
        text = text.replace(f"a/{name}", f"a/{other}")
    assert notes(table(text)) == [
        "unread: 3 rows name files of a format that is not read (2 .heic, 1 .dcm); to change it: "
        "convert to PNG or JPEG"
    ]


def test_a_table_of_one_class_points_to_its_columns(table):
    text = lines("path", "label").replace(",b", ",a")
    with pytest.raises(UsageError, match=r"one class, 'a'; two are needed: label=COLUMN names"):
        table(text)


def test_groups_of_one_image_each_group_nothing(table):
    listing = table(lines("path", "label", "group", more=["01234567"]))
    assert notes(listing) == [
        "grouped: column 'group' gives each of 8 images a group of its own: none is kept together; "
        "to change it: group=COLUMN or group=none"
    ]


def test_images_of_no_known_group_are_groups_of_their_own(table):
    cells = ["", "nan", "x", "x", "None", "row 2", "y", "y"]
    listing = table(lines("path", "label", "group", more=[cells]))
    assert listing.groups.tolist() == ["row 2'", "row 3", "x", "x", "row 6", "row 2", "y", "y"]
    assert "guessed: 3 images without a group are each a group of their own" in notes(listing)[1]


# ---- labels


def test_rows_without_a_label_are_left_out_and_nan_is_a_text(table):
    rows = [row.replace(",b", "," if i % 2 else ",nan") for i, row in enumerate(ROWS)]
    listing = table(lines("path", "label", rows=rows))
    assert listing.classes == ("a", "nan")
    assert len(listing.names) == 6
    assert notes(listing) == [
        "left out: 2 images without a label; to change it: label them",
        "guessed: 'nan' is the class of 2 images like any other label; to change it: empty these "
        "cells to leave them out",
    ]


def test_labels_of_one_look_are_one(table):
    rows = [row.replace(",b", ",n\u0303" if i % 2 else ",\u00f1") for i, row in enumerate(ROWS)]
    assert table(lines("path", "label", rows=rows)).classes == ("a", "\u00f1")


MARKED = "path,A,B,C\n" + "\n".join(
    f"{kind}/{i}.png,{marks}"
    for (kind, i), marks in zip(
        [(kind, i) for kind in "ab" for i in range(4)],
        ["1,0,0", "1.0,0.0,0.0", "True,false,0", "1,1,0", "0,1,0", "0,1,0", "0,1,", "0,0,0"],
        strict=True,
    )
)


def test_a_column_for_each_class(table):
    listing = table(MARKED, ",label=A/B/C")
    assert listing.classes == ("A", "B")
    assert [listing.classes[label] for label in listing.labels] == ["A"] * 3 + ["B"] * 2
    assert notes(listing) == [
        "left out: 1 images of no class among the columns A, B, C; to change it: label=",
        "left out: 1 images of several classes among the columns A, B, C; to change it: label=",
        "left out: 1 images with an empty or unsure cell among the columns A, B, C; "
        "to change it: label=",
    ]
    with pytest.raises(UsageError, match="A, B are 0 or 1, label=A/B makes them classes: name"):
        table("path,A,B,n\na/0.png,1,0,7\nb/0.png,0,1,9\n")
    with pytest.raises(DataError, match="line 2: n '7' is neither 0 nor 1"):
        table("path,A,n\na/0.png,1,7\n", ",label=A/n")
    with pytest.raises(DataError, match="no row has exactly one 1"):
        table("path,A,B\na/0.png,1,1\n", ",label=A/B")
    with pytest.raises(UsageError, match=r"unknown column of t\.csv 'D'"):
        table(MARKED, ",label=A/D")


def test_minus_one_is_no_beside_one_and_unsure_beside_nought(table):
    celeba = "path,A,B\na/0.png,1,-1\na/1.png,-1,1\na/2.png,-1,-1\nb/0.png,1,-1"
    assert len(table(celeba, ",label=A/B").names) == 3
    chexpert = "path,A,B\na/0.png,1,0\na/1.png,0,1\na/2.png,1,-1\nb/0.png,0,1"
    listing = table(chexpert, ",label=A/B")
    assert len(listing.names) == 3
    assert "left out: 1 images with an empty or unsure cell" in notes(listing)[0]


# ---- paths


def test_one_file_by_two_names_is_one_image(table, pictures):
    odd = ["./a/0.png,a", "a//1.png,a", f"{pictures}/a/2.png,a", "a/../a/3.png ,a"]
    listing = table("\n".join(["path,label", *ROWS, *odd[:2], odd[3]]))
    assert len(listing.names) == 8
    assert notes(listing) == ["left out: 3 rows that repeat an image; to change it: remove them"]
    assert table("\n".join(["path,label", *odd, *ROWS[4:]])).sources[2] == pictures / "a/2.png"
    with pytest.raises(DataError, match=r"0.png has group 'x' in line 2 and 'y' in line 4"):
        table("path,label,group\na/0.png,a,x\nb/0.png,b,x\n./a/0.png,a,y\n")


def test_paths_of_windows(table, pictures):
    listing = table(PLAIN.replace("/", "\\"))
    assert listing.names == table(PLAIN).names
    assert listing.splits.tolist() == table(PLAIN).splits.tolist()
    assert notes(listing) == ["guessed: 8 paths have \\ for /; to change it: write / in the table"]
    (pictures / "a\\0.png").write_bytes((pictures / "a/0.png").read_bytes())
    assert table(PLAIN.replace("/", "\\")).names[0] == "a\\0.png"


def test_paths_in_another_spelling(table, pictures):
    (pictures / "b/3.png").rename(pictures / "b/n\u0303.png")
    rows = [*ROWS[:4], "B/0.PNG,b", "b/1.Png,b", "b/2.png,b", "b/\u00f1.png,b"]
    listing = table(lines("path", "label", rows=rows))
    assert listing.names[4:] == ("b/0.png", "b/1.png", "b/2.png", "b/n\u0303.png")
    assert "guessed: 3 files are spelled otherwise than in the table" in notes(listing)[0]
    (pictures / "b/0.PNG").write_bytes((pictures / "b/0.png").read_bytes())
    assert table(lines("path", "label", rows=rows)).names[4] == "b/0.PNG"
    rows[4] = "B/0.Png,b"  # may be either of two
    assert not table(lines("path", "label", rows=rows)).sources[4].exists()


def test_tables_of_ids(table, pictures, tmp_path):
    rows = [f"{i},{kind}" for kind, i in zip("aaaabbbb", "01234567", strict=True)]
    text = lines("id", "label", rows=rows)
    for i in range(4, 8):
        (pictures / f"b/{i - 4}.png").rename(pictures / f"b/{i}.png")
    with pytest.raises(
        DataError, match=r"none of its 8 images is there.*a/0.png is: add root=a,suffix=.png"
    ):
        table(text)
    listing = table(text, ",root=.,suffix=png")
    assert listing.names == (
        "a/0.png",
        "a/1.png",
        "a/2.png",
        "a/3.png",
        *(f"b/{i}.png" for i in range(4, 8)),
    )
    assert "guessed: 8 images were found by their names below root=; to" in notes(listing)[-1]
    assert all(path.is_file() for path in listing.sources)
    assert table(text, ",root=pictures,suffix=.png").names == listing.names
    assert table(text, f",root={pictures},suffix=.png").names == listing.names
    (pictures / "b/0.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"2 files below .* are called 0.png: a/0.png and b/0.png"):
        table(text, ",root=.,suffix=.png")


def test_a_suffix_is_added_where_it_is_missing(table):
    text = PLAIN.replace(".png", "").replace("a/0", "a/0.PNG")
    with pytest.raises(DataError, match=r"a/1.png is: add suffix=.png"):
        table(text.replace("a/0.PNG,a\n", ""))
    listing = table(text, ",suffix=.png")
    assert listing.names == table(PLAIN).names


@pytest.mark.parametrize(
    "path", ["/content/drive/im/0.png", "D:\\im\\0.png"], ids=["linux", "windows"]
)
def test_paths_of_another_machine(table, path):
    text = "\n".join(["path,label", f"{path},a", f"{path.replace('0', '1')},b"])
    with pytest.raises(DataError, match="root=FOLDER finds images of paths of another machine"):
        table(text)
    assert table(text, ",root=a").names == ("0.png", "1.png")


def test_a_table_whose_images_are_not_there(table):
    with pytest.raises(
        DataError, match=r"none of its 8 images is there, the first would be .*x/a/0"
    ):
        table(PLAIN.replace("a/", "x/a/").replace("b/", "x/b/"))


def test_single_images_that_are_missing_are_counted_where_they_are_decoded(table, tmp_path):
    table("\n".join(["path,label", *ROWS, "a/9.png,a"]))
    with pytest.raises(DataError, match=r"1 images cannot be used: a/9.png: the file is missing"):
        prepare("csv:pictures/t.csv", root=tmp_path, size=8)
    decoded = prepare("csv:pictures/t.csv", root=tmp_path, size=8, bad_images="skip")
    assert decoded.skipped == {"a/9.png": "the file is missing"}


# ---- all at once

SIGNS = [
    "a",
    "B",
    "7",
    " ",
    ",",
    ";",
    "|",
    "\t",
    '"',
    "'",
    "é",
    "ñ",
    "名",
    "_",
    "-",
    "(",
    "=",
    "#",
    "%",
]


def _word(random_: random.Random) -> str:
    text = "".join(random_.choices(SIGNS, k=random_.randint(1, 8))).strip()
    return text or "x"


def _cell(text: str, sign: str, random_: random.Random) -> str:
    if any(one in text for one in (sign, '"', "\n")) or random_.random() < 0.3:
        return '"' + text.replace('"', '""') + '"'
    return text


@pytest.mark.parametrize("seed", range(60))
def test_random_tables_are_read_back_as_they_were_written(seed, tmp_path):
    random_ = random.Random(seed)
    sign = random_.choice([",", ";", "\t", "|"])
    classes = list(dict.fromkeys(f"{_word(random_)}{i}" for i in range(3)))
    names = list(dict.fromkeys(f"{_word(random_)}{i}.png".lower() for i in range(12)))
    folder = tmp_path / "im, ž"
    folder.mkdir()
    for name in names:
        (folder / name).touch()
    truth = {f"im, ž/{name}": random_.choice(classes) for name in names}
    truth |= dict(zip(truth, classes, strict=False))
    other = {
        _word(random_) + "?": [_word(random_) for _ in truth] for _ in range(random_.randint(0, 3))
    }
    columns = {"path": list(truth), "label": list(truth.values()), **other}
    order = random_.sample(list(columns), len(columns))
    rows = [order, *zip(*(columns[name] for name in order), strict=True)]
    end = random_.choice(["\n", "\r\n"])
    text = end.join(sign.join(_cell(cell, sign, random_) for cell in row) for row in rows)
    encoding = random_.choice(["utf-8", "utf-8-sig", "utf-16"])
    (tmp_path / "t.csv").write_bytes((text + end * random_.randint(0, 3)).encode(encoding))
    options = random_.choice(
        ["", f",sep={ {',': 'comma', ';': 'semicolon', '|': 'bar'}.get(sign, 'tab') }"]
    )
    listing = make_dataset(
        f"csv:t.csv,majority=rest,minority=nosuch{options}", tmp_path
    ).everything()
    assert {
        name: listing.classes[label]
        for name, label in zip(listing.names, listing.labels, strict=True)
    } == truth
    assert all(path.is_file() for path in listing.sources)


def test_damaged_tables_end_in_no_other_error(pictures, tmp_path):
    random_ = random.Random(0)
    good = lines("path", "label", "split", "group", more=[["train", "test"] * 4, "01230123"])
    for _ in range(200):
        raw = bytearray(good.encode(random_.choice(["utf-8", "utf-16"])))
        for _ in range(random_.randint(1, 4)):
            place = random_.randrange(len(raw))
            raw[place : place + random_.randint(0, 9)] = random_.randbytes(random_.randint(0, 5))
        (pictures / "t.csv").write_bytes(bytes(raw))
        with suppress(ImbenchError):
            make_dataset("csv:pictures/t.csv", tmp_path).read()


def test_a_split_that_is_ours_is_said_and_one_that_was_asked_for_is_not(table):
    said = [note.line for note in table(PLAIN).notes if "split" in note.text]
    assert len(said) == 1
    assert said[0].startswith("guessed: no split column: 25% of each class, ")
    assert said[0].endswith(
        "are the test split, by a hash of their paths; to change it: test=SHARE or split=COLUMN"
    )
    assert not any("no split column" in note.text for note in table(PLAIN, ",test=0.5").notes)
