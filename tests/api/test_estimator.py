"""``TextClassifier`` and ``TextRegressor`` among scikit-learn's tools, with texts."""

from __future__ import annotations

import copy
import gc
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from joblib import Parallel, delayed
from joblib.externals.loky.backend.reduction import dumps
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted
from tests.cli.conftest import base  # noqa: F401 - a fixture
from tests.cli.small_world import LABELS, rows

import tunesmith
from tunesmith import TextClassifier, TextRegressor
from tunesmith.errors import ConfigError, DataError

TEXTS = [text for text, _ in rows()]
TOPICS = [label for _, label in rows()]
NUMBERS = [LABELS.index(label) for label in TOPICS]
SEVERAL = [[label, "late"] if "late" in text or "yesterday" in text else [label] for text, label in rows()]

NOISY = [(number == 1) != (row % 4 == 0) for row, number in enumerate(NUMBERS)]
"""A quarter of the answers wrong, so that a threshold away from a half decides some rows."""

Given = Callable[..., Any]


def made(**parameters: Any) -> TextClassifier:
    """A classifier that fits in no time."""
    return TextClassifier(**{"rungs": ("linear",), "threads": 1, "budget": "none", **parameters})


@pytest.fixture(scope="module")
def fitted() -> TextClassifier:
    """A classifier of three topics."""
    return made().fit(TEXTS, TOPICS)


@pytest.mark.parametrize(
    "hold",
    [
        list,
        tuple,
        pd.Series,
        np.array,
        pa.array,
        lambda texts: np.array(texts, dtype=object),
        lambda texts: np.array(texts, dtype=object)[:, None],
        lambda texts: pd.Series(texts, dtype="category"),
        lambda texts: pd.DataFrame({"said": texts}),
        lambda texts: pa.table({"said": texts}),
        lambda texts: [[text] for text in texts],
    ],
)
def test_texts_are_taken_as_they_are_held(fitted: TextClassifier, hold: Given) -> None:
    """Fitted on and asked in each form, it answers the same."""
    X = hold(TEXTS)
    same = made().fit(X, TOPICS)
    np.testing.assert_array_equal(fitted.predict_proba(X), fitted.predict_proba(TEXTS))
    np.testing.assert_array_equal(same.predict_proba(X), fitted.predict_proba(TEXTS))


@pytest.mark.parametrize(
    "hold", [list, lambda pairs: np.array(pairs, dtype=object), lambda pairs: pd.DataFrame(pairs, columns=["a", "b"])]
)
def test_pairs(hold: Given) -> None:
    """Tuples of two, or two columns."""
    words = ["card", "pin", "loan", "rate", "fee", "bank"]
    drawn = np.random.default_rng(0).choice(words, (200, 4))
    pairs = [(f"{a} {b}", f"{b} {a}" if row % 2 else f"{c} {d}") for row, (a, b, c, d) in enumerate(drawn.tolist())]
    same = [a.split() == b.split()[::-1] for a, b in pairs]
    found = made().fit(hold(pairs), same)
    assert found.model_.bundle.facts.reads_pairs
    assert found.score(hold(pairs), same) > 0.9


@pytest.mark.parametrize(
    ("X", "told"),
    [
        ("where is my card?", "put a single text in a list"),
        ([], "without rows"),
        ({"text": ["a"]}, "dict"),
        (None, "NoneType"),
        (np.zeros((2, 3)), "row 1: a row of X is no text found a float"),
        (np.array([["a", "b", "c"]] * 2), "3 values"),
        (["where?", 404], r"row 2: a row of X is no text found a int .* str\(x\)"),
        ([b"where?", b"here"], "a bytes .* decode it"),
        (csr_array(np.eye(2)), "csr_array"),
        (["where?", ("where?", "there")], "row 2: some rows are pairs .* a pair after single texts"),
    ],
)
def test_what_is_no_text_is_refused(fitted: TextClassifier, X: Any, told: str) -> None:
    """At fit and at prediction, with the row."""
    for ask in (lambda: made().fit(X, [0, 1]), lambda: fitted.predict(X)):
        with pytest.raises(DataError) as caught:
            ask()
        assert re.search(told, " ".join(str(caught.value).split())), str(caught.value)


