"""The guard finds runs that go wrong and leaves noisy ones alone."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from tunesmith.data.places import Places
from tunesmith.errors import ResourceError
from tunesmith.run.guard import Guard, Verdict
from tunesmith.train.loop import Step

N_STEPS = 400
Curve = Callable[[np.random.Generator, NDArray[np.int64]], NDArray[np.float64]]


def step(number: int, loss: float, *, skipped: bool = False, first_row: int = 0) -> Step:
    """One step over four rows."""
    rows = np.arange(first_row, first_row + 4)
    return Step(number=number, loss=loss, grad_norm=1.0, rows=rows, n_tokens=40, skipped=skipped)


def verdicts(guard: Guard, losses: list[float], *, first: int = 1) -> list[Verdict]:
    """Feed losses; those not finite come as skipped steps, as from the loop."""
    return [
        guard.check(step(number, loss, skipped=not math.isfinite(loss)))
        for number, loss in enumerate(losses, start=first)
    ]


def falling(rng: np.random.Generator, t: NDArray[np.int64]) -> NDArray[np.float64]:
    """A loss that falls, with noise of one size."""
    return np.abs(0.05 + 2.0 * np.exp(-t / 100) + rng.normal(0, 0.1, len(t)))


def multiplied(rng: np.random.Generator, t: NDArray[np.int64]) -> NDArray[np.float64]:
    """Noise in proportion to the loss, with a long tail."""
    return (0.1 + 2.0 * np.exp(-t / 100)) * rng.lognormal(0, 0.8, len(t))


def epochs(rng: np.random.Generator, t: NDArray[np.int64]) -> NDArray[np.float64]:
    """A loss that falls in steps from pass to pass."""
    return np.array([1.5, 0.5, 0.15, 0.05])[t * 4 // len(t)] * rng.gamma(4, 0.25, len(t))


def wrong_labels(batch: int, share: float) -> Curve:
    """Rows learnt almost by heart, but for the wrongly labelled, each costing about five nats."""

    def curve(rng: np.random.Generator, t: NDArray[np.int64]) -> NDArray[np.float64]:
        n_wrong = rng.binomial(batch, share, len(t))
        costs = np.array([rng.gamma(3, 1.7, count).sum() for count in n_wrong])
        return rng.gamma(1, 0.02 / batch, len(t)) + 2.0 * np.exp(-t / 50) + costs / batch

    return curve


CLEAN: dict[str, Curve] = {
    "falling": falling,
    "multiplied": multiplied,
    "epochs": epochs,
    "32 rows, 2 % wrong": wrong_labels(32, 0.02),
    "32 rows, 10 % wrong": wrong_labels(32, 0.1),
    "4 rows, 5 % wrong": wrong_labels(4, 0.05),
}


@pytest.mark.parametrize("name", CLEAN)
def test_clean_noisy_runs_are_left_alone(name: str) -> None:
    """No false alarm over 40 simulated clean runs of each kind, 240 in all."""
    t = np.arange(N_STEPS)
    for seed in range(40):
        losses = CLEAN[name](np.random.default_rng(seed), t).tolist()
        assert set(verdicts(Guard(), losses)) == {"go on"}, f"seed {seed}"


@pytest.mark.parametrize("name", CLEAN)
@pytest.mark.parametrize("seed", range(10))
def test_a_planted_divergence_is_found_at_its_third_step(name: str, seed: int) -> None:
    """A loss that leaps by 20 nats, at a random place after the window has filled, is taken back after three steps."""
    rng = np.random.default_rng(seed)
    losses = CLEAN[name](rng, np.arange(N_STEPS)).tolist()
    at = int(rng.integers(64, N_STEPS - 3))
    guard = Guard()
    assert "roll back" not in verdicts(guard, losses[:at])
    spikes = [20.0 + rng.normal() for _ in range(3)]
    assert verdicts(guard, spikes, first=at + 1) == ["go on", "go on", "roll back"]
    assert guard.rate_scale == 0.5


def test_two_spikes_are_noise_and_three_are_not() -> None:
    """A good step in between begins the count anew."""
    guard = Guard()
    quiet = [1.0 + 0.01 * (number % 7) for number in range(40)]
    assert set(verdicts(guard, [*quiet, 9.0, 9.0, 1.0, 9.5])) == {"go on"}
    assert guard.n_rollbacks == 0


def test_one_outlier_does_not_hide_a_divergence_after_it() -> None:
    """A single huge loss enters the window only up to the limit."""
    guard = Guard()
    quiet = [1.0 + 0.01 * (number % 7) for number in range(40)]
    verdicts(guard, [*quiet, 1e6, *quiet[:5]])
    assert verdicts(guard, [10.0, 10.0, 10.0])[-1] == "roll back"


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("at", [1, 5, 33, 100])
def test_a_step_that_is_not_finite_is_skipped_at_once(bad: float, at: int) -> None:
    """From the very first step on, without waiting for a window."""
    guard = Guard()
    assert verdicts(guard, [1.0] * (at - 1) + [bad, 1.0])[-2:] == ["skipped", "go on"]


def test_a_finite_loss_with_a_gradient_that_is_not_counts_as_skipped() -> None:
    """The loop's own mark is enough."""
    guard = Guard()
    assert guard.check(step(1, 0.5, skipped=True)) == "skipped"


