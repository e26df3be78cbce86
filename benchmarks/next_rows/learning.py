"""One file learnt label by label: its features made once, a probe solved anew after each batch of labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.rows import find_dataset, read_rows
from numpy.typing import NDArray

from tunesmith.data.near_duplicates import near_duplicate_groups
from tunesmith.data.places import Places
from tunesmith.data.prepare import prepare_label, prepare_text
from tunesmith.data.split import folds
from tunesmith.ladder.encoding import EncodedTexts
from tunesmith.models.base import find_base
from tunesmith.models.likelihoods import load_likelihood
from tunesmith.models.supervision import Supervision
from tunesmith.select.strategies import Shortlist, load_strategy
from tunesmith.tasks import Calibration, load_task
from tunesmith.train.solvers.quasi_newton import HeadSolution, choose_l2, solve_head

RANDOM = "random"
POOLING = "mean"

_TASK = load_task("single_label")
_N_FOLDS = 5
_COARSE = 1e-3

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Material:
    """A set with its features: rows to label, and rows to measure on."""

    name: str
    features: NDArray[np.float32]
    labels: NDArray[np.str_]
    groups: Ints
    """Near-duplicates of the rows to label."""
    test_features: NDArray[np.float32]
    test_labels: NDArray[np.str_]


@dataclass(frozen=True)
class Probe:
    """A head with its temperature, and the labels it knows."""

    head: HeadSolution
    known: tuple[str, ...]
    calibration: Calibration


def read_material(name: str, scratch: Path, *, most_rows: int) -> Material:
    """Read a set and encode its texts with the default base model; what was encoded once is found again.

    Args:
        name: Folder of the set.
        scratch: Where features are kept.
        most_rows: Rows to label at most, evenly spaced in the file.

    Returns:
        The set.
    """
    dataset = find_dataset(name)
    rows, test = read_rows(dataset.train), read_rows(dataset.test)
    n_rows = len(rows.texts)
    kept = sorted({place * n_rows // most_rows for place in range(most_rows)}) if most_rows < n_rows else range(n_rows)
    texts = [prepare_text(rows.texts[row]) for row in kept]
    everything = texts + [prepare_text(text) for text in test.texts]
    encoded = EncodedTexts(find_base(offline=True), everything, scratch / f"{name}-{len(texts)}")
    features = encoded.features(np.arange(len(everything)), (POOLING,), lambda done, total: None)[POOLING]
    return Material(
        name=name,
        features=features[: len(texts)],
        labels=np.array([prepare_label(rows.labels[row]) for row in kept]),
        groups=near_duplicate_groups(texts),
        test_features=features[len(texts) :],
        test_labels=np.array([prepare_label(label) for label in test.labels]),
    )


def solve_probe(features: NDArray[np.float32], labels: NDArray[np.str_]) -> Probe:
    """Solve a head as the rung ``probe`` does: penalty by held-out rows, temperature by rows out of fold.

    Args:
        features: Of the labelled rows, ``[B, H]``.
        labels: Theirs, ``[B]``.

    Returns:
        The head fitted on all rows.
    """
    cells = labels.tolist()
    coding = _TASK.coding(cells, places=Places.of("labelled", range(1, len(cells) + 1)))
    targets = _TASK.read_targets(cells, coding, places=Places.of("labelled", range(1, len(cells) + 1)))
    wanted = Supervision(load_likelihood(_TASK.likelihood), len(coding.labels), targets)
    fold_of = folds(cells, np.arange(len(cells)), n_folds=_N_FOLDS, seed=0)
    l2, _ = choose_l2(features, wanted, train=np.flatnonzero(fold_of != 0), validation=np.flatnonzero(fold_of == 0))
    logits, seen = np.empty((len(cells), len(coding.labels)), dtype=np.float32), np.empty(len(cells), dtype=np.bool_)
    for fold in range(_N_FOLDS):
        held = fold_of == fold
        head = solve_head(features[~held], wanted[~held], l2=l2, tolerance=_COARSE)
        logits[held] = head.logits(features[held])
        seen[held] = np.isin(targets[held], targets[~held])
    calibration = _TASK.calibrate(logits[seen], targets[seen])
    return Probe(solve_head(features, wanted, l2=l2), coding.labels, calibration)


def first_labels(material: Material, n: int, *, seed: int) -> Ints:
    """Draw the rows that are labelled from the start.

    Args:
        material: The set.
        n: Rows, drawn at random; rare labels may be missing, as in life.
        seed: Of the draw.

    Returns:
        Row numbers.
    """
    return np.random.default_rng(seed).permutation(len(material.labels))[:n]


def learning_curve(
    material: Material, strategy: str, first: Ints, *, n_rounds: int, batch: int, seed: int
) -> list[float]:
    """Label in rounds by a strategy and measure after each.

    Args:
        material: The set.
        strategy: Its name, or ``random``.
        first: Rows that are labelled from the start.
        n_rounds: Batches of labels.
        batch: Rows of each.
        seed: Of what the strategy draws.

    Returns:
        Accuracy on the test rows before the first round and after each.
    """
    labelled, curve = first, []
    for number in range(n_rounds + 1):
        probe = solve_probe(material.features[labelled], material.labels[labelled])
        answers = np.array(probe.known)[probe.head.logits(material.test_features).argmax(axis=1)]
        curve.append(round(float((answers == material.test_labels).mean()), 4))
        if number < n_rounds:
            chosen = _chosen(material, probe, labelled, strategy=strategy, n=batch, seed=1000 * seed + number)
            labelled = np.concatenate([labelled, chosen])
    return curve


def _chosen(material: Material, probe: Probe, labelled: Ints, *, strategy: str, n: int, seed: int) -> Ints:
    """Choose rows to label as ``tunesmith next`` does, on features that are there."""
    _, firsts = np.unique(material.groups, return_index=True)
    rows = np.sort(firsts[~np.isin(material.groups[firsts], material.groups[labelled])])
    if strategy == RANDOM:
        return np.random.default_rng(seed).choice(rows, n, replace=False)
    chooser = load_strategy(strategy)
    margins = _TASK.margins(probe.head.logits(material.features[rows]), probe.calibration)
    listed = chooser.shortlist(len(rows), margins if chooser.by_margins else None, n, seed=seed)
    shortlist = Shortlist(
        margins=margins[listed] if margins is not None else None,
        features=material.features[rows[listed]],
        labelled=material.features[labelled] if chooser.by_labelled else None,
    )
    return rows[listed[chooser.choose(shortlist, n, seed=seed)]]