def test_missing_texts_are_empty(fitted: TextClassifier) -> None:
    """As in training."""
    found = fitted.predict_proba([None, float("nan"), pd.NA, ""])
    np.testing.assert_array_equal(found, found[[3, 3, 3, 3]])


@pytest.mark.parametrize(
    "y",
    [
        TOPICS,
        np.array(TOPICS),
        pd.Series(TOPICS, dtype="category"),
        pd.DataFrame({"topic": TOPICS}),
        np.array(TOPICS)[:, None],
        [2 - number for number in NUMBERS],
        np.array(NUMBERS, dtype=np.int16) * 7 - 7,
        pd.Series(NUMBERS, dtype="Int64"),
        [number == 1 for number in NUMBERS],
        np.array(NUMBERS) > 0,
        np.array(NUMBERS, dtype=np.float32),
        [f" {topic} " for topic in TOPICS],
        [(1, 10, 9)[number] for number in NUMBERS],  # as texts they would stand in another order
    ],
)
def test_classes_come_back_in_their_type(y: Any) -> None:
    """Sorted as scikit-learn sorts them, columns of probabilities in their order."""
    found = made().fit(TEXTS, y)
    cells = np.asarray(y).ravel()
    np.testing.assert_array_equal(found.classes_, np.unique(cells))
    told = found.predict(TEXTS)
    assert {type(each) for each in told.tolist()} == {type(each) for each in cells.tolist()}
    if isinstance(y, np.ndarray):
        assert told.dtype == y.dtype
    np.testing.assert_array_equal(found.classes_[found.predict_proba(TEXTS).argmax(axis=1)], told)
    assert found.score(TEXTS, y) == accuracy_score(cells.tolist(), told.tolist()) > 0.9
    np.testing.assert_allclose(found.predict_proba(TEXTS).sum(axis=1), 1.0)


@pytest.mark.parametrize(
    ("y", "error", "told"),
    [
        (None, "label-missing", "y is wanted"),
        (["a", None, "b"], "label-missing", "y, row 2: the class is missing"),
        (["a", " ", "b"], "label-missing", "1 of 3 rows"),
        (np.array([0.0, np.nan, 1.0]), "label-missing", "row 2"),
        ([0.0, 0.5, 1.0], "not-classes", "TextRegressor"),
        ([0.0, np.inf, 1.0], "not-classes", "inf among them"),
        ([1, "1", 2], "classes-alike", "1 and '1'"),
        (["a", "a ", "b"], "classes-alike", "'a' and 'a '"),
        ([1, "b", 2], "classes-mixed", 'int, str: "1", "b", "2"'),
        ([["a"], ["b", None], []], "classes-alike", "a class is empty"),
        ([["a"], "b", "c"], "classes-mixed", "list, str"),
        (np.array([[0, 2], [1, 0], [1, 1]]), "not-classes", "shape"),
        (pd.DataFrame([[0, 1]] * 3, columns=["a", "a "]), "classes-alike", "'a' and 'a '"),
        (["a", "b"], "lengths-differ", "3 texts, 2 in y"),
        (["a", "a", "a"], "one-class", "all 3 rows have the same label"),
    ],
)
def test_targets_that_are_no_classes_are_refused(y: Any, error: str, told: str) -> None:
    """With what was found; a single column of y is a column of classes."""
    with pytest.raises(DataError) as caught:
        made().fit(["where?", "here", "there"], y)
    assert caught.value.code == error
    assert told in " ".join(str(caught.value).split())


