"""``flat``: our own engine, on one matrix of tokens without padding; torch is all that it needs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.tokenize import TokenSet
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.runtimes.engines import Engine
from tunesmith.runtimes.nodes import Products
from tunesmith.runtimes.torch import pooled

NEEDS: tuple[str, ...] = ()
PRODUCTS: tuple[Products, ...] = ("int8",)
IS_TRIED = True


def open_engine(classifier: EncoderClassifier, *, reads_types: bool, products: Products) -> Engine:
    """Make ready to run.

    Args:
        classifier: Its encoder is rounded.
        reads_types: Whether sequences hold both texts of a pair; told by the tokens here.
        products: Those of the encoder.

    Returns:
        The engine.
    """
    del reads_types, products

    def run(
        tokens: TokenSet,
        *,
        progress: Callable[[int, int], None] | None = None,
        most_padding: float | None = None,
    ) -> NDArray[np.float32]:
        del most_padding  # nothing is padded
        return pooled(classifier, tokens, progress=progress)

    return run
