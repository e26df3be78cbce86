"""From which probability on a label is answered, where a row may have several: tuned for micro-F1.

For thresholds of their own, the best micro-F1 is found exactly: at a guess F of it, each label's threshold that lifts
``2 right - F (answered + actual)`` most is the best, and what all labels then reach is the next guess.

Source: Dinkelbach 1967, for the fraction; Lipton, Elkan and Narayanaswamy 2014, for one threshold for all labels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tunesmith.errors import ShapeError

Floats: TypeAlias = NDArray[np.float64]
_MOST_ROUNDS = 50
_N_HALVES = 2
_LEAST_ROOM = 1e-12


def threshold_margins(probabilities: Floats, thresholds: Floats) -> Floats:
    """Measure how far each probability is from its threshold, as a share of how far it could be on its side.

    Args:
        probabilities: ``[B, C]``.
        thresholds: Probability from which on each label is answered, ``[C]``.

    Returns:
        0 at the threshold, 1 where a label is certain or out of the question, ``[B, C]``.

    Example:
        >>> threshold_margins(np.array([[0.1, 0.2, 0.6]]), np.array([0.2, 0.2, 0.2]))
        array([[0.5, 0. , 0.5]])
    """
    room = np.where(probabilities < thresholds, thresholds, 1 - thresholds)
    return np.abs(probabilities - thresholds) / np.maximum(room, _LEAST_ROOM)


def micro_f1(targets: NDArray[Any], decisions: NDArray[np.bool_]) -> float:
    """Measure F1 over all labels of all rows together.

    Args:
        targets: 1 for a label that the row has, ``[B, C]``.
        decisions: Whether each label is answered, ``[B, C]``.

    Returns:
        0..1; 1 where there is nothing to find and nothing is answered.
    """
    right = int(decisions[targets.astype(bool)].sum())
    total = int(decisions.sum()) + int(targets.sum(dtype=np.int64))
    return 2 * right / total if total else 1.0


def tuned_thresholds(probabilities: Floats, targets: NDArray[Any], *, seed: int) -> Floats:
    """Tune thresholds: one a label, or one for all where those do not carry over to rows they were not tuned on.

    Args:
        probabilities: ``[B, C]`` of rows that the model was not fitted on.
        targets: 1 for a label that the row has, ``[B, C]``.
        seed: Of the halves by which the two are compared.

    Returns:
        ``[C]``.

    Raises:
        ShapeError: The axes do not fit, or there is no row.

    Example:
        >>> tuned_thresholds(np.array([[0.2], [0.3], [0.4]]), np.array([[0], [1], [1]]), seed=0)
        array([0.25])
    """
    if probabilities.shape != targets.shape or probabilities.ndim != 2 or not len(targets):
        raise ShapeError(f"[B, C] with rows wanted twice: {probabilities.shape} and {targets.shape}")
    own = held_out_decisions(probabilities, targets, thresholds_of_labels, n_folds=_N_HALVES, seed=seed)
    shared = held_out_decisions(probabilities, targets, threshold_of_all, n_folds=_N_HALVES, seed=seed)
    tune = thresholds_of_labels if micro_f1(targets, own) > micro_f1(targets, shared) else threshold_of_all
    return tune(probabilities, targets)


def held_out_decisions(
    probabilities: Floats,
    targets: NDArray[Any],
    tune: Callable[[Floats, NDArray[Any]], Floats],
    *,
    n_folds: int,
    seed: int,
) -> NDArray[np.bool_]:
    """Decide each row by thresholds tuned on the other folds, as an unseen row would be.

    Args:
        probabilities: ``[B, C]``.
        targets: ``[B, C]``.
        tune: Rows to thresholds.
        n_folds: Number of parts.
        seed: Of the random folds.

    Returns:
        ``[B, C]``; a lone row is decided at one half.
    """
    decisions = np.empty(probabilities.shape, dtype=np.bool_)
    shuffled = np.random.default_rng(seed).permutation(len(targets))
    for held in np.array_split(shuffled, min(n_folds, len(targets))):
        others = np.setdiff1d(shuffled, held)
        thresholds = tune(probabilities[others], targets[others]) if len(others) else np.float64(0.5)
        decisions[held] = probabilities[held] >= thresholds
    return decisions


def thresholds_of_labels(probabilities: Floats, targets: NDArray[Any]) -> Floats:
    """Tune one threshold a label for the best micro-F1.

    Args:
        probabilities: ``[B, C]``.
        targets: ``[B, C]``.

    Returns:
        ``[C]``; a label that is better never answered has more than its highest probability.
    """
    n_rows, n_labels = probabilities.shape
    order = np.argsort(-probabilities, axis=0, kind="stable")
    ranked = np.take_along_axis(probabilities, order, axis=0)
    right = np.zeros((n_rows + 1, n_labels))
    np.cumsum(np.take_along_axis(targets, order, axis=0), axis=0, out=right[1:])
    highest = np.where(ranked[:1] < 1.0, 1.0, 2.0)
    edges = np.vstack([highest, ranked, np.zeros((1, n_labels))])
    between = (edges[:-1] + edges[1:]) / 2  # threshold that answers the first k rows of the ranking
    cannot = np.zeros((n_rows + 1, n_labels), dtype=np.bool_)
    cannot[1:-1] = ranked[:-1] == ranked[1:]
    answered = np.arange(n_rows + 1.0)[:, None]
    n_actual, best = right[-1].sum(), 0.0
    chosen = np.zeros(n_labels, dtype=np.int64)
    for _ in range(_MOST_ROUNDS):
        worth = np.where(cannot, -np.inf, 2 * right - best * answered)
        chosen = worth.argmax(axis=0)
        reached = 2 * right[chosen, np.arange(n_labels)].sum() / max(chosen.sum() + n_actual, 1.0)
        if reached <= best:
            break
        best = reached
    found: Floats = between[chosen, np.arange(n_labels)]
    return found


def threshold_of_all(probabilities: Floats, targets: NDArray[Any]) -> Floats:
    """Tune one threshold for all labels for the best micro-F1.

    Args:
        probabilities: ``[B, C]``.
        targets: ``[B, C]``.

    Returns:
        The same ``[C]`` times.
    """
    (threshold,) = thresholds_of_labels(probabilities.reshape(-1, 1), targets.reshape(-1, 1))
    return np.full(probabilities.shape[1], threshold)
