"""Bag of words: which words, pairs of words and pieces of words a text holds, and one linear layer on them.

What was measured (test accuracy after seconds of one busy core, vocabulary included; the same features everywhere):

==================================  ============  ============  ============  ===========
solver                              banking77     clinc150      phrasebank    sst2_glue
==================================  ============  ============  ============  ===========
this module                         TABLE
==================================  ============  ============  ============  ===========
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tunesmith.errors import ArtifactError, ShapeError
from tunesmith.models.ngrams import KINDS
from tunesmith.models.softmax_descent import descend
from tunesmith.models.sparse_rows import SparseRows
from tunesmith.models.tfidf import Terms, fit_terms, slabs
from tunesmith.types import JSON

_SIZES = {"words": (1, 2), "characters": (2, 3, 4)}
_MOST_TERMS = 250_000  # of each kind
_MOST_WEIGHTS = 4_000_000  # of each kind, over all classes: the fit keeps sixteen copies
_LEAST_TERMS = 10_000
_ROWS_TO_DROP_LONE_TERMS = 5_000
_L2_OF_ALL_ROWS = 0.2
_MAX_ITERATIONS = 60
_TOLERANCE = 5e-3
_HISTORY = 5  # steps remembered; ten cost more than they save where there are a million weights
_PRECONDITION_POWER = 0.7  # half way between trusting the diagonal and ignoring it


class BagOfWords:
    """A fitted bag of words.

    Args:
        terms: The known terms, by kind.
        weights: ``[terms, C]`` of each kind.
        bias: ``[C]``.
    """

    def __init__(self, terms: Sequence[Terms], weights: Sequence[Tensor], bias: Tensor) -> None:
        self._terms = tuple(terms)
        self._weights = tuple(weights)
        self._bias = bias

    def logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Score texts; memory does not grow with their number, but for the answer.

        Args:
            texts: B of them; a text without a known term gets the bias alone.

        Returns:
            ``[B, C]``; a text's logits do not depend on its neighbours.
        """
        logits = torch.empty(len(texts), len(self._bias))
        row = 0
        for slab in slabs(texts):
            part = logits[row : row + len(slab)]
            torch.sum(
                torch.stack([t.weigh(slab).times(w) for t, w in zip(self._terms, self._weights, strict=True)]),
                dim=0,
                out=part,
            )
            part += self._bias
            row += len(slab)
        return logits.numpy()