def test_a_classifier_never_takes_classes_for_numbers() -> None:
    """Many texts that could be numbers are classes here, as a file of them would not be."""
    y = [f"{row % 24 / 10}" for row in range(len(TEXTS))]
    found = made().fit(TEXTS, y)
    assert found.model_.bundle.facts.task == "single_label"
    assert set(found.predict(TEXTS)) <= set(y)


def test_several_classes_as_lists() -> None:
    """Answers are tuples, in an array that scikit-learn can cut and join."""
    found = made().fit(TEXTS, SEVERAL)
    assert found.classes_.tolist() == [*LABELS[:2], "late", "refund"]
    told = found.predict(TEXTS)
    assert told.shape == (len(TEXTS),)
    right = np.mean([set(one) == set(other) for one, other in zip(SEVERAL, told, strict=True)])
    assert found.score(TEXTS, SEVERAL) == right > 0.9
    assert found.predict_proba(TEXTS).shape == (len(TEXTS), 4)
    folds = KFold(3, shuffle=True, random_state=0)
    scores = cross_val_score(made(), TEXTS, SEVERAL, cv=folds)
    assert scores.mean() > 0.4
    weights = np.arange(len(TEXTS)) < 1
    assert found.score(TEXTS, SEVERAL, sample_weight=weights) in (0.0, 1.0)
    with pytest.raises(DataError, match="one class a row; 3 classes"):
        found.score(TEXTS, TOPICS)
    with pytest.raises(DataError, match="2 texts, 1 in y"):
        found.score(TEXTS[:2], SEVERAL[:1])


@pytest.mark.parametrize(
    "hold", [np.array, csr_array, lambda y: pd.DataFrame(y, columns=list("abcd")), np.ndarray.tolist]
)
def test_several_classes_as_an_indicator(hold: Given) -> None:
    """Its columns are the classes, one that no row has among them; answers are an indicator."""
    marked = np.array([[label == topic for topic in LABELS] + [False] for label in TOPICS]).astype(int)
    marked[::5, 1] = 1
    y = hold(marked)
    found = made().fit(TEXTS, y)
    assert found.classes_.tolist() == (list("abcd") if isinstance(y, pd.DataFrame) else [0, 1, 2, 3])
    told, shares = found.predict(TEXTS), found.predict_proba(TEXTS)
    assert told.shape == shares.shape == marked.shape
    assert set(np.unique(told)) <= {0, 1}
    assert not told[:, 3].any()
    assert not shares[:, 3].any()
    assert found.score(TEXTS, y) == accuracy_score(marked, told) > 0.6
    np.testing.assert_array_equal(found.decision_function(TEXTS) >= 0.0, told)
    with pytest.raises(DataError, match="3 classes"):
        found.score(TEXTS, marked[:, :3])
    if isinstance(y, np.ndarray):
        assert cross_val_score(made(), TEXTS, y, cv=2).shape == (2,)


@pytest.mark.parametrize(
    ("parameters", "y"),
    [
        ({}, TOPICS),
        ({}, [number == 1 for number in NUMBERS]),
        ({"options": {"task.binary.positive": "false"}, "task": "binary"}, [number == 1 for number in NUMBERS]),
        ({"task": "binary", "options": {"task.binary.recall": 0.95}}, NOISY),
        ({}, SEVERAL),
    ],
)
def test_what_decides_orders_rows_as_probabilities_do(parameters: dict[str, Any], y: Any) -> None:
    """Of two classes one column, above 0 where the second is answered; else one column a class."""
    found = made(**parameters).fit(TEXTS, y)
    decided, shares = found.decision_function(TEXTS), found.predict_proba(TEXTS)
    if y is SEVERAL:
        told = [tuple(found.classes_[row >= 0.0].tolist()) for row in decided]
        assert told == found.predict(TEXTS).tolist()
        np.testing.assert_array_equal(decided.argsort(axis=0), shares.argsort(axis=0))
    elif decided.ndim == 1:
        np.testing.assert_array_equal(found.classes_[(decided > 0.0).astype(int)], found.predict(TEXTS))
        np.testing.assert_array_equal(decided.argsort(), shares[:, 1].argsort())
        assert ((decided > 0.0) == (shares[:, 1] > 0.5)).all() == (y is not NOISY)
    else:
        np.testing.assert_array_equal(found.classes_[decided.argmax(axis=1)], found.predict(TEXTS))
        exponents = np.exp(decided - decided.max(axis=1, keepdims=True))
        np.testing.assert_allclose(exponents / exponents.sum(axis=1, keepdims=True), shares, rtol=1e-5)


