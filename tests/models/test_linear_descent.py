"""The descent reaches the minimum whatever the first guess of the curvature, and never climbs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from tests.models.wanted import classes
from torch import Tensor

from tunesmith.models.linear_descent import Descent, descend


@dataclass
class Plain:
    """Dense features whose first guess is a number."""

    rows: Tensor
    guess: float = 1.0

    def logits(self, parameters: Tensor) -> Tensor:
        """Features times parameters."""
        return self.rows @ parameters[:-1] + parameters[-1]

    def gradient(self, residual: Tensor) -> Tensor:
        """Transposed features times residual."""
        return torch.cat([self.rows.T @ residual, residual.sum(dim=0, keepdim=True)])

    def precondition(self, gradient: Tensor) -> Tensor:
        """The same number for every parameter."""
        return self.guess * gradient


def lowered(features: Plain, targets: Tensor, start: Tensor, **how: Any) -> Descent:
    """Where the descent of the cross-entropy ends."""
    return descend(features, classes(targets, start.shape[1]), start, **how)


def problem(guess: float = 1.0) -> tuple[Plain, Tensor, Tensor]:
    """Features, targets, and parameters of zero: 200 rows, 6 features, 3 classes."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(200, 6, generator=generator)
    scores = rows @ torch.randn(6, 3, generator=generator) + 2 * torch.randn(200, 3, generator=generator)
    return Plain(rows, guess), scores.argmax(dim=1), torch.zeros(7, 3)


def test_the_gradient_vanishes_where_it_ends() -> None:
    """At the minimum the gradient by automatic differentiation must be zero but for rounding."""
    features, targets, start = problem()
    end = lowered(features, targets, start, l2=0.01, max_iterations=200, tolerance=0.0)
    parameters = end.parameters.double().requires_grad_()
    rows = features.rows.double()
    logits = rows @ parameters[:-1] + parameters[-1]
    loss = torch.nn.functional.cross_entropy(logits, targets) + 0.005 * parameters[:-1].square().sum()
    loss.backward()  # type: ignore[no-untyped-call]
    assert parameters.grad is not None
    assert parameters.grad.abs().max() < 1e-4
    assert end.loss == pytest.approx(loss.item(), rel=1e-6)


@pytest.mark.parametrize("guess", [1e-4, 1.0, 1e4])
def test_a_wrong_guess_costs_steps_but_not_the_minimum(guess: float) -> None:
    """A first step that is far too short or far too long must be corrected by the line search."""
    best = lowered(*problem(), l2=0.01, max_iterations=200, tolerance=0.0).loss
    end = lowered(*problem(guess), l2=0.01, max_iterations=200, tolerance=0.0)
    assert end.loss == pytest.approx(best, rel=1e-5)
    assert end.iterations < 120


def test_a_wrong_guess_is_put_right_by_the_first_step() -> None:
    """Whatever the guess is off by, a few steps bring the loss near its minimum."""
    best = lowered(*problem(), l2=0.01, max_iterations=200, tolerance=0.0).loss
    for guess in (1e-3, 1.0, 1e3):
        assert lowered(*problem(guess), l2=0.01, max_iterations=8, tolerance=0.0).loss < 1.003 * best


def test_a_step_across_a_narrow_valley_does_not_climb() -> None:
    """Where the slope behind the minimum is gentler than before it, a long step ends higher and must not be taken."""
    features = Plain(torch.tensor([[100.0], [80.0]]), guess=0.2)
    targets, start = torch.tensor([1, 0]), torch.tensor([[0.25, -0.25], [0.0, 0.0]])
    before, _ = classes(targets, 2).measure(features.logits(start))
    assert lowered(features, targets, start, l2=0.0, max_iterations=1, tolerance=0.0).loss < before


def test_it_stops_when_little_is_left() -> None:
    """A looser tolerance must take fewer steps, and two slow steps in a row are enough."""
    steps = [lowered(*problem(), l2=0.01, max_iterations=200, tolerance=each).iterations for each in (0.5, 1e-2, 1e-5)]
    assert steps == sorted(steps)
    assert steps[0] < steps[2]
    assert lowered(*problem(), l2=0.01, max_iterations=200, tolerance=2.0).iterations == 2


def test_what_is_learnt_of_the_curvature_saves_steps() -> None:
    """On features of very uneven size, remembered steps must reach the minimum twice as soon as none."""
    features, targets, start = problem()
    features.rows *= torch.from_numpy(np.geomspace(1, 0.05, 6)).float()
    taken = {
        history: lowered(features, targets, start, l2=1e-4, max_iterations=500, tolerance=1e-6, history=history)
        for history in (0, 10)
    }
    assert taken[10].loss <= taken[0].loss * (1 + 1e-4)
    assert 2 * taken[10].iterations < taken[0].iterations


def test_the_start_is_left_alone() -> None:
    """The caller's parameters must not be written to."""
    features, targets, start = problem()
    lowered(features, targets, start, l2=0.01, max_iterations=5, tolerance=0.0)
    assert not start.any()
