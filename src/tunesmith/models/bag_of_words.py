"""Bag of words: which words, pairs of words and pieces of words a text holds, and one linear layer on them.

Test accuracy after seconds of one core (Zen 3) for terms, their weights and the fit. The others are scikit-learn's, on
the same features from its vectorizers: logistic regressions with C = 5, LinearSVC 0.3, ten averaged epochs of SGD.

=====================  ==============  ==============  ==============  ==============
..                     banking77       clinc150        phrasebank      sst2_glue
=====================  ==============  ==============  ==============  ==============
this module            91.9 %   1.3 s  92.7 %   2.2 s  77.8 %   1.0 s  83.1 %   4.7 s
LogisticRegression     91.9 %   9.1 s  92.8 %  13.8 s  78.3 %   1.6 s  82.6 %   9.0 s
liblinear, one v rest  91.6 %  15.2 s  92.9 %  30.0 s  78.5 %   1.2 s  82.9 %  12.8 s
LinearSVC              91.3 %   4.1 s  92.7 %   8.0 s  78.6 %   1.0 s  82.7 %   8.8 s
SGDClassifier          90.9 %   6.6 s  92.6 %  16.2 s  77.9 %   0.9 s  83.0 %   7.6 s
RidgeClassifier        86.4 %   8.7 s  89.3 %  19.8 s  79.7 %   0.9 s  81.4 %   8.4 s
=====================  ==============  ==============  ==============  ==============
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tunesmith.errors import ArtifactError, ShapeError
from tunesmith.models.linear_descent import descend
from tunesmith.models.ngrams import KINDS
from tunesmith.models.sparse_pairs import n_pair_columns, paired
from tunesmith.models.sparse_rows import SparseRows
from tunesmith.models.supervision import Supervision
from tunesmith.models.tfidf import Terms, fit_terms, slabs
from tunesmith.types import JSON, Text, as_one

_SIZES = {"words": (1, 2), "characters": (2, 3, 4)}
_MOST_TERMS = 250_000  # of each kind
_MOST_WEIGHTS = 4_000_000  # of each kind, over all classes: the fit keeps sixteen copies
_LEAST_TERMS = 10_000
_LARGEST_SIZE = 10
_ROWS_TO_DROP_LONE_TERMS = 5_000
_L2_OF_ALL_ROWS = 0.1
_MAX_ITERATIONS = 60
_TOLERANCE = 5e-3
_HISTORY = 5  # steps remembered; ten cost more than they save where there are a million weights
_PRECONDITION_POWER = 0.7  # half way between trusting the diagonal and ignoring it


class BagOfWords:
    """A fitted bag of words.

    Args:
        terms: The known terms, by kind.
        weights: Of each kind, ``[terms, C]``, or of pairs as many as ``n_pair_columns`` says.
        bias: ``[C]``.
    """

    def __init__(self, terms: Sequence[Terms], weights: Sequence[Tensor], bias: Tensor) -> None:
        self._terms = tuple(terms)
        self._weights = tuple(weights)
        self._bias = bias

    def logits(self, texts: Sequence[Text]) -> NDArray[np.float32]:
        """Score texts; memory does not grow with their number, but for the answer.

        Args:
            texts: B of them, or of pairs; a text without a known term gets the bias alone.

        Returns:
            ``[B, C]``; a text's logits do not depend on its neighbours.
        """
        parts = [self._logits_of_slab(slab) for slab in slabs(texts)]
        return torch.cat([torch.zeros(0, len(self._bias)), *parts]).numpy()

    def hashed(self, texts: Sequence[Text], width: int) -> NDArray[np.float32]:
        """Weigh the terms of texts and hash them to few numbers; see ``SparseRows.hashed``.

        Args:
            texts: B of them, or of pairs.
            width: Numbers of each kind of terms.

        Returns:
            ``[B, kinds * width]``; zeros for a text without a known term.
        """
        nothing = np.zeros((0, len(self._terms) * width), dtype=np.float32)
        parts = [
            np.concatenate([_weighed(terms, slab).hashed(width) for terms in self._terms], axis=1)
            for slab in slabs(texts)
        ]
        return np.concatenate([nothing, *parts])

    def state(self) -> tuple[dict[str, NDArray[np.float32]], JSON]:
        """Give all that the model is.

        Returns:
            Tensors by name, and the vocabulary: sizes and terms of each kind.
        """
        tensors = {"bias": self._bias.numpy()}
        vocabulary: dict[str, JSON] = {}
        for terms, weight in zip(self._terms, self._weights, strict=True):
            tensors |= {f"{terms.kind}.weight": weight.numpy(), f"{terms.kind}.idf": terms.idf}
            vocabulary[terms.kind] = {"sizes": list(terms.sizes), "terms": list(terms.terms)}
        return tensors, vocabulary

    @classmethod
    def from_state(
        cls, tensors: Mapping[str, NDArray[np.generic]], vocabulary: JSON, *, pairs: bool = False
    ) -> BagOfWords:
        """Build the model back; its logits are the same to the last bit.

        Args:
            tensors: From ``state``.
            vocabulary: From ``state``.
            pairs: Whether it reads pairs of texts.

        Returns:
            The model.

        Raises:
            ArtifactError: The two do not fit together (``bag-of-words-damaged``).
        """
        problem = _misfit(tensors, vocabulary, pairs=pairs)
        if problem:
            raise ArtifactError(
                "bag-of-words-damaged", "the weights and the vocabulary do not fit together", found=problem
            )
        floats = {name: np.array(tensor, dtype=np.float32) for name, tensor in tensors.items()}
        terms = [
            Terms(kind, part["sizes"], part["terms"], idf=floats[f"{kind}.idf"]) for kind, part in vocabulary.items()
        ]
        weights = [torch.from_numpy(floats[f"{kind}.weight"]) for kind in vocabulary]
        return cls(terms, weights, torch.from_numpy(floats["bias"]))

    def _logits_of_slab(self, texts: Sequence[Text]) -> Tensor:
        """Logits of texts that are weighed in one go."""
        logits = self._bias.repeat(len(texts), 1)
        for terms, weight in zip(self._terms, self._weights, strict=True):
            logits += _weighed(terms, texts).times(weight)
        return logits


def fit_bag_of_words(texts: Sequence[Text], wanted: Supervision, *, l2: float | None = None) -> BagOfWords:
    """Collect the terms of texts and fit one linear layer on them.

    Args:
        texts: B of them, or of pairs.
        wanted: What they are fitted to.
        l2: Strength of the penalty, relative to the mean loss of a row; by default 0.1 shared among all rows.

    Returns:
        The model; the same inputs on the same number of threads give the same bits.

    Raises:
        ShapeError: Texts and targets differ in number, there is none, or a target is none of the likelihood's.

    Example:
        >>> from tunesmith.models.likelihoods import load_likelihood
        >>> wanted = Supervision(load_likelihood("softmax"), 2, np.array([0, 0, 1]))
        >>> model = fit_bag_of_words(["lost my card", "card is lost", "change my pin"], wanted)
        >>> model.logits(["lost cards", "new pin"]).argmax(axis=1)
        array([0, 1])
    """
    if len(texts) != len(wanted):
        raise ShapeError(f"{len(texts)} texts, {len(wanted)} targets")
    wanted.refuse_misfits()
    strength = _L2_OF_ALL_ROWS / len(texts) if l2 is None else l2
    min_rows = 1 if len(texts) < _ROWS_TO_DROP_LONE_TERMS else 2
    max_terms = max(_LEAST_TERMS, min(_MOST_TERMS, _MOST_WEIGHTS // wanted.n_outputs))
    counted = list(map(as_one, texts))
    terms = [fit_terms(kind, sizes, counted, min_rows=min_rows, max_terms=max_terms) for kind, sizes in _SIZES.items()]
    n_columns = [_n_columns(part, texts) for part in terms]
    features = _WeighedTexts(
        [_weighed(part, texts) for part in terms],
        n_columns,
        curvature=wanted.likelihood.curvature(wanted.n_outputs),
        l2=strength,
    )
    descent = descend(
        features,
        wanted,
        torch.zeros(sum(n_columns) + 1, wanted.n_outputs),
        l2=strength,
        max_iterations=_MAX_ITERATIONS,
        tolerance=_TOLERANCE,
        history=_HISTORY,
    )
    by_kind = _split(descent.parameters, n_columns)
    return BagOfWords(terms, by_kind, descent.parameters[-1].clone())


def _are_pairs(texts: Sequence[Text]) -> bool:
    return bool(texts) and not isinstance(texts[0], str)


def _n_columns(terms: Terms, texts: Sequence[Text]) -> int:
    """Features of one kind."""
    return n_pair_columns(len(terms)) if _are_pairs(texts) else len(terms)


def _weighed(terms: Terms, texts: Sequence[Text]) -> SparseRows:
    """Count and weigh the terms of texts, or of both texts of pairs."""
    if not _are_pairs(texts):
        return terms.weigh(list(map(as_one, texts)))
    one, other = ([text[side] for text in texts] for side in (0, 1))
    return paired(terms.weigh(one), terms.weigh(other), len(terms))


class _WeighedTexts:
    """The features of texts, one sparse matrix a kind, as ``descend`` asks for them."""

    def __init__(self, matrices: Sequence[SparseRows], n_terms: Sequence[int], *, curvature: float, l2: float) -> None:
        self._n_terms = n_terms
        self._matrices = matrices
        self._transposed = [matrix.transposed(count) for matrix, count in zip(matrices, n_terms, strict=True)]
        squares = [
            np.bincount(matrix.columns, matrix.values**2, minlength=count)
            for matrix, count in zip(matrices, n_terms, strict=True)
        ]
        n_rows = len(matrices[0].starts)
        diagonal = np.concatenate([*squares, [n_rows]]) * (curvature / n_rows) + l2  # of the curvature at weights of 0
        self._inverse = torch.from_numpy(diagonal**-_PRECONDITION_POWER).float()[:, None]

    def logits(self, parameters: Tensor) -> Tensor:
        """Multiply each kind's texts with its part of the parameters."""
        logits = parameters[-1].repeat(len(self._matrices[0].starts), 1)
        for matrix, weight in zip(self._matrices, _split(parameters, self._n_terms), strict=True):
            logits += matrix.times(weight)
        return logits

    def gradient(self, residual: Tensor) -> Tensor:
        """Multiply each kind's terms with the residual."""
        parts = [matrix.times(residual) for matrix in self._transposed]
        return torch.cat([*parts, residual.sum(dim=0, keepdim=True)])

    def precondition(self, gradient: Tensor) -> Tensor:
        """Scale each term by how much it curves the loss."""
        return torch.mul(gradient, self._inverse)


