"""Softmax regression finds the minimum, fast; what every solver promises is in ``tests/contracts``."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from tests.models.wanted import classes

from tunesmith.errors import ConfigError, DataError, ShapeError
from tunesmith.evaluate.calibration import calibrated_log_loss, softmax
from tunesmith.train.solvers import SOLVERS, quasi_newton
from tunesmith.train.solvers.quasi_newton import (
    L2_GRID,
    choose_l2,
    choose_l2_out_of_fold,
    solve_head,
    solve_out_of_fold,
)

Rows = tuple[NDArray[np.float32], NDArray[np.int64]]


def features(n_rows: int, hidden_size: int, n_classes: int, *, seed: int = 0, noise: float = 0.0) -> Rows:
    """Correlated features of unit length around a common direction, as sentence encoders give them; noisy labels."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(n_classes, hidden_size))
    targets = generator.integers(n_classes, size=n_rows)
    mixed = (0.6 * centres[targets] + generator.normal(size=(n_rows, hidden_size))) @ np.diag(
        np.geomspace(1, 0.05, hidden_size)
    )
    mixed += 1.5
    targets = np.where(generator.random(n_rows) < noise, generator.integers(n_classes, size=n_rows), targets)
    return (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32), targets


def log_loss(logits: NDArray[np.float32], targets: NDArray[np.int64]) -> float:
    """Mean log loss without calibration."""
    return float(-np.log(softmax(logits)[np.arange(len(targets)), targets]).mean())


def test_options_are_checked() -> None:
    """An unknown or impossible option must be told with its name."""
    with pytest.raises(ConfigError, match=r"quasi_newton\.tolerances is not a known key; nearest: .*tolerance"):
        SOLVERS.options("quasi_newton", {"tolerances": 1.0})
    with pytest.raises(ConfigError, match=r"quasi_newton\.l2 = -1\.0"):
        SOLVERS.options("quasi_newton", {"l2": -1.0})


@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize("l2", [1e-2, 1e-4])
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_the_minimum_is_scikit_learns(n_classes: int, l2: float, scale: float) -> None:
    """Run to the end, probabilities must agree to 1e-3 with LogisticRegression(C=1 / (l2 * rows))."""
    rows, targets = features(400, 12, n_classes)
    rows = scale * rows
    ours = solve_head(rows, classes(targets, n_classes), l2=l2, tolerance=0.0, max_iterations=500)
    # For two classes scikit-learn has one weight for the difference, whose penalty is twice that of two halves.
    strength = (2 if n_classes == 2 else 1) / (l2 * len(rows))
    reference = LogisticRegression(C=strength, tol=1e-8, max_iter=1000, solver="newton-cholesky")
    theirs = reference.fit(rows.astype(np.float64), targets).predict_proba(rows)
    np.testing.assert_allclose(softmax(ours.logits(rows)), theirs, atol=1e-3)


def test_the_loss_told_is_the_loss() -> None:
    """Mean cross-entropy plus half the penalty, at the head that is given."""
    rows, targets = features(200, 8, 4)
    solution = solve_head(rows, classes(targets, 4), l2=0.01)
    probabilities = softmax(solution.logits(rows))
    by_hand = -np.log(probabilities[np.arange(200), targets]).mean() + 0.005 * (solution.weight**2).sum()
    assert solution.loss == pytest.approx(by_hand, rel=1e-5)


def test_no_step_raises_the_loss() -> None:
    """However few steps are allowed, more never end higher; none gives the start."""
    rows, targets = features(300, 16, 6)
    solutions = [
        solve_head(rows, classes(targets, 6), l2=1e-4, max_iterations=steps, tolerance=0.0) for steps in range(12)
    ]
    assert solutions[0].loss == pytest.approx(np.log(6))
    assert not solutions[0].weight.any()
    assert [solution.iterations for solution in solutions] == list(range(12))
    losses = [solution.loss for solution in solutions]
    assert losses == sorted(losses, reverse=True)


