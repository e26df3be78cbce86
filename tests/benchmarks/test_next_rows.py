"""The benchmark of rows to label next labels a set in rounds, each strategy beside random order from the same start."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from benchmarks.next_rows import run as subject
from benchmarks.next_rows.learning import Material, first_labels, learning_curve, read_material, solve_probe

N_ROWS, N_LABELS = 1200, 12


@pytest.fixture(scope="module")
def material() -> Material:
    """Twelve labels, one row in a thousand of the rarest and every second of the commonest, each with its own words."""
    random = np.random.default_rng(0)
    shares = 0.5 ** np.arange(1, N_LABELS + 1)
    numbers = random.choice(N_LABELS, 2 * N_ROWS, p=shares / shares.sum())
    features = np.eye(N_LABELS)[numbers] + 0.15 * random.normal(size=(2 * N_ROWS, N_LABELS))
    features = (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)
    labels = np.array([f"label {number:02}" for number in numbers])
    groups = np.arange(N_ROWS)
    return Material("made up", features[:N_ROWS], labels[:N_ROWS], groups, features[N_ROWS:], labels[N_ROWS:])


def test_a_curve_begins_with_the_first_labels_and_rises(material: Material) -> None:
    """No row is labelled twice, and all rows in the end give what all rows are worth."""
    first = first_labels(material, 100, seed=1)
    assert len(set(first.tolist())) == 100
    curve = learning_curve(material, "random", first, n_rounds=11, batch=100, seed=1)
    probe = solve_probe(material.features, material.labels)
    answers = np.array(probe.known)[probe.head.logits(material.test_features).argmax(axis=1)]
    assert curve[-1] == pytest.approx((answers == material.test_labels).mean(), abs=5e-3)  # other folds
    assert curve[0] < curve[-1]


def test_every_strategy_is_held_against_random_order(material: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the same start; rare labels are found sooner by each than by chance, and the interval says so."""
    monkeypatch.setattr(subject, "N_FIRST", 40)
    found = subject.compared(material, n_seeds=4, n_rounds=3, batch=20)
    assert found["labels"] == [40, 60, 80, 100]
    assert list(found["gains"]) == ["both", "diversity", "uncertainty"]
    for name, gain in found["gains"].items():
        curves = np.array([found["curves"][each] for each in (name, "random")])
        assert (curves[0, :, 0] == curves[1, :, 0]).all()
        gained = (curves[0] - curves[1])[:, 1:]
        assert gain["area"]["value"] == pytest.approx(gained.mean(), abs=1e-4)
        half = 3.182 * gained.mean(axis=1).std(ddof=1) / 2  # Student's factor at three degrees of freedom
        assert gain["area"]["high"] - gain["area"]["value"] == pytest.approx(half, abs=2e-4)
        assert [each["value"] for each in gain["rounds"]] == pytest.approx(gained.mean(axis=0).tolist(), abs=1e-4)
        assert gain["area"]["value"] > 0


def test_near_duplicates_of_labelled_rows_are_not_labelled(material: Material) -> None:
    """Where all rows are of a few groups, no more rows than groups can be labelled."""
    few = Material(**{**vars(material), "groups": np.arange(N_ROWS) // 4 * 4})
    first = first_labels(few, 40, seed=0)
    with pytest.raises(ValueError, match="larger sample"):
        learning_curve(few, "random", first, n_rounds=1, batch=299, seed=0)


def test_a_set_is_read_and_encoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evenly spaced rows of the train file, all of the test file, each with a vector of length 1."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    for name in ("train", "test"):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["text", "label"])
            rows.writerows((f"parcel {row} is {word}", word) for word in ("late", "lost") for row in range(20))
    monkeypatch.setenv("TUNESMITH_DATA", str(tmp_path))
    found = read_material("tiny", tmp_path / "scratch", most_rows=10)
    assert found.labels.tolist() == ["late"] * 5 + ["lost"] * 5
    assert found.features.shape == (10, 384)
    assert found.test_features.shape == (40, 384)
    np.testing.assert_allclose(np.linalg.norm(found.features, axis=1), 1.0, rtol=1e-5)
    assert len(set(found.groups.tolist())) <= 10
