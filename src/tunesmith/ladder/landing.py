"""What a rung brings back: a model, its outputs on the validation rows and what it cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.bundle.schema import Kind
from tunesmith.tasks import Targets
from tunesmith.types import JSON


@dataclass(frozen=True)
class Landing:
    """One rung climbed.

    ``logits`` ``[B, C]`` and the ``targets`` of B rows are what its figures are measured on: the validation rows, or
    all rows to choose on, each by a head that has not seen it.
    """

    rung: str
    kind: Kind
    """Kind of bundle its model saves as."""
    model: Any
    """What ``bundle.kinds`` of that kind saves."""
    logits: NDArray[np.float32]
    targets: Targets
    objective: float
    """The figure that chooses, at most 1, on the validation rows."""
    loss: float
    """Of calibrated outputs, on the validation rows."""
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
