"""The loop: schedule, weights, order of batches, divergence."""

import numpy as np
import pytest
import torch
from small import plain_budget
from torch import nn

from imbench.errors import Diverged, EnvironmentFault
from imbench.training.device import choose_device, fixed_threads
from imbench.training.examples import Examples
from imbench.training.forward import forward_all, to_tensor
from imbench.training.loop import learning_rate, train
from imbench.training.part import Part, is_plain_loss
from imbench.training.state import TrainState

CPU = torch.device("cpu")


def budget(**changes):
    return plain_budget(**{"steps": 20, "batch_size": 8, "warmup": 0.1, **changes})


def new_state(n=24, **changes):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, size=n)
    x = (rng.normal(size=(n, 5)) + y[:, None]).astype(np.float32)
    net = nn.Linear(5, 2)
    with torch.no_grad():
        net.weight.zero_()
        net.bias.zero_()
    made = budget(**changes)
    optimiser = torch.optim.SGD(net.parameters(), lr=made.lr)
    counts = np.bincount(y, minlength=2).astype(float)
    return TrainState(net, optimiser, Examples(x), y, counts, made, CPU, seed=0)


class Watch(Part):
    """Keeps what it is shown."""

    def mix(self, state, x, y):
        self.seen = [*getattr(self, "seen", []), y.tolist()]
        return x, y


def test_rate_rises_and_falls_as_a_cosine():
    rates = [learning_rate(step, budget(steps=100)) for step in range(100)]
    assert rates[0] == pytest.approx(0.01)
    assert rates[9] == pytest.approx(0.1)
    assert rates[10] == pytest.approx(0.1)
    assert rates[55] == pytest.approx(0.05)
    assert 0 < rates[99] < 1e-4
    assert learning_rate(0, budget(steps=1, warmup=0)) == pytest.approx(0.1)


def test_each_pass_shows_every_image_once_and_no_batch_is_short():
    watch = Watch()
    state = new_state(n=20, steps=5)
    state.labels = np.arange(20)
    watch.mix = lambda state, x, y: (x, watch.shown.extend(y.tolist()) or y % 2)
    watch.shown = []
    train(state, [watch], None, None)
    assert len(watch.shown) == 40
    assert sorted(watch.shown[:20]) == sorted(watch.shown[20:]) == list(range(20))


def test_a_set_smaller_than_a_batch_still_fills_it():
    watch = Watch()
    train(new_state(n=3, steps=4), [watch], None, None)
    assert [len(y) for y in watch.seen] == [8] * 4


def test_chances_draw_the_classes_they_ask_for():
    watch = Watch()
    state = new_state(n=200, steps=100)
    state.labels = np.repeat([0, 1], [190, 10])
    chances = np.where(state.labels == 1, 0.5 / 10, 0.5 / 190)
    train(state, [watch], chances, None)
    assert np.mean(watch.seen) == pytest.approx(0.5, abs=0.05)


def step_of(weights, labels, logits):
    """Gradient on the bias after one step with fixed logits."""
    state = new_state(n=len(labels), steps=1, batch_size=len(labels), warmup=0, lr=1.0)
    state.labels = np.array(labels)
    with torch.no_grad():
        state.net.bias.copy_(torch.tensor(logits))
    state.examples = Examples(np.zeros((len(labels), 5), np.float32))
    train(state, [], None, weights)
    return float(state.losses[0])


def test_batch_loss_is_the_mean_of_weighted_losses():
    # Known answers: torch's own weighted mean would give 2.097371 and 0.126928.
    weights = np.array([0.5025, 100.5])
    assert step_of(weights, [0, 0, 0, 1], [2.0, 0.0]) == pytest.approx(53.486904, abs=1e-4)
    assert step_of(weights, [0, 0, 0], [2.0, 0.0]) == pytest.approx(0.063781, abs=1e-6)


def test_class_balanced_loss_of_the_known_batch():
    weights = np.array([0.015657, 1.984343])
    assert step_of(weights, [0, 0, 0, 1], [2.0, 0.0]) == pytest.approx(1.056629, abs=2e-5)


