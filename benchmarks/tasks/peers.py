"""What the other tasks are held against: the cosine of the untrained encoder, and word counts one label at a time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.tasks.sets import SEPARATOR, read_columns
from joblib import parallel_config
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import MultiLabelBinarizer
from torch.nn import functional

from tunesmith.data.tokenize import tokenize
from tunesmith.models.base import find_base
from tunesmith.models.encoder_config import read_encoder_config
from tunesmith.models.encoders import load_encoder
from tunesmith.models.tokenizers import load_tokenizer, max_seq_length
from tunesmith.runtimes.torch import encode_poolings

STRENGTHS = (1.0, 10.0, 100.0)


@cache
def _encoder() -> tuple[Any, Any, int]:
    folder = find_base("all-MiniLM-L6-v2", offline=True).folder
    config = read_encoder_config(folder)
    return load_encoder(folder, config), load_tokenizer(folder), max_seq_length(folder, config)


def cosines(path: Path) -> NDArray[np.float64]:
    """Compare the two texts of each row by the encoder as it comes: what needs no training.

    Args:
        path: File with the columns ``text_a`` and ``text_b``.

    Returns:
        ``[B]``.
    """
    import torch

    encoder, tokenizer, limit = _encoder()
    sides = [
        functional.normalize(
            torch.from_numpy(
                encode_poolings(encoder, tokenize(texts, tokenizer, max_seq_length=limit), ["mean"])["mean"]
            )
        )
        for texts in read_columns(path, "text_a", "text_b")
    ]
    return (sides[0] * sides[1]).sum(dim=1).double().numpy()


def best_cut(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Find the threshold that answers most rows right.

    Args:
        scores: ``[B]``.
        positive: Whether each row is, ``[B]``.

    Returns:
        A number between two scores.
    """
    tried = np.sort(scores)
    between = np.append((tried[1:] + tried[:-1]) / 2, [tried[0] - 1, tried[-1] + 1])
    return float(max(between, key=lambda cut: ((scores >= cut) == positive).mean()))


def one_against_the_rest(train: Path, test: Path) -> dict[str, Any]:
    """Word and character counts, one logistic regression a label, the threshold and the strength by held-out rows.

    Args:
        train: File with the columns ``text`` and ``labels``.
        test: The same of test rows.

    Returns:
        Micro-F1 and macro-F1 on the test rows, and what was chosen.
    """
    (texts, cells), (asked, meant) = read_columns(train, "text", "labels"), read_columns(test, "text", "labels")
    # features are copied to the workers: what joblib shares is read-only, and scipy sorts indices in their place
    with parallel_config(max_nbytes=None):
        return _one_against_the_rest((texts, cells), (asked, meant))


def _one_against_the_rest(train: Sequence[list[str]], test: Sequence[list[str]]) -> dict[str, Any]:
    """The same from texts and cells."""
    (texts, cells), (asked, meant) = train, test
    binarizer = MultiLabelBinarizer()
    targets = binarizer.fit_transform(_split(cells))
    wanted = binarizer.transform(_split(meant))
    held = np.arange(len(texts)) % 10 == 0
    tried = []
    for strength in STRENGTHS:
        model = _counts(strength).fit(_some(texts, ~held), targets[~held])
        shares = model.predict_proba(_some(texts, held))
        for cut in np.linspace(0.05, 0.6, 56):
            tried.append((f1_score(targets[held], shares >= cut, average="micro"), strength, float(cut)))
    _, strength, cut = max(tried)
    answers = _counts(strength).fit(texts, targets).predict_proba(asked) >= cut
    return {
        "micro_f1": round(float(f1_score(wanted, answers, average="micro")), 4),
        "macro_f1": round(float(f1_score(wanted, answers, average="macro")), 4),
        "C": strength,
        "threshold": round(cut, 3),
    }


def _counts(strength: float) -> Any:
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, min_df=2)
    regression = LogisticRegression(C=strength, max_iter=1000, solver="liblinear")
    return make_pipeline(make_union(words, characters), OneVsRestClassifier(regression, n_jobs=os.cpu_count()))


def _split(cells: Sequence[str]) -> list[list[str]]:
    return [list(filter(None, cell.split(SEPARATOR))) for cell in cells]


def _some(texts: Sequence[str], chosen: NDArray[np.bool_]) -> list[str]:
    return [text for text, kept in zip(texts, chosen, strict=True) if kept]