def test_levels_have_no_one_figure_that_decides() -> None:
    """So scikit-learn's scorers ask for probabilities, and the answer lies in the order of the classes."""
    found = made(task="ordinal").fit(TEXTS, NUMBERS)
    assert not hasattr(found, "decision_function")
    assert found.predict_proba(TEXTS).shape == (len(TEXTS), 3)
    assert set(found.predict(TEXTS)) <= {0, 1, 2}


def test_fitting_again_changes_nothing(fitted: TextClassifier) -> None:
    """The same rows bring the same model; parameters stay, and what comes is named as fitted things are."""
    again = made()
    before = dict(vars(again))
    assert again.fit(TEXTS, TOPICS) is again
    check_is_fitted(again)
    shares = again.predict_proba(TEXTS)
    assert {name: value for name, value in vars(again).items() if name in before} == before
    assert all(name.endswith("_") or name.startswith("_") for name in vars(again).keys() - before.keys())
    known = dict(vars(again))
    again.predict(TEXTS)
    assert vars(again) == known
    np.testing.assert_array_equal(again.fit(TEXTS, TOPICS).predict_proba(TEXTS), shares)
    np.testing.assert_array_equal(fitted.predict_proba(TEXTS), shares)
    assert again.fit(TEXTS, NUMBERS).classes_.tolist() == [0, 1, 2]


def test_a_text_is_answered_alike_in_any_company(fitted: TextClassifier) -> None:
    """Alone, in another order, or among others."""
    whole = fitted.predict_proba(TEXTS[:20])
    np.testing.assert_allclose(fitted.predict_proba(TEXTS[:20][::-1])[::-1], whole, atol=1e-7)
    np.testing.assert_allclose(np.vstack([fitted.predict_proba([text]) for text in TEXTS[:20]]), whole, atol=1e-7)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_an_unfitted_one_says_so(method: str) -> None:
    """As scikit-learn's own error and as one of ours."""
    with pytest.raises(NotFittedError, match="fit") as caught:
        getattr(made(), method)(TEXTS)
    assert isinstance(caught.value, ConfigError)
    assert caught.value.code == "not-fitted"
    with pytest.raises(NotFittedError):
        TextRegressor().predict(TEXTS)


def test_cross_validation(fitted: TextClassifier) -> None:
    """Scores of scikit-learn and its own, with the estimators; predictions for every row."""
    found = cross_validate(
        made(), TEXTS, TOPICS, cv=2, scoring=["accuracy", "neg_log_loss", "roc_auc_ovr"], return_estimator=True
    )
    assert found["test_accuracy"].mean() > 0.5
    assert found["test_roc_auc_ovr"].mean() > 0.7
    assert np.isfinite(found["test_neg_log_loss"]).all()
    assert [set(each.classes_) for each in found["estimator"]] == [set(LABELS)] * 2
    shares = cross_val_predict(made(), TEXTS, TOPICS, cv=2, method="predict_proba")
    assert shares.shape == (len(TEXTS), 3)
    assert cross_val_score(made(), pd.Series(TEXTS), pd.Series(TOPICS), cv=2).shape == (2,)


def test_a_class_that_a_fold_lacks(fitted: TextClassifier) -> None:
    """What was not learnt is not answered, and counts as wrong where it was asked for."""
    y = [*TOPICS[:-2], "other", "other"]
    scores = cross_val_score(made(), TEXTS, y, cv=KFold(2), error_score="raise")
    assert scores.min() > 0.3
    assert fitted.score(TEXTS, ["other"] * len(TEXTS)) == 0.0