def test_image_weights_multiply():
    state = new_state(n=4, steps=1, batch_size=4)
    state.examples = Examples(np.zeros((4, 5), np.float32), weights=np.array([0.0, 0, 0, 2]))
    train(state, [], None, None)
    assert float(state.losses[0]) == pytest.approx(2 * np.log(2) / 4)


class Custom(Part):
    """Its own loss, soft labels, and a hook before and after."""

    def mix(self, state, x, y):
        return x, nn.functional.one_hot(y, 2).float() * 0.9 + 0.05

    def losses(self, logits, y, counts):
        assert y.shape == logits.shape
        return -(y * logits.log_softmax(1)).sum(1) * 3

    def before_step(self, state):
        self.steps = [*getattr(self, "steps", []), state.step]

    def finish(self, state):
        self.final = state.train_loss


def test_a_part_may_take_over_loss_labels_and_steps():
    part, plain = Custom(), new_state()
    state = new_state()
    train(state, [part], None, np.array([1.0, 1.0]))
    train(plain, [], None, None)
    assert part.steps == list(range(20))
    assert part.final == state.train_loss
    assert float(state.losses[0]) == pytest.approx(3 * np.log(2), abs=1e-5)
    assert float(plain.losses[0]) == pytest.approx(np.log(2), abs=1e-5)
    assert plain.train_loss < np.log(2)


def test_losses_of_the_first_and_last_steps_and_how_long_they_are_0():
    state = new_state()
    state.losses = [torch.tensor(loss) for loss in [0.7, 0.6, *[0.3] * 98, *[0.0] * 100]]
    assert state.first_loss == pytest.approx(0.65)
    assert state.train_loss == 0
    assert state.zero_loss_steps == 100
    state.losses = [torch.tensor(loss) for loss in [0.9, *[0.0] * 400, 0.1, *[0.0] * 99]]
    assert state.zero_loss_steps == 500  # one batch of 0.1 among 500 steps of 0 is no interruption
    state.losses = [torch.tensor(0.2)] * 10
    assert state.zero_loss_steps == 0


def test_a_part_with_a_loss_of_its_own_has_no_plain_loss():
    assert is_plain_loss([])
    assert is_plain_loss([Part()])
    assert not is_plain_loss([Part(), Custom()])
    assert not is_plain_loss([Watch()])


def test_an_infinite_loss_stops_at_its_step():
    class Explodes(Part):
        def losses(self, logits, y, counts):
            self.calls = getattr(self, "calls", 0) + 1
            return logits.sum(1) * (float("inf") if self.calls == 4 else 1)

    with pytest.raises(Diverged, match="not finite at step 3"):
        train(new_state(), [Explodes()], None, None)


def test_images_become_channels_last_floats():
    x = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3)).astype(np.uint8)
    tensor = to_tensor(x, CPU)
    assert tensor.shape == (2, 3, 4, 5)
    assert tensor.is_contiguous(memory_format=torch.channels_last)
    assert tensor[1, 2, 3, 4].item() == pytest.approx(x[1, 3, 4, 2] / 255)


def test_outputs_do_not_depend_on_the_batch_size():
    net = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(12, 2))
    x = np.random.default_rng(0).integers(0, 256, (7, 2, 2, 3)).astype(np.uint8)
    whole, pieces = forward_all(net, x, CPU), forward_all(net, x, CPU, batch_size=3)
    assert whole == pytest.approx(pieces, abs=1e-6)
    assert whole.shape == (7, 2)


def test_threads_are_fixed_inside_and_restored():
    before = torch.get_num_threads()
    with fixed_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_devices_by_name():
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(EnvironmentFault, match="device 'cuda:99'"):
        choose_device("cuda:99")
    with pytest.raises(EnvironmentFault, match="device 'gpu'"):
        choose_device("gpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_divergence_is_found_on_a_gpu_at_its_own_step():
    state = new_state()
    state.device = torch.device("cuda")
    state.net.cuda()

    class Explodes(Part):
        def losses(self, logits, y, counts):
            self.calls = getattr(self, "calls", 0) + 1
            return logits.sum(1) * (float("inf") if self.calls == 4 else 1)

    with pytest.raises(Diverged, match="not finite at step 3"):
        train(state, [Explodes()], None, None)