def test_the_scale_of_the_features_does_not_slow_it_down() -> None:
    """Features a thousand times as large, with the penalty to match, take about as many steps to the same answers."""
    rows, targets = features(500, 16, 4)
    once = solve_head(rows, classes(targets, 4), l2=1e-4, tolerance=1e-6)
    large = solve_head(1000 * rows, classes(targets, 4), l2=1e-4 * 1000**2, tolerance=1e-6)
    assert abs(large.iterations - once.iterations) <= 3
    np.testing.assert_allclose(softmax(large.logits(1000 * rows)), softmax(once.logits(rows)), atol=0.01)


def test_a_start_saves_steps_and_does_not_change_the_end() -> None:
    """From the head of a stronger penalty the minimum must be reached sooner, and be the same."""
    rows, targets = features(2000, 32, 8)
    strong = solve_head(rows, classes(targets, 8), l2=1e-4)
    cold = solve_head(rows, classes(targets, 8), l2=3e-5, tolerance=1e-6)
    warm = solve_head(rows, classes(targets, 8), l2=3e-5, tolerance=1e-6, start=(strong.weight, strong.bias))
    assert warm.iterations < cold.iterations
    np.testing.assert_allclose(softmax(warm.logits(rows)), softmax(cold.logits(rows)), atol=0.01)


def test_the_same_rows_give_the_same_bits() -> None:
    """Two solves must not differ."""
    rows, targets = features(500, 32, 5)
    one, two = (solve_head(rows, classes(targets, 5), l2=1e-5) for _ in range(2))
    np.testing.assert_array_equal(one.weight, two.weight)
    np.testing.assert_array_equal(one.bias, two.bias)


def test_inputs_are_left_alone() -> None:
    """Features may be shared and read-only; start and targets too."""
    rows, targets = features(100, 8, 3)
    start = np.ones((3, 8), np.float32), np.ones(3, np.float32)
    for array in (rows, targets, *start):
        array.setflags(write=False)
    solve_head(rows, classes(targets, 3), l2=1e-3, start=start)
    assert (start[0] == 1).all()


def test_classes_without_rows_are_allowed() -> None:
    """A fold may lack a class: everything stays finite and the class is not answered."""
    rows, targets = features(200, 8, 3)
    solution = solve_head(rows, classes(targets, 5), l2=1e-4)
    assert np.isfinite(solution.weight).all()
    assert np.isfinite(solution.bias).all()
    assert solution.logits(rows).argmax(axis=1).max() == 2


def test_more_features_than_rows_without_penalty_are_solved() -> None:
    """The curvature cannot be inverted there as it is; the solver must not stumble."""
    rows, targets = features(10, 40, 2)
    solution = solve_head(rows, classes(targets, 2), l2=0.0)
    assert (solution.logits(rows).argmax(axis=1) == targets).all()


@pytest.mark.parametrize("n_rows", [12, 29])
def test_the_space_of_few_rows_holds_the_same_steps(n_rows: int) -> None:
    """From zero, rows fewer than features are walked in the space they span; a start given walks in the whole one."""
    x, y = features(n_rows, 30, 3, noise=0.5)
    nowhere = np.zeros((3, 30), np.float32), np.zeros(3, np.float32)
    narrow = solve_head(x, classes(y, 3), l2=1e-2)
    whole = solve_head(x, classes(y, 3), l2=1e-2, start=nowhere)
    assert narrow.iterations == whole.iterations
    assert narrow.loss == pytest.approx(whole.loss, rel=1e-5)
    np.testing.assert_allclose(narrow.weight, whole.weight, atol=1e-4 * np.abs(whole.weight).max())
    np.testing.assert_allclose(narrow.bias, whole.bias, atol=1e-4)


