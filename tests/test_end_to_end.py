"""The commands of the mission, as a user types them, on folders laid out like the official ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

BENCH = Path(sys.executable).with_name("bench")


def bench(*arguments: str, data: Path, where: Path, code: int = 0) -> str:
    """Run the command in a folder of its own and return what it printed."""
    done = subprocess.run(
        [BENCH, *arguments],
        cwd=where,
        env={**os.environ, "IMBENCH_DATA": str(data), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def picture(seed: int, tint: int) -> Image.Image:
    """A small noisy picture whose green channel tells the class."""
    pixels = np.random.default_rng(seed).integers(0, 120, (22, 18, 3), dtype=np.uint8)
    pixels[..., 1] += np.uint8(tint)
    return Image.fromarray(pixels)


def make_celeba(root: Path, train: int = 120, test: int = 12) -> None:
    """Write the layout of CelebA's aligned images: attributes, partition, one folder."""
    folder = root / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    attributes, partition = [], []
    for number in range(1, 2 * (train + test) + 1):
        blond = number % 2
        name = f"{number:06d}.jpg"
        picture(number, 90 * blond).save(folder / "img_align_celeba" / name)
        attributes.append(f"{name} {-1 if blond else 1} {1 if blond else -1} 1")
        partition.append(f"{name} {0 if number <= 2 * train else 2}")
    header = f"{len(attributes)}\nBlack_Hair Blond_Hair Young\n"
    (folder / "list_attr_celeba.txt").write_text(header + "\n".join(attributes) + "\n")
    (folder / "list_eval_partition.txt").write_text("\n".join(partition) + "\n")


def make_cub(root: Path, train: int = 110, test: int = 10) -> None:
    """Write the layout of CUB-200-2011: four tables and a folder a species."""
    folder = root / "CUB_200_2011"
    species = ("037.Acadian_Flycatcher", "113.Baird_Sparrow")
    images, labels, split = [], [], []
    for row in range(2 * (train + test)):
        kind = row % 2
        path = f"{species[kind]}/{row:04d}.jpg"
        (folder / "images" / species[kind]).mkdir(parents=True, exist_ok=True)
        picture(5000 + row, 90 * kind).save(folder / "images" / path)
        images.append(f"{row + 1} {path}")
        labels.append(f"{row + 1} {(37, 113)[kind]}")
        split.append(f"{row + 1} {int(row < 2 * train)}")
    tables = {
        "images.txt": images,
        "image_class_labels.txt": labels,
        "train_test_split.txt": split,
        "classes.txt": ["37 037.Acadian_Flycatcher", "113 113.Baird_Sparrow"],
    }
    for name, lines in tables.items():
        (folder / name).write_text("\n".join(lines) + "\n")


FAST = ("--network", "linear", "--size", "16", "--steps", "8", "--seeds", "0-1")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """Run the mission's command once: data folder, working folder, what it printed."""
    base = tmp_path_factory.mktemp("mission")
    data, work = base / "data", base / "work"
    work.mkdir()
    make_celeba(data)
    make_cub(data)
    command = ("run", "--datasets", "celeba,cub", "--minority", "50,100")
    return data, work, bench(*command, *FAST, data=data, where=work)


@pytest.mark.slow
def test_the_missions_command_runs_every_method(ran):
    data, work, printed = ran
    assert "CelebA" in printed or "celeba" in printed
    rows = json.loads(bench("report", "--json", data=data, where=work))
    text = json.dumps(rows)
    for title in ("Vanilla", "TS", "US+CS", "OS+CS", "SMOTE", "CBL 0.9999", "ALT", "AUG"):
        assert title in text
    records = list((work / "results").glob("*/*/*/*.json"))
    assert len(records) == 2 * 2 * 14 * 2


@pytest.mark.slow
def test_what_is_done_is_not_done_again(ran):
    data, work, _ = ran
    before = {p: p.stat().st_mtime_ns for p in (work / "results").glob("*/*/*/*.json")}
    command = ("run", "--datasets", "celeba,cub", "--minority", "50,100")
    bench(*command, *FAST, data=data, where=work)
    assert {p: p.stat().st_mtime_ns for p in before} == before


@pytest.mark.slow
def test_the_papers_tables_in_latex(ran):
    data, work, _ = ran
    text = bench("report", "--latex", "--metric", "f1,acsa", data=data, where=work)
    assert text.count(r"\toprule") == 4
    assert "% " in text
    bench("report", "--latex", "table.tex", "--vs-paper", data=data, where=work)
    assert r"\bottomrule" in (work / "table.tex").read_text()


@pytest.mark.slow
def test_missing_data_say_what_to_do(ran, tmp_path):
    _, work, _ = ran
    done = subprocess.run(
        [BENCH, "run", "--datasets", "celeba", "--minority", "50", "--data", str(tmp_path)],
        cwd=work,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 4
    assert "bench data import celeba" in done.stderr
