import shutil
import zipfile

from clicked import bench, printed, refused
from PIL import Image

from imbench.commands.data import data
from imbench.errors import DataError, UsageError
from imbench.images.cache import make_dataset
from imbench.images.copy_sheet import worst_first
from imbench.images.survey import survey_copies, survey_images
from imbench.images.validate import read_everything

SPLIT_FOLDERS = (
    "guessed: train, test are split folders by their names; to change it: "
    "train=FOLDER,test=FOLDER, or split=none"
)
STRETCHED = (
    "stretched: {0} of {0} images are not square and are squeezed to one, the worst by 1.20 to 1; "
    "to change it: geometry=pad or geometry=crop"
)


def test_stats(data_folder, tmp_path):
    data_folder({"train/cat": 6, "train/dog": 3, "test/cat": 2, "test/dog": 2})
    assert printed("data", "stats", "folder:pictures", "--data", tmp_path).splitlines() == [
        "class       train        test",
        "cat             6           2",
        "dog             3           2",
        "train: 9 images, imbalance ratio 2.00",
        "test: 4 images, imbalance ratio 1.00",
        SPLIT_FOLDERS,
        "guessed: 'cat' is the majority, with 6 training images to 3 of 'dog'; to change it: "
        "minority=CLASS",
        "width: 48 to 48 px, median 48",
        "height: 40 to 40 px, median 40",
        "width / height: 1.20 to 1.20, median 1.20",
        "geometry=crop would cut off 17 % of the area of the median image, 17 % of the worst, more "
        "than 10 % of 13 images",
        STRETCHED.format(13),
        "formats: 13 PNG",
        "modes: 13 RGB",
        "unusable files: 0",
    ]


def test_stats_of_many_classes_names_them_and_damage(data_folder, tmp_path):
    root = data_folder({"train/a": 4, "train/b": 2, "train/c": 2, "test/a": 2, "test/b": 2})
    (root / "train/a/0.png").write_bytes(b"")
    output = printed("data", "stats", "folder:pictures", "--data", tmp_path)
    assert "no classes are chosen: folder:pictures has 3 classes" in output
    assert "test: 4 images, imbalance ratio infinite: a class is missing" in output
    assert "  train/a/0.png: the file is empty (0 bytes)" in output
    output = printed("data", "stats", "folder:pictures,majority=b,minority=a", "--data", tmp_path)
    assert "as chosen, the majority first" in output


def test_stats_of_data_without_files(tmp_path):
    output = printed("data", "stats", "savanna:train=3,test=2,size=16", "--data", tmp_path)
    assert "masks: 10" in output
    assert "overlap" not in output
    assert "formats: 10 array" in output


def test_verify(data_folder, tmp_path):
    root = data_folder({"train/a": 25, "train/b": 2, "test/a": 2, "test/b": 2})
    output = printed("data", "verify", "folder:pictures", "--data", tmp_path)
    assert output == (
        f"folder:pictures: 31 images, 31 decoded\n{SPLIT_FOLDERS}\n{STRETCHED.format(31)}\n"
        "\nno defect\n"
    )
    for number in range(25):
        shutil.copy(root / f"train/a/{number}.png", root / f"train/a/copy{number}.png")
    for number in range(30):
        shutil.copy(root / "train/b/0.png", root / f"train/b/copy{number}.png")
    # Not grave: exit code 0.
    output = printed("data", "verify", "folder:pictures", "--data", tmp_path)
    assert "duplicate: 26\n" in output
    assert "  train/a/0.png = train/a/copy0.png\n" in output
    assert "and 6 more; --all prints them" in output
    assert output.endswith("no grave defect\n")
    whole = printed("data", "verify", "folder:pictures", "--data", tmp_path, "--all")
    assert "more; --all" not in whole
    assert "  31 equal images: train/b/0.png, train/b/copy0.png, train/b/copy1.png, ..." in whole
    assert "\n    train/b/copy29.png\n" in whole


def test_row_29_verify_ends_with_1_and_one_line_if_something_is_grave(data_folder, tmp_path):
    root = data_folder({"train/a": 4, "train/b": 2, "test/a": 2, "test/b": 2})
    shutil.copy(root / "test/a/0.png", root / "train/a/leak.png")
    result = bench("data", "verify", "folder:pictures", "--data", tmp_path, code=1)
    assert "leak: 1\n  train/a/leak.png = test/a/0.png\n" in result.stdout
    assert result.stderr.strip() == (
        "folder:pictures: 1 grave defects (leak); correct the data, or run with --drop-leaks"
    )
    (root / "train/a/leak.png").write_bytes(b"x")
    result = bench("data", "verify", "folder:pictures", "--data", tmp_path, code=1)
    assert "--bad-images skip" in result.stderr