def test_separable_rows_without_penalty_end() -> None:
    """With no penalty the minimum lies at infinity; the solver must stop all the same."""
    rows = np.array([[0.0], [1.0]], np.float32)
    solution = solve_head(rows, classes(np.array([0, 1]), 2), l2=0.0, tolerance=0.0, max_iterations=200)
    assert np.isfinite(solution.weight).all()
    assert solution.loss < 0.01


def test_rows_that_are_all_alike_end_at_the_shares() -> None:
    """Features that say nothing leave the bias: probabilities are the shares of the classes."""
    rows = np.ones((10, 4), np.float32)
    solution = solve_head(rows, classes(np.array([0] * 7 + [1] * 3), 2), l2=1e-3, tolerance=0.0)
    np.testing.assert_allclose(softmax(solution.logits(rows[:1])), [[0.7, 0.3]], atol=1e-3)


def test_ten_thousand_rows_are_solved_in_seconds() -> None:
    """10,003 x 384 features of 77 classes: less than 8 s of one core (1.4 s on real ones when written)."""
    rows, targets = features(10_003, 384, 77)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    started = time.process_time()
    solution = solve_head(rows, classes(targets, 77), l2=3e-6)
    seconds = time.process_time() - started
    torch.set_num_threads(threads)
    assert solution.iterations < 100
    assert seconds < 8


def test_the_penalty_is_chosen_by_held_out_rows() -> None:
    """The choice must answer unseen rows better than both ends of the grid, and come with its own head."""
    rows, targets = features(2000, 64, 8, noise=0.05)
    train, validation = np.arange(0, 2000, 2), np.arange(1, 2000, 2)
    l2, solution = choose_l2(rows, classes(targets, 8), train=train, validation=validation)
    heads = {
        each: solve_head(rows[train], classes(targets[train], 8), l2=each) for each in (L2_GRID[0], l2, L2_GRID[-1])
    }
    losses = {each: log_loss(head.logits(rows[validation]), targets[validation]) for each, head in heads.items()}
    assert min(losses, key=lambda each: losses[each]) == l2
    agree = solution.logits(rows).argmax(axis=1) == heads[l2].logits(rows).argmax(axis=1)
    assert agree.mean() > 0.97


def test_a_head_that_is_only_unsure_is_not_passed_over() -> None:
    """With noisy labels and few rows, the best strong penalty gives unsure heads whose answers are the best."""
    rows, targets = features(400, 300, 5, noise=0.2)
    train, validation = np.arange(0, 400, 2), np.arange(1, 400, 2)
    heads = {l2: solve_head(rows[train], classes(targets[train], 5), l2=l2) for l2 in L2_GRID}
    raw = {l2: log_loss(head.logits(rows[validation]), targets[validation]) for l2, head in heads.items()}
    right = {l2: (h.logits(rows[validation]).argmax(axis=1) == targets[validation]).mean() for l2, h in heads.items()}
    surest = min(raw, key=lambda l2: raw[l2])
    chosen, _ = choose_l2(rows, classes(targets, 5), train=train, validation=validation)
    assert chosen > surest
    assert right[chosen] >= right[surest]


@pytest.mark.parametrize(
    ("shape", "targets", "message"),
    [
        ((3, 2), [0, 1], r"features \(3, 2\), targets \(2,\)"),
        ((2,), [0, 1], r"features \(2,\), targets \(2,\)"),
        ((0, 2), [], r"features \(0, 2\), targets \(0,\)"),
        ((2, 2), [0, 3], "classes are 0 to 2: targets lie in 0 to 3"),
        ((2, 2), [-1, 0], "classes are 0 to 2: targets lie in -1 to 0"),
    ],
)
def test_misfits_are_refused(shape: tuple[int, ...], targets: list[int], message: str) -> None:
    """Axes and class numbers that do not fit must be told with their values."""
    with pytest.raises(ShapeError, match=message):
        solve_head(np.zeros(shape, np.float32), classes(np.array(targets, int), 3), l2=0.1)


