"""What a plan refuses since each of its cells would fail alike; and what it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from imbench.errors import DataError, UsageError
from imbench.records.cell import Grid, Settings
from imbench.runs.feasible import check_size, checked_cells
from imbench.runs.plan import recipes_of
from imbench.runs.sources import Source

NETWORKS = """
import numpy as np
import torch
from torch import nn


def huge(shape, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 10**9), nn.Linear(10**9, classes))


def grey(shape, classes):
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(144, classes))


def three(shape, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(shape[0] * 64, 3))


class Content(nn.Module):
    def __init__(self, shape, classes):
        super().__init__()
        self.head = nn.Linear(shape[0] * 64, classes)
        self.scale = nn.Parameter(torch.from_numpy(np.ones(classes, np.float32)))

    def forward(self, x):
        return self.head(x.flatten(1) / (x.max().item() + 1)) * self.scale


def broken(shape, classes):
    raise KeyError("weights")
"""


def cells(methods="vanilla", *, network="cnn", size=8, channels=3, counts=(100, 20), minority=20):
    grid = Grid(
        datasets=("made",),
        minority={"made": (minority,)},
        majority={"made": None},
        methods=(methods,),
        seeds=(0,),
        settings=Settings(network=network, size=size),
    )
    source = Source("made", Path("made"), "f" * 32, counts, (9, 9, 9)[: len(counts)])
    source = Source(**{**vars(source), "channels": channels})
    return checked_cells(grid, {"made": source}, recipes_of(grid.methods)[0])


@pytest.fixture
def networks(tmp_path):
    """Return the spec of a network in a file."""
    file = tmp_path / "nets.py"
    file.write_text(NETWORKS)
    return lambda name: f"{file}:{name}"


@pytest.mark.parametrize("name", ["huge", "Content"])
def test_a_network_that_fits_is_taken_without_its_memory(networks, name):
    assert len(cells(network=networks(name))) == 1


def test_a_network_is_tried_with_the_channels_and_classes_of_the_data(networks):
    assert cells(network=networks("grey"), channels=1)
    with pytest.raises(UsageError, match=r"grey' cannot take images of shape \(3, 8, 8\): "):
        cells(network=networks("grey"), channels=3)
    assert cells(network=networks("three"), counts=(100, 20, 20))
    with pytest.raises(UsageError, match=r"gives torch.float32 \(2, 3\) for 2 images, not"):
        cells(network=networks("three"))


def test_a_network_that_cannot_be_made_is_refused(networks):
    with pytest.raises(UsageError, match=r"broken' cannot be built: KeyError: 'weights'"):
        cells(network=networks("broken"))


@pytest.mark.parametrize("name", ["vgg11", "vit_b_16"])
def test_a_network_of_torchvision_for_other_sizes_is_refused(name):
    with pytest.raises(UsageError, match=f"'torchvision:{name}' cannot take images of shape"):
        cells(network=f"torchvision:{name}")
    assert cells(network=f"torchvision:{name}", size=224)


@pytest.mark.parametrize(
    ("methods", "changed", "says"),
    [
        ("cs:ratio=3", {"minority": 20, "counts": (20, 20)}, "classes of different size"),
        ("us:rho=1+cs:ratio=3", {}, "classes of different size"),
        ("aug:layers=3", {}, "images of 8 px are too small for a discriminator of 3"),
        ("alt:layers=2", {}, "images of 8 px are too small for a discriminator of 2"),
        ("us+aug:gamma=learned", {"minority": 3}, "needs 4 images of each class"),
        ("alt:gamma=learned-meta", {"minority": 2}, "needs 4 images of each class"),
    ],
)
def test_a_part_that_cannot_take_the_training_set_is_refused_with_the_cell(methods, changed, says):
    with pytest.raises(UsageError, match=f"^made at minority count .*, .*: .*{says}"):
        cells(methods, **changed)


@pytest.mark.parametrize("methods", ["cs:ratio=3", "os+cs:ratio=3", "aug:layers=1", "smote+cs"])
def test_a_part_that_can_take_it_is_not(methods):
    assert cells(methods)


def test_a_folder_of_generated_images_is_looked_at_before_anything_is_trained(tmp_path):
    with pytest.raises(DataError, match="holds no images"):
        cells(f"generated:{tmp_path}")
    with pytest.raises(DataError, match="there is no folder"):
        cells(f"generated:{tmp_path}/nothing")


def test_a_grid_is_counted_before_it_is_expanded():
    grid = Grid(
        datasets=("a", "b"),
        minority={"a": tuple(range(1000)), "b": (5,)},
        majority={},
        methods=("vanilla",),
        seeds=tuple(range(10_000)),
    )
    check_size(grid, 1, 10_010_000)
    with pytest.raises(UsageError) as raised:
        check_size(grid, 2, 100_000)
    assert str(raised.value) == (
        "the grid has 20020000 cells (2 data sets with 1001 minority counts together x 2 methods "
        "x 10000 seeds), more than 100000: ask for less, or raise --max-cells"
    )
