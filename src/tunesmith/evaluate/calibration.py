"""Calibration: one temperature that makes probabilities mean what they say, and how far they still are from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tunesmith.errors import ShapeError

LOWEST_TEMPERATURE = 0.05
HIGHEST_TEMPERATURE = 20.0
_STEPS = 60
_PRECISION = 1e-9


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Turn logits ``[B, C]`` into probabilities, in float64 and safe for logits of any size.

    Returns:
        ``[B, C]``, each row summing to 1.

    Example:
        >>> softmax(np.array([[1000.0, 1000.0]]))
        array([[0.5, 0.5]])
    """
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    np.exp(shifted, out=shifted)
    shifted /= shifted.sum(axis=1, keepdims=True)
    return shifted


def apply_temperature(logits: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """Divide logits by a temperature and turn them into probabilities; the order of the classes stays.

    Args:
        logits: ``[B, C]``.
        temperature: Above 1 makes the answers less sure.

    Returns:
        ``[B, C]``, each row summing to 1.
    """
    return softmax(logits.astype(np.float64) / temperature)


def fit_temperature(logits: NDArray[np.floating], targets: NDArray[np.int64]) -> float:
    """Find the temperature under which the targets are most probable.

    The log loss is convex in the inverse temperature, so its slope has one zero, found by Newton steps that a shrinking
    bracket keeps in bounds. One row's worth of evidence is spread over all classes: without it, rows that are all right
    would ask for certainty.

    Args:
        logits: ``[B, C]`` of rows that the model was not fitted on.
        targets: Class numbers ``[B]``.

    Returns:
        The temperature, from 0.05 to 20.

    Raises:
        ShapeError: The axes do not fit, there is no row, or a logit is not a finite number.

    Example:
        >>> logits = np.array([[4.0, 0.0], [4.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
        >>> round(fit_temperature(logits, np.array([0, 0, 1, 1])), 1)
        4.7

    Source: Guo et al. 2017, section 4.2; the spread evidence is Platt's 1999, section 2.2.
    """
    _refuse_misfits(targets, logits)
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    if not shifted.any():  # no temperature changes anything
        return 1.0
    n_rows = len(targets)
    of_targets = shifted[np.arange(n_rows), targets].mean()
    wanted = (n_rows * of_targets + shifted.mean()) / (n_rows + 1)
    low, high = 1 / HIGHEST_TEMPERATURE, 1 / LOWEST_TEMPERATURE
    if _slope(shifted, low)[0] >= wanted:
        return HIGHEST_TEMPERATURE
    if _slope(shifted, high)[0] <= wanted:
        return LOWEST_TEMPERATURE
    inverse = 1.0
    for _ in range(_STEPS):
        expected, bend = _slope(shifted, inverse)
        low, high = (inverse, high) if expected < wanted else (low, inverse)
        newton = inverse - (expected - wanted) / bend if bend > 0 else low
        following = newton if low < newton < high else (low + high) / 2
        if abs(following - inverse) <= _PRECISION * inverse:
            break
        inverse = following
    return float(1 / inverse)


def mean_log_loss(logits: NDArray[np.floating], targets: NDArray[np.int64]) -> float:
    """Average the negative log likelihood of the right class.

    Args:
        logits: ``[B, C]``.
        targets: ``[B]``.

    Returns:
        Nats a row.

    Example:
        >>> round(mean_log_loss(np.zeros((1, 2), np.float32), np.array([0])), 4)
        0.6931
    """
    wide = logits.astype(np.float64)
    top = wide.max(axis=1)
    total = top + np.log(np.exp(wide - top[:, None]).sum(axis=1))
    return float((total - wide[np.arange(len(targets)), targets]).mean())


def calibrated_log_loss(logits: NDArray[np.floating], targets: NDArray[np.int64]) -> float:
    """Average the negative log likelihood at the temperature that suits these rows best.

    Every kept model is calibrated, so models are compared as they will answer: one that was regularised strongly is
    merely unsure, not worse.

    Args:
        logits: ``[B, C]``.
        targets: ``[B]``.

    Returns:
        Nats a row.
    """
    temperature = np.float32(fit_temperature(logits, targets))
    return mean_log_loss(logits / temperature, targets)


def ece(targets: NDArray[np.int64], probabilities: NDArray[np.floating], *, bins: int = 15) -> float:
    """Measure the expected calibration error: how far the top probability is from the share of right answers.

    Bins hold equally many rows; with fewer rows than bins each row is a bin.

    Args:
        targets: Class numbers ``[B]``.
        probabilities: ``[B, C]``.
        bins: Number of bins.

    Returns:
        Mean over rows of the distance in their bin, 0..1.

    Raises:
        ShapeError: The axes do not fit, or there is no row.

    Example:
        >>> float(ece(np.array([0, 0, 0, 1]), np.array([[0.75, 0.25]] * 4), bins=1))
        0.0

    Source: Naeini et al. 2015, with bins of equal mass as in Nguyen and O'Connor 2015.
    """
    return mean_gap(confidence_gaps(targets, probabilities), bins=bins)


def confidence_gaps(targets: NDArray[np.int64], probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """List the top probability minus 1 where the answer is right, minus 0 where it is wrong, least sure row first.

    Args:
        targets: Class numbers ``[B]``.
        probabilities: ``[B, C]``.

    Returns:
        ``[B]``.

    Raises:
        ShapeError: The axes do not fit, or there is no row.
    """
    _refuse_misfits(targets, probabilities)
    confidence: NDArray[np.float64] = probabilities.max(axis=1).astype(np.float64)
    gaps: NDArray[np.float64] = confidence - (probabilities.argmax(axis=1) == targets)
    return gaps[np.argsort(confidence, kind="stable")]


def mean_gap(gaps: NDArray[np.float64], *, bins: int = 15) -> float:
    """Average gaps within bins of equally many neighbours, and their sizes over the bins.

    Args:
        gaps: In the order of confidence, ``[B]``.
        bins: Number of bins.

    Returns:
        The expected calibration error, 0..1.
    """
    return float(mean_gaps(gaps, bins=bins))


def mean_gaps(gaps: NDArray[np.float64], *, bins: int = 15) -> NDArray[np.float64]:
    """Take ``mean_gap`` of many rows of gaps at once.

    Args:
        gaps: In the order of confidence along the last axis, ``[..., B]``.
        bins: Number of bins.

    Returns:
        The expected calibration errors, ``[...]``.
    """
    n_rows = gaps.shape[-1]
    n_bins = min(bins, n_rows)
    starts = np.arange(n_bins) * n_rows // n_bins
    means: NDArray[np.float64] = np.abs(np.add.reduceat(gaps, starts, axis=-1)).sum(axis=-1) / n_rows
    return means


def cross_fitted_probabilities(
    logits: NDArray[np.floating], targets: NDArray[np.int64], *, folds: int = 5, seed: int
) -> NDArray[np.float64]:
    """Calibrate each row by a temperature fitted on the other folds, as an unseen row would be.

    Args:
        logits: ``[B, C]`` of rows that the model was not fitted on.
        targets: Class numbers ``[B]``.
        folds: Number of parts.
        seed: Of the random folds.

    Returns:
        ``[B, C]``; a lone row is left at temperature 1.

    Raises:
        ShapeError: The axes do not fit, there is no row, or a logit is not a finite number.
    """
    _refuse_misfits(targets, logits)
    probabilities = np.empty(logits.shape, dtype=np.float64)
    shuffled = np.random.default_rng(seed).permutation(len(targets))
    for held_out in np.array_split(shuffled, min(folds, len(targets))):
        others = np.setdiff1d(shuffled, held_out)
        temperature = fit_temperature(logits[others], targets[others]) if len(others) else 1.0
        probabilities[held_out] = apply_temperature(logits[held_out], temperature)
    return probabilities


def cross_fitted_ece(logits: NDArray[np.floating], targets: NDArray[np.int64], *, folds: int = 5, seed: int) -> float:
    """Measure the calibration error that is left on rows the temperature was not fitted on.

    Args:
        logits: ``[B, C]`` of rows that the model was not fitted on.
        targets: Class numbers ``[B]``.
        folds: Number of parts.
        seed: Of the random folds.

    Returns:
        The expected calibration error over 15 bins, 0..1.

    Raises:
        ShapeError: The axes do not fit, there is no row, or a logit is not a finite number.
    """
    return ece(targets, cross_fitted_probabilities(logits, targets, folds=folds, seed=seed))


def _slope(shifted: NDArray[np.float64], inverse: float) -> tuple[float, float]:
    """Mean over rows of the expected logit at an inverse temperature, and of its variance, the slope of the former."""
    weights = softmax(shifted * inverse)
    expected = np.einsum("bc,bc->b", weights, shifted)
    squares = np.einsum("bc,bc,bc->b", weights, shifted, shifted)
    return float(expected.mean()), float((squares - expected**2).mean())


def _refuse_misfits(targets: NDArray[np.int64], outputs: NDArray[np.floating]) -> None:
    """Raise where targets and outputs do not fit together."""
    if outputs.ndim != 2 or targets.shape != outputs.shape[:1] or not len(targets):
        raise ShapeError(f"[B] and [B, C] with rows wanted: targets {targets.shape}, outputs {outputs.shape}")
    if targets.min() < 0 or targets.max() >= outputs.shape[1]:
        raise ShapeError(f"{outputs.shape[1]} classes: targets lie in {targets.min()} to {targets.max()}")
    if not np.isfinite(outputs).all():
        raise ShapeError(f"{int((~np.isfinite(outputs)).any(axis=1).sum())} rows hold a number that is not finite")
