import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from clicked import refused
from killing import KILLING
from PIL import Image
from waiting import until

from imbench.errors import DataError, EnvironmentFault, UnknownName, UsageError
from imbench.images.cache import make_dataset, prepare
from imbench.images.cache_reader import open_decoded
from imbench.images.notes import DataNote
from imbench.images.validate import validate_listing

NAMES = "`bench data verify` names them"
CHANGE = "--keep-leaks, or copies=LIMIT for what is nearly equal"
COUNTS = {"train/cat": 6, "train/dog": 4, "test/cat": 3, "test/dog": 3}


@pytest.fixture
def made(data_folder, tmp_path):
    """Return a folder of images and a function that prepares it in a cache of its own."""
    folder = data_folder(COUNTS)

    def again(size=16, **options):
        cache = tmp_path / "c"
        return prepare(f"folder:{folder}", root=tmp_path, size=size, cache=cache, **options)

    return folder, again


def entries(tmp_path):
    return sorted(path for path in (tmp_path / "c" / "decoded").iterdir() if path.is_dir())


def test_images_are_mapped_and_ordered_by_name(made):
    folder, again = made
    decoded = again()
    assert decoded.classes == ("cat", "dog")
    assert isinstance(decoded.train.pixels, np.memmap)
    assert decoded.train.pixels.shape == (10, 16, 16, 3)
    assert decoded.train.counts(2).tolist() == [6, 4]
    assert len(decoded.validation) == 0
    assert decoded.test.names[:2] == ("test/cat/0.png", "test/cat/1.png")
    image = Image.open(folder / "test/cat/1.png")
    expected = np.asarray(image.resize((16, 16), Image.Resampling.BILINEAR))
    assert (decoded.test.pixels[1] == expected).all()
    assert not decoded.train.pixels.flags.writeable


def test_a_second_time_nothing_is_decoded(made, tmp_path, caplog):
    _, again = made
    caplog.set_level(logging.INFO)
    first, second = again(), again()
    assert caplog.text.count("decoding") == 1
    assert first.folder == second.folder
    assert first.fingerprint == second.fingerprint
    opened = open_decoded(first.folder)
    assert (opened.test.pixels == first.test.pixels).all()
    assert opened.test.names == first.test.names
    assert len(entries(tmp_path)) == 1


def test_size_is_part_of_the_key(made, tmp_path):
    _, again = made
    assert again(16).fingerprint != again(8).fingerprint
    assert len(entries(tmp_path)) == 2


def test_a_changed_file_is_noticed(made, tmp_path, data_picture):
    folder, again = made
    before = again()
    path = folder / "train/cat/0.png"
    old = path.stat()
    data_picture(99).save(path)
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
    after = again()
    assert after.fingerprint != before.fingerprint
    assert (after.train.pixels[0] != before.train.pixels[0]).any()
    assert (after.train.pixels[1:] == before.train.pixels[1:]).all()


def test_equal_data_have_one_fingerprint_wherever_they_lie(made, tmp_path):
    folder, again = made
    before = again()
    shutil.copytree(folder, tmp_path / "other" / "place")
    moved = prepare(
        "folder:place", root=tmp_path / "other", size=16, cache=tmp_path / "another cache"
    )
    assert moved.fingerprint == before.fingerprint
    (tmp_path / "other/place/train/cat/0.png").rename(tmp_path / "other/place/train/dog/x.png")
    relabelled = prepare("folder:place", root=tmp_path / "other", size=16, cache=tmp_path / "c")
    assert relabelled.fingerprint != before.fingerprint


