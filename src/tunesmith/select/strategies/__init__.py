"""Strategies: which of many unlabelled rows would teach a model most.

A member's ``build(options)`` gives a ``Strategy``. It first says which rows are worth a closer look, by margins alone;
only of those are features computed, so that memory does not grow with the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tunesmith.config import Family

Ints: TypeAlias = NDArray[np.int64]
Doubles: TypeAlias = NDArray[np.float64]
Vectors: TypeAlias = NDArray[np.float32]

STRATEGIES = Family("strategy", __name__, __path__)

DEFAULT = "both"
"""The best of them on banking77 and clinc150, see ``benchmarks/next_rows``."""

WITHOUT_MARGINS = "diversity"
"""The one to take where a model does not say how sure it is."""


@dataclass(frozen=True, slots=True)
class Shortlist:
    """K rows after a closer look, none of which is nearly another."""

    margins: Doubles | None
    """How far each answer is from turning into another, 0..1, ``[K]``; None where the model does not say."""
    features: Vectors | None
    """Of unit length, ``[K, F]``; None where the strategy does not use them."""
    labelled: Vectors | None
    """The same of L rows that are labelled already, ``[L, F]``; None where there are none or nobody asks."""


class Strategy(Protocol):
    """A way to choose rows."""

    by_margins: bool
    """Whether it cannot do without margins."""
    by_features: bool
    """Whether it looks at features."""
    by_labelled: bool
    """Whether it looks at those of labelled rows as well."""

    def shortlist(self, n_rows: int, margins: Doubles | None, n: int, *, seed: int) -> Ints:
        """Choose the rows that are worth a closer look.

        Args:
            n_rows: N that may be proposed.
            margins: How far each answer is from turning into another, 0..1, ``[N]``; None where the strategy goes
                without.
            n: Rows to propose, at most N.
            seed: Of what is drawn at random.

        Returns:
            Row numbers, at least n, none twice.
        """
        ...

    def choose(self, rows: Shortlist, n: int, *, seed: int) -> Ints:
        """Choose the rows to label.

        Args:
            rows: Those of the shortlist.
            n: Rows to propose, at most K.
            seed: Of what is drawn at random.

        Returns:
            Their places in the shortlist, the one to label first at the front, ``[n]``.
        """
        ...


def load_strategy(name: str) -> Strategy:
    """Build a strategy by its name.

    Args:
        name: The member.

    Raises:
        ConfigError: There is no such strategy.

    Returns:
        The strategy.
    """
    strategy: Strategy = STRATEGIES.member(name).build(STRATEGIES.options(name))
    return strategy
