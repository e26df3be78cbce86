"""Which rung is kept, and when the climb stops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tunesmith.evaluate.calibration import mean_log_loss
from tunesmith.evaluate.metrics import macro_f1
from tunesmith.ladder.landing import Landing
from tunesmith.ladder.stop import Comparison, better, compare, gain_excluded
from tunesmith.tasks import load_task
from tunesmith.types import Interval


def landing(n_right: int, *, n_rows: int = 1000, loss: float = 0.5, objective: float | None = None) -> Landing:
    """A landing that answers the first ``n_right`` of its rows right."""
    targets = np.zeros(n_rows, dtype=np.int64)
    logits = np.zeros((n_rows, 2), dtype=np.float32)
    logits[:n_right, 0] = 1.0
    logits[n_right:, 1] = 1.0
    return Landing(
        rung="probe",
        kind="encoder",
        model=None,
        logits=logits,
        targets=targets,
        objective=n_right / n_rows if objective is None else objective,
        loss=loss,
        measured_on="validation rows",
        seconds=1.0,
        peak_mib=1.0,
        tflop=0.0,
    )


def test_a_clear_gain_is_kept_whatever_the_log_loss() -> None:
    """More than a tenth of a point decides by itself."""
    assert better(landing(902, loss=9.0), landing(900))
    assert not better(landing(898, loss=0.1), landing(900))


def test_within_a_tenth_of_a_point_the_log_loss_decides_and_then_the_price() -> None:
    """Equal scores go to the lower log loss; equal losses to the cheaper rung, which is the holder."""
    assert better(landing(1801, n_rows=2000, loss=0.4), landing(1800, n_rows=2000, loss=0.5))
    assert not better(landing(1801, n_rows=2000, loss=0.6), landing(1800, n_rows=2000, loss=0.5))
    assert not better(landing(900), landing(900))
    assert not better(landing(901, loss=0.6), landing(900, loss=0.5)), "one row of 1,000 is the tenth itself"


def test_the_gain_is_paired() -> None:
    """Two rungs wrong on the same rows differ by nothing at all, not by noise."""
    task = load_task("single_label")
    same = compare(landing(900), landing(900), task, objective="accuracy", seed=0)
    assert (same.gain.low, same.gain.value, same.gain.high) == pytest.approx((-0.3, 0.0, 0.3))
    gained = compare(landing(950), landing(900), task, objective="accuracy", seed=0)
    assert gained.gain.value == pytest.approx(5.0)
    assert 3.0 < gained.gain.low < 5.0 < gained.gain.high < 7.0
    assert gained.p_value < 1e-6
    assert gained.test == "McNemar"


def test_few_rows_that_do_not_differ_exclude_nothing() -> None:
    """No resample of eight rows answered alike differs either, and yet a third of all rows may."""
    few = compare(landing(8, n_rows=8), landing(8, n_rows=8), load_task("single_label"), objective="accuracy", seed=0)
    assert not gain_excluded(few, rung="finetune", min_gain=0.2)
    assert few.gain.high == pytest.approx(37.5)


@pytest.mark.parametrize(("lost", "n_rows", "excluded"), [(1, 200, False), (1, 5_000, True), (0, 200, False)])
def test_a_row_lost_and_none_gained_excludes_a_gain_where_rows_are_many(lost: int, n_rows: int, excluded: bool) -> None:
    """No resample shows a gain where no row does, yet among two hundred rows a gain of 0.2 points may well lie."""
    before, after = landing(n_rows - 10, n_rows=n_rows), landing(n_rows - 10 - lost, n_rows=n_rows)
    found = compare(after, before, load_task("single_label"), objective="accuracy", seed=0)
    assert found.gain.value == pytest.approx(-100.0 * lost / n_rows)
    assert found.gain.high >= found.gain.value + 300.0 / n_rows - 1e-9
    assert gain_excluded(found, rung="finetune", min_gain=0.2) is excluded


def test_a_row_gained_and_none_lost_may_be_chance() -> None:
    """The other end of the interval reaches as far."""
    found = compare(
        landing(191, n_rows=200), landing(190, n_rows=200), load_task("single_label"), objective="accuracy", seed=0
    )
    assert found.gain.value == pytest.approx(0.5)
    assert found.gain.low <= 0.5 - 1.5 + 1e-9


def test_the_gain_is_in_the_figure_that_chooses() -> None:
    """A rare class that is found at the price of some rows of a frequent one: accuracy falls, macro-F1 rises."""
    targets = np.repeat([0, 1], [950, 50])
    blind, keen = np.zeros(1000, dtype=np.int64), targets.copy()
    keen[:60] = 1
    before, after = (
        replace(landing(1), targets=targets, logits=np.eye(2, dtype=np.float32)[predicted])
        for predicted in (blind, keen)
    )
    task = load_task("single_label")
    by_accuracy = compare(after, before, task, objective="accuracy", seed=0)
    by_macro_f1 = compare(after, before, task, objective="macro_f1", seed=0)
    assert by_accuracy.gain.value == pytest.approx(-1.0)
    assert by_macro_f1.gain.value == pytest.approx(100.0 * (macro_f1(targets, keen, 2) - macro_f1(targets, blind, 2)))
    assert by_macro_f1.gain.low > 20.0
    assert by_macro_f1.p_value < 0.001
    assert by_macro_f1.test == "randomisation"


@pytest.mark.parametrize(
    ("rung", "high", "stops"),
    [
        ("finetune", 0.1, True),
        ("finetune", 0.3, False),
        ("finetune", -1.0, True),
        ("probe", 0.1, True),
        ("probe", -1.0, False),
    ],
)
def test_the_climb_stops_where_a_gain_is_excluded(rung: str, high: float, stops: bool) -> None:
    """Excluded, not unproven; and a frozen encoder below word counts does not speak for a trained one."""
    comparison = Comparison(gain=Interval(high - 0.05, high - 2.0, high), p_value=0.5)
    assert gain_excluded(comparison, rung=rung, min_gain=0.2) is stops


def test_log_loss_stays_finite_on_extreme_logits() -> None:
    """A confident wrong answer costs what it costs, without overflow."""
    logits = np.array([[1000.0, 0.0], [0.0, 1000.0]], dtype=np.float32)
    assert mean_log_loss(logits, np.array([0, 0])) == pytest.approx(500.0)
