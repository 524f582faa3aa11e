"""States of trainings, compared bit for bit."""

import torch

__all__ = ["assert_same"]


def flat(content, name=""):
    """Yield the leaves of nested tensors and plain data."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from flat(value, f"{name}.{key}")
    elif isinstance(content, list | tuple):
        for place, value in enumerate(content):
            yield from flat(value, f"{name}.{place}")
    else:
        yield name, content


def assert_same(found, expected):
    found, expected = dict(flat(found)), dict(flat(expected))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(found[name], value), name
        else:
            assert found[name] == value, name
