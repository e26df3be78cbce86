"""Likelihoods: what a row's outputs say of its target, one file each; ``build()`` gives a ``Likelihood``.

Outputs are ``[B, C]``. Which numbers targets are is the member's own: see its ``refuse_misfits``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tunesmith.config import Family

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

LIKELIHOODS = Family("likelihood", __name__, __path__)


class Likelihood(Protocol):
    """The negative log likelihood of targets, but for what no model changes."""

    name: str
    tempered: bool
    """Whether outputs may be divided by a temperature before they are read: it makes answers surer or less sure."""

    def rows(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Measure each row.

        Args:
            outputs: ``[B, C]``.
            targets: Of B rows.

        Returns:
            The loss of each row ``[B]``, and its derivative by the outputs ``[B, C]``.
        """
        ...

    def curvature(self, n_outputs: int) -> float:
        """Tell how fast the loss bends where all outputs are zero: its second derivative by one of them.

        Args:
            n_outputs: C.

        Returns:
            A positive number; a first guess of the curvature everywhere.
        """
        ...

    def means(self, outputs: Tensor) -> Tensor:
        """Give what outputs lead one to expect of a target.

        Args:
            outputs: ``[B, C]``.

        Returns:
            Probabilities of the classes, labels or levels, or the number itself.
        """
        ...

    def divergence(self, outputs: Tensor, others: Tensor) -> Tensor:
        """Measure how far other outputs are from these: the Kullback-Leibler divergence of what they say of a target.

        Args:
            outputs: ``[B, C]``.
            others: ``[B, C]``; gradients flow back to them.

        Returns:
            Of each row, in nats, ``[B]``.
        """
        ...

    def refuse_misfits(self, targets: NDArray[np.generic], n_outputs: int) -> None:
        """Make sure that targets are of this likelihood.

        Args:
            targets: Of B rows.
            n_outputs: C.

        Raises:
            ShapeError: They are not, or there is none.
        """
        ...


def load_likelihood(name: str) -> Likelihood:
    """Build a likelihood by its name.

    Raises:
        ConfigError: There is no such likelihood.

    Returns:
        It has no state.
    """
    likelihood: Likelihood = LIKELIHOODS.member(name).build()
    return likelihood
