"""The benchmark of memory: what is compared is above the loaded model, and the claim is held to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks.cells import TABLE_BEGINS, TABLE_ENDS
from benchmarks.rows import data_folder
from benchmarks.train_memory import run as subject
from tests.benchmarks.trials import long_trial

from tunesmith.config.recipe import load_recipe
from tunesmith.ladder.resolve import resolve


def test_every_method_is_asked_for_as_a_user_would() -> None:
    """Its settings pass the same checks."""
    for changes in subject.OURS.values():
        settings = subject.flat("rung.finetune", {"epochs": 0.3, "batch_tokens": 1024, **changes})
        options = resolve(load_recipe(None, [f"{key}={value}" for key, value in settings.items()], {})).recipe.rung
        assert options["finetune"]["method"] == changes["method"]
        assert options["finetune"]["batch_tokens"] == 1024


def wholes(ours: float) -> dict[str, dict[str, Any]]:
    """Results of one data set; the Trainer holds 900 MiB."""
    machine = {"cpu": "Example 1", "cores": 1, "memory_gib": 8.0, "system": "Linux", "python": "3.11"}
    cells = {
        "1024/full": {"peak_mib": 400.0 + ours, "loaded_mib": 400.0, "above_mib": ours},
        "1024/Trainer": {"peak_mib": 1400.0, "loaded_mib": 500.0, "above_mib": 900.0, "batch_size": 63},
        "512/full": {"peak_mib": 600.0, "loaded_mib": 400.0, "above_mib": 200.0},
    }
    return {"banking77": {"machine": machine, "cells": cells}}


@pytest.mark.parametrize(
    ("ours", "verdict"), [(300.0, "0.33 of what the Trainer does; wanted 0.33: met"), (301.0, "not met")]
)
def test_the_claim_is_held_to_what_was_measured(ours: float, verdict: str) -> None:
    """At as many tokens a step; where the Trainer was not measured, nothing is said."""
    (told,) = subject.verdicts(wholes(ours))
    assert verdict in told
    lines = subject.markdown(wholes(300.0)).splitlines()
    assert lines[2] == "| banking77 | 512 | `full` | 600 | 400 | 200 |  |"
    assert lines[3] == "| banking77 | 1,024 | Trainer, 63 rows | 1,400 | 500 | 900 | 1.00 |"
    assert lines[4].endswith("| `full` | 700 | 400 | 300 | 0.33 |")


@long_trial
def test_it_measures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both contenders, trained for real on a few rows."""
    if not (data_folder() / "banking77").is_dir():
        pytest.skip("the data sets are not here")
    (tmp_path / "README.md").write_text(f"before\n{TABLE_BEGINS}\n{TABLE_ENDS}\nafter\n", "utf-8")
    monkeypatch.setattr(subject, "README", tmp_path / "README.md")
    asked = ["--sets", "banking77", "--only", "Trainer", "lora", "--threads", "1", "--limit", "150"]
    subject.main([*asked, "--batch-tokens", "512"])
    cells = json.loads((tmp_path / "scratch" / "banking77.json").read_text("utf-8"))["cells"]
    assert list(cells) == ["512/Trainer", "512/lora"]
    assert 25 <= cells["512/Trainer"]["batch_size"] <= 40
    for cell in cells.values():
        assert 50.0 < cell["above_mib"] == pytest.approx(cell["peak_mib"] - cell["loaded_mib"], abs=0.1)
    assert str(tmp_path) not in json.dumps(cells)
