"""The ladder as scikit-learn's users know it: ``TextClassifier`` and ``TextRegressor``."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.metaestimators import available_if

from tunesmith.api.classes import Classes, classes_and_cells
from tunesmith.api.model import Model
from tunesmith.api.texts import plain_values, refuse_lengths, texts_of
from tunesmith.api.training import train
from tunesmith.api.workers import send_by_folder
from tunesmith.bundle.predict import outputs_of, predict_texts
from tunesmith.errors import ConfigError, DataError
from tunesmith.types import Text

_LEAST_ODDS = 1e-9
"""Thresholds nearer to 0 or 1 are told from these by no probability."""


class NotFittedYet(ConfigError, NotFittedError):  # type: ignore[misc] # scikit-learn has no types
    """An estimator is asked before ``fit``; scikit-learn knows it as its own error too."""


class TextClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """A text classifier that climbs the ladder, with scikit-learn's methods.

    ``X`` is a list, a series, an object array or a frame of one column of texts; of two columns, or tuples of two, for
    pairs. ``y`` is one class a text, of any type; or, for several classes a text, a list of lists or an indicator
    ``[B, C]``, and answers have the same form: tuples, or an indicator. A fitted estimator is neither pickled nor
    copied: ``model_.save`` writes a model folder, which ``tunesmith.load`` opens. The processes of ``n_jobs`` open the
    folder of one that they are given.

    Args:
        rungs: Rungs to try.
        task: What is learnt: ``single_label``, ``binary``, ``ordinal`` or ``multi_label``; told by ``y`` when left out.
        metric: Figure that chooses between rungs; ``score`` is accuracy, whatever chooses.
        base: Folder or name of the pretrained encoder.
        budget: Wall clock of each ``fit``: ``"90s"``, ``"10m"``, ``"1h30m"`` or ``"none"``.
        seed: Start of every random choice.
        threads: Threads to compute with; measured when left out.
        offline: Never use the network.
        options: Further recipe keys, dotted: ``{"rung.probe.n_folds": 10}``.
        out: Model folder; left out, a temporary one that goes with the model.
        force: Replace a model that is at ``out``, as a second ``fit`` does.

    Attributes:
        classes_: Sorted, ``[C]``; of an indicator its columns.
        model_: The ``tunesmith.Model``.

    Example:
        >>> from sklearn.base import clone
        >>> clone(TextClassifier(rungs=("linear",), budget="1m")).rungs
        ('linear',)
    """

    def __init__(
        self,
        *,
        rungs: Sequence[str] = ("probe",),
        task: str | None = None,
        metric: str | None = None,
        base: str | Path | None = None,
        budget: str = "10m",
        seed: int = 0,
        threads: int | None = None,
        offline: bool = False,
        options: Mapping[str, Any] | None = None,
        out: str | Path | None = None,
        force: bool = False,
    ) -> None:
        self.rungs = rungs
        self.task = task
        self.metric = metric
        self.base = base
        self.budget = budget
        self.seed = seed
        self.threads = threads
        self.offline = offline
        self.options = options
        self.out = out
        self.force = force

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Climb the ladder on labelled texts.

        Args:
            X: Texts or pairs, one a row.
            y: One class a row, a list of classes a row, or an indicator ``[B, C]``.
            groups: One value a row; rows of one value, such as a customer, are never held out from one another.

        Returns:
            Itself.

        Raises:
            DataError: ``X`` or ``y`` cannot be used.
            ConfigError: ``not-classes``, the task is one of numbers; or a parameter is wrong.
            TunesmithError: Whatever else keeps training from its end.
        """
        if self.task == "score":
            raise ConfigError(
                "not-classes",
                "a classifier answers classes, and a score is a number",
                where="TextClassifier(task='score')",
                allowed="single_label, binary, ordinal, multi_label",
                advice="use TextRegressor",
            )
        texts = texts_of(X)
        classes, cells = classes_and_cells(_wanted(y))
        task = self.task or ("single_label" if classes.form == "one" else "multi_label")
        self.model_ = _trained(self.get_params(deep=False), texts, cells, task=task, groups=groups)
        self._classes = classes
        self.classes_ = classes.values
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Answer texts.

        Args:
            X: Texts or pairs, one a row.

        Returns:
            ``[B]`` classes; where a text may have several, tuples of classes ``[B]`` or the indicator ``[B, C]``.
        """
        return self._fitted.decoded(predict_texts(self.model_.bundle, texts_of(X)))

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Give every class's calibrated probability.

        Args:
            X: Texts or pairs, one a row.

        Returns:
            ``[B, C]``, columns in the order of ``classes_``; each row adds up to 1 where a text has one class. A class
            that no row to train on had has 0.
        """
        classes = self._fitted
        shares = self.model_.predict_proba(texts_of(X))
        found = np.zeros((len(shares), len(classes.values)))
        found[:, classes.columns(self.model_.bundle.facts.labels)] = shares
        return found

    @available_if(lambda self: self.task != "ordinal")  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Give what decides between classes, above 0 where a class is answered by itself; levels have no such figure.

        Args:
            X: Texts or pairs, one a row.

        Returns:
            Calibrated log odds ``[B]`` of the second of two classes, or ``[B, C]`` where a text may have several
            classes, each less those of its threshold; else logits ``[B, C]``, of which the highest is answered.
        """
        classes, facts = self._fitted, self.model_.bundle.facts
        places = classes.columns(facts.labels)
        logits = outputs_of(self.model_.bundle, texts_of(X)).logits.astype(np.float64) / facts.temperature
        odds = 0.0 if facts.thresholds is None else _log_odds(facts.thresholds)
        if classes.form == "one" and len(classes.values) == 2:
            toward = logits[:, 1] - logits[:, 0] - odds  # of the model's second label
            found: NDArray[np.float64] = toward if places[1] == 1 else -toward
            return found
        found = np.full((len(logits), len(classes.values)), -np.inf)
        found[:, places] = logits - odds
        return found

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Measure the accuracy: the share of rows whose class, or all of whose classes, are answered right.

        Args:
            X: Texts or pairs, one a row.
            y: The right classes, in the form that ``fit`` had.
            sample_weight: How much each row counts, ``[B]``; left out, all alike.

        Returns:
            0..1.

        Raises:
            DataError: ``y`` does not fit ``X`` or the classes.
        """
        return float(np.average(self._fitted.right(_wanted(y), self.predict(X)), weights=sample_weight))

    @property
    def _fitted(self) -> Classes:
        """The classes, which are there once it is fitted."""
        if not hasattr(self, "model_"):
            raise _not_fitted(self)
        classes: Classes = self._classes
        return classes

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return _of_texts(tags)

    def __getstate__(self) -> Any:
        return _state(self, super().__getstate__())


class TextRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """The same for numbers: a similarity, a price, a grade on a scale without steps. ``score`` is R².

    Args:
        rungs: Rungs to try.
        metric: Figure that chooses between rungs: ``spearman``, ``pearson`` or ``r2``.
        base: Folder or name of the pretrained encoder.
        budget: Wall clock of each ``fit``: ``"90s"``, ``"10m"``, ``"1h30m"`` or ``"none"``.
        seed: Start of every random choice.
        threads: Threads to compute with; measured when left out.
        offline: Never use the network.
        options: Further recipe keys, dotted.
        out: Model folder; left out, a temporary one that goes with the model.
        force: Replace a model that is at ``out``, as a second ``fit`` does.

    Attributes:
        model_: The ``tunesmith.Model``.

    Example:
        >>> TextRegressor(rungs=("linear",)).get_params()["budget"]
        '10m'
    """

    def __init__(
        self,
        *,
        rungs: Sequence[str] = ("probe",),
        metric: str | None = None,
        base: str | Path | None = None,
        budget: str = "10m",
        seed: int = 0,
        threads: int | None = None,
        offline: bool = False,
        options: Mapping[str, Any] | None = None,
        out: str | Path | None = None,
        force: bool = False,
    ) -> None:
        self.rungs = rungs
        self.metric = metric
        self.base = base
        self.budget = budget
        self.seed = seed
        self.threads = threads
        self.offline = offline
        self.options = options
        self.out = out
        self.force = force

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Climb the ladder on texts with numbers.

        Args:
            X: Texts or pairs, one a row.
            y: One number a row, ``[B]``.
            groups: One value a row; rows of one value are never held out from one another.

        Returns:
            Itself.

        Raises:
            DataError: ``X`` or ``y`` cannot be used.
            TunesmithError: Whatever else keeps training from its end.
        """
        texts = texts_of(X)
        numbers = plain_values(np.asarray(_wanted(y)).reshape(-1))
        self.model_ = _trained(self.get_params(deep=False), texts, numbers, task="score", groups=groups)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Answer texts.

        Args:
            X: Texts or pairs, one a row.

        Returns:
            Numbers, ``[B]``.

        Raises:
            NotFittedYet: Before ``fit``.
        """
        if not hasattr(self, "model_"):
            raise _not_fitted(self)
        return np.array([answer["value"] for answer in predict_texts(self.model_.bundle, texts_of(X))], dtype=float)

    def __sklearn_tags__(self) -> Any:
        return _of_texts(super().__sklearn_tags__())

    def __getstate__(self) -> Any:
        return _state(self, super().__getstate__())


