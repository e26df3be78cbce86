"""Metrics of several labels, of yes or no and of levels are scikit-learn's; their gains are proven only where real."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from tunesmith.errors import ShapeError
from tunesmith.evaluate.binary_metrics import binary_figure, binary_gain, binary_metrics, needed_threshold
from tunesmith.evaluate.multi_label_metrics import multi_label_figure, multi_label_gain, multi_label_metrics
from tunesmith.evaluate.ordinal_metrics import ordinal_figure, ordinal_gain, ordinal_metrics

LABELS = ["a", "b", "c", "d"]


def several(n_rows: int = 300, *, skill: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels of rows, and probabilities that tell them more or less, with ties."""
    generator = np.random.default_rng(0)
    targets = (generator.random((n_rows, 4)) < [0.4, 0.3, 0.2, 0.05]).astype(np.uint8)
    noise = np.random.default_rng(seed).normal(size=targets.shape)
    return targets, (1 / (1 + np.exp(-(skill * (2.0 * targets - 1) + noise)))).round(2)


def test_several_labels_are_measured_as_scikit_learn_does() -> None:
    """Rows with no labels and with all of them, and equal probabilities, among them."""
    targets, probabilities = several()
    targets[0], targets[1] = 0, 1
    decisions = probabilities >= 0.5
    found = multi_label_metrics(targets, probabilities, decisions, labels=LABELS, seed=0, draws=50)
    expected = {
        "micro_f1": reference.f1_score(targets, decisions, average="micro"),
        "macro_f1": reference.f1_score(targets, decisions, average="macro"),
        "subset_accuracy": reference.accuracy_score(targets, decisions),
        "lrap": reference.label_ranking_average_precision_score(targets, probabilities),
        "hamming_loss": reference.hamming_loss(targets, decisions),
    }
    for name, value in expected.items():
        assert found[name]["value"] == pytest.approx(value, rel=1e-6), name
        assert found[name]["low"] < value < found[name]["high"]
    for name in ("micro_f1", "macro_f1", "subset_accuracy"):
        assert multi_label_figure(name, targets, decisions) == pytest.approx(expected[name])
    recalls = reference.recall_score(targets, decisions, average=None)
    assert [found["per_class"][label]["recall"] for label in LABELS] == pytest.approx(recalls.tolist())
    with pytest.raises(ShapeError, match=r"\[B, 4\]"):
        multi_label_metrics(targets, probabilities[:, :3], decisions, labels=LABELS, seed=0)


@pytest.mark.parametrize("name", ["micro_f1", "macro_f1", "subset_accuracy"])
def test_a_gain_of_several_labels(name: str) -> None:
    """A better model is proven better; two of one skill are not, but for one in twenty."""
    targets, good = several(skill=1.5, seed=1)
    _, bad = several(skill=0.7, seed=2)
    found = multi_label_gain(name, targets, before=bad > 0.5, after=good > 0.5, level=0.9, seed=0)
    assert found.interval.low > 0.0
    assert found.p_value < 0.01
    p_values = []
    for seed in range(20):
        decided = [several(seed=100 + 2 * seed + which)[1] > 0.5 for which in (0, 1)]
        p_values.append(multi_label_gain(name, targets, before=decided[0], after=decided[1], level=0.9, seed=0).p_value)
    assert sum(p_value < 0.05 for p_value in p_values) <= 4
    assert np.mean(p_values) > 0.25


