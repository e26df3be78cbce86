"""Every likelihood, enrolled by import, keeps its family's promises."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tunesmith.errors import ShapeError
from tunesmith.models.likelihoods import LIKELIHOODS, Likelihood, load_likelihood
from tunesmith.models.supervision import Supervision
from tunesmith.train.solvers.quasi_newton import solve_head

N_OUTPUTS = {"softmax": 3, "sigmoid": 3, "cumulative": 3, "squared_error": 1}
WRONG: dict[str, list[Any]] = {
    "softmax": [[0, 3], [-1, 0], []],
    "sigmoid": [[[0, 1, 2]], [[0, 1]], [0, 1]],
    "cumulative": [[0, 4], [-1, 0], []],
    "squared_error": [[[1.0]], [float("nan")], []],
}


@pytest.fixture(params=LIKELIHOODS.names())
def likelihood(request: pytest.FixtureRequest) -> Likelihood:
    """Each likelihood."""
    return load_likelihood(request.param)


def targets_of(likelihood: Likelihood, scores: NDArray[np.float64]) -> NDArray[Any]:
    """Targets that scores ``[B, 3]`` tell."""
    return {
        "softmax": lambda: scores.argmax(axis=1),
        "sigmoid": lambda: (scores > 0).astype(np.uint8),
        "cumulative": lambda: np.digitize(scores[:, 0], [-1.0, 0.0, 1.0]),
        "squared_error": lambda: scores[:, 0].astype(np.float32),
    }[likelihood.name]()  # type: ignore[no-any-return]


def rows(likelihood: Likelihood, *, n_rows: int = 300, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """Features, and targets that they tell but for some noise."""
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(n_rows, 6))
    scores = features @ generator.normal(size=(6, 3)) + 0.5 * generator.normal(size=(n_rows, 3))
    return features.astype(np.float32), targets_of(likelihood, scores)


def test_the_residual_is_the_derivative(likelihood: Likelihood) -> None:
    """Of each row's loss by its outputs, as small steps have it."""
    _, found = rows(likelihood, n_rows=20)
    targets, n_outputs, step = torch.tensor(found), N_OUTPUTS[likelihood.name], 1e-5
    outputs = torch.randn(20, n_outputs, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    losses, residual = likelihood.rows(outputs, targets)
    assert losses.shape == (20,)
    for place in range(n_outputs):
        move = step * torch.eye(n_outputs, dtype=torch.float64)[place]
        slope = (likelihood.rows(outputs + move, targets)[0] - likelihood.rows(outputs - move, targets)[0]) / (2 * step)
        torch.testing.assert_close(residual[:, place], slope, rtol=1e-6, atol=1e-6)


def test_the_curvature_bounds_that_at_zero(likelihood: Likelihood) -> None:
    """The second derivative by one output is at most what is told, and no less than half of it."""
    n_outputs = N_OUTPUTS[likelihood.name]
    _, targets = rows(likelihood, n_rows=4)
    step = 1e-3
    slopes = [
        likelihood.rows(torch.full((4, n_outputs), 0.0).index_fill(1, torch.tensor([0]), at), torch.tensor(targets))[1]
        for at in (-step, step)
    ]
    bend = float(((slopes[1] - slopes[0])[:, 0] / (2 * step)).max())
    assert 0.5 * likelihood.curvature(n_outputs) <= bend <= 1.01 * likelihood.curvature(n_outputs)


def expected_loss(likelihood: Likelihood, outputs: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Mean loss of a row by other outputs, over the targets that may come and how probable they are."""
    shares = likelihood.means(outputs)
    match likelihood.name:
        case "softmax" | "cumulative":
            each = [(shares[:, place], [place]) for place in range(shares.shape[1])]
        case "sigmoid":
            odds = [torch.stack([1 - shares, shares])[list(hits), :, range(3)] for hits in product((0, 1), repeat=3)]
            each = [(some.prod(dim=0), [hits]) for some, hits in zip(odds, product((0, 1), repeat=3), strict=True)]
        case _:
            ends = shares[:, 0] - 1, shares[:, 0] + 1  # of that spread; no other moment counts
            return sum(likelihood.rows(others, end)[0] for end in ends) / 2  # type: ignore[return-value]
    rows = len(outputs)
    return sum(share * likelihood.rows(others, torch.tensor(target * rows))[0] for share, target in each)  # type: ignore[return-value, arg-type]


def test_the_divergence_is_what_other_outputs_cost(likelihood: Likelihood) -> None:
    """By the targets that the outputs lead one to expect; nothing where both are the same."""
    generator = torch.Generator().manual_seed(0)
    outputs, others = 2 * torch.randn(2, 20, N_OUTPUTS[likelihood.name], generator=generator, dtype=torch.float64)
    if likelihood.name == "cumulative":  # of questions that do not cross
        outputs = outputs.sort(dim=1, descending=True).values
    cost = expected_loss(likelihood, outputs, others) - expected_loss(likelihood, outputs, outputs)
    torch.testing.assert_close(likelihood.divergence(outputs, others), cost)
    torch.testing.assert_close(likelihood.divergence(outputs, outputs), torch.zeros(20, dtype=torch.float64))


def test_levels_whose_questions_cross_have_no_less_than_nothing() -> None:
    """A text that is rather above the second level than above the first, and one that is not."""
    shares = load_likelihood("cumulative").means(torch.tensor([[-1.0, 2.0], [2.0, -1.0]], dtype=torch.float64))
    sure, unsure = 1 / (1 + np.exp(-2.0)), 1 / (1 + np.exp(1.0))
    torch.testing.assert_close(shares, torch.tensor(2 * [[1 - sure, sure - unsure, unsure]], dtype=torch.float64))


def test_a_head_is_solved_to_the_minimum(likelihood: Likelihood) -> None:
    """No parameter can be moved for the better, and the loss is far below that of no features."""
    features, targets = rows(likelihood)
    wanted = Supervision(likelihood, N_OUTPUTS[likelihood.name], targets)
    solution = solve_head(features, wanted, l2=1e-3, tolerance=0.0, max_iterations=500)
    residual = wanted.measure(torch.from_numpy(solution.logits(features)))[1].numpy() / len(features)
    assert np.abs(residual.T @ features + 1e-3 * solution.weight).max() < 2e-4
    assert np.abs(residual.sum(axis=0)).max() < 2e-4
    nothing = solve_head(np.zeros_like(features), wanted, l2=1e-3)
    assert solution.loss < 0.7 * nothing.loss


def test_weights_count_rows_as_often(likelihood: Likelihood) -> None:
    """Twice the weight is the row twice."""
    features, targets = rows(likelihood, n_rows=90)
    often = np.where(np.arange(90) < 30, 2, 1)
    wanted = Supervision(likelihood, N_OUTPUTS[likelihood.name], targets, (often / often.mean()).astype(np.float32))
    twice = np.repeat(np.arange(90), often)
    how = {"l2": 1e-2, "tolerance": 0.0, "max_iterations": 300}
    weighed = solve_head(features, wanted, **how)  # type: ignore[arg-type]
    repeated = solve_head(features[twice], Supervision(likelihood, wanted.n_outputs, targets[twice]), **how)  # type: ignore[arg-type]
    np.testing.assert_allclose(weighed.logits(features), repeated.logits(features), atol=2e-3)


@pytest.mark.parametrize("name", LIKELIHOODS.names())
def test_other_targets_are_refused(name: str) -> None:
    """Numbers that stand for nothing, other axes, and no rows."""
    for wrong in WRONG[name]:
        with pytest.raises(ShapeError, match="targets"):
            load_likelihood(name).refuse_misfits(np.array(wrong), N_OUTPUTS[name])