def test_a_start_of_another_head_is_refused() -> None:
    """A start of the wrong shape must be told."""
    rows, targets = features(20, 4, 3)
    start = np.zeros((3, 5), np.float32), np.zeros(3, np.float32)
    with pytest.raises(ShapeError, match=r"3 outputs of 4 features: \[\(3, 5\), \(3,\)\]"):
        solve_head(rows, classes(targets, 3), l2=0.1, start=start)


def test_nothing_to_choose_by_is_refused() -> None:
    """An empty grid, no train rows or no validation rows must be told."""
    rows, targets = features(20, 4, 3)
    some, none = np.arange(15), np.arange(0)
    with pytest.raises(ShapeError, match="0 strengths, 15 train rows, 15 validation rows"):
        choose_l2(rows, classes(targets, 3), train=some, validation=some, grid=())
    with pytest.raises(ShapeError, match="8 strengths, 0 train rows, 15 validation rows"):
        choose_l2(rows, classes(targets, 3), train=none, validation=some)
    with pytest.raises(ShapeError, match="8 strengths, 15 train rows, 0 validation rows"):
        choose_l2(rows, classes(targets, 3), train=some, validation=none)


def test_features_that_are_not_numbers_are_refused() -> None:
    """A broken base model must be told as such, not end in a head of nothing."""
    rows, targets = features(20, 4, 3)
    rows[3, 2] = np.nan
    with pytest.raises(DataError, match="features-not-finite"):
        solve_head(rows, classes(targets, 3), l2=0.1)


def test_a_penalty_chosen_out_of_fold_is_the_one_that_suits_all_rows() -> None:
    """The loss of rows that no head of that strength has seen is least, and these are the outputs given back."""
    random = np.random.default_rng(0)
    targets = random.integers(3, size=60)
    rows = random.normal(size=(60, 8)).astype(np.float32)
    rows[np.arange(60), targets] += 1.0
    fold_of = np.arange(60) % 4
    grid = (3.0, 0.1, 1e-6)
    wanted = classes(targets, 3)

    def outputs(l2: float) -> np.ndarray:
        found = np.empty((60, 3), dtype=np.float32)
        for fold in range(4):
            held = fold_of == fold
            found[held] = solve_head(rows[~held], wanted[~held], l2=l2, tolerance=1e-3).logits(rows[held])
        return found

    losses = {l2: calibrated_log_loss(outputs(l2), targets) for l2 in grid}
    l2, found = choose_l2_out_of_fold(rows, wanted, fold_of=fold_of, grid=grid)
    assert l2 == min(losses, key=losses.__getitem__) == 0.1
    np.testing.assert_array_equal(found, outputs(l2))


def test_one_fold_is_refused() -> None:
    """Nothing would be left to fit on."""
    wanted = classes(np.array([0, 1, 0]), 2)
    with pytest.raises(ShapeError, match="1 folds of 3 rows"):
        choose_l2_out_of_fold(np.eye(3, dtype=np.float32), wanted, fold_of=np.zeros(3, dtype=np.int64))


