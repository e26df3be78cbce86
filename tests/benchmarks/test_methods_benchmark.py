"""The comparison of methods: every method has its row, and what was measured is laid out with its costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks.cells import TABLE_BEGINS, TABLE_ENDS
from benchmarks.methods import run as subject
from benchmarks.rows import data_folder
from tests.benchmarks.test_training_choices_benchmark import cell
from tests.benchmarks.trials import long_trial

from tunesmith.config.recipe import load_recipe
from tunesmith.ladder.resolve import resolve
from tunesmith.models.methods import METHODS


def test_every_method_is_compared() -> None:
    """With options that go through the same checks as a user's."""
    for choice in subject.METHODS:
        flags = {f"rung.finetune.{key}": value for key, value in choice.changes.items()}
        assert resolve(load_recipe(None, [], flags)).recipe.rung["finetune"]["method"] == choice.changes["method"]
    assert {choice.changes["method"] for choice in subject.METHODS} == set(METHODS.names())


def of(right: list[bool], *, n_trained: int, seconds: float) -> dict[str, Any]:
    """A cell with what a method trains."""
    return {**cell(right, seconds=seconds), "trained_weights": n_trained, "layer_weights": 1000}


def test_a_method_stands_beside_full_training(tmp_path: Path) -> None:
    """Share of the weights, difference in points, and both costs as ratios."""
    cells = {
        "full/0": of([True, True, False, False], n_trained=1000, seconds=10.0),
        "lora/0": of([True, True, True, False], n_trained=16, seconds=8.0),
    }
    where = {"date": "2026-01-02", "command": "", "threads": 2, "versions": {"torch": "2"}}
    machine = {"cpu": "A processor", "cores": 2, "memory_gib": 8, "python": "3.11"}
    whole = {**where, "machine": machine, "cells": cells}
    (tmp_path / "banking77.json").write_text(json.dumps(whole), "utf-8")
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{TABLE_BEGINS}\nold\n{TABLE_ENDS}\nafter\n", "utf-8")
    table = subject.write_table(tmp_path, readme)
    text = readme.read_text("utf-8")
    assert "| `full` | 100.0 % | 50.0 % | 1.00 | 1.00 |" in text
    assert "| `lora` | 1.6 % | +25.0 (+0.0 to +75.0) | 0.80 | 0.80 |" in text
    assert "old" not in text
    assert text.startswith("before")
    assert text.endswith("after\n")
    assert json.loads((tmp_path / subject.TABLE).read_text("utf-8")) == table


@long_trial
def test_it_measures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real fit of two methods on real rows, with the memory it took above what was held."""
    if not (data_folder() / "financial_phrasebank").is_dir():
        pytest.skip("the data sets are not here")
    (tmp_path / "README.md").write_text(subject.README.read_text("utf-8"), "utf-8")
    monkeypatch.setattr(subject, "README", tmp_path / "README.md")
    trial = ["--rows", "100", "--epochs", "0.2", "--seeds", "1", "--threads", "1", "--sets", "financial_phrasebank"]
    subject.main([*trial, "--only", "lora"])
    cells = json.loads((tmp_path / "scratch" / "financial_phrasebank.json").read_text("utf-8"))["cells"]
    assert list(cells) == ["full/0", "lora/0"]
    assert cells["lora/0"]["trained_weights"] < 0.03 * cells["lora/0"]["layer_weights"]
    assert 0.0 < cells["lora/0"]["above_mib"] < 0.7 * cells["full/0"]["above_mib"]
