"""What there is and what one of it is: `bench list`, `info` and `doctor`, and what Tab offers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from imbench import registry
from imbench.commands.cli import COMMANDS, exit_code
from imbench.commands.described import first_sentence, module_sentence, sentence_of
from imbench.commands.list import LISTS
from imbench.runs.grids import shipped

BENCH = Path(sys.executable).with_name("bench")


def call(capfd, *words):
    """Run a command in this process; return its code, standard output and error."""
    return exit_code([str(word) for word in words]), *capfd.readouterr()


@pytest.mark.parametrize("kind", registry.KINDS)
def test_a_list_has_every_name_with_what_it_is(capfd, kind):
    code, out, err = call(capfd, "list", kind)
    assert (code, err) == (0, "")
    rows = [re.split(r"  +", line, maxsplit=1) for line in out.splitlines()]
    assert [row[0] for row in rows if row[0] != "vanilla"] == registry.registered_names(kind)
    assert ("vanilla" in out) == (kind == "methods")
    for name, what in rows:
        assert re.match(r"[A-Z0-9]\S* \w", what), name
        assert not re.search(r"imbench\.|\.$|``", what), name
    assert (
        len({line.index(what) for line, (_, what) in zip(out.splitlines(), rows, strict=True)}) == 1
    )


def test_without_a_kind_everything_is_listed(capfd):
    code, out, err = call(capfd, "list")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    headings = [line for line in lines if line in LISTS]
    assert headings == ["methods", "datasets", "networks", "backbones", "metrics", "maps", "grids"]
    assert {"smote", "digits", "cnn", "f1", "quick"} <= {line.partition(" ")[0] for line in lines}


def test_the_shipped_grids_are_listed_with_their_descriptions(capfd):
    code, out, _ = call(capfd, "list", "grids")
    rows = [re.split(r"  +", line, maxsplit=1) for line in out.splitlines()]
    assert (code, [row[0] for row in rows]) == (0, shipped())
    assert all(len(row[1]) > 20 for row in rows)


def test_a_list_imports_no_plug_in():
    told = (
        "import sys\n"
        "from imbench.commands.cli import exit_code\n"
        "for kind in ('methods', 'networks', 'metrics', 'datasets', 'maps'):\n"
        "    exit_code(['list', kind])\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", told], capture_output=True, text=True, check=True
    )
    assert "Divide the predicted probabilities by the training priors" in done.stdout
    imported = set(done.stderr.split())
    assert not {"torch", "numpy", "sklearn", "pydantic"} & imported
    assert not {"imbench.methods.smote", "imbench.datasets.digits"} & imported


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", ""),
        ("One sentence.", "One sentence"),
        ("First. Second.", "First"),
        ("Over two\n    lines. Next.", "Over two lines"),
        ("No stop\n\nNext paragraph.", "No stop"),
        ("As (Zhao et al. 2020) did, e.g. ``x``.", "As (Zhao et al. 2020) did, e.g. x"),
    ],
)
def test_the_first_sentence(text, sentence):
    assert first_sentence(text) == sentence


def test_what_has_no_source_says_nothing(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "broken_source.py").write_text("def (")
    for target in ("nowhere_at_all:Part", "broken_source:Part", "sys:exit", "imbench.spec:No"):
        assert sentence_of(target) == ""
    assert module_sentence("imbench.spec:No").startswith("The one grammar")


def test_the_list_of_plugins_says_which_are_usable(capfd):
    code, out, _ = call(capfd, "list", "plugins")
    assert code == 0
    rows = [re.split(r"  +", line) for line in out.splitlines()]
    assert [(row[0], row[1]) for row in rows] == [
        (kind, name) for kind in registry.KINDS for name in registry.registered_names(kind)
    ]
    assert {(row[2], row[3]) for row in rows} == {("imbench", "ok")}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("list", "colours"), "'colours' is not one of 'methods', 'datasets', 'networks'"),
        (("info",), "Missing argument"),
        (("info", "smot"), "unknown name 'smot': did you mean smote"),
        (("info", "digit"), "unknown name 'digit': did you mean digits?"),
        (("info", "quik"), "unknown name 'quik': did you mean quick?"),
        (("info", "vanila"), "unknown name 'vanila': did you mean vanilla"),
        (("info", ""), "has no name"),
        (("info", "us", "cs"), "Got unexpected extra argument"),
    ],
)
def test_row_21_unknown_names_end_with_2_and_the_nearest(capfd, words, says):
    code, out, err = call(capfd, *words)
    assert (code, out) == (2, "")
    assert re.fullmatch(r"bench: .+\n", err), "one line"
    assert says in err


def every_name():
    return [(kind, name) for kind in registry.KINDS for name in registry.registered_names(kind)]


@pytest.mark.parametrize(("kind", "name"), every_name())
def test_every_name_is_explained(capfd, kind, name):
    code, out, err = call(capfd, "info", name)
    assert (code, err) == (0, "")
    what = "data set" if kind == "datasets" else kind.removesuffix("s")
    assert f"{name}  ({what})\n" in out
    assert "It has no docstring" not in out
    assert "DISABLED" not in out
    if kind == "methods":
        assert re.search(r"^changes: \w+.*    version \d+$", out, flags=re.MULTILINE)
        assert "in tables: " in out or name == "imblearn", "which has the name of its sampler"
    with_options = {"ece_conf", "ece_pos", "cost", "cost_bayes", "cost_tuned"}
    by_kind = {"metrics": name in with_options, "backbones": not name.startswith("lite")}
    expected = by_kind.get(kind, kind in ("methods", "networks"))
    assert ("parameters: " in out) == expected
    assert re.search(r"^(try it|look into it): bench .+\Z", out.rstrip("\n"), flags=re.MULTILINE)


def test_a_method_is_explained_with_its_paper_its_hooks_and_its_parameters(capfd):
    _, out, _ = call(capfd, "info", "smote")
    assert "Chawla" in out
    assert "changes: resample " in out
    assert "\nparameters: k_neighbors=5\n" in out
    assert out.endswith("--methods vanilla,smote\n")
    assert call(capfd, "info", "smote:k_neighbors=3")[1] == out, "a recipe's part will do"


def test_vanilla_and_grids_are_explained(capfd):
    assert "Plain training with cross-entropy" in call(capfd, "info", "vanilla")[1]
    code, out, _ = call(capfd, "info", "quick")
    assert code == 0
    assert out.startswith("quick  (grid)\n\n")
    assert 'datasets = ["digits"]' in out


BAD = """
[imbench.methods]
us = bad_code:Fine
nopart = bad_code:NoPart
unfound = nowhere_to_be_found:Part
"""


@pytest.fixture
def bad(tmp_path, monkeypatch):
    """Install a package that clashes, is no plug-in, and cannot be imported."""
    info = tmp_path / "site" / "bad-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bad\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(BAD)
    (tmp_path / "site" / "bad_code.py").write_text(
        "from imbench import Part\nclass Fine(Part): pass\nclass NoPart: pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    registry.clear_cache()
    yield
    registry.clear_cache()


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("us", "is registered by bad and imbench; uninstall one of them"),
        ("nopart", "it is not a subclass of imbench.Part"),
        ("unfound", "No module named 'nowhere_to_be_found'"),
    ],
)
def test_row_22_a_bad_plugin_is_disabled_with_its_reason_wherever_it_is_shown(
    bad, capfd, tmp_path, name, fault
):
    _, out, _ = call(capfd, "list", "plugins")
    lines = [line for line in out.splitlines() if re.match(rf"methods +{name} ", line)]
    assert len(lines) == (2 if name == "us" else 1)
    assert all("DISABLED: " in line and fault in line for line in lines)
    assert re.search(r"^methods +cs +imbench +ok$", out, flags=re.MULTILINE), "the rest works"
    code, out, _ = call(capfd, "info", name)
    assert code == 0
    assert re.search(rf"DISABLED: .*{re.escape(fault)}", out)
    code, out, _ = call(capfd, "doctor", "--out", tmp_path / "results")
    assert code == 0
    assert re.search(rf"DISABLED +methods {name} of bad: .*{re.escape(fault)}", out)
    words = ("run", "--datasets", "digits", "--minority", "9", "--size", "8", "--dry-run")
    code, _, err = call(capfd, *words, "--methods", f"vanilla,{name}", "--out", tmp_path / "r")
    assert code == 2
    assert fault in err
    assert re.search(r"^bench: .+\n\Z", err, flags=re.MULTILINE)
    assert call(capfd, *words, "--methods", "vanilla,cs", "--out", tmp_path / "r")[0] == 0


def test_row_22_a_name_that_clashes_is_listed_as_disabled(bad, capfd):
    _, out, _ = call(capfd, "list", "methods")
    lines = [line for line in out.splitlines() if line.startswith("us ")]
    assert len(lines) == 2
    assert [re.split(r"  +", line)[1:] for line in lines] == [["bad", "disabled"], ["disabled"]]
    assert out.count("bench list plugins") == 1, "what to do is said once"
    assert out.endswith("`bench list plugins` says why one is disabled\n")


def test_doctor_says_what_there_is(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    code, out, err = call(capfd, "doctor", "--data", "pictures")
    assert (code, err) == (0, "")
    rows = {line[:13].strip(): line[14:] for line in out.splitlines()}
    assert rows["torch"] == version("torch")
    assert rows["imbench"] == version("imbench")
    assert re.fullmatch(r"[0-9a-f]{40}(-changed)?|imbench \S+", rows["source"])
    assert rows["processor"].endswith(" cores")
    assert rows["device"] == "cpu (no CUDA)" or "cuda:0" in rows
    assert rows["data"] == "pictures (found)"
    assert re.fullmatch(r"results \(will be made, \d+ GB free\)", rows["results"])
    usable = len(every_name())
    assert rows["plug-ins"] == f"{usable} of {usable} usable"
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"], "nothing is made"


def test_doctor_says_that_data_are_not_there_and_what_that_means(tmp_path, capfd):
    code, out, _ = call(capfd, "doctor", "--data", tmp_path / "no", "--out", tmp_path)
    assert code == 0
    assert f"{tmp_path / 'no'} (missing: needed for data sets that are read from files)" in out


def test_doctor_says_of_a_file_in_place_of_the_data_what_it_says_of_no_folder(
    tmp_path, monkeypatch, capfd
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("IMBENCH_DATA", str(tmp_path / "file"))
    code, out, err = call(capfd, "doctor", "--out", tmp_path)
    assert (code, err) == (0, "")
    assert f"{tmp_path / 'file'} (missing: needed for data sets that are read from files)" in out


def test_row_14_doctor_ends_with_4_if_a_folder_cannot_be_written(tmp_path, monkeypatch, capfd):
    (tmp_path / "file").touch()
    out_folder = tmp_path / "file" / "results"
    code, out, err = call(capfd, "doctor", "--out", out_folder)
    assert code == 4
    assert f"{out_folder} (CANNOT BE WRITTEN)" in out
    assert "plug-ins" in out, "the rest is said all the same"
    assert err == f"bench: cannot be written: results {out_folder}; choose other folders\n"
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "file"))
    code, _, err = call(capfd, "doctor", "--out", out_folder)
    assert code == 4
    assert err.startswith(f"bench: cannot be written: cache {tmp_path / 'file'}, results ")


def completed(capfd, monkeypatch, *words):
    """Return what bash is offered after the last of `words`, as (kind, text)."""
    monkeypatch.setenv("_BENCH_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(["bench", *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    code = exit_code([])
    out, err = capfd.readouterr()
    assert (code, err) == (0, "")
    return [tuple(line.split(",", 1)) for line in out.splitlines() if line]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("run", "--datasets", "fa"), ["fashion-mnist"]),
        (("run", "--datasets", "digits,cel"), ["digits,celeba"]),
        (("run", "--datasets", "zzz"), []),
        (("run", "--methods", "smot"), ["smote"]),
        (("run", "--methods", "us+smot"), ["us+smote"]),
        (("run", "--methods", "os,us+smot"), ["os,us+smote"]),
        (("run", "--methods", "van"), ["vanilla"]),
        (("run", "--bad-images", "s"), ["stop", "skip"]),
        (("run", "--retry"), ["--retry-failed"]),
        (("list", "m"), ["methods", "metrics", "maps"]),
        (("info", "resn"), ["resnet20"]),
        (("info", "brie"), ["brier"]),
        (("sta",), ["status"]),
        (("nosuch", "x"), []),
    ],
)
def test_tab_offers(capfd, monkeypatch, words, offered):
    assert [text for _, text in completed(capfd, monkeypatch, *words)] == offered


def test_tab_offers_every_command_grids_and_files(capfd, monkeypatch):
    assert [text for _, text in completed(capfd, monkeypatch, "")] == list(COMMANDS)
    assert completed(capfd, monkeypatch, "run", "qu") == [("plain", "quick"), ("file", "qu")]
    grids = [text for kind, text in completed(capfd, monkeypatch, "run", "") if kind == "plain"]
    assert grids == shipped()
    names = [text for _, text in completed(capfd, monkeypatch, "run", "--datasets", "")]
    assert names == registry.registered_names("datasets")


def test_after_tab_nothing_heavy_is_imported():
    told = (
        "import sys\n"
        "from imbench.commands.cli import exit_code\n"
        "try: exit_code([])\n"
        "except SystemExit: pass\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    tab = {"_BENCH_COMPLETE": "bash_complete", "COMP_WORDS": "bench run --methods u"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", told],
        env={**os.environ, **tab, "COMP_CWORD": "3"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "plain,us\n" in done.stdout
    assert not {"torch", "numpy", "pandas", "pydantic", "sklearn"} & set(done.stderr.split())


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",)])
def test_help_lists_the_commands_and_what_exit_codes_mean(capfd, words):
    code, out, err = call(capfd, *words)
    assert (code, err) == (0, "")
    for name, (_, text) in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(text[:30])}", out, flags=re.MULTILINE)
    assert "130" in out


def test_a_reader_that_has_enough_is_no_error():
    done = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$0" list metrics | true', BENCH],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_version(capfd):
    assert call(capfd, "--version") == (0, f"bench, version {version('imbench')}\n", "")
