"""One row from the middle of each cluster of the rows that the model is least sure of.

The rows of least margin are often the same question in many words. Clustered, each question is asked once; and the
middle of a cluster stands for more rows than its edge.
"""

from __future__ import annotations

import numpy as np

from tunesmith.config import Settings
from tunesmith.select.strategies import Doubles, Ints, Shortlist
from tunesmith.select.strategies._clusters import middles

_ROWS_TO_ONE = 20
"""Ten and forty did about as well on banking77; on clinc150, more did better."""
_MOST_ROWS = 50_000
"""That are clustered, unless more are wanted: time grows with these times the rows wanted."""


class Options(Settings):
    """This strategy has no options."""


class Both:
    """Unsure and unlike one another: k-means, each row weighed by how unsure it is, on the twenty times n least sure.

    Source: Zhdanov 2019, section 3.
    """

    by_margins = True
    by_features = True
    by_labelled = False

    def shortlist(self, n_rows: int, margins: Doubles | None, n: int, *, seed: int) -> Ints:
        """Take twenty times as many rows as are wanted, those of least margin: see ``Strategy``."""
        del n_rows, seed
        assert margins is not None, "it says that it goes by margins"
        return np.argsort(margins, kind="stable")[: min(_ROWS_TO_ONE * n, max(_MOST_ROWS, n))]

    def choose(self, rows: Shortlist, n: int, *, seed: int) -> Ints:
        """Take the middle of each cluster: see ``Strategy``."""
        assert rows.features is not None, "it says that it goes by features"
        assert rows.margins is not None, "it says that it goes by margins"
        if n >= len(rows.features):  # nothing to choose
            return np.argsort(rows.margins, kind="stable")
        return middles(rows.features, n, weights=1.0 - rows.margins, seed=seed)


def build(options: Options) -> Both:
    """Build the strategy.

    Args:
        options: None to set.

    Returns:
        It has no state.
    """
    del options
    return Both()
