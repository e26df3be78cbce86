"""Terms and weights are those of scikit-learn's TfidfVectorizer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import scipy.sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from tunesmith.models import tfidf
from tunesmith.models.sparse_rows import SparseRows
from tunesmith.models.tfidf import fit_terms

TEXTS = [
    "Where is my card? I ordered my card a week ago!!",
    "My CARD has not arrived; where's it?",
    "a b c a b c a",
    "",
    "   \t ",
    "über straße ÜBER Straße naïve_café 123 x",
    "我的卡在哪里 我的卡",
    "İstanbul ǅ ﬁne 👍🏽👍🏽 👍🏽",
    "...!? -- ...",
    "card\u00a0card\u3000card\ncard",
]
UNSEEN = ["my card is über-late", "zzz qqq", "", "我的 card 👍🏽", "a\x00b a"]


def matrix(rows: SparseRows, n_columns: int) -> np.ndarray:
    """The same rows, dense."""
    ends = np.append(rows.starts, len(rows.columns))
    return scipy.sparse.csr_array((rows.values, rows.columns, ends), shape=(len(rows.starts), n_columns)).toarray()


def vectorizer(kind: str, sizes: Sequence[int], min_rows: int) -> TfidfVectorizer:
    """Scikit-learn's way to the same features."""
    return TfidfVectorizer(
        analyzer="word" if kind == "words" else "char_wb",
        token_pattern=r"(?u)\b\w+\b" if kind == "words" else None,
        ngram_range=(min(sizes), max(sizes)),
        min_df=min_rows,
        sublinear_tf=True,
    )


@pytest.mark.parametrize("slab_characters", [1, 40, 1 << 18])
@pytest.mark.parametrize("min_rows", [1, 2])
@pytest.mark.parametrize(("kind", "sizes"), [("words", (1, 2)), ("words", (1, 2, 3)), ("characters", (2, 3, 4, 5))])
def test_features_are_scikit_learns(
    monkeypatch: pytest.MonkeyPatch, kind: str, sizes: tuple[int, ...], min_rows: int, slab_characters: int
) -> None:
    """Same terms, same weights on seen and unseen texts, however the texts are cut into slabs."""
    monkeypatch.setattr(tfidf, "_SLAB_CHARACTERS", slab_characters)
    terms = fit_terms(kind, sizes, TEXTS, min_rows=min_rows, max_terms=10**6)
    reference = vectorizer(kind, sizes, min_rows).fit(TEXTS)
    assert list(terms.terms) == sorted(reference.vocabulary_)
    for texts in (TEXTS, UNSEEN):
        expected = reference.transform(texts).toarray()
        np.testing.assert_allclose(matrix(terms.weigh(texts), len(terms)), expected, rtol=0, atol=1e-6)