def test_groups_and_weights_are_in_the_fingerprint(data_folder, tmp_path):
    folder = data_folder({"a": 4, "b": 4})
    seen = set()
    for number, extra in enumerate(["", ",group", ",weight", ",group2"]):
        lines = [f"path,label,split{extra.rstrip('2')}"]
        for name in "ab":
            for i in range(4):
                value = {"": "", ",group": f",{name}{i}", ",weight": f",{i + 1}"}.get(
                    extra, f",{name}"
                )
                lines.append(f"{name}/{i}.png,{name},{'test' if i > 1 else 'train'}{value}")
        if extra == ",group2":
            lines = [line.replace(",test,", ",test,t") for line in lines]
        (folder / f"{number}.csv").write_text("\n".join(lines))
        weighs = ",weight=weight" if extra == ",weight" else ""
        decoded = prepare(f"csv:{number}.csv{weighs}", root=folder, size=8, cache=tmp_path / "c")
        seen.add(decoded.fingerprint)
        if extra == ",weight":
            assert decoded.train.weights is not None
            assert decoded.train.weights.tolist() == [1, 2, 1, 2]
    assert len(seen) == 4


def test_row_15_bad_images_stop_it_and_are_named(made):
    folder, again = made
    (folder / "train/cat/0.png").write_bytes(b"")
    (folder / "test/dog/1.png").write_bytes(b"<html>")
    with pytest.raises(DataError) as caught:
        again()
    assert "2 images cannot be used" in str(caught.value)
    assert "train/cat/0.png: the file is empty (0 bytes)" in str(caught.value)
    assert "test/dog/1.png: an HTML page" in str(caught.value)
    assert "--bad-images skip" in str(caught.value)
    assert caught.value.exit_code == 4


def test_row_15_bad_images_are_skipped_and_listed(made):
    folder, again = made
    path = folder / "train/cat/0.png"
    path.write_bytes(path.read_bytes()[:-200])
    (folder / "train/dog/9.jpg").symlink_to(folder / "nowhere")
    decoded = again(bad_images="skip")
    assert set(decoded.skipped) == {"train/cat/0.png", "train/dog/9.jpg"}
    assert decoded.skipped["train/cat/0.png"].startswith("damaged")
    assert decoded.skipped["train/dog/9.jpg"] == "the file is missing"
    assert decoded.train.counts(2).tolist() == [5, 4]
    assert decoded.train.names[0] == "train/cat/1.png"
    with pytest.raises(DataError, match="2 images cannot be used"):
        again()  # the entry is there now; stop still stops


def test_row_15_a_class_that_loses_all_its_images_is_named(made):
    folder, again = made
    for path in (folder / "test/dog").iterdir():
        path.write_bytes(b"x")
    with pytest.raises(DataError, match="no test image of class 'dog'"):
        again(bad_images="skip")
    for path in folder.rglob("*.png"):
        path.write_bytes(b"x")
    with pytest.raises(DataError, match=r"no image can be used; test/cat/0.png: not an image"):
        again(bad_images="skip")


def test_row_29_copies_of_test_images_are_noted_or_dropped(made, data_photograph):
    folder, again = made
    shutil.copy(folder / "test/cat/1.png", folder / "train/cat/copy.png")
    data_photograph(0).save(folder / "test/dog/2.png")
    data_photograph(0).save(folder / "train/dog/near.jpg", quality=70)
    counts = "2 training images (cat 1, dog 1): copies of test images, 1 equal and 1 nearly so"
    kept = again()
    assert kept.train.counts(2).tolist() == [7, 5]
    assert kept.skipped == {}
    assert DataNote("leaking", f"{counts}; {NAMES}", 2, "--drop-leaks") in kept.notes
    assert again().notes == kept.notes  # from the cache as well
    dropped = again(drop_leaks=True)
    assert dropped.train.counts(2).tolist() == [6, 4]
    assert DataNote("dropped", counts, 2, CHANGE) in dropped.notes
    assert list(dropped.skipped) == ["train/cat/copy.png", "train/dog/near.jpg"]
    exact, near = dropped.skipped.values()
    assert exact == "equal to test image test/cat/1.png"
    assert near.startswith("nearly equal to test image test/dog/2.png, at distance 0.")
    assert dropped.fingerprint != kept.fingerprint
    (folder / "train/cat/copy.png").unlink()
    (folder / "train/dog/near.jpg").unlink()
    assert again().fingerprint == dropped.fingerprint