def _split(parameters: Tensor, n_terms: Sequence[int]) -> list[Tensor]:
    """Cut parameters into the weights of each kind."""
    ends = np.cumsum(n_terms).tolist()
    return [parameters[end - count : end] for end, count in zip(ends, n_terms, strict=True)]


def _misfit(tensors: Mapping[str, NDArray[np.generic]], vocabulary: JSON, *, pairs: bool) -> str | None:
    """Say what does not fit, or None."""
    if not isinstance(vocabulary, dict) or not vocabulary or not vocabulary.keys() <= KINDS.keys():
        return f"the vocabulary must be an object of {' and '.join(KINDS)}"
    expected: dict[str, tuple[int, ...]] = {}
    n_classes = tensors["bias"].size if "bias" in tensors else 0
    for kind, part in vocabulary.items():
        if not isinstance(part, dict) or part.keys() != {"sizes", "terms"}:
            return f"{kind} must have sizes and terms"
        sizes = part["sizes"] if isinstance(part["sizes"], list) else []
        if not sizes or not all(type(size) is int and 1 <= size <= _LARGEST_SIZE for size in sizes):
            return f"the sizes of {kind} must be whole numbers from 1 to {_LARGEST_SIZE}"
        if not isinstance(part["terms"], list) or not all(isinstance(term, str) for term in part["terms"]):
            return f"the terms of {kind} must be texts"
        n_columns = n_pair_columns(len(part["terms"])) if pairs else len(part["terms"])
        expected |= {f"{kind}.weight": (n_columns, n_classes), f"{kind}.idf": (len(part["terms"]),)}
    found = {name: tensor.shape for name, tensor in tensors.items()}
    wanted = expected | {"bias": (n_classes,)}
    return None if found == wanted else f"tensors {found}, wanted {wanted}"