def test_a_grid_search_and_its_best() -> None:
    """Over parameters of tunesmith, refit on all rows; the fitted search is asked like an estimator."""
    grid = {"rungs": [("linear",)], "seed": [0, 1], "options": [None, {"data.normalise": "NFKC"}]}
    search = GridSearchCV(made(), grid, cv=2).fit(TEXTS, TOPICS)
    assert len(search.cv_results_["params"]) == 4
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_score_ > 0.5
    assert search.predict(TEXTS[:1]).tolist() == TOPICS[:1]
    assert search.best_estimator_.model_.labels == list(LABELS)


def test_a_pipeline() -> None:
    """After a step that makes texts, with parameters set through it."""
    upper = FunctionTransformer(lambda texts: [text.upper() for text in texts])
    pipeline = make_pipeline(upper, made())
    pipeline.set_params(textclassifier__seed=3)
    assert pipeline.fit(TEXTS, TOPICS).score(TEXTS, TOPICS) > 0.9
    assert clone(pipeline).get_params()["textclassifier__seed"] == 3


def test_groups_stay_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of one customer are on one side of the split within ``fit``; the outer split is scikit-learn's."""
    customers = np.arange(len(TEXTS)) // 6
    kept: list[Any] = []
    from tunesmith.ladder import camp

    prepare = camp.prepare
    monkeypatch.setattr(camp, "prepare", lambda *given, **named: kept.append(prepare(*given, **named)) or kept[-1])
    made().fit(TEXTS, TOPICS, groups=customers)
    split = kept[0].split
    assert not {*customers[split.train]} & {*customers[split.validation]}
    folds = GroupKFold(2)
    assert cross_val_score(made(), TEXTS, TOPICS, groups=customers, cv=folds).shape == (2,)
    with pytest.raises(DataError, match="120 texts, 2 in groups"):
        made().fit(TEXTS, TOPICS, groups=[1, 2])


def test_a_fitted_one_is_not_pickled(fitted: TextClassifier) -> None:
    """Nor copied; what to do instead is told. One that is not fitted is, so that searches may run in processes."""
    assert pickle.loads(pickle.dumps(made(seed=5))).seed == 5
    assert copy.deepcopy(made(seed=5)).seed == 5
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(ConfigError, match=r"model_\.save") as caught:
            attempt(fitted)
        assert caught.value.code == "not-pickled"
    assert clone(fitted).rungs == ("linear",)
    with pytest.raises(ConfigError, match=r"model_\.save"):
        pickle.dumps(TextRegressor(rungs=("linear",), threads=1).fit(TEXTS, np.arange(len(TEXTS)) / 7))


def test_searching_in_other_processes() -> None:
    """Scores come back, which is all that a search needs."""
    scores = cross_val_score(made(), TEXTS, TOPICS, cv=2, n_jobs=2)
    np.testing.assert_array_equal(scores, cross_val_score(made(), TEXTS, TOPICS, cv=2))


def test_a_fitted_one_in_other_processes(fitted: TextClassifier) -> None:
    """Scikit-learn sends it along in the scorer, and asks it there; it goes by its folder, and answers the same."""
    scores = cross_val_score(fitted, TEXTS, TOPICS, cv=2, n_jobs=2)
    np.testing.assert_array_equal(scores, cross_val_score(made(), TEXTS, TOPICS, cv=2))
    there = Parallel(n_jobs=2)(delayed(type(fitted).predict_proba)(fitted, TEXTS) for _ in range(2))
    np.testing.assert_array_equal(there, [fitted.predict_proba(TEXTS)] * 2)