def test_verify_draws_near_copies_leaks_first(data_folder, data_photograph, tmp_path):
    root = data_folder({"train/a": 3, "train/b": 3, "test/a": 3, "test/b": 3})
    sheet = tmp_path / "pairs.png"
    verify = ("data", "verify", "folder:pictures", "--data", tmp_path, "--sheet", sheet)
    assert "is not written, for there are no near copies" in printed(*verify)
    assert not sheet.exists()
    data_photograph(0).save(root / "train/a/0.png")
    data_photograph(0).resize((60, 50)).save(root / "train/a/inside.png")
    words = "near copies: 1 pair that looks alike was compared at full size, 1 is within copies=0.4"
    assert words in bench(*verify).stdout
    data_photograph(1).save(root / "train/b/0.png")
    data_photograph(1).save(root / "test/b/leak.jpg", quality=70)
    result = bench(*verify, code=1)
    assert "near copies: all 2 pairs that look alike were compared at full size, 2 are" in (
        result.stdout
    )
    assert "pairs.png: 2 of 2 pairs of near copies" in result.stdout
    assert "--drop-leaks leaves out 1 training image (b 1)" in result.stdout
    listing = read_everything(make_dataset("folder:pictures", tmp_path), "pictures")
    copies = survey_copies(listing, survey_images(listing))
    names = [listing.names[pair.second] for pair in worst_first(listing, copies)]
    assert names == ["train/b/0.png", "train/a/inside.png"]
    assert copies.near[0].distance < copies.near[1].distance
    with Image.open(sheet) as drawn:
        assert len(drawn.convert("L").getcolors()) > 200
    (tmp_path / "other.png").write_bytes(b"mine")
    refused(*verify[:-1], tmp_path / "other.png", code=UsageError.exit_code)
    assert (tmp_path / "other.png").read_bytes() == b"mine"


def test_import_and_verify(data_folder, tmp_path, monkeypatch):
    folder = data_folder({"trainA": 3, "trainB": 3, "testA": 2, "testB": 2})
    with zipfile.ZipFile(tmp_path / "h.zip", "w") as archive:
        for path in folder.rglob("*.png"):
            archive.write(path, path.relative_to(folder))
    monkeypatch.setenv("IMBENCH_DATA", str(tmp_path / "data"))
    output = printed("data", "import", "horse2zebra", tmp_path / "h.zip")
    assert "10 images; terms: ImageNet" in output
    assert "`bench data verify horse2zebra`" in output
    output = printed("data", "verify", "horse2zebra")
    assert "count: 4" in output
    assert "3 train images of horse, officially 1067" in output
    assert "overlap: what is pretrained on ImageNet has seen these images" in printed(
        "data", "stats", "horse2zebra"
    )
    said = refused("data", "import", "horse2zebra", folder, code=DataError.exit_code)
    assert "--force" in said
    assert "10 images" in printed("data", "import", "horse2zebra", folder, "--force")


def test_errors_are_those_of_the_harness(tmp_path):
    for args, kind, message in [
        (("import", "digits", tmp_path), UsageError, "needs no import"),
        (("fetch", "digits"), DataError, "has no download"),
        (("fetch", "celeba"), DataError, "quotas"),
        (("fetch", "horse2zbra"), UsageError, "did you mean horse2zebra"),
        (("verify", "cub"), DataError, "`bench data fetch cub`"),
    ]:
        assert message in refused("data", *args, "--data", tmp_path, code=kind.exit_code), args


def test_row_17_fetch_from_a_mirror_that_is_a_quota_page(data_server, tmp_path, monkeypatch):
    data_server["/horse2zebra.zip"] = (200, b"<html>Quota exceeded</html>", 0)
    monkeypatch.setenv("IMBENCH_MIRROR", data_server.url)
    words = ("data", "fetch", "horse2zebra", "--data", tmp_path / "data")
    error = refused(*words, code=DataError.exit_code)
    assert "an HTML page" in error
    assert "`bench data import horse2zebra PATH`" in error
    assert list((tmp_path / "data").iterdir()) == []


def test_help_says_what_the_exit_codes_mean():
    assert "Exit code 1 if" in printed("data", "verify", "--help")
    assert set(data.commands) == {"fetch", "import", "verify", "stats", "show"}
