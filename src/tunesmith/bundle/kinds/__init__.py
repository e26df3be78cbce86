"""Kinds of bundles: which files each has, how its model is saved and how it is loaded to answer.

A member has ``FILES`` (the names that must be there; where they hang on what the bundle says of itself,
``files(facts)`` as well), ``SHARES_BASE`` (whether the weights of the base model lie beside the bundle, for all bundles
there), ``save(folder, model)``, ``load(folder, facts)`` and ``predictor(model)``; a ``Predictor`` answers texts that
are already prepared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tunesmith.config import Family
from tunesmith.types import Text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tunesmith.bundle.schema import Facts

KINDS = Family("kind", __name__, __path__)

COMMON_FILES = ("tunesmith.json", "README.md", "report.html", "costs.json", "manifest.json")


def files_of(facts: Facts) -> tuple[str, ...]:
    """Name the files that a bundle must have.

    Args:
        facts: Its description.

    Returns:
        Those of its kind, and those of every bundle.
    """
    member = KINDS.member(facts.kind)
    own: tuple[str, ...] = member.files(facts) if hasattr(member, "files") else member.FILES
    return (*own, *COMMON_FILES)


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a model says of B texts: ``logits`` float32 ``[B, C]``; tokens and windows of each, None without tokens."""

    logits: NDArray[np.float32]
    n_tokens: NDArray[np.integer] | None
    n_windows: NDArray[np.integer] | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a model makes of B texts in one pass."""

    features: NDArray[np.float32]
    """Numbers that tell texts apart, ``[B, F]``."""
    logits: NDArray[np.float32]
    """``[B, C]``."""


class Predictor(Protocol):
    """A loaded model."""

    sees: str
    """What its features are, in words."""

    def outputs(self, texts: Sequence[Text], *, progress: Callable[[int, int], None] | None = None) -> Outputs:
        """Answer prepared texts.

        Args:
            texts: Prepared as the bundle says; pairs where it reads those.
            progress: Told tokens done and tokens in all.

        Returns:
            One row a text, in order.
        """
        ...

    def seen(self, texts: Sequence[Text], *, progress: Callable[[int, int], None] | None = None) -> Seen:
        """Answer prepared texts and give the features that the answers were made from.

        Args:
            texts: Prepared as the bundle says; pairs where it reads those.
            progress: Told tokens done and tokens in all.

        Returns:
            One row a text, in order.
        """
        ...
