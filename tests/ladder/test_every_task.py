"""Every task, with texts and with pairs, climbs the whole ladder, and its model comes back as it was."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from tests.export.tiny_models import EVERY
from tests.ladder.tiny_base import _WORDS
from tests.ladder.tiny_climb import SETTINGS, Home

from tunesmith.api.exporting import export
from tunesmith.api.training import Lives, train_recipe
from tunesmith.bundle.evaluate import evaluate_bundle
from tunesmith.bundle.load import load_bundle
from tunesmith.config.recipe import load_recipe
from tunesmith.data.columns import choose_columns
from tunesmith.data.labelled import labelled
from tunesmith.data.read import read_table
from tunesmith.ladder.narrate import Silent
from tunesmith.tasks import TASKS

RUNGS = ("linear", "probe", "finetune", "refine")
CELLS = {
    "single_label": lambda words: f"label {words[0] % 3}",
    "binary": lambda words: "yes" if words[0] % 3 == 0 else "no",
    "multi_label": lambda words: ";".join(
        f"tag {word}" for word in range(3) if word in [each % 3 for each in words[:2]]
    ),
    "ordinal": lambda words: str(1 + words[0] % 4),
    "score": lambda words: f"{words[0] % 6 + 0.1 * (words[1] % 6):.2f}",
}


def write(path: Path, task: str, *, pairs: bool) -> Path:
    """Texts of random words, the first of which tell the answer; of pairs, those of the second text."""
    random = np.random.default_rng(0)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text_a", "text_b", "label"] if pairs else ["text", "label"])
        for _ in range(240):
            sides = [random.integers(len(_WORDS), size=int(random.integers(4, 12))) for _ in range(1 + pairs)]
            words = sides[-1][:2]
            rows.writerow([*(" ".join(_WORDS[word] for word in side) for side in sides), CELLS[task](words)])
    return path


@pytest.mark.parametrize(
    ("task", "pairs"), [*((task, False) for task in TASKS.names()), ("ordinal", True), ("single_label", True)]
)
def test_every_rung_is_climbed_and_what_is_kept_comes_back(home: Home, task: str, pairs: bool) -> None:
    """Figures of the last rung are no chance, training lowered its loss, and the bundle measures as it was measured."""
    data = write(home.folder / "rows.csv", task, pairs=pairs)
    settings = {
        **SETTINGS,
        "base.name": str(home.folder / "base"),
        "ladder.rungs": RUNGS,
        "run.task": task,
        "rung.finetune.learning_rate": 3e-3,
        "rung.finetune.epochs": 6.0,
        "rung.refine.epochs": 1.0,
        "data.test": str(data),
        "run.out": str(home.folder / "model"),
    }
    recipe = load_recipe(None, [], settings)
    trained = train_recipe(str(data), recipe, Lives(), narrator=Silent())
    assert [rung["name"] for rung in trained.rungs][-1] in RUNGS[2:]
    bundle = load_bundle(trained.out)
    name = bundle.facts.headline
    assert bundle.facts.test_metrics is not None
    assert bundle.facts.test_metrics[name]["value"] > {"multi_label": 0.6, "binary": 0.7}.get(task, 0.45)
    table = read_table(data)
    rows = labelled(table, choose_columns(table), may_be_uniform=True, may_be_empty=bundle.facts.learnt.reads_empty)
    found = evaluate_bundle(bundle, rows.texts, rows.labels, places=rows.places)["metrics"]
    assert found[name]["value"] == pytest.approx(bundle.facts.test_metrics[name]["value"], abs=0.01)
    scores = [rung["validation"][name]["value"] for rung in trained.rungs]
    assert all(np.isfinite(scores))
    told = bundle.facts.data
    assert told.scripts == {"Latin": 1.0}
    if task == "score":
        numbers = np.quantile([float(cell) for cell in rows.labels], (0.0, 0.25, 0.5, 0.75, 1.0))
        assert told.numbers == pytest.approx(numbers.tolist(), abs=1e-4)
        assert told.labels == {}
    else:
        assert told.labels == {
            label: 2 * sum(label in bundle.facts.learnt.labels_in(cell) for cell in rows.labels)
            for label in bundle.facts.labels
        }
        assert told.numbers is None


def test_pairs_are_read_as_one(home: Home) -> None:
    """Where that is asked for, by every rung and by the bundle; some pairs are longer than a window."""
    data = write(home.folder / "rows.csv", "binary", pairs=True)
    lines = data.read_text("utf-8").splitlines(keepends=True)
    rows = list(csv.reader(lines[1:]))
    with data.open("w", encoding="utf-8", newline="") as file:
        file.write(lines[0])
        csv.writer(file).writerows(
            [one * (1 + 20 * (row % 9 == 0)), f"{_WORDS[label == 'yes']} " * 5 + other, label]
            for row, (one, other, label) in enumerate(rows)
        )
    settings = {
        **SETTINGS,
        "base.name": str(home.folder / "base"),
        "base.pairs": "joined",
        "ladder.rungs": RUNGS[1:],
        "run.task": "binary",
        "rung.finetune.learning_rate": 3e-3,
        "rung.finetune.epochs": 6.0,
        "rung.refine.epochs": 1.0,
        "data.test": str(data),
        "run.out": str(home.folder / "model"),
    }
    trained = train_recipe(str(data), load_recipe(None, [], settings), Lives(), narrator=Silent())
    bundle = load_bundle(trained.out)
    assert bundle.facts.tokens is not None
    assert bundle.facts.tokens.pairing == "joined"
    assert bundle.facts.test_metrics is not None
    assert bundle.facts.test_metrics["accuracy"]["value"] > 0.7
    table = read_table(data)
    found = labelled(table, choose_columns(table), may_be_uniform=True)
    measured = evaluate_bundle(bundle, found.texts, found.labels, places=found.places)["metrics"]
    assert measured["accuracy"]["value"] == pytest.approx(bundle.facts.test_metrics["accuracy"]["value"], abs=0.01)
    swapped = [(other, one) for one, other in found.texts]
    assert np.abs(bundle.predictor.outputs(swapped).logits - bundle.predictor.outputs(found.texts).logits).max() > 1e-3
    assert bundle.predictor.outputs(found.texts).n_windows.max() > 1


@pytest.mark.parametrize(
    ("task", "pairs"),
    [
        ("multi_label", False),
        ("ordinal", True),
        *([("score", False), ("single_label", True), ("binary", False)] if EVERY else []),
    ],
)
def test_every_task_is_exported(home: Home, task: str, pairs: bool) -> None:
    """What a bundle says of its answers goes with them: labels, thresholds, the unit of numbers."""
    data = write(home.folder / "rows.csv", task, pairs=pairs)
    settings = {
        **SETTINGS,
        "base.name": str(home.folder / "base"),
        "ladder.rungs": ("probe",),
        "run.task": task,
        "run.out": str(home.folder / "model"),
    }
    trained = train_recipe(str(data), load_recipe(None, [], settings), Lives(), narrator=Silent())
    exported = export(trained.out, "onnx", home.folder / "exported", data=data)
    assert exported["whole"]["rows"] >= 500
    assert exported["whole"]["agreement"] == (None if task == "score" else 1.0)
    reading = json.loads((home.folder / "exported" / "reading.json").read_text("utf-8"))
    facts = load_bundle(trained.out).facts
    assert (reading["task"], reading["pairs"]) == (task, "apart" if pairs else None)
    assert tuple(reading["labels"]) == facts.labels
    assert reading["thresholds"] == (list(facts.thresholds) if facts.thresholds else None)
