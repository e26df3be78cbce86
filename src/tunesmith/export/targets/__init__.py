"""Targets of an export: the formats that others load.

A member has ``NEEDS`` (packages that it cannot do without), ``CUTS`` (whether its peer reads only the first window of a
longer text), ``PAIRS`` (which models of pairs it can hold: those that read both texts ``apart``, or ``joined``),
``ADDED`` (whether it can hold what a method has put beside the weights of an encoder and no weight can do),
``write(folder, model, trial)`` and ``load(folder)``, which gives a ``Peer``: the export, opened again by the peer's own
runtime from nothing but the files of the folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tunesmith.config import Family
from tunesmith.types import JSON, Text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TARGETS = Family("target", __name__, __path__)


@dataclass(frozen=True, slots=True)
class Answers:
    """What a peer says of B rows; what it does not give is None, and of the three it gives one.

    ``logits`` float32 ``[B, C]``, calibrated, or numbers ``[B, 1]``; ``probabilities`` float32, one a label or an
    output; ``vectors`` float32 ``[texts, H]``, those that our head sees, the two of a pair as neighbours.
    """

    labels: tuple[str, ...]
    """As the peer names its answers; empty where it knows none."""
    logits: NDArray[np.float32] | None = None
    probabilities: NDArray[np.float32] | None = None
    vectors: NDArray[np.float32] | None = None


class Peer(Protocol):
    """An export, loaded by somebody else's runtime."""

    runtime: str
    """Its name and version."""

    def answers(self, texts: Sequence[Text]) -> Answers:
        """Answer rows.

        Args:
            texts: As the user wrote them, of any length; pairs where the model reads those.

        Returns:
            One row a text, in order.
        """
        ...


@dataclass(frozen=True, slots=True)
class Made:
    """What a target has to say of what it wrote."""

    card: str
    """The README, but for the figures of the comparison."""
    tolerance: Mapping[str, float] = field(default_factory=dict)
    """Largest difference allowed, by name: ``logits`` (of the largest logit, where that is above 1), ``values`` (of
    their spread), ``probabilities``, ``vectors``; what a model does not answer is passed over; empty where the gate
    alone decides."""
    labels: tuple[str, ...] = ()
    """As the peer should name its answers; empty where it knows no names."""
    notes: Mapping[str, JSON] = field(default_factory=dict)
    """Further facts for ``parity.json``."""
    gated: bool = False
    """Whether the loss on rows held out decides too."""
