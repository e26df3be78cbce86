"""The table of methods says what was measured, and where nothing was, that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks.methods.run import METHODS

from docs import methods_table as subject
from tunesmith.models.methods import METHODS as MEMBERS

every_language = pytest.mark.parametrize("language", ["en", "zh"])


def entry(name: str, n_trained: int, **sets: dict[str, Any]) -> dict[str, Any]:
    """A method of the comparison."""
    return {"name": name, "trained_weights": n_trained, "layer_weights": 1000, "sets": sets}


def figures(difference: float, low: float, high: float, *, seconds: float = 1.0) -> dict[str, Any]:
    """Of a method on a data set."""
    costs = {"seconds": seconds, "memory": seconds / 2}
    return {"accuracy": 80.0, "difference": difference, "low": low, "high": high, "seeds": 1, **costs}


@every_language
def test_without_results_the_page_says_so(language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that measures."""
    monkeypatch.setattr(subject, "TABLE", tmp_path / "table.json")
    assert "benchmarks.methods.run" in subject.methods_table(language)


@every_language
def test_every_cell_is_shown(language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shares, costs as means over the data sets, bold where zero is excluded, empty where nothing was measured."""
    path = tmp_path / "table.json"
    lora = entry("lora", 16, one=figures(-2.0, -3.0, -1.0, seconds=0.8), two=figures(0.5, -1.0, 2.0, seconds=0.6))
    methods = [
        entry("full", 1000, one=figures(0, 0, 0), two=figures(0, 0, 0)),
        lora,
        entry("x", 1, one=figures(0, 0, 0)),
    ]
    table = {"date": "2026-01-02", "machine": {"cpu": "A processor", "cores": 2}, "sets": ["one", "two"]}
    path.write_text(json.dumps({**table, "methods": methods}), "utf-8")
    monkeypatch.setattr(subject, "TABLE", path)
    lines = subject.methods_table(language).splitlines()
    assert lines[2] == "| `full` | 100.0 % | 80.0 % | 80.0 % | 1.00 | 0.50 |"
    assert lines[3].startswith("| `lora` | 1.6 % | **-2.0<br>(-3.0 ")
    assert "| +0.5<br>(-1.0 " in lines[3]
    assert lines[3].endswith("| 0.70 | 0.35 |")
    assert "|  |" in lines[4]
    assert "A processor" in lines[-1]


def test_every_method_is_told() -> None:
    """In both languages, those of the table by the names they have there."""
    for language in ("en", "zh"):
        page = (Path(subject.__file__).parent / language / "methods.md").read_text("utf-8")
        assert all(f"| `{name}` |" in page for name in MEMBERS.names())
        assert all(f"`{choice.name}`" in page for choice in METHODS)