send_by_folder(TextClassifier)
send_by_folder(TextRegressor)


def _trained(
    parameters: Mapping[str, Any], texts: Sequence[Text], cells: Sequence[Any], *, task: str, groups: Any
) -> Model:
    """Train on texts with what each has, in the folder asked for or in one that goes with the model."""
    groups = None if groups is None else plain_values(groups)
    refuse_lengths(texts, y=cells, groups=groups)
    pairs = bool(texts) and isinstance(texts[0], tuple)
    columns = {"text": [text[0] for text in texts] if pairs else list(texts), "label": list(cells)}
    columns |= {"pair": [text[1] for text in texts]} if pairs else {}
    columns |= {} if groups is None else {"group": groups}
    given = {name: value for name, value in parameters.items() if name not in ("out", "options", "force")}
    options = dict(parameters["options"] or {}) | ({} if groups is None else {"data.group": "group"})
    named = {"text": "text", "label": "label", "pair": "pair" if pairs else None}
    how = {**given, **named, "task": task, "options": options}
    if parameters["out"] is not None:
        return train(columns, **how, out=parameters["out"], force=parameters["force"])
    folder = tempfile.mkdtemp(prefix="tunesmith-")
    try:
        model = train(columns, **how, out=Path(folder) / "model")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(model, shutil.rmtree, folder, ignore_errors=True)
    return model


def _wanted(y: Any) -> Any:
    if y is None:
        raise DataError(
            "label-missing", "y is wanted: what is to be learnt of each text", where="y", found="None", allowed="a list"
        )
    return y


def _log_odds(shares: Sequence[float]) -> NDArray[np.float64]:
    clipped = np.clip(np.array(shares), _LEAST_ODDS, 1 - _LEAST_ODDS)
    odds: NDArray[np.float64] = np.log(clipped) - np.log1p(-clipped)
    return odds


def _of_texts(tags: Any) -> Any:
    """Say to scikit-learn that rows are texts, which may be missing."""
    tags.input_tags.string = tags.input_tags.one_d_array = tags.input_tags.allow_nan = True
    tags.input_tags.two_d_array = False
    return tags


def _not_fitted(estimator: Any) -> NotFittedYet:
    return NotFittedYet(
        "not-fitted",
        "this estimator is not fitted yet",
        where=type(estimator).__name__,
        advice="call fit(X, y) first; a model folder is opened by tunesmith.load",
    )


def _state(estimator: Any, state: Any) -> Any:
    """Give the parameters to pickle or copy; a model is never pickled, since unpickling runs code."""
    if hasattr(estimator, "model_"):
        raise ConfigError(
            "not-pickled",
            "a fitted estimator is neither pickled nor copied: unpickling a file runs whatever code it holds",
            where=type(estimator).__name__,
            allowed="sklearn.base.clone, or one that is not fitted",
            advice='save the model with model_.save("tickets.model") and open it with tunesmith.load("tickets.model"); '
            "leave out n_jobs where fitted estimators are to come back",
        )
    return state
