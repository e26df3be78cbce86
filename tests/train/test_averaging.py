"""Means of the weights: the formula, what counts as a step, and that looking at a mean leaves no trace."""

from __future__ import annotations

import pytest
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from tunesmith.train.averaging import AVERAGE, averaged, keep_average, put_average


def stepped(decay: float, n_steps: int) -> tuple[torch.nn.Linear, torch.optim.Optimizer, list[torch.Tensor]]:
    """A model after some steps, its optimiser, and its weights after each step."""
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2, bias=False).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    keep_average(optimizer, decay)
    passed = []
    for _ in range(n_steps):
        model(torch.randn(4, 3).double()).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        passed.append(model.weight.detach().clone())
    return model, optimizer, passed


@pytest.mark.parametrize("decay", [0.5, 0.9, 0.999])
def test_the_average_is_the_corrected_moving_average(decay: float) -> None:
    """Kingma and Ba 2015: a moving average from zero, ``m = d m + (1 - d) w``, over ``1 - d^t``."""
    model, optimizer, passed = stepped(decay, 7)
    moving = torch.zeros_like(passed[0])
    for weights in passed:
        moving = decay * moving + (1 - decay) * weights
    torch.testing.assert_close(optimizer.state[model.weight][AVERAGE], moving / (1 - decay**7))


def test_it_is_that_of_torch_but_for_the_correction() -> None:
    """torch's own begins with the first weights instead of correcting; from there on both move alike."""
    decay = 0.9
    model, optimizer, passed = stepped(decay, 7)
    reference = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))
    follower = torch.nn.Linear(3, 2, bias=False).double()
    for weights in passed:
        with torch.no_grad():
            follower.weight.copy_(weights)
        reference.update_parameters(follower)
    corrected = optimizer.state[model.weight][AVERAGE] * (1 - decay**7)
    torch.testing.assert_close(reference.module.weight.detach(), corrected + decay**7 * passed[0])


def test_a_look_at_the_average_leaves_no_trace() -> None:
    """In place while it is looked at; afterwards weights and average are the same bits, and after an error too."""
    model, optimizer, passed = stepped(0.9, 5)
    mean = optimizer.state[model.weight][AVERAGE].clone()
    seen = []

    def look() -> None:
        with averaged(optimizer):
            seen.append(model.weight.detach().clone())
            raise KeyError("while the average is in place")

    with pytest.raises(KeyError, match="in place"):
        look()
    assert torch.equal(seen[0], mean)
    assert torch.equal(model.weight.detach(), passed[-1])
    assert torch.equal(optimizer.state[model.weight][AVERAGE], mean)
    assert not torch.equal(mean, passed[-1])
    for _ in range(2):  # once more changes nothing
        put_average(optimizer)
        assert torch.equal(model.weight.detach(), mean)


def test_without_an_average_the_weights_stay() -> None:
    """An optimiser that keeps none, and one that has not stepped yet."""
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.AdamW([weight])
    for _ in range(2):
        with averaged(optimizer):
            assert torch.equal(weight.detach(), torch.ones(2))
        put_average(optimizer)
        assert torch.equal(weight.detach(), torch.ones(2))
        keep_average(optimizer, 0.9)
