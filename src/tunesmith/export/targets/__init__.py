"""Targets of an export: the formats that others load.

A member has ``NEEDS`` (packages that it cannot do without), ``CUTS`` (whether its peer reads only the first window of a
longer text), ``write(folder, model, trial)`` and ``load(folder)``, which gives a ``Peer``: the export, opened again by
the peer's own runtime from nothing but the files of the folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tunesmith.config import Family
from tunesmith.types import JSON

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TARGETS = Family("target", __name__, __path__)


@dataclass(frozen=True, slots=True)
class Answers:
    """What a peer says of B texts; what it does not give is None, and of the first two it gives one.

    ``logits`` float32 ``[B, C]``, calibrated; ``probabilities`` float32 ``[B, C]``; ``vectors`` float32 ``[B, H]``, the
    features that our head sees.
    """

    labels: tuple[str, ...]
    """Of the columns, as the peer names them; empty where it knows none."""
    logits: NDArray[np.float32] | None = None
    probabilities: NDArray[np.float32] | None = None
    vectors: NDArray[np.float32] | None = None

    def as_logits(self) -> NDArray[np.float64]:
        """Give logits, made of the probabilities where there are no others.

        Returns:
            ``[B, C]``.
        """
        import numpy as np

        if self.logits is not None:
            return self.logits.astype(np.float64)
        assert self.probabilities is not None, "a peer gives logits or probabilities"
        return np.log(np.maximum(self.probabilities.astype(np.float64), 1e-45))


class Peer(Protocol):
    """An export, loaded by somebody else's runtime."""

    runtime: str
    """Its name and version."""

    def answers(self, texts: Sequence[str]) -> Answers:
        """Answer texts.

        Args:
            texts: As the user wrote them, of any length.

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
    """Largest difference allowed, by name: ``logits`` (of the largest logit, where that is above 1), ``probabilities``,
    ``vectors``; empty where the gate alone decides."""
    notes: Mapping[str, JSON] = field(default_factory=dict)
    """Further facts for ``parity.json``."""
    gated: bool = False
    """Whether the loss on rows held out decides too."""