def test_row_29_the_limit_is_an_option_and_in_the_fingerprint_where_it_decides(
    made, data_photograph, tmp_path
):
    folder, _ = made
    data_photograph(0).save(folder / "test/dog/2.png")
    data_photograph(0).save(folder / "train/dog/near.jpg", quality=70)
    shutil.copy(folder / "test/cat/1.png", folder / "train/cat/copy.png")

    def prepared(options, **more):
        return prepare(
            f"folder:{folder}{options}", root=tmp_path, size=16, cache=tmp_path / "c", **more
        )

    default = prepared("", drop_leaks=True)
    assert prepared(",copies=0.4", drop_leaks=True).fingerprint == default.fingerprint
    for option in (",copies=exact", ",copies=0.01"):
        strict = prepared(option, drop_leaks=True)
        assert list(strict.skipped) == ["train/cat/copy.png"]
        assert len(strict.train) == len(default.train) + 1
    # The same images are dropped, by another rule.
    looser = prepared(",copies=0.5", drop_leaks=True)
    assert looser.skipped == default.skipped
    assert looser.fingerprint != default.fingerprint
    assert prepared(",copies=0.5").fingerprint == prepared("").fingerprint  # nothing is dropped


def test_a_limit_that_is_none_is_refused(made, tmp_path):
    folder, _ = made
    for value in ("1", "-0.1", "near", "true"):
        with pytest.raises(UsageError, match=f"copies={value} must be a number in"):
            make_dataset(f"folder:{folder},copies={value}", tmp_path)


def test_row_29_all_equal_images_of_a_near_copy_are_dropped(made, data_photograph):
    folder, again = made
    data_photograph(0).save(folder / "test/dog/2.png")
    data_photograph(0).save(folder / "train/dog/near.jpg", quality=70)
    shutil.copy(folder / "train/dog/near.jpg", folder / "train/dog/near again.jpg")
    shutil.copy(folder / "train/dog/near.jpg", folder / "train/cat/near.jpg")
    dropped = again(drop_leaks=True)
    assert dropped.train.counts(2).tolist() == [6, 4]
    assert list(dropped.skipped) == [
        "train/cat/near.jpg",
        "train/dog/near again.jpg",
        "train/dog/near.jpg",
    ]
    (reason,) = set(dropped.skipped.values())
    assert reason.startswith("nearly equal to test image test/dog/2.png, at distance 0.")


@pytest.mark.parametrize("harm", ["truncate", "manifest", "remove"])
def test_a_damaged_entry_is_made_again(made, harm):
    _, again = made
    before = again()
    expected = before.test.pixels.copy()
    if harm == "truncate":
        os.truncate(before.folder / "pixels.npy", 500)
    elif harm == "manifest":
        (before.folder / "manifest.json").write_text('{"schema"')
    else:
        (before.folder / "labels.npy").unlink()
    after = again()
    assert after.fingerprint == before.fingerprint
    assert (after.test.pixels == expected).all()


def test_row_18_a_foreign_pickle_in_an_entry_is_not_loaded(made):
    _, again = made
    decoded = again()
    np.save(decoded.folder / "labels.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(DataError, match="Python objects"):
        open_decoded(decoded.folder)
    assert len(again().train) == 10


def test_there_is_nothing_to_open(tmp_path):
    with pytest.raises(DataError, match="no decoded images"):
        open_decoded(tmp_path / "none")


def test_a_cache_that_cannot_be_written(made, tmp_path):
    folder, _ = made
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match="IMBENCH_CACHE"):
        prepare(f"folder:{folder}", root=tmp_path, size=8, cache=tmp_path / "file")


