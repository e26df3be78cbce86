"""What rows are fitted to, made in a word."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tunesmith.models.likelihoods import load_likelihood
from tunesmith.models.supervision import Supervision


def classes(targets: ArrayLike, n_classes: int, **how: Any) -> Supervision:
    """Class numbers."""
    return Supervision(load_likelihood("softmax"), n_classes, np.asarray(targets, dtype=np.int64), **how)
