"""The sets of the other tasks are made as they say, and a whole run of one of them on a few rows ends in figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.rows import data_folder
from benchmarks.tasks import run as subject
from benchmarks.tasks.peers import best_cut
from benchmarks.tasks.sets import SEPARATOR, joined_messages, pair_folds, read_columns
from tests.benchmarks.trials import long_trial


@pytest.fixture(autouse=True)
def _real_data() -> None:
    if not (data_folder() / "clinc150").is_dir() or not (data_folder() / "covid_faq").is_dir():
        pytest.skip("the real data are not here: TUNESMITH_DATA names their folder")


def test_joined_messages_have_the_labels_of_their_parts(tmp_path: Path) -> None:
    """One to three; train and test come from different rows."""
    train, test = joined_messages(tmp_path, n_train=300, n_test=100)
    (texts, cells), (asked, _) = (read_columns(path, "text", "labels") for path in (train, test))
    assert (len(texts), len(asked)) == (300, 100)
    n_labels = [len(cell.split(SEPARATOR)) for cell in cells]
    assert set(n_labels) == {1, 2, 3}
    assert all(text.count(". ") >= count - 1 for text, count in zip(texts, n_labels, strict=True))


def test_no_first_question_is_in_two_folds(tmp_path: Path) -> None:
    """And every pair is tested once."""
    folds = pair_folds(tmp_path)
    tested = [set(read_columns(test, "text_a")[0]) for _, test in folds]
    assert sum(len(read_columns(test, "label")[0]) for _, test in folds) == 488
    assert all(not tested[one] & tested[two] for one in range(5) for two in range(one))
    for train, test in folds:
        assert not set(read_columns(train, "text_a")[0]) & set(read_columns(test, "text_a")[0])


def test_the_best_cut_is_the_best() -> None:
    """Between the scores that part most rows."""
    scores, positive = np.array([0.1, 0.4, 0.6, 0.9]), np.array([False, True, False, True])
    assert ((scores >= best_cut(scores, positive)) == positive).mean() == 0.75


@long_trial
def test_a_fold_is_learnt_and_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the command line, as the benchmark does for all five."""
    monkeypatch.setattr(subject, "pair_folds", lambda scratch: pair_folds(scratch)[:1])
    sound = subject.trained
    monkeypatch.setattr(subject, "trained", lambda *given, **more: sound(*given, "--rungs", "probe", **more))
    found = subject.pairs(tmp_path, threads=1)
    assert found["rows"] == 98 or found["rows"] > 50
    assert 0.5 < found["roc_auc"]["tunesmith"] <= 1.0
    assert 0.5 < found["accuracy"]["cosine"] <= 1.0