PLUGINS = """
from pathlib import Path
from imbench import Dataset

class Alone:
    def read(self): pass
def function(root, argument=None): pass
class Unread(Dataset): pass
class Narrow(Dataset):
    def __init__(self, root, argument=None): pass
    def read(self): pass
class Torn(Narrow):
    def __init__(self, root, argument=None): {}["key"]
class Broken(Narrow):
    def read(self): 1 / 0
class Gone(Narrow):
    def read(self): return Path("gone.csv").read_text()
"""


def test_what_is_no_data_set_is_refused(tmp_path):
    with pytest.raises(UnknownName, match="did you mean digits"):
        make_dataset("digit", tmp_path)
    plugin = tmp_path / "mine.py"
    plugin.write_text(PLUGINS)
    for name, said in {
        "Alone": "'.*:Alone' cannot be used: it is not a subclass of imbench.Dataset",
        "function": "it is not a subclass of imbench.Dataset",
        "Unread": r"it has no method read\(\)",
        "Narrow:key=3": ":Narrow takes no 'key': none is known",
        "Torn": "Torn' cannot be made: KeyError: 'key'",
    }.items():
        with pytest.raises(UsageError, match=said):
            make_dataset(f"{plugin}:{name}", tmp_path)
    assert make_dataset(f"{plugin}:Narrow", tmp_path).read() is None


def test_whatever_a_data_set_does_in_read_is_a_sentence(tmp_path):
    plugin = tmp_path / "mine.py"
    plugin.write_text(PLUGINS)
    for name, said in {
        "Narrow": r":Narrow: read\(\) returned None, not an imbench.Listing",
        "Broken": r":Broken: read\(\) failed at mine.py, line \d+: ZeroDivisionError: ",
        "Gone": ":Gone cannot be read: .*No such file or directory: .*gone.csv",
    }.items():
        spec = f"{plugin}:{name}"
        with pytest.raises(DataError, match=said):
            prepare(spec, root=tmp_path, size=8)
        for command in ("stats", "verify"):
            assert re.search(said, refused("data", command, spec, code=DataError.exit_code))


def test_listings_that_do_not_fit_are_refused(tmp_path):
    from dataclasses import replace

    good = make_dataset("savanna:train=2,test=2,size=8", tmp_path).read()
    assert validate_listing(good, "x") is good
    for change, message in [
        ({"labels": good.labels[:3]}, "3 labels for 8 names"),
        ({"names": ("a",) * 8}, "names: 'a' stands there twice"),
        ({"classes": ("one",), "labels": 0 * good.labels}, "one class only"),
        ({"labels": good.labels + 1}, "outside 0..1"),
        ({"splits": np.array(["dev"] * 8)}, "splits: 'dev' is none of"),
        ({"groups": np.zeros(8)}, "1 groups are in more than one split"),
    ]:
        with pytest.raises(DataError, match=message):
            validate_listing(replace(good, **change), "x")


CHILD = """
import logging, sys
from pathlib import Path
from imbench.images.cache import prepare
logging.basicConfig(level=logging.INFO, stream=sys.stdout)
d = prepare(sys.argv[1], root=Path("."), size=32, cache=Path(sys.argv[2]))
print("done", d.fingerprint, len(d.train))
"""


STUCK = f"""
import time

from imbench.images import cache_writer
cache_writer.decode = lambda *given, **options: time.sleep(600)
{CHILD}
"""


def child(spec, cache, code=CHILD):
    return subprocess.Popen(
        [sys.executable, "-c", code, spec, str(cache)], stdout=subprocess.PIPE, text=True
    )


@pytest.fixture
def large(tmp_path, data_picture):
    """Return a spec whose decoding takes about a second."""
    folder = tmp_path / "large"
    for kind in "ab":
        (folder / kind).mkdir(parents=True)
        data_picture(ord(kind), (1500, 1500)).save(folder / kind / "0.jpg")
        for number in range(1, 30):
            os.link(folder / kind / "0.jpg", folder / kind / f"{number}.jpg")
    return f"folder:{folder}"


