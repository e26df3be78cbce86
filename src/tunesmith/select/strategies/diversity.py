"""Rows that are far from one another and from those that are labelled already, whatever the model says of them.

Drawn with a chance that grows with the distance, not the farthest each time: the farthest rows of a file are its
oddities, and on banking77 taking them did no better than random order.
"""

from __future__ import annotations

import numpy as np

from tunesmith.config import Settings
from tunesmith.select.strategies import Doubles, Ints, Shortlist
from tunesmith.select.strategies._clusters import far_apart

_MOST_ROWS = 50_000
"""Looked at of a larger file, drawn at random: a few dozen rows are spread as well over them as over all."""


class Options(Settings):
    """This strategy has no options."""


class Diversity:
    """Far from what is known.

    Source: Arthur and Vassilvitskii 2007; for the choice of rows to label, Sener and Savarese 2018.
    """

    by_margins = False
    by_features = True
    by_labelled = True

    def shortlist(self, n_rows: int, margins: Doubles | None, n: int, *, seed: int) -> Ints:
        """Take all rows, or many of them: see ``Strategy``."""
        del margins
        most = max(_MOST_ROWS, n)
        if n_rows <= most:
            return np.arange(n_rows)
        return np.sort(np.random.default_rng(seed).choice(n_rows, most, replace=False))

    def choose(self, rows: Shortlist, n: int, *, seed: int) -> Ints:
        """Draw rows far apart: see ``Strategy``."""
        assert rows.features is not None, "it says that it goes by features"
        return far_apart(rows.features, n, weights=np.ones(len(rows.features)), others=rows.labelled, seed=seed)


def build(options: Options) -> Diversity:
    """Build the strategy.

    Args:
        options: None to set.

    Returns:
        It has no state.
    """
    del options
    return Diversity()
