"""What a rung brings back: a model, its outputs on the validation rows and what it cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.bundle.schema import Kind
from tunesmith.evaluate.calibration import fit_temperature
from tunesmith.types import JSON


@dataclass(frozen=True)
class Landing:
    """One rung climbed.

    ``logits`` ``[B, C]`` and ``targets`` ``[B]`` are what its figures are measured on: the validation rows, or all rows
    to choose on, each by a head that has not seen it.
    """

    rung: str
    kind: Kind
    """Kind of bundle its model saves as."""
    model: Any
    """What ``bundle.kinds`` of that kind saves."""
    logits: NDArray[np.float32]
    targets: NDArray[np.int64]
    objective: float
    """The figure that chooses, 0..1, on the validation rows."""
    log_loss: float
    """Of calibrated probabilities, on the validation rows."""
    measured_on: str
    seconds: float
    tflop: float
    peak_mib: float = 0.0
    """Most memory of the process while the rung was climbed; measured by the climb."""
    refit_s: float = 0.0
    """Foreseen seconds of ``finish``, which fits it again on all rows; 0 where it does not."""
    cut_short: bool = False
    """Whether the clock allowed less training than is worth its while, so that more might gain more."""
    notes: tuple[str, ...] = ()
    seen: NDArray[np.bool_] | None = None
    """Rows whose class was among those that the model that answered them was fitted on, ``[B]``; None for all. The
    others count as the errors they are, but the temperature of a model that knows their class is not fitted on them."""
    facts: dict[str, JSON] = field(default_factory=dict)
    """What it decided from the data: pooling, penalty, steps, epochs."""


def log_loss_of(logits: NDArray[np.float32], targets: NDArray[np.int64]) -> float:
    """Average the negative log likelihood of the right class.

    Args:
        logits: ``[B, C]``.
        targets: ``[B]``.

    Returns:
        Nats a row.

    Example:
        >>> round(log_loss_of(np.zeros((1, 2), np.float32), np.array([0])), 4)
        0.6931
    """
    wide = logits.astype(np.float64)
    top = wide.max(axis=1)
    total = top + np.log(np.exp(wide - top[:, None]).sum(axis=1))
    return float((total - wide[np.arange(len(targets)), targets]).mean())


def calibrated_log_loss(logits: NDArray[np.float32], targets: NDArray[np.int64]) -> float:
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
    return log_loss_of(logits / temperature, targets)
