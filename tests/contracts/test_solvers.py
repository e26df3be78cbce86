"""Every solver of a linear head, enrolled by import, keeps its family's promises."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.models.wanted import classes

from tunesmith.errors import DataError, ShapeError
from tunesmith.evaluate.calibration import softmax
from tunesmith.train.solvers import SOLVERS
from tunesmith.train.solvers.quasi_newton import Solver

Rows = tuple[NDArray[np.float32], NDArray[np.int64]]


@pytest.fixture(params=SOLVERS.names())
def solve(request: pytest.FixtureRequest) -> Solver:
    """Each solver with its default options."""
    built: Solver = SOLVERS.member(request.param).build(SOLVERS.options(request.param))
    return built


def rows_of(n_rows: int, hidden_size: int, n_classes: int, *, seed: int = 0) -> Rows:
    """Features of unit length around a common direction, as sentence encoders give them, and their classes."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(n_classes, hidden_size))
    targets = generator.integers(n_classes, size=n_rows)
    features = 1.5 + centres[targets] + 0.6 * generator.normal(size=(n_rows, hidden_size))
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32), targets


@pytest.mark.parametrize("name", SOLVERS.names())
def test_a_solver_says_what_it_is(name: str) -> None:
    """Options that are valid as they are, and ``build``."""
    assert SOLVERS.member(name).Options() == SOLVERS.options(name)
    assert callable(SOLVERS.member(name).build)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_solver_solves(solve: Solver, n_classes: int) -> None:
    """As it comes it fits separable rows, also such as it has not seen, and tells a loss with the penalty in it."""
    features, targets = rows_of(400, 16, n_classes)
    solution = solve(features[:300], classes(targets[:300], n_classes))
    assert (solution.weight.shape, solution.bias.shape) == ((n_classes, 16), (n_classes,))
    assert {solution.weight.dtype, solution.bias.dtype} == {np.dtype(np.float32)}
    assert solution.iterations > 0
    shares = softmax(solution.logits(features[:300]))
    assert -np.log(shares[np.arange(300), targets[:300]]).mean() <= solution.loss * (1.0 + 1e-5) < np.log(n_classes)
    logits = solution.logits(features)
    np.testing.assert_allclose(logits, features @ solution.weight.T + solution.bias, rtol=1e-5, atol=1e-5)
    right = logits.argmax(axis=1) == targets
    assert right[:300].mean() > 0.9
    assert right[300:].mean() > 0.9


def test_a_start_does_not_change_the_answers(solve: Solver) -> None:
    """From where a head was solved before it ends no worse, and answers the rows as from nothing."""
    features, targets = rows_of(300, 16, 3)
    cold = solve(features, classes(targets, 3))
    warm = solve(features, classes(targets, 3), start=(cold.weight, cold.bias))
    assert warm.loss <= cold.loss * (1.0 + 1e-6)
    assert warm.iterations <= cold.iterations
    assert (warm.logits(features).argmax(axis=1) == cold.logits(features).argmax(axis=1)).mean() > 0.98


def test_the_same_rows_give_the_same_bits(solve: Solver) -> None:
    """A run that goes on and a replay of it must end in the same head."""
    features, targets = rows_of(300, 16, 3)
    one, two = (solve(features, classes(targets, 3)) for _ in range(2))
    np.testing.assert_array_equal(one.weight, two.weight)
    np.testing.assert_array_equal(one.bias, two.bias)


def test_inputs_are_left_alone(solve: Solver) -> None:
    """Features are kept for the next head; they may be shared and read-only, and so may a start."""
    features, targets = rows_of(100, 8, 3)
    start = np.ones((3, 8), np.float32), np.ones(3, np.float32)
    before = features.copy(), targets.copy()
    for array in (features, targets, *start):
        array.setflags(write=False)
    solve(features, classes(targets, 3), start=start)
    np.testing.assert_array_equal(features, before[0])
    np.testing.assert_array_equal(targets, before[1])
    assert all((array == 1.0).all() for array in start)


def test_a_class_without_rows_is_allowed(solve: Solver) -> None:
    """A fold may lack one: everything stays finite, and it is not answered."""
    features, targets = rows_of(200, 8, 3)
    solution = solve(features, classes(targets, 5))
    assert np.isfinite(solution.weight).all()
    assert np.isfinite(solution.bias).all()
    assert solution.logits(features).argmax(axis=1).max() == 2


@pytest.mark.parametrize(
    ("shape", "targets", "told"),
    [
        ((3, 2), [0, 1], r"\(3, 2\).*\(2,\)"),
        ((0, 2), [], r"\(0, 2\).*\(0,\)"),
        ((2, 2), [0, 3], "0 to 3"),
        ((2, 2), [-1, 0], "-1 to 0"),
    ],
)
def test_rows_that_do_not_fit_are_refused(solve: Solver, shape: tuple[int, ...], targets: list[int], told: str) -> None:
    """With the shapes or the classes that were met."""
    with pytest.raises(ShapeError, match=told):
        solve(np.zeros(shape, np.float32), classes(np.array(targets, np.int64), 3))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_no_numbers_are_refused(solve: Solver, value: float) -> None:
    """A broken base model must not end in a head of nothing."""
    features, targets = rows_of(20, 4, 3)
    features[3, 2] = value
    with pytest.raises(DataError, match="features-not-finite"):
        solve(features, classes(targets, 3))