def test_a_fitted_one_does_not_come_back_from_another_process() -> None:
    """The error is ours, and told in words: so is each that ends a fit there."""
    with pytest.raises(ConfigError, match=r"error\[not-pickled\](.|\n)*leave out n_jobs"):
        cross_validate(made(), TEXTS, TOPICS, cv=2, n_jobs=2, return_estimator=True)
    with pytest.raises(ConfigError, match=r'error\[bad-budget\](.|\n)*"never"'):
        cross_val_score(made(budget="never"), TEXTS, TOPICS, cv=2, n_jobs=2, error_score="raise")


def test_a_model_that_is_gone_is_no_other(fitted: TextClassifier, tmp_path: Path) -> None:
    """A process that opens the folder too late, when another model is there or none, has an estimator not fitted."""
    stays = made(out=tmp_path / "m").fit(TEXTS, TOPICS)
    sent = bytes(dumps(stays))
    assert pickle.loads(sent).predict(TEXTS[:3]).tolist() == stays.predict(TEXTS[:3]).tolist()
    made(out=tmp_path / "m", force=True, seed=7).fit(TEXTS[::-1], TOPICS[::-1])
    with pytest.raises(NotFittedError, match="not fitted yet"):
        pickle.loads(sent).predict(TEXTS)


def test_a_temporary_model_goes_with_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lies in no folder of the user's, can be saved while it lives, and leaves nothing; nor does a failed fit."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.chdir(tmp_path)
    found = made().fit(TEXTS, TOPICS)
    model = found.model_
    del found
    gc.collect()
    model.save("kept.model")
    shares = model.predict_proba(TEXTS)
    del model
    gc.collect()
    with pytest.raises(DataError):
        made().fit(["a", "b"], ["x", "y"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.model", "temporary"]
    assert list((tmp_path / "temporary").iterdir()) == []
    np.testing.assert_array_equal(tunesmith.load("kept.model").predict_proba(TEXTS), shares)


def test_a_model_folder_of_ones_own(tmp_path: Path) -> None:
    """Replaced only where that is asked for."""
    found = made(out=tmp_path / "mine.model").fit(TEXTS, TOPICS)
    assert tunesmith.load(tmp_path / "mine.model").labels == list(LABELS)
    with pytest.raises(ConfigError, match="there already"):
        found.fit(TEXTS, TOPICS)
    assert found.set_params(force=True).fit(TEXTS, NUMBERS).classes_.tolist() == [0, 1, 2]


def test_numbers(tmp_path: Path) -> None:
    """A regressor gives numbers, whole ones too, and ``score`` is R²; a classifier sends whoever has numbers to it."""
    random = np.random.default_rng(0)
    grades = random.integers(0, 7, 200)
    texts = [" ".join(["good"] * grade + ["bad"] * (6 - grade)) for grade in grades.tolist()]
    for y in (grades / 2, grades, pd.Series(grades / 3), (grades / 2)[:, None]):
        found = TextRegressor(rungs=("linear",), threads=1, budget="none").fit(texts, y)
        told = found.predict(pd.Series(texts))
        assert told.dtype == np.float64
        assert told.shape == (200,)
        assert found.score(texts, np.asarray(y).ravel()) > 0.9
    assert not hasattr(found, "decision_function")
    assert not hasattr(found, "predict_proba")
    scores = cross_val_score(clone(found), texts, grades / 2, cv=2, scoring="neg_mean_absolute_error")
    assert scores.min() > -0.5
    with pytest.raises(ConfigError, match="use TextRegressor"):
        made(task="score").fit(texts, grades)
    with pytest.raises(DataError, match="no numbers"):
        TextRegressor(rungs=("linear",)).fit(texts, ["high", "low"] * 100)


def test_the_default_rung(base: Path) -> None:  # noqa: F811
    """A frozen encoder under a solved head, as the parameters say."""
    found = TextClassifier(base=base, threads=1, offline=True).fit(TEXTS, TOPICS)
    assert found.model_.bundle.facts.rung == "probe"
    assert found.score(TEXTS, TOPICS) > 0.8
