"""The texts an export is tried on, and which rows it may be fitted on."""

from __future__ import annotations

import numpy as np
import pytest
from tests.export.tiny_models import tiny_model

from tunesmith.export.source import Model
from tunesmith.export.trial import Given, trial_of, varied_texts


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """With windows of 14 tokens."""
    return tiny_model(tmp_path_factory.mktemp("base"))


@pytest.mark.parametrize("n_rows", [1, 30, 3000])
def test_texts_are_of_every_length(n_rows: int, model: Model) -> None:
    """However few rows there are: 500 and more, of one window to four, the empty text among them."""
    texts = varied_texts([f"the cat {number} sat" for number in range(n_rows)], model)
    windows = model.tokens(texts).n_windows()
    assert len(texts) >= 500
    assert set(windows.tolist()) >= {1, 2, 3, 4}
    assert "" in texts


def test_in_pairs_long_texts_meet_short_ones(tmp_path_factory: pytest.TempPathFactory) -> None:
    """And long ones, and none."""
    model = tiny_model(tmp_path_factory.mktemp("pairs"), task="score", pairing="symmetric")
    rows = varied_texts([(f"the cat {number} sat", f"a dog {number}") for number in range(900)], model)
    assert len(rows) >= 500
    windows = [tuple(model.tokens(list(row)).n_windows().tolist()) for row in rows]
    assert {(1, 1), (4, 1), (1, 4)} <= set(windows) or {(3, 1), (1, 3)} <= set(windows)
    assert any(min(pair) > 1 for pair in windows)
    assert any("" in row for row in rows)
    assert len(varied_texts([("the cat", ""), ("a dog", " ")], model)) >= 500


def test_empty_rows_will_do(model: Model) -> None:
    """There is always something to compare."""
    assert len(varied_texts(["", " "], model)) >= 500


@pytest.mark.parametrize("is_file", [True, False])
def test_no_row_is_both_fitted_and_held_out(is_file: bool, model: Model) -> None:
    """And of what is no file of the user's, none is fitted."""
    given = Given("rows.csv", [f"the cat {number}" for number in range(101)], is_file=is_file)
    trial = trial_of(given, model, max_loss=0.5, seed=3, told=lambda line: None)
    assert sorted([*trial.fitted, *trial.held]) == list(range(101))
    assert len(trial.held) == (51 if is_file else 101)
    again = trial_of(given, model, max_loss=0.5, seed=3, told=lambda line: None)
    np.testing.assert_array_equal(again.held, trial.held)
    assert trial.of(trial.held[:2]) == [given.texts[row] for row in trial.held[:2]]
