"""One draw of few labels: a head from them alone, and one that the other texts have taught as well."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from benchmarks.next_rows.learning import Material
from numpy.typing import NDArray

from tunesmith.data.split import folds
from tunesmith.ladder.rungs.selftrain import Lesson, Options
from tunesmith.models.likelihoods import load_likelihood
from tunesmith.models.supervision import Supervision
from tunesmith.train.solvers.quasi_newton import HeadSolution, choose_l2_out_of_fold, solve_head

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Answered:
    """Which test rows both heads answer right, and what the second was taught by."""

    alone: Bools
    """By the labelled rows alone, ``[rows]``."""
    taught: Bools
    """By texts without labels as well, ``[rows]``."""
    n_taken: int
    """Texts whose answer was taken for their label."""


def draw(material: Material, *, per_label: int, pool: int, seed: int) -> tuple[Ints, Ints]:
    """Draw rows that are labelled, and rows whose texts alone are known.

    Args:
        material: The set.
        per_label: Rows of each label; all of them where there are fewer.
        pool: Rows without labels at most.
        seed: Of the draw.

    Returns:
        Row numbers of both; no row is in both, nor one that is nearly a labelled one.
    """
    random = np.random.default_rng(seed)
    of_label = [np.flatnonzero(material.labels == label) for label in np.unique(material.labels)]
    labelled = np.concatenate([random.permutation(rows)[:per_label] for rows in of_label])
    others = np.flatnonzero(~np.isin(material.groups, material.groups[labelled]))
    return labelled, random.permutation(others)[:pool]


def answered(material: Material, labelled: Ints, pool: Ints, *, options: Options, seed: int) -> Answered:
    """Solve a head as the rung ``probe`` does where rows are few, and teach one as ``selftrain`` does.

    Args:
        material: The set.
        labelled: Rows whose labels are known.
        pool: Rows whose texts are known.
        options: Of the rung.
        seed: Of the folds.

    Returns:
        What they answer of the test rows.
    """
    labels = np.unique(material.labels[labelled])
    targets = np.searchsorted(labels, material.labels[labelled]).astype(np.int64)
    wanted = Supervision(load_likelihood("softmax"), len(labels), targets)
    features = material.features[labelled]
    fold_of = folds(targets.tolist(), material.groups[labelled], n_folds=options.n_folds, seed=seed)
    l2, _ = choose_l2_out_of_fold(features, wanted, fold_of=fold_of)
    lesson = Lesson(
        features, wanted, material.features[pool], l2=l2, confidence=options.confidence, weight=options.weight
    )
    rows = np.arange(len(labelled))
    taught = lesson.taught(rows, fold_of, l2=lesson.choose_l2(rows, fold_of))
    alone = solve_head(features, wanted, l2=l2)
    return Answered(_right(material, labels, alone), _right(material, labels, taught.head), taught.n_taken)


def _right(material: Material, labels: NDArray[np.str_], head: HeadSolution) -> Bools:
    """Which test rows a head answers right."""
    found: Bools = labels[head.logits(material.test_features).argmax(axis=1)] == material.test_labels
    return found
