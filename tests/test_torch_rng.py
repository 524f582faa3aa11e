"""Torch's random streams are seeded for a while and come back as they were."""

from __future__ import annotations

import pytest
import torch

from imbench.training.device import own_torch_rng

CPU = torch.device("cpu")


def test_the_seed_alone_decides_what_is_drawn_inside():
    drawn = []
    for before in (1, 2):
        torch.manual_seed(before)
        with own_torch_rng(7, CPU):
            drawn.append(torch.rand(3))
    with own_torch_rng(8, CPU):
        other = torch.rand(3)
    assert torch.equal(*drawn)
    assert not torch.equal(drawn[0], other)


def test_the_callers_stream_goes_on_as_if_nothing_had_been_drawn_even_after_an_error():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    first = torch.rand(2)
    with pytest.raises(RuntimeError), own_torch_rng(7, CPU):
        torch.rand(100).reshape(3)
    assert torch.equal(torch.cat([first, torch.rand(2)]), expected)


def test_a_block_for_the_processor_touches_no_card(monkeypatch):
    def touched(*_args: object) -> None:
        pytest.fail("a card was touched")

    for name in ("get_rng_state", "set_rng_state", "manual_seed", "manual_seed_all"):
        monkeypatch.setattr(torch.cuda, name, touched)
    with own_torch_rng(7, CPU):
        torch.rand(1)