def test_a_head_of_many_rows_begins_on_a_part_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends where one that begins on all of them does, and with a useful tolerance sooner."""
    rows, targets = features(2000, 32, 8)
    ends = []
    for many, tolerance in ((2001, 1e-5), (2000, 1e-5), (2001, 3e-3), (2000, 3e-3)):
        monkeypatch.setattr(quasi_newton, "_MANY_ROWS", many)
        ends.append(solve_head(rows, classes(targets, 8), l2=1e-5, tolerance=tolerance))
    whole, begun, whole_soon, begun_soon = ends
    assert begun.loss == pytest.approx(whole.loss, rel=1e-4)
    np.testing.assert_allclose(softmax(begun.logits(rows)), softmax(whole.logits(rows)), atol=0.02)
    assert begun_soon.iterations < whole_soon.iterations
    assert begun_soon.loss < 1.05 * whole.loss


@pytest.mark.parametrize("n_classes", [3, 16, 21])
def test_outputs_are_those_of_the_parameters(n_classes: int) -> None:
    """Also where their number is none that a processor multiplies at once."""
    rows, _ = features(50, 24, n_classes)
    parameters = torch.randn(25, n_classes, generator=torch.Generator().manual_seed(0))
    found = quasi_newton._Dense(torch.from_numpy(rows), torch.eye(25)).logits(parameters)
    assert found.is_contiguous()
    expected = torch.from_numpy(rows) @ parameters[:-1] + parameters[-1]
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


class Folds:
    """Noisy rows dealt to folds, and the outputs of heads that have not seen them."""

    n_rows, n_classes, n_folds = 600, 5, 5

    def __init__(self) -> None:
        self.rows, self.targets = features(self.n_rows, 24, self.n_classes, noise=0.2)
        self.fold_of = np.random.default_rng(0).integers(self.n_folds, size=self.n_rows)

    def outputs(self, targets: NDArray[np.int64], *, tolerance: float = 1e-3) -> NDArray[np.float32]:
        """By heads of these targets."""
        return solve_out_of_fold(
            self.rows, classes(targets, self.n_classes), fold_of=self.fold_of, l2=1e-5, tolerance=tolerance
        )


@pytest.mark.parametrize("many", [100, 10_000])
@pytest.mark.parametrize("fold", range(Folds.n_folds))
def test_what_a_fold_is_says_nothing_of_its_outputs(monkeypatch: pytest.MonkeyPatch, fold: int, many: int) -> None:
    """Not to the last bit, though heads begin from others: none of those has seen the fold, and others do change."""
    monkeypatch.setattr(quasi_newton, "_MANY_ROWS", many)
    drawn = Folds()
    held = drawn.fold_of == fold
    before = drawn.outputs(drawn.targets)
    after = drawn.outputs(np.where(held, (drawn.targets + 1) % Folds.n_classes, drawn.targets))
    np.testing.assert_array_equal(before[held], after[held])
    assert (before[~held] != after[~held]).any(axis=1).all()


def test_heads_that_begin_from_others_answer_as_those_from_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is solved on all rows but its own."""
    drawn = Folds()
    wanted = classes(drawn.targets, Folds.n_classes)
    expected = np.empty((Folds.n_rows, Folds.n_classes), dtype=np.float32)
    for fold in range(Folds.n_folds):
        held = drawn.fold_of == fold
        head = solve_head(drawn.rows[~held], wanted[~held], l2=1e-5, tolerance=1e-6)
        expected[held] = head.logits(drawn.rows[held])
    for many in (100, 10_000):
        monkeypatch.setattr(quasi_newton, "_MANY_ROWS", many)
        found = drawn.outputs(drawn.targets, tolerance=1e-6)
        np.testing.assert_allclose(softmax(found), softmax(expected), atol=0.02)


def test_every_fold_is_told_before_its_head_is_solved() -> None:
    """So that a user can stop between two."""
    drawn, told = Folds(), list[int]()
    wanted = classes(drawn.targets, Folds.n_classes)
    solve_out_of_fold(drawn.rows, wanted, fold_of=drawn.fold_of, l2=1e-2, heed=told.append)
    assert sorted(told) == list(range(Folds.n_folds))


def test_one_fold_cannot_be_held_out() -> None:
    """Nothing would be left to fit on, and folds are of these rows."""
    wanted = classes(np.array([0, 1, 0]), 2)
    rows = np.eye(3, dtype=np.float32)
    with pytest.raises(ShapeError, match="1 folds of 3 rows"):
        solve_out_of_fold(rows, wanted, fold_of=np.zeros(3, dtype=np.int64), l2=0.1)
    with pytest.raises(ShapeError, match="2 folds of 2 rows, 3 targets"):
        solve_out_of_fold(rows, wanted, fold_of=np.arange(2), l2=0.1)
