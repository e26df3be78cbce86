"""The rows whose answers are nearest to turning into others.

The margin is taken, not the probability of the answer or the entropy: it is the only one of the three that does not
take a row for unsure because many labels share a small rest, which with a hundred labels is every row.
"""

from __future__ import annotations

import numpy as np

from tunesmith.config import Settings
from tunesmith.select.strategies import Doubles, Ints, Shortlist


class Options(Settings):
    """This strategy has no options."""


class Uncertainty:
    """Least margin first.

    Source: Scheffer, Decomain and Wrobel 2001.
    """

    by_margins = True
    by_features = False
    by_labelled = False

    def shortlist(self, n_rows: int, margins: Doubles | None, n: int, *, seed: int) -> Ints:
        """Take the rows of least margin: see ``Strategy``."""
        del n_rows, seed
        assert margins is not None, "it says that it goes by margins"
        return np.argsort(margins, kind="stable")[:n]

    def choose(self, rows: Shortlist, n: int, *, seed: int) -> Ints:
        """Take them in their order, which is that of the margins: see ``Strategy``."""
        del rows, seed
        return np.arange(n)


def build(options: Options) -> Uncertainty:
    """Build the strategy.

    Args:
        options: None to set.

    Returns:
        It has no state.
    """
    del options
    return Uncertainty()
