"""Files of few rows: too few are held out to choose by them alone, so what is known beforehand decides with them."""

from __future__ import annotations

import numpy as np

from tunesmith.ladder.landing import Landing
from tunesmith.ladder.prepare import Prepared
from tunesmith.ladder.stop import Comparison, better

FEW = 1000
"""Rows below which fewer than 200 are held out: see ``split_rows``."""

_LEAST_GROUPS = 2

_OF_A_RUNG, _WITHOUT_A_FIFTH, _SPREAD = 3.0, -1.0, 5.0
"""Points that a rung gains over the one before it: both on all rows in the end, or it alone on four fifths of them; and
how far one set of rows lies from another. ``benchmarks/few_labels`` tells what they rest on."""

_ERRORS_TO_THE_END = 1.645
"""Standard errors from the middle of an interval of 90 % to its end."""


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


def takes_over(challenger: Landing, holder: Landing, comparison: Comparison, *, reads: bool = True) -> bool:
    """Decide whether a rung replaces the one kept so far, where rows are few.

    What the held-out rows show and what was measured beforehand are weighed, each by how sure it is: four rows say next
    to nothing, two hundred nearly all. So a rung from which more is to be expected takes over unless it is clearly
    worse, and one that misses a fifth of the rows only where it is better by more than they bring.

    Args:
        challenger: The rung just landed.
        holder: The rung kept so far.
        comparison: Of the two.
        reads: Whether the challenger can read the texts; nothing is to be expected of one whose base model cannot.

    Returns:
        True where the gain to be expected is above zero. As with many rows where the holder is not fitted again on all
        rows, since then nothing is known of the two, and where the figure has no interval.

    Source: Efron and Morris 1975, for the mean of a normal prior and a normal measurement.
    """
    gain = comparison.gain
    if not holder.refit_s or not np.isfinite([gain.value, gain.low, gain.high]).all():
        return better(challenger, holder)
    expected = _WITHOUT_A_FIFTH if not challenger.refit_s else _OF_A_RUNG if reads else 0.0
    error = (gain.high - gain.low) / (2.0 * _ERRORS_TO_THE_END)
    return gain.value * _SPREAD**2 + expected * error**2 > 0.0
