"""The benchmark of texts without labels draws labelled rows and others, and holds a taught head to labels alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks.cells import TABLE_BEGINS, TABLE_ENDS
from benchmarks.next_rows.learning import Material
from benchmarks.self_training import run as subject
from benchmarks.self_training.teaching import answered, draw

from tunesmith.ladder.rungs.selftrain import Options

N_ROWS, N_LABELS = 900, 6


@pytest.fixture(scope="module")
def material() -> Material:
    """Six labels, each with a corner of its own that rows lie around."""
    random = np.random.default_rng(0)
    numbers = np.arange(2 * N_ROWS) % N_LABELS
    features = np.eye(N_LABELS, 24)[numbers] + 0.3 * random.normal(size=(2 * N_ROWS, 24))
    features = (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)
    labels = np.array([f"label {number}" for number in numbers])
    groups = np.arange(N_ROWS) // 2 * 2
    return Material("made up", features[:N_ROWS], labels[:N_ROWS], groups, features[N_ROWS:], labels[N_ROWS:])


def test_no_labelled_row_is_among_those_without_labels(material: Material) -> None:
    """Nor is one of its near-duplicates; so many of each label are drawn, others by another seed."""
    labelled, pool = draw(material, per_label=4, pool=300, seed=0)
    assert np.unique(material.labels[labelled], return_counts=True)[1].tolist() == [4] * N_LABELS
    assert len(set(pool.tolist())) == 300
    assert not np.isin(material.groups[pool], material.groups[labelled]).any()
    assert set(draw(material, per_label=4, pool=300, seed=1)[0]) != set(labelled)


def test_texts_without_labels_teach_what_few_labels_do_not(material: Material) -> None:
    """Where classes lie apart; and a head that nothing may teach stays one of labels alone."""
    labelled, pool = draw(material, per_label=3, pool=700, seed=0)
    found = answered(material, labelled, pool, options=Options(), seed=0)
    assert found.taught.mean() > found.alone.mean() + 0.02
    assert 200 < found.n_taken <= 700
    assert answered(material, labelled, pool[:0], options=Options(), seed=0).n_taken == 0


def test_gains_are_paired_and_laid_out(material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each size is a line of the table, between its marks, and the rest of the text stays."""
    monkeypatch.setattr(subject, "HERE", tmp_path)
    monkeypatch.setattr(subject, "SIZES", {"made_up": (3, 40)})
    monkeypatch.setattr(subject, "read_material", lambda *_, **__: material)
    monkeypatch.setattr(subject.torch, "set_num_threads", lambda _: None)
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{TABLE_BEGINS}\nold\n{TABLE_ENDS}\nafter\n", "utf-8")
    subject.main(["--draws", "2", "--threads", "1"])
    found = json.loads((tmp_path / "results" / "made_up.json").read_text("utf-8"))
    for entry, size in zip(found["sizes"], (3, 40), strict=True):
        assert entry["labelled"] == size * N_LABELS
        assert entry["gain"][0] == pytest.approx(entry["taught"][0] - entry["alone"][0], abs=1e-5)
        assert entry["gain"][0] == pytest.approx(np.mean(entry["gains"]), abs=1e-4)
        assert len(entry["taken"]) == 2
    lines = readme.read_text("utf-8").splitlines()
    assert next(line for line in lines if line.startswith("| made_up")).startswith("| made_up | 3 | ")
    assert (lines[0], lines[-1]) == ("before", "after")
    assert "old" not in lines
