"""Files of few rows: too few are held out to choose by them alone, so what is known beforehand decides with them."""

from __future__ import annotations

import numpy as np

from tunesmith.ladder.landing import Landing
from tunesmith.ladder.prepare import Prepared
from tunesmith.ladder.stop import Comparison, better

FEW = 1000
"""Rows below which fewer than 200 are held out: see ``split_rows``."""

_LEAST_GROUPS = 2


def are_few(data: Prepared) -> bool:
    """Decide whether the rows are too few to choose by those held out.

    Args:
        data: The rows.

    Returns:
        True below 1,000 rows to choose on; but not where later rows choose, which no fold of all rows may stand in for,
        nor where all texts are too alike to be parted.
    """
    rows = data.rows_to_choose()
    return data.columns.time is None and len(rows) < FEW and len(np.unique(data.groups[rows])) >= _LEAST_GROUPS


def takes_over(challenger: Landing, holder: Landing, comparison: Comparison) -> bool:
    """Decide whether a rung replaces the one kept so far, where rows are few.

    Four held-out rows say next to nothing. What was measured beforehand says that a frozen encoder beats word counts;
    and that a head fitted on all rows is hard to beat by an encoder trained on four fifths of them.

    Args:
        challenger: The rung just landed.
        holder: The rung kept so far.
        comparison: Of the two.

    Returns:
        Of rungs that are fitted again on all rows: True unless the challenger is proven worse. Of one that is not,
        against one that is: True only where it is proven better. Else as with many rows.
    """
    if not holder.refit_s:
        return better(challenger, holder)
    if challenger.refit_s:
        return comparison.gain.high >= 0.0
    return comparison.gain.low > 0.0 and better(challenger, holder)