def test_three_steps_in_a_row_that_are_not_finite_are_taken_back() -> None:
    """Weights that give nothing but NaN will not recover by skipping; spikes and NaN count together."""
    guard = Guard()
    assert verdicts(guard, [1.0] * 40 + [math.nan, 50.0, math.nan])[-3:] == ["skipped", "go on", "roll back"]


def test_after_three_roll_backs_the_run_ends_and_names_the_rows() -> None:
    """The fourth is ``training-diverged`` with exit 4, naming steps, losses and rows."""
    guard = Guard()
    verdicts(guard, [1.0 + 0.01 * (number % 7) for number in range(40)])
    for _ in range(3):
        assert verdicts(guard, [30.0] * 3)[-1] == "roll back"
    assert guard.rate_scale == 0.125
    guard.check(step(50, 30.0, first_row=200))
    guard.check(step(51, math.nan, skipped=True, first_row=200))
    with pytest.raises(ResourceError, match="went wrong again after 3 roll backs") as caught:
        guard.check(step(52, 31.5, first_row=100))
    error = caught.value
    assert (error.code, error.exit_code) == ("training-diverged", 4)
    assert error.where == "steps 50 to 52"
    assert error.found == "losses 30, not finite, 31.5; rows 100, 101, 102, 103, 200, 201, 202, 203"


def test_rows_are_named_by_their_lines_in_the_file() -> None:
    """With the lines at hand the user is told lines, at most twenty."""
    guard = Guard(places=Places.of("a.csv", [2 * row + 2 for row in range(100)]))
    for number in range(9):
        guard.check(step(number, math.nan, skipped=True))
    for number in range(2):
        guard.check(step(number, math.nan, skipped=True, first_row=10 * number))
    long = Step(number=9, loss=math.nan, grad_norm=1.0, rows=np.arange(30, 90), n_tokens=1, skipped=True)
    with pytest.raises(ResourceError, match="roll backs") as caught:
        guard.check(long)
    assert "lines 2, 4, 6, 8, 22, 24, 26, 28, 62, 64," in f"{caught.value.found}"
    assert f"{caught.value.found}".endswith(", ...")
    assert "look at these rows" in f"{caught.value.advice}"


def test_a_restored_guard_judges_as_the_old_one_would() -> None:
    """State through JSON at every step of a run with everything in it: the same verdicts to the end."""

    def losses() -> Iterator[float]:
        yield from (1.0 + 0.01 * (number % 7) for number in range(70))
        yield from (math.nan, 8.0, 1.0, 40.0, 41.0, 42.0, 1.0, 9.0, 1.0, 50.0, math.inf, 51.0, 1.0)

    through = Guard()
    expected = verdicts(through, list(losses()))
    assert expected.count("roll back") == 2
    relay = Guard()
    found = []
    for number, loss in enumerate(losses(), start=1):
        found.append(relay.check(step(number, loss, skipped=not math.isfinite(loss))))
        state = json.loads(json.dumps(relay.state_dict(), allow_nan=False))
        relay = Guard()
        relay.load_state(state)
    assert found == expected
    assert relay.state_dict() == through.state_dict()
    assert relay.n_rollbacks == 2