def yes_or_no(n_rows: int = 300, *, skill: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Positive rows, and scores that tell them more or less, with ties."""
    targets = (np.random.default_rng(0).random(n_rows) < 0.2).astype(np.int64)
    return targets, (skill * targets + np.random.default_rng(seed).normal(size=n_rows)).round(1)


def test_yes_or_no_is_measured_as_scikit_learn_does() -> None:
    """The order of the rows by their scores, and the decisions as they are."""
    targets, scores = yes_or_no()
    shares = 1 / (1 + np.exp(-scores))
    probabilities, decisions = np.stack([1 - shares, shares], axis=1), scores > 0.7
    found = binary_metrics(
        targets,
        (scores, decisions),
        probabilities=probabilities,
        uncalibrated=probabilities,
        labels=["no", "yes"],
        seed=0,
        draws=50,
    )
    expected = {
        "roc_auc": reference.roc_auc_score(targets, scores),
        "pr_auc": reference.average_precision_score(targets, scores),
        "f1": reference.f1_score(targets, decisions),
        "precision": reference.precision_score(targets, decisions),
        "recall": reference.recall_score(targets, decisions),
        "accuracy": reference.accuracy_score(targets, decisions),
        "mcc": reference.matthews_corrcoef(targets, decisions),
        "log_loss": reference.log_loss(targets, probabilities),
    }
    for name, value in expected.items():
        assert found[name]["value"] == pytest.approx(value), name
        assert found[name]["low"] < value < found[name]["high"]
    for name in ("roc_auc", "pr_auc", "f1", "accuracy"):
        assert binary_figure(name, targets, (scores, decisions)) == pytest.approx(expected[name])
    assert found["confusion"]["counts"] == reference.confusion_matrix(targets, decisions).tolist()


@pytest.mark.parametrize("name", ["accuracy", "f1", "roc_auc", "pr_auc"])
def test_a_gain_of_yes_or_no(name: str) -> None:
    """A better model is proven better, the same is not."""
    targets, good = yes_or_no(skill=3.0, seed=1)
    _, bad = yes_or_no(skill=0.5, seed=2)
    found = binary_gain(name, targets, before=(bad, bad > 0.7), after=(good, good > 1.5), level=0.9, seed=0)
    assert found.interval.low > 0.0
    assert found.p_value < 0.01
    same = binary_gain(name, targets, before=(bad, bad > 0.7), after=(bad, bad > 0.7), level=0.9, seed=0)
    assert (same.interval.value, same.p_value) == (0.0, 1.0)


def test_the_threshold_that_is_needed_is_found() -> None:
    """Precision: no lower one reaches it. Recall: no higher one does."""
    targets, scores = yes_or_no(skill=2.0)
    probabilities = 1 / (1 + np.exp(-scores))
    tried = np.unique(probabilities)
    by_precision = needed_threshold(targets, probabilities, precision=0.8, recall=None)
    reached = {each: reference.precision_score(targets, probabilities >= each) for each in tried}
    assert reference.precision_score(targets, probabilities >= by_precision) >= 0.8
    assert all(reached[each] < 0.8 for each in tried if each < by_precision)
    by_recall = needed_threshold(targets, probabilities, precision=None, recall=0.9)
    assert reference.recall_score(targets, probabilities >= by_recall) >= 0.9
    above = min(each for each in tried if each > by_recall)
    above = (
        min(each for each in tried if each > above)
        if (probabilities >= above).sum() == (probabilities >= by_recall).sum()
        else above
    )
    assert reference.recall_score(targets, probabilities >= above) < 0.9
    hopeless = needed_threshold(targets, np.linspace(0.9, 0.1, len(targets)), precision=1.0, recall=None)
    assert 0.0 <= hopeless <= 1.0


def test_levels_are_measured_as_scikit_learn_does() -> None:
    """Kappa with squared weights among them."""
    generator = np.random.default_rng(0)
    targets = generator.integers(5, size=300)
    expected_levels = np.clip(targets + generator.normal(size=300), 0, 4)
    answered = expected_levels.round().astype(np.int64)
    found = ordinal_metrics(targets, (expected_levels, answered), labels=list("12345"), seed=0, draws=50)
    expected = {
        "kappa": reference.cohen_kappa_score(targets, answered, weights="quadratic"),
        "mae": reference.mean_absolute_error(targets, answered),
        "accuracy": reference.accuracy_score(targets, answered),
        "within_one": (np.abs(targets - answered) <= 1).mean(),
    }
    for name, value in expected.items():
        assert found[name]["value"] == pytest.approx(value), name
    assert ordinal_figure("kappa", targets, (expected_levels, answered)) == pytest.approx(expected["kappa"])
    better = targets.astype(float), targets
    for name in ("spearman", "kappa", "accuracy"):
        gain = ordinal_gain(name, targets, before=(expected_levels, answered), after=better, level=0.9, seed=0)
        assert gain.interval.low > 0.0
        assert gain.p_value < 0.01
