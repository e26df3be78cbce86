"""Multinomial logistic regression on stored features, solved on all rows at once.

Minimises ``mean cross-entropy + l2 / 2 * |weight|^2`` (the bias is free) by L-BFGS. Two properties make it fast:

* The second derivative at weights of zero is known: ``(I - 1/C) / C`` over the classes times the second moment of
  the features. Every quasi-Newton direction starts from its inverse, so neither the scale of the features nor their
  correlations slow it down, and the first step is a Newton step.
* Logits are linear in the weights. A step needs one matrix product to move the logits and one for the gradient; the
  line search between them only adds and exponentiates.

Source: Nocedal and Wright 2006, algorithm 7.4 and section 3.1; Böhning 1992 for the second derivative. The objective is
that of scikit-learn's ``LogisticRegression`` with ``C = 1 / (l2 * rows)``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from tunesmith.config import Settings
from tunesmith.errors import DataError, ShapeError

L2_GRID = (1e-4, 3e-5, 1e-5, 3e-6, 1e-6, 3e-7)
"""Strengths of the penalty worth trying on features of unit length."""

_HISTORY = 10  # steps remembered; 20 and 40 saved no iteration
_CURVATURE_ROWS = 8192  # enough for the second moment of some hundred features
_TRIALS = 12  # evaluations in one line search; one or two are usual
_SUFFICIENT_DECREASE = 1e-4
_SLOPE_LEFT = 0.9  # a tighter search costs more evaluations than it saves iterations
_LEAST_PENALTY = 1e-9  # keeps the second moment invertible

Pair: TypeAlias = tuple[Tensor, Tensor, float]
"""A step taken, how the gradient turned along it, and one over their product."""


class Options(Settings):
    """How the head is solved."""

    l2: float = Field(3e-6, ge=0.0)
    """Pull of the weights to zero, relative to the mean loss of a row."""

    max_iterations: int = Field(200, ge=1)
    """Most steps; two passes over the features each."""

    tolerance: float = Field(3e-4, ge=0.0)
    """Stop once two steps in a row lower the loss by less than this share of it."""


@dataclass(frozen=True, slots=True)
class SoftmaxSolution:
    """A solved head: ``weight`` ``[C, H]``, ``bias`` ``[C]``, the loss reached (penalty included), the steps taken."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    loss: float
    iterations: int

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Apply the head to features ``[B, H]``.

        Returns:
            Logits ``[B, C]``.
        """
        return features @ self.weight.T + self.bias


class Solver(Protocol):
    """What ``build`` gives: ``solve_softmax`` with the options bound."""

    def __call__(
        self,
        features: NDArray[np.float32],
        targets: NDArray[np.int64],
        n_classes: int,
        *,
        start: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
    ) -> SoftmaxSolution:
        """Solve the head, see ``solve_softmax``."""


def build(options: Options) -> Solver:
    """Build the solver.

    Args:
        options: Strength of the penalty, when to stop.

    Returns:
        ``solve(features, targets, n_classes, *, start=None)``.
    """
    return partial(solve_softmax, l2=options.l2, max_iterations=options.max_iterations, tolerance=options.tolerance)


def solve_softmax(
    features: NDArray[np.float32],
    targets: NDArray[np.int64],
    n_classes: int,
    *,
    l2: float,
    start: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
    max_iterations: int = 200,
    tolerance: float = 3e-4,
) -> SoftmaxSolution:
    """Fit a linear softmax head to features of any scale.

    The same inputs on the same number of threads give the same bits. Beware of a ``start`` that was fitted on rows
    this head will be judged on: at a useful tolerance it is still in the result, so out-of-fold heads start from zero.

    Args:
        features: ``[B, H]``.
        targets: Class numbers ``[B]``.
        n_classes: C; classes without rows are allowed.
        l2: Strength of the penalty, relative to the mean loss of a row.
        start: Weight ``[C, H]`` and bias ``[C]`` to start from; zero where left out.
        max_iterations: Most steps; 0 gives the start back, measured.
        tolerance: Stop once two steps in a row lower the loss by less than this share of it.

    Returns:
        The head and what it took.

    Raises:
        ShapeError: The axes do not fit, there is no row, or a target is not a class number.
        DataError: A feature is not a finite number (``features-not-finite``).

    Example:
        >>> solution = solve_softmax(np.array([[0], [1], [4], [5]], np.float32), np.array([0, 0, 1, 1]), 2, l2=0.01)
        >>> solution.logits(np.array([[2], [3]], np.float32)).argmax(axis=1)
        array([0, 1])
    """
    _refuse_misfits(features, targets, n_classes, start)
    problem = _Problem(_shared(features), _shared(targets), l2)
    point = problem.at(_start_point(n_classes, features.shape[1], start))
    inverse = _inverse_curvature(problem.features, n_classes, l2)
    pairs: deque[Pair] = deque(maxlen=_HISTORY)
    iterations = n_slow = 0
    while iterations < max_iterations and n_slow < 2:
        reached = _line_search(problem, point, _direction(point.gradient, pairs, inverse))
        if reached is None:  # what is left of the slope is rounding
            break
        iterations += 1
        step, turn = reached.parameters - point.parameters, reached.gradient - point.gradient
        bend = _dot(step, turn)
        if bend > 0:
            pairs.append((step, turn, 1 / bend))
        n_slow = n_slow + 1 if point.loss - reached.loss < tolerance * reached.loss else 0
        point = reached
    parameters = point.parameters.numpy()
    return SoftmaxSolution(parameters[:, :-1].copy(), parameters[:, -1].copy(), point.loss, iterations)


def choose_l2(
    features: NDArray[np.float32],
    targets: NDArray[np.int64],
    n_classes: int,
    *,
    train: NDArray[np.int64],
    validation: NDArray[np.int64],
    grid: Sequence[float] = L2_GRID,
    tolerance: float = 3e-4,
) -> tuple[float, SoftmaxSolution]:
    """Choose the strength of the penalty by the log loss of held-out rows, walking from strong to weak.

    Each head starts from the one before. The walk ends once the log loss rises: the weakest penalties are the slowest.

    Args:
        features: ``[B, H]``.
        targets: Class numbers ``[B]``.
        n_classes: C.
        train: Rows to fit on.
        validation: Rows to choose by.
        grid: Strengths to try, in any order.
        tolerance: See ``solve_softmax``.

    Returns:
        The strength, and its head fitted on the train rows.

    Raises:
        ShapeError: The grid or one of the sets of rows is empty, or the axes do not fit.
    """
    if not len(grid) or not len(validation):
        raise ShapeError(f"nothing to choose by: {len(grid)} strengths, {len(validation)} validation rows")
    seen, seen_targets, held_out = features[train], targets[train], features[validation]
    chosen: tuple[float, SoftmaxSolution] | None = None
    lowest = float("inf")
    start = None
    for l2 in sorted(set(grid), reverse=True):
        solution = solve_softmax(seen, seen_targets, n_classes, l2=l2, start=start, tolerance=tolerance)
        start = solution.weight, solution.bias
        log_loss, _ = _cross_entropy(torch.from_numpy(solution.logits(held_out)), _shared(targets[validation]))
        if chosen is not None and log_loss >= lowest:
            break
        chosen, lowest = (l2, solution), log_loss
    assert chosen is not None, "the first strength is the best so far"
    return chosen


@dataclass(frozen=True, slots=True)
class _Point:
    """Parameters ``[C, H + 1]`` (the bias is the last column), their logits ``[B, C]``, loss and gradient."""

    parameters: Tensor
    logits: Tensor
    loss: float
    gradient: Tensor


@dataclass(frozen=True, slots=True)
class _Problem:
    """What does not change from step to step: rows and penalty."""

    features: Tensor
    targets: Tensor
    l2: float

    def at(self, parameters: Tensor) -> _Point:
        """Measure a set of parameters."""
        logits = self.logits(parameters)
        loss, probabilities = _cross_entropy(logits, self.targets)
        weight = parameters[:, :-1]
        loss += self.l2 / 2 * _dot(weight, weight)
        return _Point(parameters, logits, loss, self.gradient(parameters, probabilities))

    def logits(self, parameters: Tensor) -> Tensor:
        """Logits of parameters; of a direction, how the logits move along it."""
        return functional.linear(self.features, parameters[:, :-1], parameters[:, -1])

    def gradient(self, parameters: Tensor, probabilities: Tensor) -> Tensor:
        """Gradient of the loss; ``probabilities`` is used up."""
        residual = probabilities
        residual[torch.arange(len(residual)), self.targets] -= 1
        gradient = torch.empty_like(parameters)
        gradient[:, :-1] = residual.T @ self.features / len(residual) + self.l2 * parameters[:, :-1]
        gradient[:, -1] = residual.mean(dim=0)
        return gradient


def _line_search(problem: _Problem, point: _Point, direction: Tensor) -> _Point | None:
    """Step along a direction until most of the slope is gone; None where no step lowers the loss.

    The loss is convex, so a falling slope means a longer step and a rising one a shorter; the next trial is where the
    slope would vanish if it were linear between the two.
    """
    slope = _dot(point.gradient, direction)
    if not slope < 0:
        return None
    move = problem.logits(direction)
    move_of_target = float(move.gather(1, problem.targets[:, None]).mean(dtype=torch.float64))
    weight, turn = point.parameters[:, :-1], direction[:, :-1]
    pull, bend = problem.l2 * _dot(weight, turn), problem.l2 * _dot(turn, turn)
    penalty = problem.l2 / 2 * _dot(weight, weight)
    below, above = (0.0, slope), (float("inf"), 0.0)
    step = 1.0
    for _ in range(_TRIALS):
        logits = torch.add(point.logits, move, alpha=step)
        loss, probabilities = _cross_entropy(logits, problem.targets)
        loss += penalty + step * pull + step * step / 2 * bend
        slope_here = _dot(probabilities, move) / len(move) - move_of_target + pull + step * bend
        fell = loss <= point.loss + _SUFFICIENT_DECREASE * step * slope
        if fell and abs(slope_here) <= -_SLOPE_LEFT * slope:
            parameters = torch.add(point.parameters, direction, alpha=step)
            return _Point(parameters, logits, loss, problem.gradient(parameters, probabilities))
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


def _direction(gradient: Tensor, pairs: Sequence[Pair], inverse: Tensor) -> Tensor:
    """Quasi-Newton direction ``[C, H + 1]`` by the two-loop recursion."""
    direction = -gradient
    shares = []
    for step, turn, scale in reversed(pairs):
        share = scale * _dot(step, direction)
        direction = torch.add(direction, turn, alpha=-share)
        shares.append(share)
    direction = direction @ inverse
    for (step, turn, scale), share in zip(pairs, reversed(shares), strict=True):
        direction = torch.add(direction, step, alpha=share - scale * _dot(turn, direction))
    return direction


def _inverse_curvature(features: Tensor, n_classes: int, l2: float) -> Tensor:
    """Inverse of the second derivative at weights of zero, the same for each class, ``[H + 1, H + 1]``."""
    sample = features[:: -(-len(features) // _CURVATURE_ROWS)].double()
    extended = torch.cat([sample, torch.ones(len(sample), 1, dtype=torch.float64)], dim=1)
    curvature = extended.T @ extended / (len(sample) * n_classes)
    curvature.diagonal().add_(max(l2, _LEAST_PENALTY))
    return torch.cholesky_inverse(torch.linalg.cholesky(curvature)).float()


def _cross_entropy(logits: Tensor, targets: Tensor) -> tuple[float, Tensor]:
    """Mean loss of a row, and the probabilities ``[B, C]``."""
    log_probabilities = torch.log_softmax(logits, dim=1)
    loss = -float(log_probabilities.gather(1, targets[:, None]).mean(dtype=torch.float64))
    return loss, log_probabilities.exp_()


def _dot(one: Tensor, other: Tensor) -> float:
    """Inner product over all entries."""
    return float(torch.sum(one * other, dtype=torch.float64))


def _start_point(
    n_classes: int, hidden_size: int, start: tuple[NDArray[np.float32], NDArray[np.float32]] | None
) -> Tensor:
    """Put weight and bias side by side, ``[C, H + 1]``."""
    if start is None:
        return torch.zeros(n_classes, hidden_size + 1)
    weight, bias = start
    return torch.from_numpy(np.concatenate([weight, bias[:, None]], axis=1))


def _shared(array: NDArray[np.generic]) -> Tensor:
    """See an array as a tensor, without a copy where torch allows it."""
    return torch.from_numpy(np.require(array, requirements=["C", "W"]))


def _refuse_misfits(
    features: NDArray[np.float32],
    targets: NDArray[np.int64],
    n_classes: int,
    start: Iterable[NDArray[np.float32]] | None,
) -> None:
    """Raise where the inputs do not fit together."""
    if features.ndim != 2 or targets.shape != features.shape[:1] or not len(targets):
        raise ShapeError(f"[B, H] and [B] with rows wanted: features {features.shape}, targets {targets.shape}")
    if targets.min() < 0 or targets.max() >= n_classes:
        raise ShapeError(f"classes are 0 to {n_classes - 1}: targets lie in {targets.min()} to {targets.max()}")
    shapes = [part.shape for part in start] if start is not None else []
    if shapes and shapes != [(n_classes, features.shape[1]), (n_classes,)]:
        raise ShapeError(f"the start does not fit {n_classes} classes of {features.shape[1]} features: {shapes}")
    if not np.isfinite(features.sum(dtype=np.float64)):
        raise DataError(
            "features-not-finite",
            "the base model gave a feature that is not a finite number",
            advice="check the base model's weights; a float16 model overflows on long texts",
        )
