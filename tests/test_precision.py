"""Training in bfloat16 is asked for, named by the cell, and chosen where the machine gains."""

import json

import numpy as np
import pytest
import torch

from imbench.errors import UsageError
from imbench.files import processor
from imbench.records.cell import Cell, Settings
from imbench.runs.settling import GridOptions, settle_grid
from imbench.training import precision
from imbench.training.method import Method


@pytest.fixture
def images():
    """80 dark and bright images, 16 px, which any network tells apart."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [60, 20])
    pixels = rng.integers(0, 90, (80, 16, 16, 3), dtype=np.uint8)
    pixels[labels == 1] += 120
    return pixels, labels


def fitted(images, **settings):
    method = Method(network="cnn:width=8", steps=12, batch_size=16, device="cpu", **settings)
    return method.fit(*images)


def asked(monkeypatch, tmp_path, gain):
    """Return what ``auto`` comes to on a machine of that gain, and how often it is measured."""
    calls = []
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(precision, "measured_gain", lambda: calls.append(gain) or gain)
    return precision.resolved("auto"), calls


def test_bfloat16_trains_the_same_network_but_for_rounding(images):
    single, half = fitted(images), fitted(images, precision="bfloat16")
    apart = np.abs(single.logits(images[0]) - half.logits(images[0])).max()
    assert 0 < apart < 0.05 * np.ptp(single.logits(images[0]))
    assert {p.dtype for p in half.network_.parameters()} == {torch.float32}
    assert np.array_equal(half.predict(images[0]), images[1])


def test_bfloat16_is_deterministic(images):
    first, second = (fitted(images, precision="bfloat16", recipe="sam") for _ in range(2))
    assert np.array_equal(first.logits(images[0]), second.logits(images[0]))


def test_float32_leaves_keys_as_they_were_and_bfloat16_has_its_own():
    plain = Settings()
    assert "precision" not in plain.model_dump()
    assert Settings(precision="float32") == plain
    half = Settings(precision="bfloat16")
    assert half.model_dump()["precision"] == "bfloat16"
    assert Settings(**half.model_dump()) == half
    keys = {
        Cell(dataset="d", fingerprint="f", minority=2, recipe="us", seed=0, settings=one).key
        for one in (plain, half)
    }
    assert len(keys) == 2


def test_no_cell_has_auto_and_other_formats_are_refused():
    with pytest.raises(ValueError, match="precision"):
        Settings(precision="auto")
    with pytest.raises(UsageError, match="float32, bfloat16 or auto"):
        settle_grid(
            None,
            GridOptions(datasets=["digits"], minority=["5"], settings={"precision": "float16"}),
        )


@pytest.mark.parametrize(("gain", "found"), [(1.4, "bfloat16"), (1.1, "float32"), (0, "float32")])
def test_auto_is_settled_when_a_run_is_planned_and_kept(monkeypatch, tmp_path, gain, found):
    answer, calls = asked(monkeypatch, tmp_path, gain)
    assert answer == found
    options = GridOptions(datasets=["digits"], minority=["5"], settings={"precision": "auto"})
    assert settle_grid(None, options).settings.precision == found
    assert calls == [gain]  # the plan reads what is kept


@pytest.mark.parametrize("damage", ["", "[]", '{"precision": "float8"}'])
def test_a_damaged_answer_is_measured_again(monkeypatch, tmp_path, damage):
    asked(monkeypatch, tmp_path, 2.0)
    (kept,) = tmp_path.glob("precision-*.json")
    kept.write_text(damage)
    assert asked(monkeypatch, tmp_path, 1.0)[0] == "float32"
    assert json.loads(kept.read_text()) == {"precision": "float32", "gain": 1.0}


def test_a_cache_that_cannot_be_written_does_not_stop_a_run(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    assert asked(monkeypatch, tmp_path / "file", 2.0)[0] == "bfloat16"


def test_a_method_says_what_auto_came_to(images, monkeypatch, tmp_path):
    asked(monkeypatch, tmp_path, 2.0)
    assert fitted(images, precision="auto").precision_ == "bfloat16"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16 amx_bf16", True),
        ("Features\t: fp asimd bf16", True),
        ("flags\t\t: fpu avx512f", False),
        ("model name\t: bf16", False),
    ],
)
def test_instructions_are_read_of_the_processor(monkeypatch, tmp_path, line, found):
    file = tmp_path / "cpuinfo"
    file.write_text(f"processor\t: 0\n{line}\n")
    monkeypatch.setattr(processor, "_CPUINFO", file)
    processor.instructions.cache_clear()
    assert precision.has_instructions() is found
    processor.instructions.cache_clear()


def test_the_gain_is_measured_where_the_processor_has_the_instructions(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for known, low in ((True, 0.05), (False, -1)):
        monkeypatch.setattr(precision, "has_instructions", lambda known=known: known)
        gain = precision.measured_gain()
        assert gain > low if known else gain == 0