def test_two_processes_at_once_decode_once(large, tmp_path):
    children = [child(large, tmp_path / "c") for _ in range(2)]
    outputs = [process.communicate(timeout=280)[0] for process in children]
    assert [process.returncode for process in children] == [0, 0]
    assert sum(output.count("decoding") for output in outputs) == 1
    results = {output.splitlines()[-1] for output in outputs}
    assert len(results) == 1
    assert results.pop().startswith("done")
    assert len(entries(tmp_path)) == 1


def test_a_killed_decode_leaves_no_half_entry(large, tmp_path):
    process = child(large, tmp_path / "c", STUCK)
    until(lambda: list(tmp_path.glob("c/decoded/*.part/scratch.npy")))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    (left,) = entries(tmp_path)
    assert left.suffix == ".part"
    decoded = prepare(large, root=tmp_path, size=32, cache=tmp_path / "c")
    assert entries(tmp_path) == [decoded.folder]
    assert len(decoded.train) + len(decoded.test) == 60


def test_workers_need_neither_torch_nor_pillow(made):
    _, again = made
    folder = again().folder
    code = (
        "import sys; from pathlib import Path\n"
        "from imbench.images.cache_reader import open_decoded\n"
        f"d = open_decoded(Path({str(folder)!r})); "
        "print(len(d.train), [m for m in ('torch', 'PIL', 'sklearn') if m in sys.modules])"
    )
    output = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert output.strip() == "10 []"


def test_names_that_are_not_utf8(data_folder, tmp_path):
    folder = data_folder({"a": 3, "b": 3})
    (folder / "a/0.png").rename(folder / "a" / os.fsdecode(b"\xff %&.png"))
    decoded = prepare(f"folder:{folder}", root=tmp_path, size=8, cache=tmp_path / "c")
    names = [*decoded.train.names, *decoded.test.names]
    assert b"a/\xff %&.png" in [os.fsencode(name) for name in names]


def test_masks_follow_their_images(tmp_path):
    spec = "savanna:train=3,test=2,size=32"
    decoded = prepare(spec, root=tmp_path, size=16, cache=tmp_path / "c")
    listing = make_dataset(spec, tmp_path).read()
    assert decoded.test.masks is not None
    assert decoded.test.masks.shape == (4, 16, 16)
    assert isinstance(listing.masks, np.ndarray)
    for small, full in zip(decoded.test.masks, listing.masks[6:], strict=True):
        assert abs(small.mean() - full.mean()) < 0.03
    manifest = json.loads((decoded.folder / "manifest.json").read_text())
    assert manifest["masked"] == ["test", "train"]


KILLED_AT = (
    KILLING
    + """
import shutil, sys
from pathlib import Path
from imbench.images.cache import prepare

spec, cache = sys.argv[1], Path(sys.argv[2])

def act():
    return prepare(spec, root=Path("."), size=8, cache=cache)

wanted = act().fingerprint  # and all that is imported late is
number = 0
while True:
    shutil.rmtree(cache)
    number += 1
    if not killed_at(number, act):
        break
    found = act()
    assert found.fingerprint == wanted, number
    entries = [path for path in cache.glob("decoded/*") if path.suffix != ".lock"]
    entries = [path for path in entries if path.suffix not in (".new", ".gone")]
    assert entries == [found.folder], (number, entries)
    assert not found.folder.joinpath("scratch.npy").exists()
print(number)
"""
)


def test_row_02_a_decode_killed_at_any_change_of_the_disk_leaves_no_half_entry(
    data_folder, tmp_path
):
    spec = f"folder:{data_folder({'a': 3, 'b': 3})}"
    done = subprocess.run(
        [sys.executable, "-P", "-c", KILLED_AT, spec, str(tmp_path / "c")],
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 15, "nothing was killed"
