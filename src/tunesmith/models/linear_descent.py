"""Fitting a linear model on all rows at once, whatever its likelihood and whatever its features are stored as.

Minimises ``mean loss of a row + l2 / 2 * |weights|^2`` by L-BFGS from a start and a first guess of the inverse
curvature that the caller knows. Outputs are linear in the parameters, so a step needs one product to move the outputs
and one for the gradient; the line search between them only adds and exponentiates.

Source: Nocedal and Wright 2006, algorithm 7.4 and section 3.1. With cross-entropy, the objective is that of
scikit-learn's ``LogisticRegression`` with ``C = 1 / (l2 * rows)``; the bias is free in both.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import torch
from torch import Tensor

from tunesmith.models.supervision import Supervision

_TRIALS = 12  # evaluations in one line search; one or two are usual
_SUFFICIENT_DECREASE = 1e-4
_SLOPE_LEFT = 0.9  # a tighter search costs more evaluations than it saves iterations
_SLOPE_LEFT_AT_FIRST = (0.1, 0.3, 0.5)  # but for the first steps, whose length nothing tells yet

_Pair: TypeAlias = tuple[Tensor, Tensor, float]


class Features(Protocol):
    """Stored features of B rows. Parameters are ``[F + 1, C]``: a row of weights a feature, the bias last."""

    def logits(self, parameters: Tensor) -> Tensor:
        """Multiply features and parameters.

        Returns:
            ``[B, C]``.
        """

    def gradient(self, residual: Tensor) -> Tensor:
        """Multiply the transposed features, and a row of ones for the bias, with a residual ``[B, C]``.

        Returns:
            ``[F + 1, C]``.
        """

    def precondition(self, gradient: Tensor) -> Tensor:
        """Multiply a first guess of the inverse curvature with a gradient ``[F + 1, C]``.

        Returns:
            ``[F + 1, C]``.
        """


@dataclass(frozen=True, slots=True)
class Descent:
    """Where the descent ended: ``parameters`` ``[F + 1, C]``, the loss there (penalty included), the steps taken."""

    parameters: Tensor
    loss: float
    iterations: int


def descend(
    features: Features,
    wanted: Supervision,
    start: Tensor,
    *,
    l2: float,
    max_iterations: int,
    tolerance: float,
    history: int = 10,
) -> Descent:
    """Lower the loss until it hardly falls.

    The same inputs on the same number of threads give the same bits.

    Args:
        features: Of B rows.
        wanted: What the rows are fitted to.
        start: Parameters to begin at, ``[F + 1, C]``.
        l2: Strength of the penalty, relative to the mean loss of a row.
        max_iterations: Most steps.
        tolerance: Stop once two steps in a row lower the loss by less than this share of it.
        history: Steps that the curvature is learnt from; each is kept twice the size of the parameters.

    Returns:
        The end.
    """
    objective = _Objective(features, wanted, l2)
    point = objective.at(start)
    pairs: deque[_Pair] = deque(maxlen=history)
    iterations = n_slow = 0
    reach = 1.0
    while iterations < max_iterations and n_slow < 2:
        left = _SLOPE_LEFT_AT_FIRST[iterations] if iterations < len(_SLOPE_LEFT_AT_FIRST) else _SLOPE_LEFT
        direction = _direction(features, point.gradient, pairs, reach=reach)
        reached = _line_search(objective, point, direction, slope_left=left)
        if reached is None:  # what is left of the slope is rounding
            break
        iterations += 1
        step, turn = reached.parameters - point.parameters, reached.gradient - point.gradient
        bend = _dot(step, turn)
        if bend > 0:
            pairs.append((step, turn, 1 / bend))
            reach = bend / _dot(turn, features.precondition(turn))
        n_slow = n_slow + 1 if point.loss - reached.loss < tolerance * reached.loss else 0
        point = reached
    return Descent(point.parameters, point.loss, iterations)


@dataclass(frozen=True, slots=True)
class _Point:
    """Parameters ``[F + 1, C]``, their logits ``[B, C]``, their loss and its gradient."""

    parameters: Tensor
    logits: Tensor
    loss: float
    gradient: Tensor


@dataclass(frozen=True, slots=True)
class _Objective:
    """What does not change from step to step: rows and penalty."""

    features: Features
    wanted: Supervision
    l2: float

    def at(self, parameters: Tensor) -> _Point:
        """Measure a set of parameters."""
        logits = self.features.logits(parameters)
        loss, residual = self.wanted.measure(logits)
        loss += self.l2 / 2 * _dot(parameters[:-1], parameters[:-1])
        return _Point(parameters, logits, loss, self.gradient(parameters, residual))

    def gradient(self, parameters: Tensor, residual: Tensor) -> Tensor:
        """Gradient of the loss; ``residual`` is used up."""
        gradient = self.features.gradient(residual.div_(len(residual)))
        gradient[:-1].add_(parameters[:-1], alpha=self.l2)
        return gradient


def _line_search(objective: _Objective, point: _Point, direction: Tensor, *, slope_left: float) -> _Point | None:
    """Step along a direction until no more than a share of the slope is left; None where no step lowers the loss.

    The loss is convex, so a falling slope means a longer step and a rising one a shorter; the next trial is where the
    slope would vanish if it were linear between the two.
    """
    slope = _dot(point.gradient, direction)
    move = objective.features.logits(direction)
    weights, turn = point.parameters[:-1], direction[:-1]
    penalty, pull, bend = (objective.l2 * _dot(*two) for two in ((weights, weights), (weights, turn), (turn, turn)))
    below, above = (0.0, slope), (float("inf"), 0.0)
    step = 1.0
    for _ in range(_TRIALS):
        logits = torch.add(point.logits, move, alpha=step)
        loss, residual = objective.wanted.measure(logits)
        loss += penalty / 2 + step * pull + step * step / 2 * bend
        slope_here = _dot(residual, move) / len(move) + pull + step * bend
        fell = loss <= point.loss + _SUFFICIENT_DECREASE * step * slope
        if fell and abs(slope_here) <= -slope_left * slope:
            parameters = torch.add(point.parameters, direction, alpha=step)
            return _Point(parameters, logits, loss, objective.gradient(parameters, residual))
        below, above = ((step, slope_here), above) if slope_here < 0 and fell else (below, (step, slope_here))
        step = _next_step(below, above)
    return None


def _next_step(below: tuple[float, float], above: tuple[float, float]) -> float:
    """Where the slope would vanish, kept well inside the bracket; four times further where there is no bracket yet."""
    (low, slope_low), (high, slope_high) = below, above
    if high == float("inf"):
        return 4 * low
    width = high - low
    secant = low - slope_low * width / (slope_high - slope_low) if slope_high > slope_low else low + width / 2
    return min(max(secant, low + width / 10), high - width / 10)


def _direction(features: Features, gradient: Tensor, pairs: Sequence[_Pair], *, reach: float) -> Tensor:
    """Quasi-Newton direction ``[F + 1, C]`` by the two-loop recursion.

    The surer a model is, the less its loss curves: ``reach`` is by how much less than the first guess on the last step.
    Source: Nocedal and Wright 2006, equation 7.20.
    """
    direction = -gradient
    shares = []
    for step, turn, scale in reversed(pairs):
        share = scale * _dot(step, direction)
        direction.add_(turn, alpha=-share)
        shares.append(share)
    direction = features.precondition(direction).mul_(reach)
    for (step, turn, scale), share in zip(pairs, reversed(shares), strict=True):
        direction.add_(step, alpha=share - scale * _dot(turn, direction))
    return direction


def _dot(one: Tensor, other: Tensor) -> float:
    """Inner product over all entries."""
    return float(torch.dot(one.reshape(-1), other.reshape(-1)))
